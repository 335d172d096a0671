"""``kill -9`` at every call of a whole run that changes the disk: what is left is marked, or whole."""

import json

import pytest
from ladder_process import Ladder, entry_of, met, sealed, spared, sweep, texts
from stub_backend import stub_backend

from harness.evidence.layout import PARTIAL_NOTE
from harness.evidence.reading import RunCondition

pytestmark = pytest.mark.processes

KILLED = -9


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    with stub_backend() as stub:
        ladder = Ladder(tmp_path_factory.mktemp("killed"), stub)
        yield ladder, sweep(ladder, "SIGKILL", every=1)


def test_a_run_killed_anywhere_leaves_no_unmarked_half(killed):
    _, done = killed
    assert len(met(done)) > 200
    finished = 0
    for run in met(done):
        assert run["code"] == KILLED, run
        entry = entry_of(run)
        if entry is None:
            # Before the evidence root was made, or the run's folder.
            assert run["at"] <= 2
        elif entry.condition is RunCondition.FINISHED:
            sealed(entry)
            finished += 1
        else:
            assert entry.condition is RunCondition.PARTIAL
            assert entry.folder.name.endswith(".partial")
    # Only a kill after the rename leaves a bundle: before the folder above it is flushed, before the ledger is opened,
    # in the middle of the line, and before that is flushed.
    assert finished == 4


def test_the_note_in_a_killed_folder_is_there_until_the_manifest_is(killed):
    _, done = killed
    for entry in filter(None, map(entry_of, met(done))):
        # Killed right after the mkdir there is nothing in it yet, and half a note is a note.
        is_empty = not list(entry.folder.iterdir())
        is_described = (entry.folder / "SHA256SUMS").exists()
        assert (entry.folder / PARTIAL_NOTE).exists() or is_empty or is_described, entry.folder


def test_a_later_run_in_the_same_folder_is_whole_and_of_its_own(killed):
    _, done = killed
    assert spared(done)
    others = {entry.run_id for entry in map(entry_of, met(done)) if entry and entry.run_id}
    assert len(others) > 200
    for run in spared(done):
        assert run["code"] == 0, run["said"]
        entry = sealed(entry_of(run))
        begun = [json.loads(line)["run_id"] for line in open_events(entry) if '"run_started"' in line]
        assert begun == [entry.run_id]
        written = texts(entry)
        assert not [other for other in others if other in written]


def test_killed_runs_are_listed_as_partial(killed):
    ladder, done = killed
    out = spared(done)[0]["out"]
    listed = ladder.run("runs", "--json", "--out", out)
    assert listed.returncode == 0, listed.stderr
    conditions = {each["folder"].rpartition("/")[2]: each["condition"] for each in json.loads(listed.stdout)["runs"]}
    for run in done:
        for name in run["new"] if run["out"] == out else []:
            assert conditions[name] == ("partial" if name.endswith(".partial") else "finished")
    shown = ladder.run("runs", "--out", out).stdout
    words = [line.split()[1] for line in shown.splitlines()[1:]]
    assert words.count("partial") == list(conditions.values()).count("partial")
    assert words.count("PASS") == 1


def open_events(entry):
    return (entry.folder / "events.jsonl").read_text().splitlines()
