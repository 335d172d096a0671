"""The files of two runs by their hashes: what the worker made of a project, and what the judge kept of each scenario.

Where the hashes of an artifact differ, its text is compared in the normal form, since nearly every one holds an id or a
time. Left out are the two lists of a trace, which are compared by its structure, and the notes about all the rest. Of
several trials, a file is the same when one of each side are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.evidence.layout import DB_WRITES, EXECUTION_TRACE, NOTES
from harness.reporting.changes import ABSENT, Change, Section
from harness.reporting.compared_run import climbed_pairs
from harness.reporting.normal_json import normal_body
from harness.reporting.side_by_side import places, shown
from harness.reporting.stored import LostError, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.reporting.compared_run import ComparedRun, Pair, Sample

LEFT_OUT: Final = frozenset({DB_WRITES, EXECUTION_TRACE, NOTES})

_DIGITS: Final = 12
_HASH: Final = "SHA-256"


def file_changes(before: ComparedRun, after: ComparedRun) -> Section:
    """Every file of the scenarios that both sides climbed."""
    changes: list[Change] = []
    compared = 0
    for pair in climbed_pairs(before, after):
        made = _names(each.told.project for each in (*pair.before, *pair.after))
        kept = _names(each.files for each in (*pair.before, *pair.after))
        compared += len(made) + len(kept)
        changes += [change for path in made for change in _project(pair, path)]
        changes += [change for name in kept for change in _artifact(pair, name)]
    rule = "A file is the same when its hash is, and an artifact also when its text is once ids and times are tokens."
    return Section("files", compared, tuple(changes), rule, is_by_part=False)


def _names(found: Iterable[Iterable[str]]) -> list[str]:
    return sorted({name for names in found for name in names} - LEFT_OUT)


def _project(pair: Pair, path: str) -> Iterator[Change]:
    one, other = ({each.told.project.get(path, ABSENT) for each in side} for side in (pair.before, pair.after))
    if one.isdisjoint(other):
        yield Change(f"{pair.name} project file {shown(path)}", _HASH, _digits(min(one)), _digits(min(other)))


def _artifact(pair: Pair, name: str) -> Iterator[Change]:
    one, other = ([_hash(each, name) for each in side] for side in (pair.before, pair.after))
    if not set(one).isdisjoint(other):
        return
    where = f"{pair.name}/{shown(name)}"
    if ABSENT in {one[0], other[0]}:
        yield Change(where, _HASH, _digits(one[0]), _digits(other[0]))
        return
    try:
        found = places(_normal(pair.before[0], name), _normal(pair.after[0], name))
    except LostError as error:
        yield Change(where, shown(str(error)), _digits(one[0]), _digits(other[0]))
        return
    yield from (Change(where, *place) for place in found)


def _hash(sample: Sample, name: str) -> str:
    file = sample.files.get(name)
    return (file.sha256 if file else None) or ABSENT


def _normal(sample: Sample, name: str) -> Any:  # noqa: ANN401  # JSON values
    return normal_body(text_of(sample.entry.folder, sample.files[name].path))


def _digits(digest: str) -> str:
    return shown(digest[:_DIGITS])
