"""What was seen: the values that checks judge, as they are stored and read back.

The shell fills these in and decides nothing; checks read them and touch nothing else. All texts are redacted already,
so what is judged, what is stored and what is judged again later are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    Attributes:
        status: HTTP status, or ``None`` when no answer came; then ``error`` says why.
        headers: Names in lower case.
        body: The parsed JSON body, else ``None``.
        text: The body as text.
        duration_s: From connecting to the last byte.
        bytes: Size of the body as received.
        sha256: Digest of the redacted text; what was no UTF-8 and what was redacted has no part in it.
        error: Class of the transport's failure, such as ``ConnectError``; empty when a whole answer came.
        marked: How often ``[REDACTED]`` stood in the body as it came: the subject itself had taken a secret out.
        undecoded: Bytes of the body that are no UTF-8 and stand as U+FFFD in the text. Such a body is no JSON, whatever
            is left of it.
    """

    status: int | None
    headers: Mapping[str, str]
    body: Any
    text: str
    duration_s: float
    bytes: int = 0
    sha256: str = ""
    error: str = ""
    marked: int = 0
    undecoded: int = 0

    @property
    def answered(self) -> bool:
        """Whether the service said anything; a request without an answer is an ERROR, never a FAIL."""
        return self.status is not None


@dataclass(frozen=True, slots=True)
class FileChanges:
    """Content hashes of a project's files, by listing and reading through the file API.

    Attributes:
        before: Path → SHA-256 before the step named in ``since``.
        after: Path → SHA-256 when the check was made.
        doubt: Why a file may be missing on either side; empty when all were read. Nothing is decided in doubt.
    """

    since: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    doubt: str = ""

    @property
    def created(self) -> tuple[str, ...]:
        """Paths that are new."""
        return tuple(sorted(self.after.keys() - self.before.keys()))

    @property
    def deleted(self) -> tuple[str, ...]:
        """Paths that are gone."""
        return tuple(sorted(self.before.keys() - self.after.keys()))

    @property
    def modified(self) -> tuple[str, ...]:
        """Paths with other content."""
        return tuple(sorted(p for p in self.before.keys() & self.after.keys() if self.before[p] != self.after[p]))


@dataclass(frozen=True, slots=True)
class ContainerFact:
    """One container as the witness saw it: engine events and one inspect, never the backend's word.

    Attributes:
        labels: Only those whose name starts with ``ladder.``.
        image: Image id, ``sha256:…``; ``None`` when the container was gone before it could be inspected.
        started_at: Seconds since the epoch, from the engine's events; ``None`` when it was never started.
        ended_at: Likewise, of ``die``.
    """

    id: str
    labels: Mapping[str, str]
    image: str | None
    running: bool
    exit_code: int | None
    oom_killed: bool
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """What the witness saw of the whole engine, for this project's labels.

    Attributes:
        available: False when the engine cannot be reached; then container checks are inconclusive.
        gap: Why something may have been missed; empty when nothing was.
    """

    available: bool
    containers: tuple[ContainerFact, ...] = ()
    gap: str = ""


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """One run of a fetched project in a fresh container without network.

    Attributes:
        exit_code: ``None`` when it could not be run; then ``error`` says why.
        stdout: Redacted and cut to what a check can need.
    """

    exit_code: int | None
    stdout: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """One reply of a model that was asked for its opinion; what is made of it follows from ``reply`` alone.

    Attributes:
        fence: The word around the data, from which the messages can be made again.
        prompt_sha256: Digest of the messages as they were sent.
        reply: As it came, redacted and cut to ``judge_checks.LONGEST_REPLY``.
        reasoning: The model's own, for readers; empty where the reply is none that counts.
        model: As the endpoint names it.
        prompt_tokens: ``None`` where the endpoint did not tell, as the next one.
        duration_s: From connecting to the last byte.
        error: Why there is no reply; empty when there is one.
        cut_from: Characters that the reply had before it was cut; ``None`` when it is whole.
    """

    fence: str
    prompt_sha256: str
    reply: str = ""
    reasoning: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    duration_s: float = 0.0
    error: str = ""
    cut_from: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model was asked, and all of its votes.

    Attributes:
        model: The name that was asked for.
        votes: In order; fewer than were wanted when asking on could not help.
        error: Why nobody was asked; empty when somebody was.
    """

    model: str = ""
    votes: tuple[Vote, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that the checks of one step may look at. Checks come with their variables filled in.

    Attributes:
        exchange: The answer; of a poll the accepted one, or the last.
        doc: The unwrapped document, the body when there is no ``unwrap``.
        files: By the step named in ``since``.
        secret_hits: How often something had to be redacted in what the scenario observed.
        schemas: Parsed JSON Schemas by the name of their file.
        programs: What ``prints`` ran, by ``program_checks.program_key`` of the check's argument.
        judgements: What a model was asked, by ``judge_prompts.asked_key`` of the check's argument.
    """

    exchange: Exchange
    doc: Any = None
    files: Mapping[str, FileChanges] = field(default_factory=dict)
    witness: Witness = Witness(available=False)
    secret_hits: int = 0
    schemas: Mapping[str, Any] = field(default_factory=dict)
    programs: Mapping[str, ProgramRun] = field(default_factory=dict)
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
