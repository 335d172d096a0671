"""A ladder as values: what one file says after templates are inserted and defaults are filled in.

Everything here is frozen and knows where in the file it stands, so that a missed check names its line. Texts may still
hold ``${…}``: variables are filled in when a step is about to run. Durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Mode(StrEnum):
    """The backend mode that a ladder is meant for."""

    LIVE = "live"
    MOCKED = "mocked"


class Severity(StrEnum):
    """What a missed check does to its scenario."""

    FAIL = "fail"
    LIMITATION = "limitation"
    INFO = "info"


class CheckKind(StrEnum):
    """The closed vocabulary of checks; the value is the key in the file."""

    PATH = "path"
    STATUS = "status"
    HEADERS = "headers"
    DURATION = "duration"
    SCHEMA = "schema"
    NO_SECRETS = "no_secrets"
    FILES_CHANGED = "files_changed"
    CONTAINER = "container"
    PRINTS = "prints"
    JUDGE = "judge"
    ANY_OF = "any_of"
    ALL_OF = "all_of"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Check:
    """One item of ``expect``, ``until`` or ``stop_if``.

    Attributes:
        kind: Which check it is.
        argument: The value under the key that names the kind: for ``path`` the JMESPath text, for ``status`` a tuple
            of codes, for ``headers`` lower-case header name → operators, for ``duration`` operators on seconds, for
            ``schema`` the name of a file in the ladder's folder, for the others a mapping of their options, with
            defaults filled in. Where an option may be a plain value or operators (``created``, ``count``,
            ``exit_code``, ``numbers``, ``length``, …) it is operators here: a plain value has become ``{"eq": value}``.
            ``files_changed`` has ``since`` and ``project``; ``prints`` has ``project``, ``image``, ``args``; ``judge``
            has ``of`` and ``tools`` as ``{"path": JMESPath}`` or ``{"value": template}``, and at least one of
            ``criteria``, each with ``name``, ``weight`` and ``text``.
        operators: Only for ``path``: operator name → expected value; all must hold.
        children: Only for ``any_of``, ``all_of`` and ``not``.
        text: The item as written, in one line of JSON, for messages.
    """

    kind: CheckKind
    mark: Mark
    severity: Severity = Severity.FAIL
    argument: Any = None
    operators: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[Check, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a poll waits: ``every_s`` times a power of ``backoff``, at most ``max_every_s``, give or take ``jitter``."""

    every_s: float = 0.5
    backoff: float = 1.6
    max_every_s: float = 5.0
    jitter: float = 0.2


@dataclass(frozen=True, slots=True)
class Freshness:
    """``fresh_after``: only a document whose ``job_id`` equals the template's value counts."""

    step: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Poll:
    """What makes a step a poll: repeat a GET until it is ready, or must stop, or the deadline has passed."""

    until: tuple[Check, ...]
    stop_if: tuple[Check, ...]
    unwrap: str | None
    fresh_after: Freshness | None
    deadline_s: float
    pace: Pace


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, sent once, or as the GET of a poll.

    Attributes:
        method: Upper case.
        path: Template, joined to ``base_url``; sent as written, never normalised.
        json: Template value of any JSON shape; ``None`` together with ``has_json`` False when there is no body.
        timeout_s: Bound of one request.
    """

    method: str
    path: str
    timeout_s: float
    has_json: bool = False
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Copy:
    """Takes artifacts over from an earlier scenario; they are marked as derived."""

    scenario: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkerLogs:
    """Collects the output of containers with a label, on a failure."""

    label: str
    artifact: str


Action = Request | Copy | WorkerLogs


@dataclass(frozen=True, slots=True)
class Link:
    """``given``: a symbolic link that is made in a project's workspace before the request is sent.

    When it cannot be made from where the judge runs, missed checks of the step are limitations, and the notes say why.

    Attributes:
        project: Template of the project's id.
        path: Below the workspace.
        target: The link's text.
    """

    project: str
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scenario, with its template inserted.

    Attributes:
        id: As written, or ``step-N`` counted from 1.
        variables: ``with`` of a template, looked up first.
        given: What is made before the request; ``None`` for nothing.
        poll: ``None`` for a request that is sent once.
        capture: Name → JMESPath over ``status headers body text doc``.
        save: Artifact name → value as written (template when it holds ``${``, else JMESPath or ``excerpt(doc)``).
    """

    id: str
    mark: Mark
    action: Action
    poll: Poll | None = None
    given: Link | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    expect: tuple[Check, ...] = ()
    capture: Mapping[str, str] = field(default_factory=dict)
    save: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A part of the climb: its steps and what must exist when they are done."""

    id: str
    mark: Mark
    title: str
    needs: tuple[str, ...]
    variables: Mapping[str, Any]
    evidence: tuple[str, ...]
    steps: tuple[Step, ...]
    cleanup: tuple[Step, ...] = ()
    """``finally`` of the file."""
    notes: str | None = None
    trials: int = 1


@dataclass(frozen=True, slots=True)
class Rollback:
    """Which ladder proves that the stack is mocked again, and below which folder its evidence lies.

    Attributes:
        only: Which of its scenarios; all of them when empty.
    """

    verify: str
    folder: str
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """One file.

    Attributes:
        name: ``name``, or the stem of the file.
        variables: Top-level ``vars``; ``${env:NAME:-default}`` is filled in already.
        secrets: Names whose values feed the redactor.
        proceed_on: Lower-case verdict words after which the climb goes on.
        scenarios: In the order of the file.
        digest: SHA-256 of the file's bytes.
        execution_digest: SHA-256 of the part that decides what is done: mode, variables, steps without checks.
        judging_digest: SHA-256 of the part that decides what is right: checks, severities, evidence, gate.
    """

    name: str
    file: str
    mode: Mode
    variables: Mapping[str, Any]
    secrets: tuple[str, ...]
    proceed_on: frozenset[str]
    scenarios: tuple[Scenario, ...]
    collect_on_fail: tuple[Step, ...]
    rollback: Rollback | None
    digest: str
    execution_digest: str
    judging_digest: str

    def scenario(self, scenario_id: str) -> Scenario:
        """The scenario of that id.

        Raises:
            KeyError: There is none.
        """
        for scenario in self.scenarios:
            if scenario.id == scenario_id:
                return scenario
        raise KeyError(scenario_id)
