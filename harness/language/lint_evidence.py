"""The rule about evidence: each file that a scenario promises is made by something in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.language.findings import Finding, Rule, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.language.drafts import Draft, DraftScenario, DraftStep
    from harness.language.nodes import Node

NOTES = "notes.txt"
"""The file that ``notes`` makes."""


def evidence(draft: Draft) -> Iterator[Finding]:
    """``evidence-unreachable``, for promised files and for copies of files that their origin does not make."""
    made = {scenario.id: frozenset(_made_in(scenario)) for scenario in draft.scenarios}
    for scenario in draft.scenarios:
        for file in scenario.node.items("evidence"):
            if file.value not in made[scenario.id]:
                near = did_you_mean(file.value, made[scenario.id])
                message = f"no save, copy or notes of {scenario.id!r} makes {file.value!r}{near}"
                yield draft.source.finding(file.place, Rule.EVIDENCE_UNREACHABLE, message)
        for step in scenario.steps:
            copy = step.node.get("copy")
            origin = copy.text("from") if copy else ""
            for file in copy.items("files") if copy and origin in made else ():
                if file.value not in made[origin]:
                    message = f"{origin!r} makes no {file.value!r}{did_you_mean(file.value, made[origin])}"
                    yield draft.source.finding(file.place, Rule.EVIDENCE_UNREACHABLE, message)


def _made_in(scenario: DraftScenario) -> Iterator[str]:
    if scenario.node.get("notes"):
        yield NOTES
    for step in (*scenario.steps, *scenario.cleanup):
        yield from (file for file, _ in made_by(step))


def made_by(step: DraftStep) -> Iterator[tuple[str, Node]]:
    """The files that a step leaves, each with the node that names it."""
    yield from step.node.entries("save").items()
    yield from ((file.value, file) for file in (step.node.get("copy") or step.node).items("files"))
    if logs := step.node.get("docker_logs"):
        yield from ((file.value, file) for file in [logs.get("as")] if file)
