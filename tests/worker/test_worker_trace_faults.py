"""Recording never influences the job (N15), stays within its limits, and writes through no link (F20)."""

import os
import signal
import sys
from errno import ENOSPC
from pathlib import Path

import pytest
from trace_reading import named, spans, told, trace_path
from worker_bench import GENERATE, TRACE, Bench

import worker.work
from worker import otlp, trace, trace_file
from worker.clock import Clock
from worker.contract import MAX_TRACE_BYTES, ExitCode
from worker.engines.outcome import Outcome
from worker.job import perform
from worker.otlp import Origin, SpanRecord
from worker.stop import StopSignal
from worker.trace import MAX_SPANS, Recorder, Span, Step, span
from worker.trace_file import TraceFile
from worker.workspace import Workspace

TIMES = {"timestamp", "started_at", "finished_at"}


def without_times(result):
    return {name: value for name, value in result.items() if name not in TIMES}


def refuse(*_, **__):
    raise OSError(ENOSPC, "No space left on device")


def break_something(*_, **__):
    raise RuntimeError("a fault of ours")


def told_as_dropped(lines):
    (line,) = [line for line in lines if line.startswith("trace_dropped=")]
    return int(line.removeprefix("trace_dropped="))


@pytest.mark.parametrize(
    ("where", "name", "fault"),
    [
        (os, "write", refuse),
        (TraceFile, "clear", refuse),
        (TraceFile, "create", refuse),
        (TraceFile, "append", break_something),
        (otlp, "line", break_something),
        (trace, "_span_id", break_something),
        (Clock, "now_ns", break_something),
        (Recorder, "_tell", break_something),
    ],
)
def test_n15_a_fault_in_recording_changes_no_result_and_is_counted(tmp_path, monkeypatch, *, where, name, fault):
    undisturbed = Bench(tmp_path / "undisturbed").create()
    bench = Bench(tmp_path / "project")
    monkeypatch.setattr(where, name, fault)
    ran = bench.create()
    assert ran.code == ExitCode.OK
    assert without_times(ran.result) == without_times(undisturbed.result)
    assert told_as_dropped(ran.lines) > 0
    assert ran.lines[:-1] == undisturbed.lines


def test_without_a_fault_nothing_is_said_about_dropping(bench):
    assert not [line for line in bench.create().lines if "trace" in line]


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back_and_counted(bench, monkeypatch):
    write, calls = os.write, []

    def short(descriptor, data):
        calls.append(data)
        return write(descriptor, data[:10] if len(calls) == 4 else data)

    monkeypatch.setattr(os, "write", short)
    ran = bench.create()
    assert len(told(bench)) == len(calls) - 1
    assert named(bench, "worker run").attributes["evidence.dropped.lines"] == 1
    assert told_as_dropped(ran.lines) == 1


def test_each_line_is_one_write(bench, monkeypatch):
    write, written = os.write, []
    monkeypatch.setattr(os, "write", lambda descriptor, data: written.append(data) or write(descriptor, data))
    bench.create()
    assert all(data.endswith(b"\n") and data.count(b"\n") == 1 for data in written)
    assert b"".join(written) == trace_path(bench).read_bytes()


def test_too_many_spans_are_left_out_and_counted(bench, monkeypatch):
    def busy(_request, _workspace, *, deadline, emit):
        for _ in range(1000):
            with span(Step.PLAN), span(Step.WRITE_FILES):
                pass
        return Outcome("Done.")

    monkeypatch.setattr(worker.work, "engine_for", lambda _name: busy)
    ran = bench.create()
    assert len(spans(bench)) == MAX_SPANS
    assert trace_path(bench).stat().st_size <= MAX_TRACE_BYTES
    # Looking afterwards and writing the result came too late as well.
    dropped = 5 + 2000 + 2 - MAX_SPANS
    assert named(bench, "worker run").attributes["evidence.dropped.spans"] == dropped
    assert told_as_dropped(ran.lines) == dropped
    assert all(one.has_ended for one in spans(bench))


def test_a_full_file_still_tells_how_the_run_ended_and_what_is_missing(bench, monkeypatch):
    monkeypatch.setattr(trace_file, "MAX_TRACE_BYTES", 8 * 1024)
    ran = bench.create()
    assert trace_path(bench).stat().st_size <= 8 * 1024
    last = told(bench)[-1]
    assert (last.name, last.has_ended) == ("worker run", True)
    assert last.attributes["evidence.dropped.lines"] == told_as_dropped(ran.lines) > 0


def test_no_line_is_half_as_long_as_what_is_kept_free(bench):
    bench.create()
    assert max(map(len, trace_path(bench).read_bytes().splitlines())) < trace_file.RESERVE / 2


