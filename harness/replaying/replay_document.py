"""What ``ladder replay --json`` prints: the same as the text, as one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.evidence.event_lines import WORDS
from harness.evidence.events import CheckJudged, StepObserved
from harness.evidence.records import to_document
from harness.replaying.replay import writes_of
from harness.replaying.replay_text import condition_of, versions_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.errors import ExitCode
    from harness.evidence.event_lines import Entry
    from harness.replaying.judging_again import ScenarioAgain
    from harness.replaying.played import PlayedScenario
    from harness.replaying.recorded import RecordedTrial
    from harness.replaying.replay import Replay
    from harness.replaying.results_again import Again


def replay_document(found: Replay, code: ExitCode, reason: str) -> dict[str, Any]:
    """Everything, for programs."""
    run, record, again = found.run, found.run.record, found.again
    return {
        "run": run.entry.name,
        "run_id": record.run_id,
        "condition": condition_of(run),
        "sealed": run.is_sealed,
        "recorded": record.recorded,
        "verdict": to_document(record.verdict),
        "recomputed": again.verdict.value if again and found.whole else None,
        "why_not_recomputed": found.why_not_again,
        "versions": versions_of(run),
        "trials": [_trial(found, each) for each in found.trials],
        "damage": list(found.damage),
        "mismatches": list(found.mismatches),
        "exit_code": int(code),
        "reason": reason or None,
    }


def _trial(found: Replay, trial: RecordedTrial) -> dict[str, Any]:
    again = next((each for each in found.again.trials if each.recorded is trial), None) if found.again else None
    judged = {id(each.played): each for each in again.scenarios} if again else {}
    return {
        **to_document(trial.record),
        "home": trial.home.name,
        "recomputed": again.verdict.value if again else None,
        "why_unreadable": trial.why,
        "evaluations": to_document(found.evaluations.get(trial.record.trace_id, ())),
        "scenarios": [_scenario(found, trial, each, again=judged.get(id(each))) for each in trial.scenarios],
    }


def _scenario(
    found: Replay, trial: RecordedTrial, played: PlayedScenario, *, again: ScenarioAgain | None
) -> dict[str, Any]:
    trace_id = played.started.trace_id if played.started else ""
    steps = {id(each.played): each for each in again.steps} if again else {}
    return {
        "id": played.id,
        "folder": played.folder,
        "trace_id": trace_id or None,
        "verdict": to_document(played.verdict),
        "recomputed": to_document(again.verdict) if again else None,
        "reason": played.ended.reason if played.ended else "",
        "reasons": list(again.reasons) if again else [],
        "steps": [
            {
                "id": step.started.step,
                "action": step.started.action,
                "place": step.started.place,
                "is_teardown": step.started.is_teardown,
                "verdict": to_document(step.ended.verdict) if step.ended else None,
                "duration_s": step.ended.duration_s if step.ended else None,
                "timeline": timeline(step.entries),
                "checks": checks_document(steps[id(step)].checks)
                if id(step) in steps
                else [{"old": to_document(each), "new": None, "source": "stored"} for each in step.results],
            }
            for step in played.steps
        ],
        "loose": timeline(played.loose),
        "checks": checks_document(again.loose) if again else to_document(played.results),
        "files": list(played.files),
        "writes": writes_of(trial, trace_id) if trace_id else None,
        "evaluations": to_document(found.evaluations.get(trace_id, ())),
    }


def checks_document(checks: Iterable[Again]) -> list[dict[str, Any]]:
    """Checks, before and now."""
    return [
        {
            "old": to_document(each.old),
            "new": to_document(each.new),
            "source": each.source.value,
            "severity": each.severity.value,
            "why": each.why,
        }
        for each in checks
    ]


def timeline(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Events in order; checks and what they looked at are told beside them."""
    shown = (each for each in entries if not isinstance(each.event, CheckJudged | StepObserved))
    return [{"t": each.t, "at": each.at, "type": WORDS[type(each.event)], **to_document(each.event)} for each in shown]
