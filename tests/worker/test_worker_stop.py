"""A stop signal at any moment ends in a true result with exit code 0, and a second one breaks nothing."""

import json
import os
import signal
import sys

import pytest
from worker_bench import Bench

import worker.work
from worker.contract import ExitCode
from worker.job import perform
from worker.stop import STOP_SIGNALS, Stopped, StopSignal
from worker.workspace import Workspace


def assert_true_lists(bench, result, before):
    after = bench.files()
    assert result["created_files"] == sorted(after.keys() - before.keys())
    assert result["modified_files"] == sorted(
        name for name in after.keys() & before.keys() if after[name] != before[name]
    )
    assert result["deleted_files"] == sorted(before.keys() - after.keys())


def follow_until(process, text):
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the worker ended without saying {text!r}")


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_during_the_sleep_cancels_the_job(bench, number):
    bench.ask("long_run: generate and analyze a large codebase", job_type="initial_project")
    with bench.command(SLEEP_SECONDS="3600") as process:
        follow_until(process, "sleep_seconds=3600")
        process.send_signal(number)
        assert process.wait(timeout=60) == ExitCode.OK
    result = bench.result()
    assert (result["status"], result["errors"]) == ("error", ["cancelled"])
    assert (result["created_files"], result["modified_files"]) == ([], [])
    assert "sleep_seconds=3600" in result["logs"]
    assert bench.files() == {}


def test_a_burst_of_signals_cancels_the_job_once(bench):
    bench.ask("long_run", job_type="initial_project")
    with bench.command(SLEEP_SECONDS="3600") as process:
        follow_until(process, "sleep_seconds=3600")
        while process.poll() is None:
            process.terminate()
        assert process.returncode == ExitCode.OK
    assert bench.result()["errors"] == ["cancelled"]
    assert bench.codex_names() == ["request.json", "result.json", "trace.jsonl"]


@pytest.mark.parametrize("line", range(12))
@pytest.mark.parametrize("twice", [False, True])
def test_a_signal_at_any_line_of_the_log_ends_in_a_true_result(bench, line, twice):
    bench.ask("Generate it.", job_type="initial_project")
    stop, lines = StopSignal(), []

    def write(text):
        lines.append(text)
        if len(lines) == line + 1 or (twice and len(lines) == line + 2):
            stop.handle(signal.SIGTERM, None)

    ran = bench.perform(stop=stop, write=write)
    assert ran.code == ExitCode.OK
    # The last line tells the status: whatever comes after it is too late.
    expected = [] if "status=success" in lines else ["cancelled"]
    assert ran.result["errors"] == expected
    assert (line < 10) == (expected == ["cancelled"])
    assert_true_lists(bench, ran.result, {})


def interrupted_at(bench, stop, place):
    """Run a job and let the signal arrive at the ``place``-th line of Python that runs."""
    count = 0

    def trace(_frame, event, _argument):
        nonlocal count
        count += event == "line"
        if event == "line" and count == place:
            stop.handle(signal.SIGTERM, None)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        code = perform(bench.environ, stop=stop, write=[].append)
    finally:
        sys.settrace(before)
    assert code == ExitCode.OK


# A file object that the signal caught between its birth and its `with` is left to the end of the process.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_at_any_line_of_the_worker_ends_in_a_true_result(tmp_path):
    def fresh(number):
        bench = Bench(tmp_path / str(number))
        (bench.path / "README.md").write_text("# Mine")
        (bench.path / "app.py").write_text("N = 10\nprint(fibonacci(N))\ndef fibonacci(n):\n    return []\n")
        bench.ask("Move fibonacci() to fibonacci.py.")
        return bench

    # The first run imports what the later ones need, so that a place means the same line in all of them.
    interrupted_at(fresh("first"), StopSignal(), 0)
    outcomes, place = set(), 1
    # Once a run is a success the signal came after the outcome was settled, and so will every later one.
    while ("success",) not in outcomes:
        place += 5
        bench = fresh(place)
        before = bench.files()
        interrupted_at(bench, StopSignal(), place)
        result = bench.result()
        outcomes.add((result["status"], *result["errors"]))
        assert_true_lists(bench, result, before)
        assert bench.codex_names() == ["request.json", "result.json", "trace.jsonl"]
        # Whatever was interrupted, each file is the old one or the new one.
        assert (bench.path / "app.py").read_bytes().startswith((b"N = 10\nprint", b"from fibonacci import"))
    assert outcomes == {("error", "cancelled"), ("success",)}
    assert place > 1000, "the signal has to have come at many lines"


