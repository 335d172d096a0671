"""Ctrl-C and polite kills: cleanup is done, the rest is blocked, and the bundle says that it was interrupted."""

import json
import signal

import pytest
from ladder_process import ended, entry_of, met, sealed, spared, sweep, texts, verdicts

from harness.evidence.journal import iter_events
from harness.evidence.layout import PARTIAL_NOTE
from harness.evidence.reading import RunCondition
from harness.evidence.run_record import RunStatus

pytestmark = pytest.mark.processes

INTERRUPTED = 130
CANARY = "canary-4f1d0c7a9be35d28-interrupted"
POLITE = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def is_cleaned_up(stub):
    return set(stub.jobs) == set(stub.gone)


@pytest.mark.parametrize("kind", POLITE)
def test_a_signal_during_a_poll_ends_the_climb_and_not_its_evidence(ladder, stub, kind):
    stub.is_ready = False
    run = ladder.start(*ladder.climb())
    stub.wait_for("GET", "/result.json")
    run.send_signal(kind)
    done = ended(run)
    assert done.returncode == INTERRUPTED, done.stderr
    assert is_cleaned_up(stub)
    entry = ladder.sealed()
    assert entry.record.status is RunStatus.INTERRUPTED
    assert entry.record.exit_code == INTERRUPTED
    assert verdicts(entry) == {"S01": "INCONCLUSIVE", "S02": "BLOCKED", "S03": "BLOCKED"}
    assert [each.reason for each in entry.record.scenarios] == [
        "interrupted in step step-2",
        "interrupted; nothing was sent",
        "interrupted; nothing was sent",
    ]
    assert "verdict: INCONCLUSIVE (interrupted), exit code 130" in done.stdout
    assert "a second Ctrl-C" in done.stderr


def test_a_signal_during_a_request_that_hangs_does_not_wait_for_it(ladder, stub):
    stub.hold("GET", "/files")
    run = ladder.start(*ladder.climb())
    stub.wait_for("GET", "/files")
    run.send_signal(signal.SIGINT)
    assert ended(run).returncode == INTERRUPTED
    assert verdicts(ladder.sealed()) == {"S01": "PASS", "S02": "INCONCLUSIVE", "S03": "BLOCKED"}
    assert stub.count("POST", "/jobs") == 0


def test_a_first_signal_during_cleanup_lets_it_finish(ladder, stub):
    stub.hold("DELETE", "")
    run = ladder.start(*ladder.climb())
    stub.wait_for("DELETE", "")
    run.send_signal(signal.SIGINT)
    stub.release()
    assert ended(run).returncode == INTERRUPTED
    assert is_cleaned_up(stub)
    entry = ladder.sealed()
    assert entry.record.status is RunStatus.INTERRUPTED
    assert verdicts(entry) == {"S01": "PASS", "S02": "BLOCKED", "S03": "BLOCKED"}
    # Nothing failed, but a climb that was cut short has not passed either.
    assert entry.record.verdict == "INCONCLUSIVE"
    assert entry.record.scenarios[0].files


def test_a_second_signal_ends_at_once_and_the_folder_stays_partial(ladder, stub):
    ladder.has_secret("OPENAI_API_KEY", CANARY)
    stub.summary, stub.is_ready = f"the key is {CANARY}", False
    stub.hold("DELETE", "")
    run = ladder.start(*ladder.climb())
    stub.wait_for("GET", "/result.json")
    run.send_signal(signal.SIGINT)
    stub.wait_for("DELETE", "")
    run.send_signal(signal.SIGINT)
    # The cleanup is still held back when the process has ended.
    done = ended(run)
    assert done.returncode == INTERRUPTED, done.stderr
    assert "error[run-abandoned]: interrupted twice" in done.stderr
    assert "Traceback" not in done.stderr
    entry = ladder.only_entry()
    assert entry.condition is RunCondition.PARTIAL
    assert entry.why.startswith("This run was interrupted twice")
    assert not (entry.folder / "manifest.json").exists()
    assert CANARY not in done.stdout + done.stderr + texts(entry)
    assert "[REDACTED]" in texts(entry)


def test_a_signal_that_the_caller_has_ignored_is_ignored(ladder, stub):
    stub.hold("GET", "/files")
    # What nohup does, and every shell to a command in the background of a script.
    ignoring = lambda: [signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGHUP)]  # noqa: E731
    run = ladder.start(*ladder.climb(), preexec_fn=ignoring)
    stub.wait_for("GET", "/files")
    run.send_signal(signal.SIGINT)
    run.send_signal(signal.SIGHUP)
    stub.release()
    assert ended(run).returncode == 0
    assert ladder.sealed().record.status is RunStatus.FINISHED


def test_an_interrupted_stream_ends_with_its_outcome(ladder, stub):
    stub.is_ready = False
    run = ladder.start(*ladder.climb("--json"))
    stub.wait_for("GET", "/result.json")
    run.send_signal(signal.SIGTERM)
    last = json.loads(ended(run).stdout.splitlines()[-1])
    assert (last["type"], last["status"], last["exit_code"]) == ("outcome", "interrupted", INTERRUPTED)


def test_one_signal_at_any_moment_leaves_a_sealed_bundle(ladder, stub):
    done = sweep(ladder, "SIGINT", every=3)
    assert is_cleaned_up(stub)
    ends = set()
    for run in met(done):
        entry = entry_of(run)
        if entry is None or entry.record is None:
            # Nothing has been sent yet.
            assert run["code"] == INTERRUPTED
            assert run["at"] < 10
            continue
        sealed(entry)
        assert list(iter_events(entry.folder / "events.jsonl"))[-1].event.status == entry.record.status
        found = tuple(verdicts(entry).values())
        # Only when the verdict had been reached before does the signal change nothing.
        is_late = entry.record.status is RunStatus.FINISHED
        assert run["code"] == entry.record.exit_code == (0 if is_late else INTERRUPTED), run["said"]
        assert set(found) == {"PASS"} if is_late else True
        ends.add((entry.record.status.value, found))
    assert ("interrupted", ("INCONCLUSIVE", "BLOCKED", "BLOCKED")) in ends
    assert ("interrupted", ("PASS", "BLOCKED", "BLOCKED")) in ends
    assert ("interrupted", ("PASS", "PASS", "INCONCLUSIVE")) in ends
    assert ("finished", ("PASS", "PASS", "PASS")) in ends
    assert {run["code"] for run in spared(done)} == {0}


def test_two_signals_at_any_moment_leave_a_marked_folder_or_a_sealed_one(ladder):
    done = sweep(ladder, "SIGINT,SIGTERM", every=7)
    codes = []
    for run in met(done):
        entry = entry_of(run)
        codes.append(run["code"])
        assert "Traceback" not in run["said"]
        if entry is None:
            assert run["code"] == INTERRUPTED
        elif entry.condition is RunCondition.FINISHED:
            assert sealed(entry).record.status is RunStatus.FINISHED
            assert run["code"] == 0, run["said"]
        else:
            assert (entry.folder / PARTIAL_NOTE).exists() or not list(entry.folder.iterdir())
            assert run["code"] == INTERRUPTED, run["said"]
    assert set(codes) == {0, INTERRUPTED}
    assert {run["code"] for run in spared(done)} == {0}
