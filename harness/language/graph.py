"""The gate graph of a ladder: which scenario needs which, as a table, as Graphviz source or as JSON. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.language.model import Ladder, Scenario

_COLUMNS: Final = ("ID", "NEEDS", "STEPS", "TITLE")


def as_table(ladder: Ladder) -> str:
    """One line for each scenario, for people."""
    rows = [_COLUMNS, *(_row(scenario) for scenario in ladder.scenarios)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    head = f"{ladder.name} ({ladder.mode}), goes on after {_gate(ladder)}"
    return "\n".join([head, *(_line(row, widths) for row in rows)])


def _row(scenario: Scenario) -> tuple[str, ...]:
    return scenario.id, ",".join(scenario.needs) or "-", str(len(scenario.steps)), scenario.title


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])


def _gate(ladder: Ladder) -> str:
    return ", ".join(sorted(ladder.proceed_on))


def as_dot(ladder: Ladder) -> str:
    """The graph for Graphviz: an arrow leads from a scenario to those that need it."""
    nodes = [f"  {_quoted(s.id)} [label={_quoted(f'{s.id}: {s.title}')}];" for s in ladder.scenarios]
    arrows = [f"  {_quoted(need)} -> {_quoted(s.id)};" for s in ladder.scenarios for need in s.needs]
    gate = f"  label={_quoted(f'goes on after {_gate(ladder)}')};"
    return "\n".join([f"digraph {_quoted(ladder.name)} {{", "  node [shape=box];", gate, *nodes, *arrows, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def as_json(ladder: Ladder) -> str:
    """The graph for programs."""
    return json.dumps(_document(ladder), indent=2, ensure_ascii=False)


def _document(ladder: Ladder) -> dict[str, Any]:
    return {
        "ladder": ladder.name,
        "file": ladder.file,
        "mode": ladder.mode,
        "digest": ladder.digest,
        "gate": {"proceed_on": sorted(ladder.proceed_on)},
        "scenarios": [
            {
                "id": scenario.id,
                "title": scenario.title,
                "line": scenario.mark.line,
                "needs": scenario.needs,
                "steps": [step.id for step in scenario.steps],
                "evidence": scenario.evidence,
                "trials": scenario.trials,
            }
            for scenario in ladder.scenarios
        ],
    }
