"""The record of a run before anything was sent: on what it is made, what will be climbed, and which secrets there are.

Secrets are told by presence only. Whatever the stack tells of itself is added when it has started.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from harness.evidence.git_facts import git_facts
from harness.evidence.run_record import (
    LadderRecord,
    Presence,
    Redaction,
    RunRecord,
    RunStatus,
    ScenarioRecord,
    TriggerRecord,
)
from harness.evidence.timestamps import timestamp
from harness.ids import new_id
from harness.judging.verdict import Verdict
from harness.language.digests import scenario_digest
from harness.runner.stand import planned_url

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.runner.book import RunBook
    from harness.runner.planning import Order, Plan


def first_record(order: Order, plan: Plan, settings: Settings, *, book: RunBook) -> RunRecord:
    """What is known of a run when its folder has just been made: every scenario is BLOCKED, since none was reached.

    Args:
        order: What was asked for.
        plan: What will be done.
        settings: Say where the stack and the checkout are.
        book: Of the run; its folder and its clock.
    """
    from importlib.metadata import version

    parts = [plan.climbed, *([plan.rollback] if plan.rollback else [])]
    ladder = plan.climbed.ladder
    return RunRecord(
        run_id=new_id(),
        folder=book.staging.name,
        status=RunStatus.RUNNING,
        started_at=timestamp(book.clock.now()),
        harness_version=version("ladder"),
        base_url=planned_url(settings, ladder.mode),
        ladders=tuple(
            replace(
                LadderRecord.of(part.ladder, {each.id: scenario_digest(each) for each in part.ladder.scenarios}),
                variables=book.recording.variables(part.ladder.variables, part.text),
                scenario_variables={
                    each.id: book.recording.variables(each.variables, part.text)
                    for each in part.ladder.scenarios
                    if each.variables
                },
            )
            for part in parts
        ),
        git=git_facts(settings.root),
        redaction=Redaction(version("ladder"), book.redactor.needle_count),
        scenarios=tuple(
            ScenarioRecord(each.id, each.title, f"{part.folder}/{each.id}", Verdict.BLOCKED, reason="not reached yet")
            for part in parts
            for each in part.scenarios
        ),
        secrets={
            name: Presence.PRESENT if name in plan.secrets.names else Presence.ABSENT
            for name in sorted({*ladder.secrets, "API_TOKENS"})
        },
        settings={
            "asked": {
                # A run that goes on with trials of another one climbs the same scenarios.
                "scenarios": list(plan.wish.only),
                "with_needs": plan.wish.with_needs,
                "resume": order.wish.resume,
                "from": order.from_run,
                "witness": order.witness.value,
                "trials": asdict(order.trials),
            }
        },
        recorded=book.recording.mode.value,
        trials=plan.trials.count,
        rerun_of=plan.rerun_of,
        trigger=TriggerRecord(plan.trigger.source.value, plan.trigger.issue_key, plan.trigger.issue_status),
    )
