"""What the steps of two runs sent and got, in the normal form: without ids, times, durations, ports and folders.

Of several trials, an exchange is the same when one of each side are.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from harness.reporting.changes import Change, Section
from harness.reporting.compared_run import climbed_pairs
from harness.reporting.normal_json import normal_body, normal_text
from harness.reporting.side_by_side import places, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.evidence.events import ExchangeMade
    from harness.reporting.compared_run import ComparedRun, Sample
    from harness.reporting.side_by_side import Place

    Exchanges = Mapping[str, Any]


def exchange_changes(before: ComparedRun, after: ComparedRun) -> Section:
    """Every exchange of the scenarios that both sides climbed."""
    changes: list[Change] = []
    compared = 0
    for pair in climbed_pairs(before, after):
        one, other = ([_exchanges(each) for each in side] for side in (pair.before, pair.after))
        steps = list(dict.fromkeys(step for sample in (*one, *other) for step in sample))
        compared += len(steps)
        changes += [
            Change(f"{pair.name} step {step}", *place) for step in steps for place in _differing(step, one, other)
        ]
    rule = "Method, path, status and body are compared once ids, times, ports and paths are tokens."
    return Section("exchanges", compared, tuple(changes), rule, is_by_part=False)


def _exchanges(sample: Sample) -> Exchanges:
    """By step; a step that made several has them numbered."""
    times: Counter[str] = Counter()
    found = {}
    for made in sample.told.exchanges:
        times[made.step] += 1
        number = "" if times[made.step] == 1 else f" ({times[made.step]})"
        found[f"{shown(made.step)}{number}"] = _normal(made)
    return found


def _normal(made: ExchangeMade) -> Exchanges:
    answer, sent = made.answer, made.sent
    body = normal_body(answer.text) if answer.is_whole else f"cut from {answer.cut_from} characters"
    return {
        "sent": {"method": sent.method, "path": normal_text(sent.path), "body": normal_body(sent.text)},
        "got": {"status": answer.status, "error": answer.error, "body": body},
    }


def _differing(step: str, before: list[Exchanges], after: list[Exchanges]) -> tuple[Place, ...]:
    """The first places where the first samples part, unless a sample of one side is one of the other."""
    one, other = [found.get(step) for found in before], [found.get(step) for found in after]
    return () if any(each in other for each in one) else places(one[0], other[0])
