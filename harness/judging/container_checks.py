"""What the engine itself told of the containers with a label; the backend's word counts for nothing here. Pure.

All containers that the witness saw with that label count, removed ones included; ``ladder.job`` as label narrows a
check to one job. A witness that is away, or that may have missed something, leaves every such check undecided: a gap
can hide a container as well as invent an orderly absence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.judging.operators import compare
from harness.judging.results import Finding, Outcome, show, worst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.judging.observation import ContainerFact, Observation, Witness
    from harness.language.model import Check

WITNESSED_LABELS: Final = "ladder."
"""Prefix of the labels that the witness keeps."""


def container(check: Check, observation: Observation) -> Finding:
    """Judge a ``container`` check."""
    wanted: Mapping[str, Any] = check.argument
    name, _, value = wanted["label"].partition("=")
    if doubt := doubt_about(observation.witness) or _unseen(name):
        return Finding(Outcome.UNDECIDED, f"container {wanted['label']}", got=doubt)
    seen = [fact for fact in observation.witness.containers if fact.labels.get(name) == value]
    found = worst(_look(seen, wanted))
    return found or compare("container.count", len(seen), {"gte": 1})


def doubt_about(witness: Witness) -> str:
    """Why nothing can be concluded from what a witness saw; empty when everything can."""
    if not witness.available:
        return f"no engine could be asked{': ' if witness.gap else ''}{witness.gap}"
    return f"the witness may have missed something: {witness.gap}" if witness.gap else ""


def _unseen(label: str) -> str:
    if label.startswith(WITNESSED_LABELS):
        return ""
    return f"the witness keeps only labels that begin with {WITNESSED_LABELS!r}"


def _look(seen: Sequence[ContainerFact], wanted: Mapping[str, Any]) -> Iterator[Finding]:
    if "count" in wanted:
        yield compare("container.count", len(seen), wanted["count"])
    if "running" in wanted:
        yield compare("container.running", sum(fact.running for fact in seen), wanted["running"])
    if "oom_killed" in wanted:
        killed = any(fact.oom_killed for fact in seen) if seen else None
        yield compare("container.oom_killed", killed, wanted["oom_killed"])
    if "exit_code" in wanted:
        yield from _each("container.exit_code", [fact.exit_code for fact in seen], wanted["exit_code"])
    if "image" in wanted:
        yield from _images([fact.image for fact in seen], wanted["image"])


def _each(path: str, values: Sequence[Any], operators: Mapping[str, Any]) -> Iterator[Finding]:
    """Of no container nothing can be said, so that an absent one never passes for a well-behaved one."""
    yield from (compare(path, value, operators) for value in values or [None])


def _images(images: Sequence[str | None], operators: Mapping[str, Any]) -> Iterator[Finding]:
    unknown = Finding(
        Outcome.UNDECIDED,
        "container.image",
        ", ".join(f"{name} {show(wanted)}" for name, wanted in operators.items()),
        "the container was gone before it could be inspected",
    )
    if not images:
        yield from _each("container.image", [], operators)
    for image in images:
        yield unknown if image is None else compare("container.image", image, operators)
