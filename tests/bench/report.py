"""Renders what was measured: a plain table for people, JSON for machines."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from tests.bench.figures import Unit, percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.bench.figures import Comparison, Measure
    from tests.bench.jobs import Phases

HEAD: Final = ("what", "n", "unit", "ours", "p95", "bare", "p95", "ratio", "quartiles", "goal", "")
MEASURES_HEAD: Final = ("what", "n", "unit", "median", "quartiles", "goal", "", "beside it")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    processors: int
    load: float
    engine: str
    image: str

    def __str__(self) -> str:
        machine = f"{self.processors} processors (load {self.load:.1f} before)"
        return f"{machine}, engine {self.engine}, worker image {self.image}"


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the benchmark.

    Attributes:
        remarks: What could not be measured, and why.
    """

    machine: Machine
    comparisons: tuple[Comparison, ...]
    phases: Phases | None
    seconds: float
    measures: tuple[Measure, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether every goal is met."""
        return not self.missed

    @property
    def missed(self) -> list[str]:
        """Names of what is not met."""
        return [each.name for each in (*self.comparisons, *self.measures) if not each.met]

    def as_json(self) -> str:
        """Every figure and every sample."""
        return json.dumps(
            {
                "machine": asdict(self.machine),
                "seconds": round(self.seconds, 1),
                "met": self.met,
                "comparisons": [_document(each) for each in self.comparisons],
                "measures": [_measure_document(each) for each in self.measures],
                "remarks": self.remarks,
                "phases_ms": asdict(self.phases) if self.phases else None,
            },
            indent=2,
        )

    def as_text(self) -> str:
        """The table, the phases of a job, and the machine."""
        lines: list[str] = []
        if self.comparisons:
            lines += [*_table([HEAD, *(_row(each) for each in self.comparisons)]), ""]
        if self.phases:
            lines += [_phase_line("ours", self.phases.ours), _phase_line("bare", self.phases.bare), ""]
        if self.measures:
            lines += [*_table([MEASURES_HEAD, *(_measure_row(each) for each in self.measures)]), ""]
        lines += [f"note: {remark}" for remark in self.remarks]
        verdict = f"missed: {', '.join(self.missed)}" if self.missed else "every goal is met"
        return "\n".join([*lines, f"{self.machine}; {self.seconds:.0f} s", verdict])


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def _worst(comparison: Comparison, samples: Sequence[float]) -> float:
    # The slow end of a rate is its low one.
    return percentile(samples, 5 if comparison.unit is Unit.JOBS_PER_SECOND else 95)


def _row(comparison: Comparison) -> tuple[str, ...]:
    first, third = comparison.spread
    return (
        comparison.name,
        str(len(comparison.ours)),
        comparison.unit,
        _number(median(comparison.ours)),
        _number(_worst(comparison, comparison.ours)),
        _number(median(comparison.bare)),
        _number(_worst(comparison, comparison.bare)),
        f"{comparison.ratio:.2f}",
        f"{first:.2f}..{third:.2f}",
        str(comparison.goal or "none"),
        _word(comparison),
    )


def _measure_row(measure: Measure) -> tuple[str, ...]:
    first, third = measure.spread
    return (
        measure.name,
        str(len(measure.samples)),
        measure.unit,
        _number(measure.median),
        f"{_number(first)}..{_number(third)}",
        str(measure.goal or "none"),
        _word(measure),
        f"{measure.beside_name} {_number(median(measure.beside))}" if measure.beside else "",
    )


def _word(each: Comparison | Measure) -> str:
    return ("met" if each.met else "MISSED") if each.goal else ""


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join(cells).rstrip()


def _phase_line(side: str, phases: Mapping[str, float]) -> str:
    return f"{side}, medians in ms: " + ", ".join(f"{name} {took:.1f}" for name, took in phases.items())


def _document(comparison: Comparison) -> dict[str, Any]:
    return {
        "name": comparison.name,
        "unit": comparison.unit,
        "ours": {"median": median(comparison.ours), "slow_end": _worst(comparison, comparison.ours)},
        "bare": {"median": median(comparison.bare), "slow_end": _worst(comparison, comparison.bare)},
        "ratio": comparison.ratio,
        "quartiles": list(comparison.spread),
        "goal": str(comparison.goal) if comparison.goal else None,
        "met": comparison.met,
        "samples": {"ours": list(comparison.ours), "bare": list(comparison.bare)},
    }


def _measure_document(measure: Measure) -> dict[str, Any]:
    return {
        "name": measure.name,
        "unit": measure.unit,
        "median": measure.median,
        "quartiles": list(measure.spread),
        "goal": str(measure.goal) if measure.goal else None,
        "met": measure.met,
        "samples": list(measure.samples),
        "beside": {"name": measure.beside_name, "samples": list(measure.beside)} if measure.beside else None,
    }