def test_a_signal_noted_before_the_block_interrupts_it_at_its_beginning():
    stop = StopSignal()
    stop.handle(signal.SIGTERM, None)
    with pytest.raises(Stopped), stop:
        pytest.fail("the block must not begin")


def test_a_signal_outside_the_block_is_only_noted():
    stop = StopSignal()
    with stop:
        assert not stop.requested
    stop.handle(signal.SIGTERM, None)
    assert stop.requested


def test_a_signal_interrupts_only_once():
    stop = StopSignal()

    def clean_up_under_fire():
        with stop:
            try:
                stop.handle(signal.SIGTERM, None)
            finally:
                stop.handle(signal.SIGTERM, None)
                cleaned.append(True)

    cleaned = []
    with pytest.raises(Stopped):
        clean_up_under_fire()
    assert cleaned == [True]


@pytest.fixture
def own_handlers():
    kept = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_real_signals_are_noted_then_ignored(own_handlers):
    stop = StopSignal()
    stop.install()
    with pytest.raises(Stopped), stop:
        signal.raise_signal(signal.SIGTERM)
    stop.ignore()
    stop.requested = False
    for number in STOP_SIGNALS:
        signal.raise_signal(number)
    assert not stop.requested


def test_a_signal_while_the_result_is_written_does_not_tear_it(bench, monkeypatch, own_handlers):
    bench.ask("Generate it.", job_type="initial_project")
    stop, fsync = StopSignal(), os.fsync
    stop.install()

    def interrupted(descriptor):
        signal.raise_signal(signal.SIGTERM)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", interrupted)
    ran = bench.perform(stop=stop)
    assert stop.requested
    assert ran.result["status"] == "success"
    assert json.loads(bench.result_path.read_bytes())["created_files"] == ["README.md", "app.py", "tests/test_cli.py"]


def test_a_signal_while_a_directory_is_closed_is_not_mistaken_for_an_error(bench, monkeypatch):
    (bench.path / "a" / "b").mkdir(parents=True)
    close = os.close

    def interrupted(descriptor):
        close(descriptor)
        monkeypatch.setattr(os, "close", close)
        raise Stopped

    with Workspace.open(str(bench.path)) as workspace:
        monkeypatch.setattr(os, "close", interrupted)
        with pytest.raises(Stopped), workspace.directory(("a", "b")):
            pytest.fail("the directory must not be reached")


def test_a_signal_after_which_the_engine_raises_something_else_still_cancels(project, monkeypatch):
    stop = StopSignal()

    def engine(_request, _workspace, *, deadline, emit):
        try:
            stop.handle(signal.SIGTERM, None)
        finally:
            raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(worker.work, "engine_for", lambda _name: engine)
    project.ask("Say hello.")
    assert project.perform(stop=stop).result["errors"] == ["cancelled"]


def test_an_interrupted_write_leaves_no_temporary_file(bench, monkeypatch):
    def interrupted(*_, **__):
        raise Stopped

    monkeypatch.setattr(os, "fchmod", interrupted)
    with Workspace.open(str(bench.path)) as workspace, pytest.raises(Stopped):
        workspace.write("app.py", b"new")
    assert bench.codex_names() == []
    assert bench.files() == {}
