"""Several trials as processes: what they print, how they are killed, and what is found of them afterwards."""

import json
import os
import pty
import re
import signal

import pytest
from ladder_process import ended, entry_of, met, sealed, sweep
from stub_backend import stub_backend
from trials_under_fire import fire

from harness.evidence.guarded import stored_text
from harness.evidence.layout import TRACE_MANIFEST
from harness.evidence.reading import RunCondition
from harness.evidence.trial_records import decode_traces
from harness.verifying.verify import verify

pytestmark = pytest.mark.processes

POSTED = "/projects/"


def trials_of(entry):
    return decode_traces(stored_text(entry.folder / TRACE_MANIFEST)).trials


def test_the_run_is_the_first_line_and_every_trace_is_named_and_the_end_adds_up(ladder, stub):
    """C12: the same on standard output, in the summaries and in the record."""
    stub.fails_every = 4
    done = ladder.run(*ladder.climb("--trials", "4", "--concurrency", "2"))
    entry = ladder.sealed()
    lines = done.stdout.splitlines()
    assert lines[0] == f"run {entry.run_id}"
    assert all(trial.trace_id in done.stdout for trial in entry.record.trial_records)
    assert len([line for line in lines if re.match(r"trial \d+ (PASS|FAIL) ", line)]) == 4
    assert not [line for line in lines if "/S01: " in line and line.startswith("trials/")]
    assert (done.returncode, entry.record.verdict) == (1, "FLAKY")
    assert "pass rate: 3/4 green = 75.0 % (95 % Wilson interval 30.1 % to 95.4 %), flaky" in lines
    assert "arithmetic: FLAKY: 3/4 green, 1 wanted" in lines
    (parts,) = [line for line in lines if line.startswith("first difference: ")]
    assert parts.startswith("first difference: S03: call / step step-2 (trials/")
    assert "verdict: FLAKY, exit code 1" in lines
    for name in ("summary.txt", "summary.md"):
        assert parts in stored_text(entry.folder / name)


def test_a_single_climb_names_its_trace_as_well(ladder):
    """C12."""
    done = ladder.run(*ladder.climb())
    entry = ladder.sealed()
    assert done.stdout.splitlines()[0] == f"run {entry.run_id}"
    assert f"trace: {entry.record.trial_records[0].trace_id}" in done.stdout.splitlines()


def test_the_stream_tells_each_trial_and_ends_with_what_they_add_up_to(ladder):
    done = ladder.run(*ladder.climb("--trials", "4", "--concurrency", "4", "--json"))
    entry = ladder.sealed()
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    types = [line["type"] for line in lines]
    assert (types[0], types[-2:]) == ("run_started", ["run_ended", "outcome"])
    assert (types.count("trial_started"), types.count("trial_ended"), types.count("run_started")) == (4, 4, 1)
    for index in range(4):
        own = [line["type"] for line in lines if line.get("trial_index") == index]
        assert (own[0], own[-1], own.count("scenario_ended")) == ("trial_started", "trial_ended", 3)
    outcome, written = lines[-1], json.loads(stored_text(entry.folder / "run.json"))
    assert (outcome["aggregation"], outcome["trials"]) == (written["aggregation"], written["trial_records"])
    assert [phase["n"] for phase in outcome["phases"]] == [4, 4, 4, 4]


@pytest.mark.parametrize("is_shared", [True, False])
def test_lines_reach_standard_output_also_while_a_terminal_shows_the_progress(ladder, is_shared):
    """C12: a display on stderr takes over what is printed only where both are one terminal."""
    ours, theirs = pty.openpty()
    streams = {"stderr": theirs, "environ": {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}}
    run = ladder.start(*ladder.climb("--trials", "3"), **(streams | ({"stdout": theirs} if is_shared else {})))
    os.close(theirs)
    shown = b""
    # A terminal whose other end is closed gives an error instead of nothing.
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
    except OSError:
        pass
    os.close(ours)
    said = ended(run).stdout or ""
    where = shown.decode() if is_shared else said
    entry = ladder.sealed()
    assert run.returncode == 0
    assert all(f" PASS {trial.trace_id} (" in where for trial in entry.record.trial_records)
    assert "3 of 3 have ended, 3 green" in shown.decode()
    if not is_shared:
        assert said.startswith(f"run {entry.run_id}\ntrial 0 PASS ")


def test_a_run_that_is_killed_after_its_second_trial_keeps_both_and_is_found(ladder, stub):
    """C02."""
    stub.hangs_at = [3]
    run = ladder.start(*ladder.climb("--trials", "5"))
    told = [run.stdout.readline() for _ in range(3)]
    stub.wait_for("POST", POSTED, 3)
    run.kill()
    assert ended(run).returncode == -signal.SIGKILL
    stub.release()
    entry = ladder.only_entry()
    assert entry.condition is RunCondition.PARTIAL
    trials = trials_of(entry)
    assert [trial.status for trial in trials] == ["PASS", "PASS", "running"]
    assert all(trial.trace_id in line for trial, line in zip(trials[:2], told[1:], strict=True))
    listed = ladder.run("runs")
    assert (listed.returncode, entry.name in listed.stdout, entry.run_id in listed.stdout) == (0, True, True)
    for trial in trials[:2]:
        drawn = ladder.run("trace", trial.trace_id)
        assert (drawn.returncode, "climb" in drawn.stdout) == (0, True), drawn.stderr
    shown = ladder.run("replay", entry.run_id)
    assert shown.returncode == 0, shown.stderr
    assert all(trial.trace_id in shown.stdout for trial in trials[:2])
    going_on = ladder.run(*ladder.climb("--trials", "5", "--resume", entry.run_id))
    assert going_on.returncode == 0, going_on.stderr
    assert "trials: 5 begun of 5: 5 PASS" in going_on.stdout


