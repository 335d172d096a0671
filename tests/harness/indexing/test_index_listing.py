"""An index tells what the folders tell, whatever happens to either of them."""

import os
import shutil
import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from indexed_runs import (
    FUTURE_NS,
    MINUTE,
    NOW,
    add_run,
    edit,
    record_of,
    remembered,
    stamp,
    trace_id,
    with_index,
    without_index,
)

from harness.evidence.bundle import Staging
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import RunCondition
from harness.evidence.run_record import RunStatus, encode_run
from harness.evidence.timestamps import folder_name
from harness.evidence.trial_records import TrialRecord, encode_traces, encode_trial
from harness.indexing import words
from harness.indexing.listing import list_facts
from harness.indexing.place import FILE, HIDDEN
from harness.indexing.store import Index
from harness.judging.verdict import Verdict


def into(make):
    def change(folder):
        (folder / "run.json").unlink(missing_ok=True)
        make(folder / "run.json")

    return change


def beside(make):
    def change(folder):
        (folder / "manifest.json").unlink(missing_ok=True)
        make(folder / "manifest.json")

    return change


def renamed_to(suffix):
    def change(folder):
        other = folder.with_name(folder.name.removesuffix(".partial") + suffix)
        if not other.exists():
            folder.rename(other)

    return change


CHANGES = {
    "removed": shutil.rmtree,
    "red": lambda folder: edit(folder, verdict="FAIL"),
    "green": lambda folder: edit(folder, verdict="PASS"),
    "began later": lambda folder: edit(folder, started_at="2026-01-01T00:00:00Z"),
    "began at no time": lambda folder: edit(folder, started_at="\ud800 \x1b[2J"),
    "has another id": lambda folder: edit(folder, run_id="x" * 5000 + "\x00\x1f\n"),
    "took endlessly": lambda folder: edit(folder, duration_s=float("inf")),
    "torn": lambda folder: os.truncate(folder / "run.json", 100),
    "of bytes": lambda folder: (folder / "run.json").write_bytes(b"\xff\xfe"),
    "without record": lambda folder: (folder / "run.json").unlink(),
    "record is a pipe": into(os.mkfifo),
    "record is a link": into(lambda path: path.symlink_to("/dev/zero")),
    "record is a folder": into(os.mkdir),
    "manifest is gone": lambda folder: (folder / "manifest.json").unlink(missing_ok=True),
    "manifest is there": beside(lambda path: path.write_text("{}")),
    "manifest is a link": beside(lambda path: path.symlink_to("SHA256SUMS")),
    "sums are gone": lambda folder: (folder / "SHA256SUMS").unlink(missing_ok=True),
    "signed": lambda folder: (folder / "manifest.dsse.json").write_text("{}"),
    "noted as partial": lambda folder: (folder / "PARTIAL.txt").write_text("killed\n"),
    "called partial": renamed_to(".partial"),
    "called finished": renamed_to(""),
}


def lose_bytes(path, place):
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 509):
        data[(at + place) % len(data)] ^= 1 << place % 8
    path.write_bytes(data)


DAMAGE = {
    "one byte": lambda path, place: path.write_bytes(
        (data := path.read_bytes())[: place % len(data)] + b"\xa5" + data[place % len(data) + 1 :]
    ),
    "many bytes": lose_bytes,
    "cut": lambda path, place: os.truncate(path, place % path.stat().st_size),
    "emptied": lambda path, place: path.write_bytes(b""),
    "zeros": lambda path, place: path.write_bytes(bytes(path.stat().st_size)),
    "text": lambda path, place: path.write_text("not a database at all" * 100),
    "gone": lambda path, place: path.unlink(),
}

ACTIONS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 5), st.sampled_from(["PASS", "FAIL", "LIMITED"])),
    st.tuples(st.just("change"), st.integers(0, 5), st.sampled_from(sorted(CHANGES))),
    st.tuples(st.just("damage"), st.integers(0, 1 << 16), st.sampled_from(sorted(DAMAGE))),
)


