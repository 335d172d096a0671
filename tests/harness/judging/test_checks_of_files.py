"""What really changed in a project, against what is wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import check, seen

from harness.judging.checks import evaluate
from harness.judging.observation import FileChanges
from harness.judging.results import Outcome

BEFORE = {"app.py": "1", "old.py": "1", "same.py": "1", ".codex/result.json": "1"}
AFTER = {"app.py": "2", "same.py": "1", "z.py": "1", "a.py": "1", ".codex/result.json": "2", ".codex/new": "1"}
CHANGES = FileChanges("submit", BEFORE, AFTER)


def judged(changes=CHANGES, **lists):
    item = check("files_changed", {"since": "submit", "project": "p", **lists})
    return evaluate(item, seen(files={"submit": changes} if changes else {}))


@pytest.mark.parametrize(
    "lists",
    [
        {"created": {"eq": ["z.py", "a.py"]}},
        {"created": {"eq": ("a.py", "z.py")}},
        {"modified": {"eq": ["app.py"]}, "deleted": {"eq": ["old.py"]}},
        {"modified": {"contains": "app.py"}},
        {"created": {"length": {"eq": 2}}},
        {},
    ],
)
def test_what_really_changed_satisfies_it(lists):
    assert judged(**lists).outcome is Outcome.HELD


@pytest.mark.parametrize(
    "lists",
    [
        {"created": {"eq": ["a.py"]}},
        {"modified": {"eq": ["app.py", "same.py"]}},
        {"modified": {"eq": []}},
        {"modified": {"contains": ".codex/result.json"}},
        {"deleted": {"eq": []}},
        {"created": {"ne": ["z.py", "a.py"]}},
        {"modified": {"eq": ["app.py"]}, "created": {"eq": []}},
    ],
)
def test_what_did_not_change_so_misses_it(lists):
    assert judged(**lists).outcome is Outcome.MISSED


def test_nothing_changed_misses_a_check_without_lists():
    assert judged(FileChanges("submit", BEFORE, BEFORE | {".codex/x": "1"})).outcome is Outcome.MISSED


def test_files_that_were_not_read_decide_nothing():
    assert judged(None, modified={"eq": []}).outcome is Outcome.UNDECIDED
    doubtful = FileChanges("submit", {}, {}, doubt="app.py could not be read (413)")
    found = judged(doubtful, modified={"eq": []})
    assert (found.outcome, found.got) == (Outcome.UNDECIDED, "app.py could not be read (413)")


@pytest.mark.parametrize("claim", [["a.py", "z.py", "z.py"], ["z.py"], None, "a.py"])
def test_a_list_that_differs_from_the_files_is_missed(claim):
    assert judged(created={"eq": claim}).outcome is Outcome.MISSED


HASHES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))


@given(HASHES, HASHES)
def test_every_path_is_in_at_most_one_list_and_in_one_exactly_when_it_changed(before, after):
    changes = FileChanges("submit", before, after)
    lists = [*changes.created, *changes.modified, *changes.deleted]
    assert sorted(lists) == sorted(path for path in before.keys() | after if before.get(path) != after.get(path))
    told = {"created": {"eq": list(changes.created)}, "modified": {"eq": list(changes.modified)}}
    assert judged(changes, **told).outcome is Outcome.HELD
