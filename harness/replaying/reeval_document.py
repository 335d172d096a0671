"""An evaluation as it is stored and as ``--json`` prints it, and the table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.evidence.records import to_document
from harness.replaying.reeval import changed
from harness.replaying.replay_document import checks_document
from harness.replaying.replay_text import safe
from harness.replaying.results_again import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.replaying.judging_again import ScenarioAgain
    from harness.replaying.reeval import Asked, Reevaluation
    from harness.replaying.results_again import Again
    from harness.replaying.totals import TrialAgain


def head_document(found: Reevaluation, asked: Asked, *, manifest_sha256: str) -> dict[str, Any]:
    """What an evaluation says of itself."""
    return {
        "run": found.run.entry.name,
        "run_id": found.run.record.run_id,
        "manifest_sha256": manifest_sha256,
        "source": found.by.source,
        "ladder_sha256": found.by.digest,
        "drift": [to_document(each) for each in found.by.differences],
        "asked": {
            "strict_scenario": asked.is_strict,
            "allow_partial_reeval": asked.allows_partial,
            "include_errors": asked.judges_errors,
            "judge_live": asked.judges_live,
        },
        "recorded": found.run.record.recorded,
    }


def trial_document(found: Reevaluation, trial: TrialAgain) -> dict[str, Any]:
    """A trial, before and now."""
    record = trial.recorded.record
    return {
        "trial_index": record.trial_index,
        "trial": record.trace_id,
        "old": _old(found, trial),
        "verdict": trial.whole.value,
        "reasons": list(trial.reasons),
        "scenarios": [
            {
                "scenario": each.played.id,
                "folder": each.played.folder,
                "trace_id": (each.played.started.trace_id if each.played.started else "") or None,
                "old": to_document(each.played.verdict),
                "verdict": to_document(each.verdict),
                "reasons": list(each.reasons),
                "steps": [
                    {"step": step.id, "verdict": step.verdict.value, "checks": checks_document(step.checks)}
                    for step in each.steps
                ],
                "checks": checks_document(each.loose),
            }
            for each in trial.scenarios
        ],
    }


def _old(found: Reevaluation, trial: TrialAgain) -> str | None:
    """What it had come to; of a single trial the run's own verdict, which counts the rollback in."""
    if found.whole and found.again.aggregation is None and found.run.record.verdict:
        return found.run.record.verdict.value
    return trial.recorded.record.status


def whole_document(found: Reevaluation) -> dict[str, Any]:
    """What all of it comes to."""
    return {
        "old": to_document(found.run.record.verdict) if found.whole else None,
        "verdict": found.again.verdict.value,
        "aggregation": to_document(found.again.aggregation),
        "checks": {
            "judged": found.judged,
            "changed": changed(found),
            "skipped": len(found.skipped),
            "stored": sum(each.source is Source.STORED for each in found.checks),
        },
        "exit_code": int(found.again.exit_code),
        "reason": found.reason or None,
    }


def reeval_text(found: Reevaluation, stored: tuple[str, ...]) -> str:
    """The table old → new, for people.

    Args:
        found: What came of it.
        stored: Where it lies.
    """
    return "".join(f"{line}\n" for line in _lines(found, stored))


def _lines(found: Reevaluation, stored: tuple[str, ...]) -> Iterator[str]:
    record = found.run.record
    yield f"run {found.run.entry.name} by {safe(found.by.source)}"
    for each in found.by.differences:
        yield f"  drift: {safe(each)}"
    for trial in found.again.trials:
        yield ""
        index, trace_id = trial.recorded.record.trial_index, trial.recorded.record.trace_id
        yield f"trial {index} {trace_id}: {_old(found, trial)} → {trial.whole}"
        yield from (f"  {safe(why)}" for why in trial.reasons)
        for scenario in trial.scenarios:
            yield from _scenario(scenario)
    yield ""
    told = whole_document(found)["checks"]
    yield ", ".join(f"{count} checks {name}" for name, count in told.items())
    if found.again.aggregation:
        yield safe(found.again.aggregation.arithmetic)
    old = record.verdict if found.whole else "a part of it"
    yield f"verdict: {old} → {found.again.verdict}"
    yield from (f"stored: {path}" for path in stored)


def _scenario(found: ScenarioAgain) -> Iterator[str]:
    yield f"  {safe(found.played.folder)}: {found.played.verdict} → {found.verdict or 'not judged'}"
    yield from (f"    {safe(why)}" for why in found.reasons)
    for step in found.steps:
        after = " (after the verdict)" if step.is_teardown else ""
        yield from (f"    {safe(step.id)}{after}: {safe(_check(each))}" for each in step.checks)
    yield from (f"    {safe(_check(each))}" for each in found.loose)


def _check(check: Again) -> str:
    old = check.old.outcome if check.old else "not asked"
    either = check.new or check.old
    text = either.text if either else ""
    if check.new is None:
        return f"{old} → {check.source}: {text}: {check.why}"
    mark = "" if check.source is Source.RECOMPUTED else f" ({check.source}: {check.why})"
    got = "" if check.new.outcome == "held" else f": wanted {check.new.wanted or 'a decision'}, got {check.new.got}"
    return f"{old} → {check.new.outcome}: {text}{mark}{got}"