@pytest.mark.parametrize("command", ["runs", "replay"])
def test_in_an_empty_folder_nothing_is_recorded_and_that_is_no_error(ladder, command):
    """C05."""
    done = ladder.run(command)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing recorded" in done.stdout


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    from ladder_process import Ladder

    class Twice(Ladder):
        def climb(self, *arguments):
            return super().climb("--trials", "2", *arguments)

    with stub_backend() as stub:
        ladder = Twice(tmp_path_factory.mktemp("killed-trials"), stub)
        yield sweep(ladder, "SIGKILL", every=9)


def test_a_manifest_is_the_old_or_the_new_one_wherever_a_kill_comes(killed):
    """C06."""
    counts = []
    for run in met(killed):
        entry = entry_of(run)
        if entry and (entry.folder / TRACE_MANIFEST).exists():
            trials = trials_of(entry)
            counts.append(len(trials))
            assert {trial.status for trial in trials} <= {"running", "PASS"}
            assert [trial.status for trial in trials].count("running") <= 1
    assert {1, 2} <= set(counts)


def test_eight_trials_at_once_are_all_there(ladder, stub):
    """C07."""
    stub.hold("POST", POSTED)
    run = ladder.start(*ladder.climb("--trials", "8", "--concurrency", "8"))
    # All of them are in the middle of their first request at one moment.
    stub.wait_for("POST", POSTED, 8)
    stub.release()
    done = ended(run)
    assert done.returncode == 0, done.stderr
    entry = ladder.sealed()
    assert [(trial.trial_index, trial.status) for trial in trials_of(entry)] == [(at, "PASS") for at in range(8)]
    assert verify(entry.folder, strict=True).failed == ()


def test_runs_of_trials_at_once_and_some_of_them_killed_lose_none(tmp_path):
    """C07; the whole of it is ``python tests/harness/runs/trials_under_fire.py``."""
    trials, killed = fire(tmp_path, processes=4, rounds=1, seed=7)
    assert trials >= 2 * 5 + 2
    assert killed


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_trials_at_once_and_keeps_those_that_had_ended(ladder, stub, kind):
    """D06."""
    stub.hangs_at = range(7, 13)
    run = ladder.start(*ladder.climb("--trials", "12", "--concurrency", "3"))
    stub.wait_for("POST", POSTED, 9)
    run.send_signal(kind)
    done = ended(run)
    assert done.returncode == 130, done.stderr
    assert done.stderr.count("a second Ctrl-C") == 1
    entry = sealed(ladder.only_entry())
    statuses = [trial.status for trial in trials_of(entry)]
    assert sorted(statuses) == ["PASS"] * 6 + ["interrupted"] * 3
    assert len(re.findall(r"(?m)^trial \d+ PASS ", done.stdout)) == 6
    assert set(stub.jobs) == set(stub.gone)


def test_a_backend_that_hangs_ends_the_trial_at_its_deadline_and_not_the_others(ladder, stub):
    """D17."""
    ladder.file.write_text(ladder.file.read_text().replace("timeout: 30s", "timeout: 300ms"))
    stub.hangs_at = [2]
    done = ladder.run(*ladder.climb("--trials", "3", "--max-errors", "1"))
    assert done.returncode == 0, done.stdout
    trials = trials_of(ladder.sealed())
    assert sorted(trial.status for trial in trials) == ["ERROR", "PASS", "PASS"]
    assert "ReadTimeout" in next(trial.error for trial in trials if trial.error)


def test_the_backend_that_goes_away_for_one_trial_is_an_error_of_that_trial(ladder, stub):
    """C01: here the connection itself is cut."""
    stub.cuts_at = 2
    done = ladder.run(*ladder.climb("--trials", "3"))
    assert done.returncode == 3, done.stdout
    trials = trials_of(ladder.sealed())
    assert [trial.status for trial in trials] == ["PASS", "ERROR", "PASS"]
    assert len({trial.trace_id for trial in trials}) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        ("--trials", "0"),
        ("--trials", "-1"),
        ("--trials", "1001"),
        ("--trials", "2", "--min-pass-rate", "7"),
        ("--trials", "2", "--concurrency", "3"),
        ("--trials", "many"),
    ],
)
def test_what_is_out_of_range_is_exit_code_2_and_nothing_is_sent(warm_ladder, stub, wrong):
    """D13."""
    done = warm_ladder.run(*warm_ladder.climb(*wrong))
    assert done.returncode == 2, done.stderr
    assert (stub.asked, warm_ladder.entries()) == ([], ())
