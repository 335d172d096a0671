"""Verdicts and checks of two runs side by side.

Samples of several trials are taken as a set of words: fifty times PASS is what once PASS is, and PASS and FAIL together
are something else. A check is the same check when its step and its text are, wherever the ladder has it now.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.reporting.changes import ABSENT, Change, Section
from harness.reporting.compared_run import climbed_pairs, scenario_names
from harness.reporting.side_by_side import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.reporting.compared_run import ComparedRun, Sample
    from harness.traces.case_records import Assertion

    Check = tuple[str, str, int]


def verdict_changes(before: ComparedRun, after: ComparedRun) -> Section:
    """Every scenario's verdict and result, and the run's."""
    names = scenario_names(before, after)
    changes = [
        *_word("run", "verdict", ([before.verdict], [after.verdict])),
        *(change for name in names for change in _scenario(name, before, after)),
    ]
    rule = "A verdict or a result changed when the set of words that it had is another one."
    return Section("verdicts", len(names) + 1, tuple(changes), rule)


def _scenario(name: str, before: ComparedRun, after: ComparedRun) -> Iterator[Change]:
    one, other = ([each.record for each in side.scenarios.get(name, ())] for side in (before, after))
    yield from _word(name, "verdict", ([each.verdict for each in one], [each.verdict for each in other]))
    if one and other:
        results = [each.result_status for each in one], [each.result_status for each in other]
        yield from _word(name, "result", results)


def _word(where: str, what: str, words: tuple[Sequence[str], Sequence[str]]) -> Iterator[Change]:
    before, after = words
    if set(before) != set(after):
        yield Change(where, what, _counted(before), _counted(after))


def _counted(words: Sequence[str]) -> str:
    """``PASS``; of several samples ``PASS 48, FAIL 2``."""
    found = Counter(map(str, words))
    if len(words) <= 1:
        return shown(next(iter(found), ABSENT))
    return ", ".join(f"{shown(word)} {count}" for word, count in found.most_common())


def check_changes(before: ComparedRun, after: ComparedRun) -> Section:
    """Every check of the scenarios that both sides climbed."""
    changes: list[Change] = []
    compared = 0
    for pair in climbed_pairs(before, after):
        one, other = _checks(pair.before), _checks(pair.after)
        compared += len({**one, **other})
        changes += _lost(pair.name, (*pair.before, *pair.after))
        changes += _differing(pair.name, one, other)
    rule = "A check changed when it came or went, or held on one side and not on the other."
    return Section("checks", compared, tuple(changes), rule)


def _lost(name: str, samples: Iterable[Sample]) -> list[Change]:
    """A case that cannot be read hides its checks, and nobody may take that for agreement."""
    whys = dict.fromkeys(each.why for each in samples if each.case is None)
    return [Change(name, "case", shown(why), ABSENT) for why in whys]


def _checks(samples: Iterable[Sample]) -> dict[Check, list[Assertion]]:
    found: dict[Check, list[Assertion]] = {}
    for sample in samples:
        times: Counter[tuple[str, str]] = Counter()
        for check in sample.case.assertions if sample.case else ():
            key = (check.step, check.text)
            found.setdefault((*key, times[key]), []).append(check)
            times[key] += 1
    return found


def _differing(
    name: str, before: dict[Check, list[Assertion]], after: dict[Check, list[Assertion]]
) -> Iterator[Change]:
    for key in {**before, **after}:
        one, other = before.get(key, []), after.get(key, [])
        if {_outcome(each) for each in one} != {_outcome(each) for each in other}:
            where = f"{name} step {shown(key[0])}" if key[0] else name
            yield Change(where, shown(key[1]), _told(one), _told(other))


def _outcome(check: Assertion) -> str:
    severity = "" if check.severity.value == "fail" else f" ({check.severity.value})"
    return f"{check.outcome.value}{severity}"


def _told(checks: list[Assertion]) -> str:
    """How a check ended; one that did not hold with what was there."""
    words = _counted([_outcome(check) for check in checks])
    red = next((check for check in checks if check.outcome.value != "held"), None)
    return f"{words}: wanted {shown(red.wanted)}, got {shown(red.got)}" if red else words