def folder_of(root, number):
    name = folder_name(NOW + number * MINUTE)
    return next((path for path in (root / name, root / f"{name}.partial") if os.path.lexists(path)), None)


def act(root, action, tick):
    kind, number, what = action
    index = root / HIDDEN / FILE
    if kind == "damage":
        if index.exists() and index.stat().st_size:
            DAMAGE[what](index, number)
        return
    folder = folder_of(root, number)
    if kind == "add" and folder is None:
        folder = add_run(root, number, Verdict(what))
    elif kind == "change" and folder is not None and (folder / "run.json").is_file():
        try:
            CHANGES[what](folder)
        except (ValueError, FileExistsError):
            return
        folder = folder_of(root, number)
    if folder is not None:
        stamp(folder, tick)


@settings(max_examples=60)
@given(actions=st.lists(ACTIONS, min_size=1, max_size=12))
def test_after_anything_that_happens_to_runs_or_index_the_list_is_the_one_without_an_index(tmp_path_factory, actions):
    root = tmp_path_factory.mktemp("runs")
    for tick, action in enumerate(actions, start=1):
        act(root, action, tick * 1_000_000_000)
        assert with_index(root) == without_index(root), action


def test_what_has_not_changed_is_not_opened_again(tmp_path, monkeypatch):
    for number in range(3):
        add_run(tmp_path, number)
    listed = with_index(tmp_path)

    def refuse(folder):
        msg = f"{folder} was read"
        raise AssertionError(msg)

    monkeypatch.setattr("harness.indexing.folder.read_folder", refuse)
    assert with_index(tmp_path) == listed
    assert with_index(tmp_path, with_contents=True) == listed


def test_only_what_changed_is_read(tmp_path, monkeypatch):
    from harness.indexing import folder as reader

    folders = [add_run(tmp_path, number) for number in range(3)]
    with_index(tmp_path)
    edit(folders[1], verdict="FAIL")
    read = []
    monkeypatch.setattr(
        "harness.indexing.folder.read_folder",
        lambda folder, real=reader.read_folder: read.append(folder) or real(folder),
    )
    assert [each.verdict for each in with_index(tmp_path)] == ["PASS", "FAIL", "PASS"]
    assert read == [folders[1]]


def test_what_changed_a_moment_ago_is_read_again_because_the_clock_may_not_tell_a_second_change(tmp_path):
    folder = add_run(tmp_path, 0)
    changed = (folder / "run.json").stat().st_ctime_ns
    with_index(tmp_path, now_ns=lambda: changed + 1_000_000_000)
    assert remembered(tmp_path) == set()
    with_index(tmp_path, now_ns=lambda: changed + 3_000_000_000)
    assert remembered(tmp_path) == {folder.name}


