"""Old runs are removed whole, with what was made of them; what is needed, running or chained stays."""

import fcntl
import json
import os
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from indexed_runs import (
    FUTURE_NS,
    MINUTE,
    NOW,
    add_run,
    edit,
    record_of,
    remembered,
    run_id,
    trace_id,
    with_index,
    without_index,
    write_run_folder,
)

from harness.evidence.bundle import Staging
from harness.evidence.chaining import finished_names, read_ledger, stored_runs
from harness.evidence.guarded import open_root
from harness.indexing.facts import Facts
from harness.indexing.pruning import prune
from harness.indexing.retention import Chained, decide
from harness.indexing.store import Index
from harness.replaying.evaluations import store
from harness.sealing.ledger import troubles

LATER = FUTURE_NS / 1e9


def pruned(root, keep, **options):
    return prune(root, Index(root), keep, **({"now_s": lambda: LATER} | options))


def names(root):
    return sorted(path.name for path in root.iterdir() if path.name[0] != ".")


def faults(root):
    descriptor = open_root(root)
    try:
        stored = tuple(stored_runs(descriptor, finished_names(descriptor)))
        return [each for each in troubles(read_ledger(descriptor), stored) if each.is_fault]
    finally:
        os.close(descriptor)


def test_the_newest_finished_runs_stay_by_what_they_record(tmp_path):
    folders = [add_run(tmp_path, number) for number in range(5)]
    edit(folders[0], started_at="2026-01-01T00:00:00Z")
    done = pruned(tmp_path, 2)
    assert done.removed == [folders[number].name for number in (3, 2, 1)]
    assert names(tmp_path) == [folders[0].name, folders[4].name]
    assert (done.kept, done.held, done.failed) == (2, [], {})
    assert with_index(tmp_path) == without_index(tmp_path)
    assert remembered(tmp_path) == {folders[0].name, folders[4].name}


@pytest.mark.parametrize("keep", [3, 9])
def test_nothing_goes_while_there_are_not_more(tmp_path, keep):
    for number in range(3):
        add_run(tmp_path, number)
    damaged = add_run(tmp_path, 9)
    (damaged / "manifest.json").unlink()
    assert pruned(tmp_path, keep).removed == []


def test_nothing_recorded_is_nothing_to_prune_and_makes_nothing(tmp_path):
    assert pruned(tmp_path, 0).kept == 0
    assert pruned(tmp_path / "nowhere", 0).kept == 0
    assert list(tmp_path.iterdir()) == []


def test_partial_and_damaged_runs_go_when_they_are_older_than_all_that_stay(tmp_path):
    folders = [add_run(tmp_path, number) for number in range(6)]
    old, new = (folders[number].rename(f"{folders[number]}.partial") for number in (0, 5))
    (folders[1] / "run.json").write_text("{")
    (folders[4] / "run.json").write_text("{")
    done = pruned(tmp_path, 1)
    assert set(done.removed) == {old.name, folders[1].name, folders[2].name}
    assert names(tmp_path) == [folders[3].name, folders[4].name, new.name]


def test_a_running_run_is_never_touched_however_old(tmp_path):
    staging = Staging.open(tmp_path, NOW)
    add_run(tmp_path, 3)
    assert pruned(tmp_path, 0).removed == ["2025-11-14T17:17:05Z"]
    assert names(tmp_path) == [f"{staging.name}.partial"]
    staging.close()
    assert pruned(tmp_path, 0).removed == [f"{staging.name}.partial"]


def test_a_folder_that_a_run_may_be_about_to_lock_is_not_touched(tmp_path):
    staging = Staging.open(tmp_path, NOW)
    staging.close()
    changed = staging.folder.stat().st_ctime
    assert pruned(tmp_path, 0, now_s=lambda: changed + 5).removed == []
    assert staging.folder.exists()


def test_a_run_that_goes_on_since_it_was_listed_is_not_touched(tmp_path):
    staging = Staging.open(tmp_path, NOW)
    staging.close()
    held = []

    def lock_meanwhile():
        held.append(os.open(staging.folder, os.O_RDONLY))
        fcntl.flock(held[0], fcntl.LOCK_EX)
        return LATER

    assert pruned(tmp_path, 0, now_s=lock_meanwhile).removed == []
    assert staging.folder.exists()
    os.close(held[0])


def test_a_sealed_run_that_no_ledger_knows_goes_although_it_is_read_only(tmp_path):
    done = write_run_folder(tmp_path)
    (tmp_path / "LEDGER.jsonl").unlink()
    assert pruned(tmp_path, 0).removed == [done.folder.name]
    assert names(tmp_path) == []


def chain(root):
    return [write_run_folder(root, now=NOW + number * MINUTE, run_id=run_id(number)).folder for number in range(4)]


def test_a_chain_is_not_broken_and_what_it_holds_is_named(tmp_path):
    folders = chain(tmp_path)
    stray = add_run(tmp_path, -5)
    done = pruned(tmp_path, 1)
    assert done.removed == [stray.name]
    assert done.held == [folders[number].name for number in (2, 1, 0)]
    assert faults(tmp_path) == []


def test_a_ledger_that_cannot_be_understood_holds_what_it_names(tmp_path):
    folders = chain(tmp_path)
    (tmp_path / "LEDGER.jsonl").write_text(f"somebody wrote {folders[0].name} here\n")
    assert folders[0].name in pruned(tmp_path, 0).held


