"""What several trials add up to besides the verdict: how long each phase takes, and where a bad one parts.

It is made from the traces of the trials that were climbed in this run; those that were taken over from another one lie
there, and only their duration is counted in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.documents import pretty
from harness.evidence.layout import TRIALS, trace_file
from harness.evidence.records import from_document, to_document
from harness.evidence.trial_records import INTERRUPTED, RUNNING
from harness.evidence.trial_summary import Difference, Phase, PhaseKind, TrialsTold
from harness.judging.trials import nearest_rank
from harness.judging.verdict import is_green
from harness.traces.differences import first_difference
from harness.traces.records import Layer, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.evidence.bundle import Staging
    from harness.evidence.redacting import Redacts
    from harness.evidence.run_record import RunRecord, ScenarioRecord

SCHEMA: Final = "ladder.trials/1"

MOST_SPANS: Final = 500
"""Names that a subject may give its spans; what comes after so many of them is not counted."""

_OF_A_JOB: Final = frozenset({Layer.APP, Layer.RUNNER, Layer.WORKER})
"""Layers whose spans are phases of a job; the judge's own are told by scenario."""

_ORDER: Final = tuple(PhaseKind)


def told_trials(staging: Staging, record: RunRecord) -> TrialsTold:
    """Read the traces of the trials once more, and take them together."""
    return TrialsTold(_phases(staging, record), _first_difference(staging, record))


def write_trials(staging: Staging, record: RunRecord, redactor: Redacts, *, told: TrialsTold) -> None:
    """Write ``reports/trials.json``."""
    document = {
        "schema": SCHEMA,
        "run_id": record.run_id,
        "aggregation": to_document(record.aggregation),
        **to_document(told),
        "trials": [to_document(trial) for trial in record.trial_records],
    }
    staging.write(TRIALS, redactor.json(pretty(document), source=TRIALS))


def _phases(staging: Staging, record: RunRecord) -> tuple[Phase, ...]:
    found: defaultdict[tuple[PhaseKind, str], list[float]] = defaultdict(list)
    ended = [trial for trial in record.trial_records if trial.status not in {RUNNING, INTERRUPTED}]
    if ended:
        found[PhaseKind.TRIAL, PhaseKind.TRIAL.value] = [trial.duration_s for trial in ended]
    for scenario in _climbed(record):
        found[PhaseKind.SCENARIO, scenario.id].append(scenario.duration_s)
        for name, seconds in _spans(_trace(staging, scenario)):
            if (PhaseKind.SPAN, name) in found or len(found) < MOST_SPANS:
                found[PhaseKind.SPAN, name].append(seconds)
    made = [
        Phase(kind, name, len(values), nearest_rank(values, 50), nearest_rank(values, 95))
        for (kind, name), values in found.items()
    ]
    return tuple(sorted(made, key=lambda phase: _ORDER.index(phase.kind)))


def _spans(trace: Trace) -> Iterator[tuple[str, float]]:
    for span in trace.spans:
        if span.layer in _OF_A_JOB and span.duration_ns is not None:
            yield span.name, span.duration_ns / 1_000_000_000


def _first_difference(staging: Staging, record: RunRecord) -> Difference | None:
    """Where the first trial that is not green leaves the way of the first one that is."""
    good = {each.id: each for each in reversed(list(_climbed(record))) if is_green(each.verdict)}
    for bad in _climbed(record):
        if is_green(bad.verdict) or bad.id not in good:
            continue
        step = first_difference(_trace(staging, good[bad.id]), _trace(staging, bad))
        if step:
            return Difference(bad.id, step, green=good[bad.id].folder, not_green=bad.folder)
    return None


def _climbed(record: RunRecord) -> Iterable[ScenarioRecord]:
    return (each for each in record.scenarios if each.trace_id)


def _trace(staging: Staging, scenario: ScenarioRecord) -> Trace:
    document: Mapping[str, Any] = json.loads(staging.files.read(trace_file(scenario.trace_id)))
    return from_document(Trace, document)
