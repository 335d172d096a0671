"""The records of ``events.jsonl``: what happened, in the order in which it happened, one JSON object a line.

Together they hold every request and attempt and all that checks looked at, so that a run can be judged again.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.judging.observation import FileChanges, Judgement, ProgramRun, Witness
from harness.judging.results import CheckResult
from harness.judging.verdict import Verdict


@dataclass(frozen=True, slots=True)
class RunStarted:
    """First line of a log."""

    run_id: str
    ladder: str
    mode: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Last line of a log; without it the run was killed."""

    status: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class ClimbStarted:
    """A part of the run begins: the climb of a ladder, or the proof of the rollback.

    Attributes:
        part: Folder of its scenarios, such as ``live`` or ``mocked/RERUN``.
        scenarios: Ids of all that are planned, in order.
        trace_id: Of the climb itself (dashed); each scenario has a trace of its own, linked to this one.
        span_id: Root of that trace.
        source: What set the run off: ``manual``, ``ci``, ``scheduled``, ``jira_webhook``, ``api`` or ``unknown``.
        issue_key: Of whatever asked for the run; ``None`` where nothing did.
    """

    part: str
    ladder: str
    mode: str
    scenarios: tuple[str, ...]
    trace_id: str
    span_id: str
    source: str
    issue_key: str | None = None
    issue_status: str | None = None


@dataclass(frozen=True, slots=True)
class ClimbEnded:
    """A part of the run has ended; without it the run was killed in mid-climb."""

    part: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ScenarioStarted:
    """A scenario begins.

    Attributes:
        folder: Holds its artifacts.
        trace_id: Of the scenario, dashed.
        span_id: Root of that trace.
        step_span_id: The scenario as a step of the climb, in the climb's trace.
    """

    scenario: str
    title: str
    folder: str
    trace_id: str = ""
    span_id: str = ""
    step_span_id: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioEnded:
    """A scenario ended, or was blocked and never began. ``result_status`` is the worker's word, or ``n/a``."""

    scenario: str
    verdict: Verdict
    result_status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins.

    Attributes:
        action: ``request``, ``poll``, ``copy`` or ``worker_logs``.
        place: Its line in the ladder.
        span_id: Its span in the scenario's trace.
        is_teardown: It comes after the verdict: collecting on a failure, or cleaning up.
    """

    scenario: str
    step: str
    action: str
    place: str = ""
    span_id: str = ""
    is_teardown: bool = False


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended."""

    scenario: str
    step: str
    verdict: Verdict
    duration_s: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """A step was not carried out."""

    scenario: str
    step: str
    why: str


@dataclass(frozen=True, slots=True)
class ExchangeMade:
    """One request and its answer.

    Attributes:
        span_id: Parent of the backend's span of the request; of a poll that of the attempt that this answer is of.
        began_t: When it was sent, on the clock of ``t``.
    """

    scenario: str
    step: str
    purpose: Purpose
    sent: Sent
    answer: Answer
    span_id: str = ""
    began_t: float = 0.0


@dataclass(frozen=True, slots=True)
class PollAttempted:
    """One attempt of a poll; ``t`` of the line says when it was over.

    Attributes:
        sha256: Of the redacted body.
        span_id: Parent of the backend's span of the request.
        began_t: When it was sent, on the clock of ``t``.
        duration_s: From connecting to the last byte.
        error: Class of the transport's failure; empty when an answer came.
    """

    scenario: str
    step: str
    attempt: int
    status: int | None
    bytes: int
    sha256: str
    why_not_ready: str
    next_wait_s: float | None = None
    span_id: str = ""
    began_t: float = 0.0
    duration_s: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class StepObserved:
    """What the checks of a step looked at.

    Attributes:
        exchange: ``seq`` of the exchange among the earlier lines.
        doc_json: The unwrapped document as JSON text, where it is not the body.
    """

    scenario: str
    step: str
    exchange: int
    doc_json: str | None = None
    files: Mapping[str, FileChanges] = field(default_factory=dict)
    witness: Witness = field(default_factory=lambda: Witness(available=False))
    secret_hits: int = 0
    schemas: Mapping[str, Any] = field(default_factory=dict)
    programs: Mapping[str, ProgramRun] = field(default_factory=dict)
    judgements: Mapping[str, Judgement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckJudged:
    """One check and how it ended."""

    scenario: str
    step: str
    result: CheckResult


@dataclass(frozen=True, slots=True)
class Captured:
    """A value was captured for later steps."""

    scenario: str
    step: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class ArtifactSaved:
    """An artifact was written; ``derived_from`` names the scenario that it was copied from."""

    scenario: str
    step: str
    path: str
    derived_from: str = ""


@dataclass(frozen=True, slots=True)
class TraceKept:
    """The trace of a scenario was written; what the backend told of it stands nowhere else.

    Attributes:
        trace_id: Dashed.
        sha256: Of ``traces/<trace_id>.json``, and ``bytes`` its size.
    """

    scenario: str
    trace_id: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ContainersSeen:
    """What the witness saw outside a step, such as during the rollback."""

    scenario: str
    witness: Witness


@dataclass(frozen=True, slots=True)
class EngineTold:
    """An event of the engine about a container with our labels; ``time_ns`` is the engine's own clock."""

    scenario: str
    time_ns: int
    container: str
    action: str
    labels: Mapping[str, str]
    image: str = ""
    name: str = ""
    exit_code: int | None = None


Event = (
    RunStarted
    | RunEnded
    | ClimbStarted
    | ClimbEnded
    | ScenarioStarted
    | ScenarioEnded
    | StepStarted
    | StepEnded
    | StepSkipped
    | ExchangeMade
    | PollAttempted
    | StepObserved
    | CheckJudged
    | Captured
    | ArtifactSaved
    | TraceKept
    | ContainersSeen
    | EngineTold
)
