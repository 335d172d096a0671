"""``run.json``: what was run, on what, and how it ended. Written as ``running`` before the first scenario.

Everything in it is a fact that was looked up or observed. A secret is told by presence only.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from harness.evidence.documents import of_schema, pretty
from harness.evidence.git_facts import GitFacts
from harness.evidence.layout import LADDERS
from harness.evidence.records import from_document, to_document
from harness.evidence.trial_records import TrialRecord
from harness.judging.trials import Aggregation
from harness.judging.verdict import Verdict
from harness.language.model import Ladder, Mode

SCHEMA: Final = "ladder.run/1"


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class Presence(StrEnum):
    """All that is ever told about a secret."""

    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class LadderRecord:
    """One ladder that was run.

    Attributes:
        digest: SHA-256 of the file's bytes; ``execution_digest`` and ``judging_digest`` of its two halves.
        scenarios: Scenario id → SHA-256 of its part.
        snapshot: Where the file lies in the bundle, as it was climbed.
        variables: Its top-level variables, environment and overrides filled in.
        scenario_variables: Scenario id → its own variables, likewise.
    """

    name: str
    file: str
    mode: Mode
    digest: str
    execution_digest: str
    judging_digest: str
    scenarios: Mapping[str, str] = field(default_factory=dict)
    snapshot: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    scenario_variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, ladder: Ladder, scenarios: Mapping[str, str]) -> "LadderRecord":
        """Take over what a ladder says about itself."""
        digests = (ladder.digest, ladder.execution_digest, ladder.judging_digest)
        snapshot = f"{LADDERS}/{ladder.file.rpartition('/')[2]}"
        own = {each.id: each.variables for each in ladder.scenarios if each.variables}
        return cls(ladder.name, ladder.file, ladder.mode, *digests, scenarios, snapshot, ladder.variables, own)


@dataclass(frozen=True, slots=True)
class Images:
    """Image ids as inspected (``sha256:…``), never tags; ``None`` when the engine could not be asked."""

    worker: str | None = None
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """The container engine that answered."""

    version: str | None = None
    api_version: str | None = None


@dataclass(frozen=True, slots=True)
class Redaction:
    """Which redactor passed what is stored, and how many forms it searched for."""

    version: str
    needles: int


@dataclass(frozen=True, slots=True)
class ScenarioRecord:
    """How one scenario ended.

    Attributes:
        folder: Where its artifacts lie, such as ``live/L01``.
        result_status: ``success`` or ``error`` as the worker's result says, else ``n/a``.
        reason: One line; for BLOCKED the gate's arithmetic.
        missed: One line for each check that did not hold.
        limits: One line for each check of severity ``limitation`` that did not hold.
        files: Names of its artifacts, in its folder.
        started_at: ``None`` when it was blocked.
        job_types: Of the jobs that the backend told in its trace, each once, sorted.
    """

    id: str
    title: str
    folder: str
    verdict: Verdict
    result_status: str = "n/a"
    reason: str = ""
    missed: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    trace_id: str = ""
    started_at: str | None = None
    duration_s: float = 0.0
    job_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TriggerRecord:
    """What has set a run off, as its surroundings told (trace model §8.3)."""

    source: str = "unknown"
    issue_key: str | None = None
    issue_status: str | None = None


@dataclass(frozen=True, slots=True)
class ClimbRecord:
    """One climb that was begun, the rollback's and each trial's too.

    Attributes:
        part: Folder of its scenarios, such as ``mocked/RERUN`` or ``trials/002/live``.
        ladder: Name of the ladder.
        trace_id: Of its own trace.
        status: As its pipeline ended, such as ``PARTIAL``.
        finished_at: ``None`` when its end was never seen.
    """

    part: str
    ladder: str
    trace_id: str
    status: str
    started_at: str
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The whole run.

    Attributes:
        verdict: The fold of the scenarios; ``None`` while it runs.
        settings: What was asked for, overrides included; no secret values.
        config_digest: SHA-256 of the settings that the stack was started with.
        secrets: Name → presence.
        recorded: ``full``, or ``metadata_only``.
        rerun_of: The run whose captures were reused.
        duration_s: By a monotonic clock.
        trials: How many were asked for; ``trial_records`` are those that were begun.
        aggregation: What several trials add up to; ``None`` of a single one, and while they run.
        climbs: Those that were begun in this run, told at its end.
    """

    run_id: str
    folder: str
    status: RunStatus
    started_at: str
    harness_version: str
    base_url: str
    ladders: tuple[LadderRecord, ...]
    git: GitFacts
    redaction: Redaction
    verdict: Verdict | None = None
    exit_code: int | None = None
    finished_at: str | None = None
    duration_s: float = 0.0
    scenarios: tuple[ScenarioRecord, ...] = ()
    images: Images = field(default_factory=Images)
    engine: Engine = field(default_factory=Engine)
    secrets: Mapping[str, Presence] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    config_digest: str = ""
    recorded: str = "full"
    trials: int = 1
    trial_records: tuple[TrialRecord, ...] = ()
    aggregation: Aggregation | None = None
    rerun_of: str | None = None
    trigger: TriggerRecord = field(default_factory=TriggerRecord)
    climbs: tuple[ClimbRecord, ...] = ()


def encode_run(record: RunRecord) -> str:
    """Spell ``run.json``."""
    return pretty({"schema": SCHEMA} | to_document(record))


def decode_run(text: str) -> RunRecord:
    """Read ``run.json``.

    Raises:
        DamagedRecordError: It is not JSON, of another schema, or not whole.
    """
    return from_document(RunRecord, of_schema(text, SCHEMA))