def test_a_change_that_keeps_size_and_set_times_is_seen(tmp_path):
    folder = add_run(tmp_path, 0, Verdict.PASS)
    before = (folder / "run.json").stat()
    with_index(tmp_path)
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace("PASS", "FAIL"))
    os.utime(folder / "run.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    wait_for_a_tick(folder / "run.json", before.st_ctime_ns)
    assert [each.verdict for each in with_index(tmp_path)] == ["FAIL"]


def wait_for_a_tick(path, changed_ns):
    until = time.monotonic() + 5
    while path.stat().st_ctime_ns == changed_ns and time.monotonic() < until:
        path.chmod(0o600)


def test_what_is_partial_is_looked_at_every_time(tmp_path):
    staging = Staging.open(tmp_path, NOW)
    (staging.folder / "run.json").write_text(encode_run(record_of(0, status=RunStatus.RUNNING, verdict=None)))
    assert [each.condition for each in with_index(tmp_path)] == ["running"]
    staging.close()
    assert [each.condition for each in with_index(tmp_path)] == ["partial"]
    assert remembered(tmp_path) == set()


def test_a_killed_run_is_found_by_the_trials_that_it_began(tmp_path):
    folder = add_run(tmp_path, 0, trial_records=(), scenarios=())
    folder = folder.rename(f"{folder}.partial")
    (folder / "traces").mkdir()
    trials = tuple(TrialRecord(place, trace_id(0, place)) for place in range(2))
    (folder / "traces/manifest.json").write_text(encode_traces("x", map(encode_trial, trials)))
    listing = list_facts(tmp_path, Index(tmp_path), with_contents=True)
    bare = [trace_id(0, place).replace("-", "") for place in range(2)]
    assert listing.contents[folder.name].traces.split() == bare


def test_a_run_that_ends_while_folders_are_read_is_listed_once_and_as_finished(tmp_path, monkeypatch):
    from harness.indexing import folder as reader

    folder = add_run(tmp_path, 0)
    partial = folder.rename(f"{folder}.partial")
    real = reader.read_folder

    def end_first(path):
        if partial.exists():
            partial.rename(folder)
        return real(path)

    monkeypatch.setattr("harness.indexing.folder.read_folder", end_first)
    assert [each.folder for each in with_index(tmp_path)] == [folder.name]


def test_a_run_that_changes_while_it_is_read_is_not_remembered(tmp_path, monkeypatch):
    from harness.indexing import folder as reader

    folder = add_run(tmp_path, 0)
    real = reader.read_folder

    def change_after(path):
        found = real(path)
        edit(path, verdict="FAIL")
        return found

    monkeypatch.setattr("harness.indexing.folder.read_folder", change_after)
    with_index(tmp_path)
    assert remembered(tmp_path) == set()
    assert folder.exists()


def test_an_enormous_record_is_listed_and_not_remembered(tmp_path):
    folder = add_run(tmp_path, 0)
    (folder / "run.json").write_text(
        encode_run(record_of(0, trial_records=tuple(_trial(place) for place in range(1 << 15))))
    )
    assert [each.folder for each in with_index(tmp_path)] == [folder.name]
    assert remembered(tmp_path) == set()


def _trial(place):
    return TrialRecord(place, trace_id(1, place))


def test_nothing_is_made_where_nothing_is_recorded(tmp_path):
    assert with_index(tmp_path) == []
    assert with_index(tmp_path / "nowhere") == []
    (tmp_path / "README.md").write_text("x")
    assert with_index(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_root_that_cannot_be_read_is_told_and_never_looks_like_no_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError) as caught:
        with_index(tmp_path / "file")
    assert caught.value.reference == "evidence-unreadable"


def test_a_root_behind_a_link_has_its_index_behind_the_link(tmp_path):
    add_run(tmp_path / "disk", 0)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert with_index(tmp_path / "link") == without_index(tmp_path / "disk")
    assert len(remembered(tmp_path / "disk")) == 1


def test_runs_of_one_instant_are_told_apart_and_keep_their_order(tmp_path):
    for number in range(3):
        add_run(tmp_path, number, started_at="2025-11-14T17:14:05Z")
    found = with_index(tmp_path)
    assert [each.folder for each in found] == sorted((each.folder for each in found), reverse=True)
    assert found == with_index(tmp_path) == without_index(tmp_path)


def test_the_words_are_those_of_the_records():
    assert tuple(each.value for each in RunCondition) == words.CONDITIONS
    assert words.INTERRUPTED == RunStatus.INTERRUPTED


def test_the_clock_of_the_tests_is_ahead_of_every_file(tmp_path):
    assert time.time_ns() + timedelta(days=365) // timedelta(microseconds=1) * 1000 < FUTURE_NS


def test_what_lies_behind_a_link_can_change_without_a_trace_so_it_is_looked_at_every_time(tmp_path):
    folder = add_run(tmp_path / "runs", 0)
    elsewhere = (folder / "manifest.json").rename(tmp_path / "elsewhere")
    (folder / "manifest.json").symlink_to(elsewhere)
    assert [each.condition for each in with_index(tmp_path / "runs")] == ["finished"]
    elsewhere.unlink()
    assert [each.condition for each in with_index(tmp_path / "runs")] == ["damaged"]
