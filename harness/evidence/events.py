"""The records of ``events.jsonl``: what happened, in the order in which it happened, one JSON object a line.

Together they hold every request and attempt and all that checks looked at, so that a run can be judged again.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.judging.observation import FileChanges, ProgramRun, Witness
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
class ScenarioStarted:
    """A scenario begins; ``folder`` holds its artifacts."""

    scenario: str
    title: str
    folder: str
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class ScenarioEnded:
    """A scenario ended, or was blocked and never began. ``result_status`` is the worker's word, or ``n/a``."""

    scenario: str
    verdict: Verdict
    result_status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins; ``action`` is ``request``, ``poll``, ``copy`` or ``worker_logs``, ``place`` its line."""

    scenario: str
    step: str
    action: str
    place: str = ""


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
    """One request and its answer."""

    scenario: str
    step: str
    purpose: Purpose
    sent: Sent
    answer: Answer


@dataclass(frozen=True, slots=True)
class PollAttempted:
    """One attempt of a poll; ``t`` of the line says when. ``sha256`` is that of the redacted body."""

    scenario: str
    step: str
    attempt: int
    status: int | None
    bytes: int
    sha256: str
    why_not_ready: str
    next_wait_s: float | None = None


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
    | ContainersSeen
    | EngineTold
)
