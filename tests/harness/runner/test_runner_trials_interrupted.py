"""Several trials at once, and what Ctrl-C and a full disk do to them, one after the other and on threads."""

import signal
import threading

import pytest
from staged import Reply, silence
from trial_stage import GREEN, RED, answering, manifest_of, statuses
from whole_runs import WholeRun

from harness.evidence.checking import faults_of
from harness.evidence.faults import UnwritableError
from harness.evidence.journal import iter_events
from harness.evidence.layout import TRACE_MANIFEST, trace_file
from harness.evidence.run_record import RunStatus
from harness.evidence.trial_records import decode_traces
from harness.judging.verdict import Verdict
from harness.runner import trials
from harness.runner.interrupts import AbandonedError, OnThread
from harness.verifying.verify import verify


@pytest.fixture
def run(tmp_path, monkeypatch):
    return WholeRun(tmp_path, monkeypatch)


def interrupted_at(run, number, answer=GREEN):
    """The first request of one trial, counted from 0, during which Ctrl-C comes."""
    return answering(run, *([answer] * number), run.signal())


def test_ctrl_c_after_six_trials_leaves_six_and_the_one_that_it_ended(run):
    """D06."""
    ended = interrupted_at(run, 6).trials(10)
    assert (ended.exit_code, ended.record.status) == (130, RunStatus.INTERRUPTED)
    assert statuses(ended) == ["PASS"] * 6 + ["interrupted"]
    assert ended.record.aggregation.trials == 6
    assert manifest_of(ended).trials == ended.record.trial_records
    assert all((ended.finished.folder / trace_file(each.trace_id)).is_file() for each in ended.record.trial_records)
    assert faults_of(ended.finished.folder) == ()
    # The one that was ended is cleaned up as well.
    assert run.service.sent[-2:] == ["GET /1", "DELETE /1"]


def test_ctrl_c_between_two_trials_begins_no_other(run):
    """D06."""

    class Signalling(list):
        def append(self, given):
            super().append(given)
            if len(self) == 12:
                run.interrupts.arrive()

    run.told = Signalling()
    ended = run.trials(10)
    assert (ended.exit_code, statuses(ended)) == (130, ["PASS"] * 6)
    assert ended.record.aggregation.trials == 6


def test_what_a_trial_was_found_to_miss_before_ctrl_c_stays_found(run):
    answering(run, RED)
    run.service.on("DELETE /1", run.signal())
    ended = run.trials(3)
    assert (ended.exit_code, statuses(ended)) == (130, ["FAIL"])
    assert ended.record.verdict is Verdict.FAIL


def test_a_second_ctrl_c_leaves_the_folder_partial(run):
    run.service.on("DELETE /1", {}, run.signal())
    interrupted_at(run, 1)
    with pytest.raises(AbandonedError):
        run.trials(3)
    assert run.folders() == ["2025-11-14T17:14:05Z.partial"]


class Turnstile:
    """Holds every request to one route back until so many have come, and then lets something happen."""

    def __init__(self, count, then=lambda: None):
        self.barrier = threading.Barrier(count, action=then, timeout=30)

    def __call__(self, _call):
        self.barrier.wait()
        return Reply(GREEN)


def test_as_many_trials_as_asked_for_are_under_way_at_once(run):
    """C07."""
    answering(run, Turnstile(8))
    ended = run.trials(16, 8)
    assert (statuses(ended), ended.exit_code) == (["PASS"] * 16, 0)
    assert [each.trial_index for each in manifest_of(ended).trials] == list(range(16))
    ids = [each.trace_id for each in ended.record.trial_records]
    assert ids == sorted(set(ids))
    assert verify(ended.finished.folder, strict=True).failed == ()


def test_trials_at_once_never_write_into_one_anothers_logs(run):
    """C07."""
    answering(run, Turnstile(4))
    ended = run.trials(8, 4)
    for record in ended.record.trial_records:
        entries = list(iter_events(ended.finished.folder / record.log))
        begun = [entry.event.trace_id for entry in entries if hasattr(entry.event, "scenarios")]
        assert begun == [record.trace_id]
        folders = {getattr(entry.event, "folder", record.folder) for entry in entries}
        assert {folder.rpartition("/live")[0] or folder for folder in folders} == {record.folder}


