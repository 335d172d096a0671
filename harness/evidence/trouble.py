"""What was observed around one scenario, gathered from its events, for ``notes.txt``. It decides nothing.

Documents of the backend are looked into by the names of the contract; whatever is not there is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import (
    CheckJudged,
    ContainersSeen,
    ExchangeMade,
    PollAttempted,
    ScenarioEnded,
    StepObserved,
)
from harness.evidence.exchanges import Purpose, parsed
from harness.evidence.timestamps import epoch_ms
from harness.judging.results import Outcome
from harness.judging.verdict import Verdict
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.evidence.event_lines import Entry
    from harness.judging.observation import ContainerFact
    from harness.judging.results import CheckResult

_OF_THE_STEPS: Final = frozenset({Purpose.STEP, Purpose.POLL})
_TELLING: Final = _OF_THE_STEPS | {Purpose.COLLECT}
"""A baseline is left out: it may show an earlier job."""

NOT_READY_STATUS: Final = 503
"""Of ``/ready``, when jobs cannot be run (see the README)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One poll attempt and when it was made, in seconds since the run began."""

    t: float
    fact: PollAttempted


@dataclass(frozen=True, slots=True)
class Trouble:
    """The observed state when a scenario ended.

    Attributes:
        mode: ``live`` or ``mocked``.
        exchange: The last exchange of a step; what was collected afterwards is not the trouble.
        attempts: Of the last step that polled.
        missed: Checks that did not hold or could not be decided.
        result: The worker's document as last seen; empty when none was.
        failure_kind: As the job tells it.
        job_engine: As the job tells it; a job names its engine before there is a result.
        readiness: The backend's last answer about itself; empty when none was asked for.
        containers: As last seen.
        is_unreadable: Whether the backend failed when the project's files were read for their hashes.
        worker_log: Output of the scenario's containers, where it was collected.
        reason: Why it ended as it did, in the words of the run.
    """

    verdict: Verdict
    mode: str
    exchange: ExchangeMade | None = None
    attempts: tuple[Attempt, ...] = ()
    missed: tuple[CheckResult, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    failure_kind: str = ""
    job_engine: str = ""
    readiness: Mapping[str, Any] = field(default_factory=dict)
    containers: tuple[ContainerFact, ...] = ()
    secret_hits: int = 0
    is_unreadable: bool = False
    worker_log: str = ""
    reason: str = ""

    @property
    def status(self) -> int | None:
        """HTTP status of the last exchange."""
        return self.exchange.answer.status if self.exchange else None

    @property
    def transport_error(self) -> str:
        """Why the last exchange had no answer."""
        return self.exchange.answer.error if self.exchange else ""

    @property
    def engine(self) -> str:
        """The engine that the result names, or else the job."""
        return _word(self.result.get("engine")) or self.job_engine

    @property
    def told_mode(self) -> str:
        """``live`` or ``mocked``, as the backend tells of itself."""
        return _word(self.readiness.get("mode"))

    @property
    def is_told_not_ready(self) -> bool:
        """Whether the scenario ended with the backend's own word that it cannot run jobs."""
        return self.status == NOT_READY_STATUS and self.readiness.get("status") == "not_ready"

    @property
    def result_status(self) -> str:
        """``success`` or ``error``."""
        return _word(self.result.get("status"))

    @property
    def said(self) -> str:
        """Everything that the worker said, as one text."""
        parts = (self.result.get(key) for key in ("summary", "errors", "logs"))
        return "\n".join([*(str(part) for part in parts if part), self.worker_log])

    @property
    def polled_in_vain(self) -> bool:
        """Whether the scenario ended in a poll that never accepted an answer."""
        return bool(self.attempts) and bool(self.last_why) and self.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}

    @property
    def last_why(self) -> str:
        """Why the last attempt was not ready."""
        return self.attempts[-1].fact.why_not_ready if self.attempts else ""

    @property
    def running(self) -> int:
        """How many of its containers were running when last seen."""
        return sum(container.running for container in self.containers)


