"""A name means the same among the runs that it could mean as among all of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from indexed_runs import add_run, run_id, trace_id

from harness.errors import HarnessError
from harness.evidence.reading import list_runs
from harness.evidence.resolving import newest_run, resolve_run
from harness.evidence.trial_records import TrialRecord, encode_traces, encode_trial
from harness.indexing.finding import runs_meant
from harness.indexing.store import Index
from harness.replaying.choosing import choose
from harness.traces.reading import open_traces


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for number in range(6):
        add_run(root, number)
    untold = add_run(root, 6, trial_records=())
    (untold / "traces").mkdir()
    (untold / f"traces/{trace_id(6)}.json").write_text("{}")
    trial = encode_trial(TrialRecord(0, trace_id(6, 9)))
    (untold / "traces/manifest.json").write_text(encode_traces(run_id(6), [trial]))
    (root / "2025-11-14T17:19:05Z/traces").mkdir()
    (root / f"2025-11-14T17:19:05Z/traces/{trace_id(5, 77)}.json").write_text("{}")
    partial = add_run(root, 7, trial_records=(), scenarios=(), verdict=None)
    partial.rename(f"{partial}.partial")
    (add_run(root, 8) / "run.json").write_text("{")
    return root


NAMES = [
    "2025-11-14T17:14:05Z",
    "2025-11-14T17:21:05Z.partial",
    "2025-11-14T17:22:05Z",
    *(run_id(number) for number in (0, 7, 8)),
    *(trace_id(number, place) for number in (0, 6, 7) for place in (0, 2)),
    trace_id(3).replace("-", ""),
    trace_id(5, 77),
    trace_id(6, 9),
    "019a0000",
    "01900006",
    "../../etc/passwd",
    "....",
    "nothing-of-this-name",
    "2031-01-01T00:00:00Z",
]


def outcome(ask):
    try:
        return ask()
    except HarnessError as error:
        return (error.reference, error.message, error.hint)


def resolved(entries, text):
    return resolve_run(entries, text) if text else newest_run(entries)


def chosen(entries, text):
    found = choose(entries, text)
    return found and (found.entry, found.trace_id)


def opened(entries, text):
    found = open_traces(entries, text, "")
    return found.entry


@settings(max_examples=150)
@given(name=st.sampled_from(NAMES), length=st.integers(0, 40), ask=st.sampled_from([resolved, chosen, opened]))
def test_a_name_or_its_beginning_gives_the_same_run_or_the_same_refusal(root, name, length, ask):
    text = name[:length]
    few, every = runs_meant(root, Index(root), text), list_runs(root)
    assert outcome(lambda: ask(few, text)) == outcome(lambda: ask(every, text))


def test_only_what_is_meant_is_read(root):
    assert [entry.run_id for entry in runs_meant(root, Index(root), run_id(3))] == [run_id(3)]
    assert [entry.run_id for entry in runs_meant(root, Index(root), "2025-11-14T17:15:05Z#002")] == [run_id(1)]
    assert [entry.name for entry in runs_meant(root, Index(root), "")] == ["2025-11-14T17:22:05Z"]
    both = runs_meant(root, Index(root), run_id(0), "2025-11-14T17:15:05Z")
    assert [entry.run_id for entry in both] == [run_id(1), run_id(0)]


@pytest.mark.parametrize(("trace", "name"), [(trace_id(5, 77), "17:19:05"), (trace_id(6, 9), "17:20:05")])
def test_traces_that_a_record_does_not_tell_of_are_found_in_the_folder(root, trace, name):
    assert f"2025-11-14T{name}Z" in {entry.name for entry in runs_meant(root, Index(root), trace)}


def test_where_nothing_is_recorded_nothing_is_meant(tmp_path):
    assert runs_meant(tmp_path, Index(tmp_path), "") == ()
    assert runs_meant(tmp_path / "nowhere", Index(tmp_path / "nowhere"), run_id(0)) == ()
