"""Several trials as people read them: what they add up to, how long each phase takes, where a bad one parts. Pure.

The same lines stand on standard output, in ``summary.txt`` and in ``summary.md``. Names of phases come from the
subject, so they are spelt out and cut like everything else that was observed. Every figure is shown with its n.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.evidence.printable import one_line, shortened
from harness.evidence.run_record import RunRecord, ScenarioRecord
from harness.evidence.trial_records import TrialRecord
from harness.judging.trials import Aggregation
from harness.judging.verdict import Verdict, is_green

MOST_PHASES: Final = 40
"""Rows that are shown; ``reports/trials.json`` has all."""

SHOWN_K: Final = ("1", "2", "5", "10")

LONGEST_NAME: Final = 60
LONGEST_REASON: Final = 300
_PERCENT: Final = 100


class PhaseKind(StrEnum):
    """What a phase is a part of."""

    TRIAL = "trial"
    SCENARIO = "scenario"
    SPAN = "span"
    """What the subject tells of its jobs."""


@dataclass(frozen=True, slots=True)
class Phase:
    """How long something takes over all trials; nearest-rank percentiles, which are never beyond the data.

    Attributes:
        n: How often it was measured.
    """

    kind: PhaseKind
    name: str
    n: int
    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the first trial that is not green leaves the way of one that is.

    Attributes:
        step: From the outermost span to the one that differs.
        green: Folder of the scenario in the green trial, and ``not_green`` in the other.
    """

    scenario: str
    step: str
    green: str
    not_green: str


@dataclass(frozen=True, slots=True)
class TrialsTold:
    """What several trials add up to besides the verdict."""

    phases: tuple[Phase, ...] = ()
    first_difference: Difference | None = None


def trial_line(record: TrialRecord) -> str:
    """One trial: its index, how it ended, and its trace."""
    origin = f" of run {record.run_id}" if record.run_id else ""
    return f"trial {record.trial_index}: {record.status} trace={record.trace_id}{origin}"


def trials_text(record: RunRecord, told: TrialsTold) -> str:
    """What the trials of a run add up to, as lines."""
    return "".join(f"{line}\n" for line in _lines(record, told))


def trials_markdown(record: RunRecord, told: TrialsTold | None) -> Iterator[str]:
    """The same for ``summary.md``, as a block in which nothing is markup, and a line for each trial."""
    if record.aggregation is None:
        return
    yield from ("", "## Trials", "", "```text", *_lines(record, told or TrialsTold()), "")
    yield from map(trial_line, record.trial_records)
    yield "```"


def _lines(record: RunRecord, told: TrialsTold) -> Iterator[str]:
    if record.aggregation is None:
        return
    found = record.aggregation
    counts = ", ".join(f"{count} {word}" for word, count in found.counts.items()) or "none has ended"
    yield f"trials: {len(record.trial_records)} begun of {record.trials}: {counts}{_without_end(record, found)}"
    yield f"pass rate: {_rate(found)}"
    yield from (f"{name}: {text}" for name, text in _draws(found))
    yield f"arithmetic: {found.arithmetic}"
    if (red := next((each for each in record.scenarios if is_red(each)), None)) is not None:
        yield f"first not green: {red.folder}: {red.verdict} {_safe(red.reason, LONGEST_REASON)}".rstrip()
    if (parts := told.first_difference) is not None:
        where = f"{parts.not_green} differs from {parts.green}"
        yield f"first difference: {parts.scenario}: {_safe(parts.step, LONGEST_REASON)} ({where})"
    yield from _table(told.phases)


def _without_end(record: RunRecord, found: Aggregation) -> str:
    left = len(record.trial_records) - found.trials
    return f", {left} interrupted" if left else ""


def _rate(found: Aggregation) -> str:
    if found.rate is None or found.low is None or found.high is None:
        return f"no trial of {found.trials} has an answer"
    interval = f"95 % Wilson interval {_percent(found.low)} to {_percent(found.high)}"
    return f"{found.passed}/{found.answered} green = {_percent(found.rate)} ({interval}){_flaky(found)}"


def _flaky(found: Aggregation) -> str:
    return ", flaky" if found.is_flaky else ""


def _draws(found: Aggregation) -> Iterator[tuple[str, str]]:
    for name, chances in (("pass@k", found.pass_at), ("pass^k", found.pass_all)):
        if told := [f"k={k} {chances[k]:.3f}" for k in SHOWN_K if k in chances]:
            yield name, ", ".join(told)


def _table(phases: Iterable[Phase]) -> Iterator[str]:
    shown = tuple(phases)
    if not shown:
        return
    rows = [("PHASE", "n", "p50", "p95")]
    rows += [
        (_safe(each.name), str(each.n), f"{each.p50_s:.3f} s", f"{each.p95_s:.3f} s") for each in shown[:MOST_PHASES]
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for name, *figures in rows:
        cells = (cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *cells])
    if (left := len(shown) - MOST_PHASES) > 0:
        yield f"{left} more in reports/trials.json"


def _percent(share: float) -> str:
    return f"{share * _PERCENT:.1f} %"


def is_red(each: ScenarioRecord) -> bool:
    """Whether a scenario was climbed and is not green; one that is blocked was not climbed."""
    return not is_green(each.verdict) and each.verdict is not Verdict.BLOCKED


def _safe(text: str, limit: int = LONGEST_NAME) -> str:
    # A fence in a name would end the block that it stands in.
    return shortened(one_line(text), limit).replace("```", "'''")