def gather(entries: Iterable[Entry], *, verdict: Verdict, mode: str, worker_log: str = "") -> Trouble:
    """Gather what the events of one scenario tell.

    Args:
        entries: Those of the scenario, in order.
        verdict: How it ended.
        mode: ``live`` or ``mocked``.
        worker_log: Redacted output of its containers.
    """
    found = list(entries)
    began = epoch_ms(found[0].at) / 1000 if found else 0.0
    events = [(entry.t, entry.event) for entry in found]
    exchanges = [each for _, each in events if isinstance(each, ExchangeMade) and each.purpose in _TELLING]
    of_the_steps = [each for each in exchanges if each.purpose in _OF_THE_STEPS]
    polls = [Attempt(t, each) for t, each in events if isinstance(each, PollAttempted)]
    observed = [each for _, each in events if isinstance(each, StepObserved)]
    seen = [each for _, each in events if isinstance(each, StepObserved | ContainersSeen) and each.witness.available]
    documents = list(_documents(exchanges, observed))
    paths = "\n".join(each.sent.path for each in exchanges)
    return Trouble(
        verdict=verdict,
        mode=mode,
        exchange=of_the_steps[-1] if of_the_steps else None,
        attempts=tuple(each for each in polls if each.fact.step == polls[-1].fact.step),
        missed=tuple(each.result for _, each in events if isinstance(each, CheckJudged) and _is_open(each.result)),
        result=next((each for each in reversed(documents) if "written_by" in each or "logs" in each), {}),
        failure_kind=_last_word(documents, "failure_kind", among="failure_kind"),
        job_engine=_last_word(documents, "engine", among="failure_kind"),
        readiness=next((each for each in reversed(documents) if {"mode", "launcher", "status"} <= each.keys()), {}),
        containers=_own(began, paths, seen[-1].witness.containers) if seen else (),
        is_unreadable=any(_has_failed(each) for _, each in events),
        secret_hits=max((each.secret_hits for each in observed), default=0),
        worker_log=worker_log,
        reason=next((each.reason for _, each in reversed(events) if isinstance(each, ScenarioEnded)), ""),
    )


def _own(began: float, paths: str, containers: Iterable[ContainerFact]) -> tuple[ContainerFact, ...]:
    """Those that ran during the scenario, for projects that it asked for; the witness sees all of the engine's."""
    return tuple(
        each
        for each in containers
        if (each.running or each.ended_at is None or each.ended_at >= began)
        and each.labels.get(Label.PROJECT, "") in paths
    )


def _has_failed(event: object) -> bool:
    """Whether it is a reading of files that the backend answered with 5xx."""
    if not isinstance(event, ExchangeMade) or event.purpose is not Purpose.FILES:
        return False
    return event.answer.status is not None and event.answer.status >= 500  # noqa: PLR2004  # a fault of the server


def _is_open(result: CheckResult) -> bool:
    return result.outcome is not Outcome.HELD


def _documents(exchanges: Iterable[ExchangeMade], observed: Iterable[StepObserved]) -> Iterator[Mapping[str, Any]]:
    """Objects in bodies, the jobs of a project, and unwrapped documents."""
    for made in exchanges:
        body = parsed(made.answer.text)
        if isinstance(body, dict):
            yield body
            jobs = body.get("jobs")
            yield from (job for job in jobs if isinstance(job, dict)) if isinstance(jobs, list) else ()
            yield from _objects(body.get("contents"))
    for step in observed:
        yield from _objects(step.doc_json)


def _objects(text: object) -> Iterator[Mapping[str, Any]]:
    document = parsed(text) if isinstance(text, str) else None
    if isinstance(document, dict):
        yield document


def _last_word(documents: Sequence[Mapping[str, Any]], name: str, *, among: str) -> str:
    """The last word under a name, in documents that have another."""
    return next((word for each in reversed(documents) if among in each and (word := _word(each.get(name)))), "")


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
