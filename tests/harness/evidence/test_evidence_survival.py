"""Kills at every write point, runs that start in the same second, and what coreutils say about a bundle."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sample_run import write_run_folder

from harness.evidence.chaining import read_ledger, stored_runs
from harness.evidence.checking import faults_of
from harness.evidence.guarded import open_root
from harness.evidence.layout import LEDGER
from harness.evidence.reading import RunCondition, list_runs
from harness.evidence.run_record import RunStatus
from harness.sealing.ledger import NO_PREVIOUS, ChainWord, troubles

DRIVER = Path(__file__).parent / "evidence_driver.py"

KILLED_AFTER_THE_RENAME = 4
"""Before the folder is flushed, before the ledger is opened, in the middle of the line, and before it is flushed."""


def chain(root):
    """The ledger of a root, and what is the matter with it."""
    descriptor = open_root(root)
    try:
        ledger = read_ledger(descriptor)
        stored = tuple(stored_runs(descriptor, [entry.name for entry in finished(root)]))
    finally:
        os.close(descriptor)
    return ledger, troubles(ledger, stored)


def finished(root):
    return [entry for entry in list_runs(root) if entry.condition is RunCondition.FINISHED]


def drive(*arguments):
    done = subprocess.run([sys.executable, DRIVER, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    root = tmp_path_factory.mktemp("killed")
    return root, drive("kill", root)


def test_a_run_killed_at_any_call_that_changes_the_disk_leaves_no_unmarked_half(killed):
    root, outcome = killed
    assert outcome["exit"] == 0
    assert outcome["calls"] > 100
    finals = 0
    for attempt in sorted(root.iterdir()):
        for folder in attempt.iterdir():
            if folder.name.endswith(".partial") or folder.name == LEDGER:
                continue
            finals += 1
            assert faults_of(folder) == (), f"{folder} is neither whole nor marked"
    assert finals == KILLED_AFTER_THE_RENAME + 1


def test_a_killed_run_is_listed_as_partial_and_never_as_finished(killed):
    root, outcome = killed
    conditions = [entry.condition for attempt in sorted(root.iterdir()) for entry in list_runs(attempt)]
    assert conditions.count(RunCondition.FINISHED) == KILLED_AFTER_THE_RENAME + 1
    assert set(conditions) == {RunCondition.FINISHED, RunCondition.PARTIAL}
    assert len(conditions) >= outcome["calls"] - 2


def test_wherever_a_run_was_killed_its_root_holds_one_chain_and_the_next_run_adds_the_line_that_is_missing(killed):
    root, _ = killed
    left_out = []
    for attempt in sorted(root.iterdir()):
        before = finished(attempt)
        words = {each.word for each in chain(attempt)[1]}
        # What a kill leaves is no fault, and no reader takes it for one.
        assert words <= {ChainWord.BEHIND}
        next_run = write_run_folder(attempt)
        if words:
            left_out.append(before[-1].name)
            assert before[-1].name in next_run.notes[0]
        else:
            assert next_run.notes == ()
        ledger, found = chain(attempt)
        assert found == ()
        assert [line.run for line in ledger.lines] == [*(each.name for each in before), next_run.folder.name]
        assert ledger.head == next_run.manifest_sha256
    # Killed before the last bytes of the line reached the disk.
    assert len(left_out) == KILLED_AFTER_THE_RENAME - 1


def test_sixteen_runs_that_end_at_once_make_one_chain(tmp_path):
    outcome = drive("race", tmp_path, 16)
    assert set(outcome["statuses"]) == {0}
    ledger, found = chain(tmp_path)
    assert found == ()
    assert len(ledger.lines) == 16
    assert {line.run for line in ledger.lines} == {entry.name for entry in finished(tmp_path)}
    assert [line.prev for line in ledger.lines] == [NO_PREVIOUS, *(line.manifest_sha256 for line in ledger.lines[:-1])]


def test_runs_of_the_same_second_get_folders_of_their_own_and_never_mix(tmp_path):
    outcome = drive("race", tmp_path, 8)
    assert set(outcome["statuses"]) == {0}
    entries = list_runs(tmp_path)
    assert sorted(entry.run_id for entry in entries) == sorted(outcome["ids"])
    assert len({entry.name for entry in entries}) == 8
    for entry in entries:
        others = set(outcome["ids"]) - {entry.run_id}
        texts = [path.read_text() for path in entry.folder.rglob("*") if path.is_file()]
        assert faults_of(entry.folder) == ()
        assert entry.record.status is RunStatus.FINISHED
        assert entry.record.folder == entry.name
        assert not [other for other in others for text in texts if other in text]


def test_sha256sum_agrees_with_the_sums(tmp_path):
    folder = write_run_folder(tmp_path).folder
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert listed == {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"SHA256SUMS"}