class TestTheFile:
    def test_each_job_has_its_own(self, project):
        first = trace_path(project).read_bytes()
        project.edit("Say hello.")
        assert not {one.span["spanId"] for one in spans(project)} & {
            word.decode() for word in first.replace(b'"', b" ").split()
        }
        assert len(told(project)) == len(first.splitlines())

    def test_f20_a_link_in_its_place_is_replaced_and_its_target_untouched(self, project, tmp_path):
        outside = tmp_path / "outside"
        outside.write_text("theirs")
        trace_path(project).unlink()
        trace_path(project).symlink_to(outside)
        project.edit("Say hello.")
        assert not trace_path(project).is_symlink()
        assert named(project, "worker run").has_ended
        assert outside.read_text() == "theirs"

    def test_a_hard_link_is_cut_and_not_written_through(self, project, tmp_path):
        (tmp_path / "other").write_text("theirs")
        trace_path(project).unlink()
        trace_path(project).hardlink_to(tmp_path / "other")
        project.edit("Say hello.")
        assert (tmp_path / "other").read_text() == "theirs"

    def test_f20_a_link_that_appears_meanwhile_is_not_followed(self, project, tmp_path, monkeypatch):
        outside, clear = tmp_path / "outside", TraceFile.clear

        def late(file):
            clear(file)
            trace_path(project).symlink_to(outside)

        monkeypatch.setattr(TraceFile, "clear", late)
        assert told_as_dropped(project.edit("Say hello.").lines) > 0
        assert not outside.exists()

    def test_a_directory_in_its_place_costs_the_trace_and_nothing_else(self, project):
        trace_path(project).unlink()
        trace_path(project).mkdir()
        ran = project.edit("Say hello.")
        assert (ran.code, ran.result["status"]) == (ExitCode.OK, "success")
        assert told_as_dropped(ran.lines) > 0
        assert list(trace_path(project).iterdir()) == []

    def test_an_engine_that_removes_it_fails_nothing(self, project, monkeypatch):
        def removes(_request, _workspace, *, deadline, emit):
            trace_path(project).unlink()
            return Outcome("Gone.")

        monkeypatch.setattr(worker.work, "engine_for", lambda _name: removes)
        assert project.edit("Say hello.").result["status"] == "success"
        assert not trace_path(project).exists()

    def test_no_descriptor_stays_open(self, project):
        before = len(list(Path("/proc/self/fd").iterdir()))
        project.edit("Say hello.")
        assert len(list(Path("/proc/self/fd").iterdir())) == before


class TestSpans:
    @pytest.fixture
    def recorder(self, bench):
        with Workspace.open(str(bench.path)) as workspace:
            file = TraceFile(workspace)
            recorder = Recorder(file, Clock())
            recorder.belong_to(Origin(TRACE, None, 1))
            yield recorder
            file.close()

    def test_outside_of_a_run_a_span_records_nothing_and_harms_nothing(self):
        with span(Step.PLAN) as planning:
            planning.note("evidence.rule", "R1")
        assert planning.record is None

    def test_a_span_that_was_caught_between_its_beginning_and_its_block_ends_with_its_parent(self, bench, recorder):
        run = Span(Step.RUN, recorder).__enter__()
        Span(Step.ENGINE, recorder).__enter__()
        run.fail("cancelled")
        recorder.end(run)
        assert [one.error_type for one in spans(bench)] == ["cancelled"] * 2
        with Span(Step.PLAN, recorder):
            pass
        assert "evidence.ordinal" not in spans(bench)[-1].attributes

    def test_what_is_not_on_the_list_or_no_short_word_is_left_out_and_counted(self, bench, recorder):
        with Span(Step.RUN, recorder) as run:
            run.note("evidence.instruction", "x")
            run.note("evidence.rule", "a\nb")
            run.note("evidence.reference", "x" * 65)
            run.note("evidence.errors", 1 << 63)
            run.note("evidence.sleep_seconds", float("nan"))
        (told_of,) = spans(bench)
        assert told_of.span["droppedAttributesCount"] == 5
        assert set(told_of.attributes) == {
            f"evidence.{name}" for name in ("layer", "component", "operation", "trigger")
        }

    def test_values_are_spelt_by_their_type(self):
        record = SpanRecord("a" * 16, None, "x", 1)
        record.attributes |= {"evidence.errors": 7, "evidence.rule": "R1", "evidence.sleep_seconds": 0.5}
        record.attributes["evidence.attempt"] = True
        line = otlp.line(record, Origin(TRACE, None, 0), instance="i").decode()
        for spelt in ('{"intValue":"7"}', '{"stringValue":"R1"}', '{"doubleValue":0.5}', '{"boolValue":true}'):
            assert spelt in line

    def test_a_span_id_is_never_zero(self, monkeypatch):
        drawn = iter([bytes(8), bytes(8), b"\0" * 7 + b"\1"])
        monkeypatch.setattr(os, "urandom", lambda _count: next(drawn))
        assert trace._span_id() == "0000000000000001"


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_at_any_line_of_the_worker_leaves_whole_lines_and_an_ended_run(tmp_path):
    def interrupted_at(bench, place):
        stop, count = StopSignal(), 0

        def watch(_frame, event, _argument):
            nonlocal count
            count += event == "line"
            if event == "line" and count == place:
                stop.handle(signal.SIGTERM, None)
            return watch

        before = sys.gettrace()
        sys.settrace(watch)
        try:
            perform(bench.environ, stop=stop, write=[].append)
        finally:
            sys.settrace(before)
        return stop.requested

    place, seen = 0, set()
    while True:
        place += 41
        bench = Bench(tmp_path / str(place))
        bench.ask(GENERATE, job_type="initial_project")
        if not interrupted_at(bench, place):
            break
        told(bench)
        seen.add(named(bench, "worker run").error_type)
    assert seen == {"cancelled", None}
    assert place > 1000