def ctrl_c():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def held(run):
    """No answer until somebody breaks the connection off."""
    assert run.client.here.connection.broken.wait(30)
    return silence("ReadError")


def test_ctrl_c_ends_trials_on_threads_cleans_up_and_keeps_those_that_had_ended(run):
    """D06, with three at once."""
    under_way = threading.Barrier(3, action=ctrl_c, timeout=30)

    def wait_for_ever(_call):
        under_way.wait()
        return held(run)

    answering(run, *([GREEN] * 6), wait_for_ever)
    ended = run.trials(12, 3)
    assert (ended.exit_code, ended.record.status) == (130, RunStatus.INTERRUPTED)
    assert sorted(statuses(ended)) == ["PASS"] * 6 + ["interrupted"] * 3
    assert ended.record.aggregation.trials == 6
    # Nine were begun, and each is cleaned up.
    assert run.service.sent.count("DELETE /1") == 9
    assert verify(ended.finished.folder, strict=True).failed == ()


def test_ctrl_c_does_not_break_off_the_cleanup_of_a_trial_on_a_thread(run):
    """D06."""
    broken = []
    cleaning = threading.Barrier(2, action=ctrl_c, timeout=30)

    def clean_up(_call):
        cleaning.wait()
        # The main thread tells all threads to end meanwhile, again and again.
        broken.append(run.client.here.connection.broken.wait(0.2))
        return Reply({})

    run.service.on("DELETE /1", clean_up)
    ended = run.trials(4, 2)
    assert broken == [False, False]
    assert (ended.exit_code, statuses(ended)) == (130, ["interrupted"] * 2)
    assert [each.verdict for each in ended.record.scenarios] == ["PASS", "BLOCKED"] * 2


def test_a_pause_of_a_cleanup_on_a_thread_is_not_cut_short_by_a_first_signal_but_by_a_second():
    interrupts = OnThread()
    interrupts.stop()
    with interrupts.may_end():
        interrupts.sleep(30)
    pausing = threading.Thread(target=interrupts.sleep, args=(30,))
    pausing.start()
    pausing.join(0.05)
    assert pausing.is_alive()
    interrupts.stop(by_force=True)
    pausing.join(20)
    assert not pausing.is_alive()


def test_a_second_ctrl_c_ends_cleanups_on_threads_as_well(run):
    under_way = threading.Barrier(2, action=ctrl_c, timeout=30)

    def wait_for_ever(_call):
        under_way.wait()
        return held(run)

    def clean_up(_call):
        run.client.here.connection.broken.clear()
        ctrl_c()
        return held(run)

    answering(run, wait_for_ever)
    run.service.on("DELETE /1", clean_up)
    with pytest.raises(AbandonedError):
        run.trials(4, 2)
    assert run.folders() == ["2025-11-14T17:14:05Z.partial"]
    assert [each for each in threading.enumerate() if each.name == "trial"] == []


def test_evidence_that_cannot_be_written_in_one_trial_ends_the_others_in_good_order(run, monkeypatch):
    begun = threading.Barrier(3, timeout=30)
    whole = trials.write_climbs

    def full(staging, log, redactor):
        if run.client.here.connection is first[0]:
            raise UnwritableError("evidence-unwritable", "the disk is full", "free space")
        whole(staging, log, redactor)

    first = []

    def answer(_call):
        first.append(run.client.here.connection)
        if len(first) <= 3:
            begun.wait()
        return Reply(GREEN)

    monkeypatch.setattr(trials, "write_climbs", full)
    answering(run, answer)
    with pytest.raises(UnwritableError):
        run.trials(9, 3)
    assert [each for each in threading.enumerate() if each.name == "trial"] == []
    manifest = decode_traces(next(run.root.glob(f"evidence/*.partial/{TRACE_MANIFEST}")).read_text())
    assert {each.status for each in manifest.trials} <= {"running", "PASS", "interrupted"}
