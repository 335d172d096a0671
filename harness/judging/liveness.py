"""Whether a job was done by a real container of the expected image: the second witness against a dummy. Pure.

A backend can say anything about itself, a worker's document can be invented; the engine's own events cannot be made by
either. So the facts are the engine's alone. The doubt: that the container did this very work is shown by labels and
times, not by watching it write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.judging.container_checks import doubt_about
from harness.judging.freshness import instant_of
from harness.judging.operators import compare
from harness.judging.results import CheckResult, Finding, Outcome, show, worst
from harness.language.model import Severity
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.judging.observation import ContainerFact, Witness
    from harness.language.model import Mark

WHOLE_SECONDS_S: Final = 1.0
"""A document may round its time down to whole seconds."""


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job that is said to have run live.

    Attributes:
        job_id: Value of the label ``ladder.job``.
        image: Expected image id, ``sha256:…``; ``None`` when nobody but the backend can say.
        doc: The result; its ``timestamp`` must lie within the life of the container.
    """

    job_id: str
    image: str | None
    doc: Any = None


def ran_live(job: LiveJob, witness: Witness, mark: Mark) -> CheckResult:
    """Judge whether a job ran in a container.

    Args:
        job: What is said about it.
        witness: What the engine told.
        mark: Where the step stands.
    """
    seen = [fact for fact in witness.containers if fact.labels.get(Label.JOB) == job.job_id]
    path = f"container of job {job.job_id}"
    if doubt := doubt_about(witness):
        found = Finding(Outcome.UNDECIDED, path, got=doubt)
    elif not seen:
        found = Finding(Outcome.MISSED, path, "a container that ran", "none was seen")
    else:
        # A job that was launched again has several; its result is the work of the last.
        found = worst(_life(seen[-1], job)) or Finding(Outcome.HELD, path)
    text = "implied: a container did the work"
    return CheckResult(text, mark, Severity.FAIL, found.outcome, found.path, found.wanted, found.got)


def _life(fact: ContainerFact, job: LiveJob) -> Iterator[Finding]:
    yield compare("container.started_at", fact.started_at, {"exists": True})
    yield compare("container.running", fact.running, {"eq": False})
    yield compare("container.exit_code", fact.exit_code, {"eq": 0})
    if job.image is not None and fact.image is None:
        yield Finding(Outcome.UNDECIDED, "container.image", f"eq {show(job.image)}", "gone before it was inspected")
    elif job.image is not None:
        yield compare("container.image", fact.image, {"eq": job.image})
    yield from _times(fact, job.doc)


def _times(fact: ContainerFact, doc: Any) -> Iterator[Finding]:  # noqa: ANN401  # JSON values
    written = instant_of(doc)
    if written is not None and fact.started_at is not None and fact.ended_at is not None:
        life = {"gte": fact.started_at - WHOLE_SECONDS_S, "lte": fact.ended_at}
        yield compare("doc.timestamp within the container's life", written, life)