def test_without_a_ledger_a_run_stays_that_a_kept_one_continues_from(tmp_path):
    folders = chain(tmp_path)
    (tmp_path / "LEDGER.jsonl").unlink()
    assert pruned(tmp_path, 1).held == [folders[number].name for number in (2, 1, 0)]
    assert pruned(tmp_path, 0).removed == [folders[number].name for number in (3, 2, 1, 0)]


def test_a_run_stays_whose_trials_a_kept_run_has_taken_over(tmp_path):
    for number in range(3):
        add_run(tmp_path, number)
    taken = replace(record_of(3).trial_records[0], run_id=run_id(1))
    add_run(tmp_path, 3, trial_records=(taken,))
    done = pruned(tmp_path, 1)
    assert [done.held, done.removed] == [["2025-11-14T17:15:05Z"], ["2025-11-14T17:16:05Z", "2025-11-14T17:14:05Z"]]


def test_by_force_listed_runs_go_and_the_ledger_tells_that_they_were_there(tmp_path):
    folders = chain(tmp_path)
    done = pruned(tmp_path, 1, is_forced=True)
    assert done.removed == [folders[number].name for number in (2, 1, 0)]
    assert names(tmp_path) == [folders[3].name, "LEDGER.jsonl"]
    assert {each.run for each in faults(tmp_path)} >= {folder.name for folder in folders[:3]}


@given(
    keep=st.integers(0, 8),
    conditions=st.lists(st.sampled_from(["finished", "partial", "damaged", "running"]), max_size=8),
    listed=st.sets(st.integers(0, 7)),
    before=st.lists(st.integers(0, 7), min_size=8, max_size=8),
)
def test_whatever_the_chain_no_kept_run_continues_from_one_that_goes(keep, conditions, listed, before):
    runs = [Facts(str(place), "", str(-place), condition, "", "") for place, condition in enumerate(conditions)]
    needs = {each.folder: [str(before[int(each.folder)])] for each in runs}
    chosen = decide(runs, keep, Chained({str(place) for place in listed}, needs), is_forced=False)
    going = {each.folder for each in chosen.going}
    staying = [each for each in runs if each.folder not in going]
    assert not going & {needs[each.folder][0] for each in staying}
    assert not going & {str(place) for place in listed}
    assert "running" not in {each.condition for each in chosen.going}
    finished = [each.folder for each in runs if each.condition == "finished"]
    assert not going & set(finished[:keep])
    forced = decide(runs, keep, Chained({str(place) for place in listed}, needs), is_forced=True)
    assert {each.folder for each in forced.going} == going | {each.folder for each in chosen.held}


def test_the_later_evaluations_of_removed_runs_go_with_them_and_no_others(tmp_path):
    evaluated = [trace_id(0), trace_id(0, 2), trace_id(1), trace_id(7)]
    for number in range(2):
        add_run(tmp_path, number)
    taken_over = add_run(tmp_path, 2)
    document = json.loads((taken_over / "run.json").read_text())
    document["trial_records"][0]["trace_id"] = trace_id(0)
    (taken_over / "run.json").write_text(json.dumps(document))
    for trace in evaluated:
        store(tmp_path, trace, str(uuid.UUID(trace)), text="{}")
    pruned(tmp_path, 1)
    left = sorted(path.name for path in (tmp_path / ".ladder/evals").iterdir())
    assert left == sorted([trace_id(0), trace_id(7)])


def test_evaluations_of_traces_that_only_lie_in_the_run_go_too(tmp_path):
    folder = add_run(tmp_path, 0, trial_records=(), scenarios=())
    (folder / "traces").mkdir()
    (folder / f"traces/{trace_id(5)}.json").write_text("{}")
    store(tmp_path, trace_id(5), trace_id(5), text="{}")
    pruned(tmp_path, 0)
    assert list((tmp_path / ".ladder/evals").iterdir()) == []


def test_hostile_names_lead_nowhere(tmp_path):
    root = tmp_path / "runs"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    folder = add_run(root, 0, trial_records=(), scenarios=())
    document = json.loads((folder / "run.json").read_text())
    document["scenarios"] = [{"id": "x", "title": "x", "folder": "x", "verdict": "PASS", "trace_id": "../../outside"}]
    (folder / "run.json").write_text(json.dumps(document))
    (folder / "traces").symlink_to(outside)
    (root / (NOW + 5 * MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ")).symlink_to(outside)
    (root / ".ladder").mkdir(mode=0o700)
    (root / ".ladder/evals").symlink_to(outside)
    pruned(root, 0)
    assert (outside / "precious").read_text() == "x"
    assert names(root) == []


def test_what_a_kill_left_half_removed_is_no_run_and_goes_next_time(tmp_path):
    folder = add_run(tmp_path, 0)
    folder.rename(tmp_path / f".pruned-{folder.name}")
    kept = add_run(tmp_path, 1)
    assert [each.folder for each in with_index(tmp_path)] == [kept.name]
    pruned(tmp_path, 1)
    assert {path.name for path in tmp_path.iterdir()} == {kept.name, ".ladder"}


def test_a_run_that_cannot_be_removed_is_named_and_the_others_go(tmp_path, monkeypatch):
    folders = [add_run(tmp_path, number) for number in range(3)]
    real = os.rename

    def stubborn(source, *arguments, **options):
        if source == folders[1].name:
            raise PermissionError(1, "Operation not permitted")
        return real(source, *arguments, **options)

    monkeypatch.setattr(os, "rename", stubborn)
    done = pruned(tmp_path, 0)
    assert done.failed == {folders[1].name: "Operation not permitted"}
    assert done.removed == [folders[2].name, folders[0].name]
    assert done.kept == 1
