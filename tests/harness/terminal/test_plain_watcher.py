import io

import pytest
from broken_streams import BrokenPipe, FullDisk, ascii_only, closed, written
from climbing import (
    CANARY,
    FIRST,
    LADDER,
    LIMIT,
    PASSED,
    FakeClock,
    climb,
    record,
    redact,
    say_everything_with,
    waiting,
)

from harness.judging.verdict import Verdict
from harness.terminal.plain import PlainWatcher


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def watcher(stream, clock):
    return PlainWatcher(redact, stream, clock=clock)


def started(watcher):
    watcher.ladder_started(LADDER, LADDER.scenarios, folder="live")
    watcher.scenario_started(FIRST)
    watcher.step_started("result", "poll")


def test_a_climb_is_one_line_for_each_start_end_and_missed_check(watcher, stream):
    climb(watcher)

    assert stream.getvalue().splitlines() == [
        "[   0.0 s] live: 3 scenarios of scenarios/live.ladder.yaml",
        "[   0.0 s] L01 started: Worker presence",
        "[   0.0 s] L01 result: attempt 1, under way, 2 min 00 s left",
        "[   0.0 s] L01 PASS result=success (2.5 s)",
        "[   0.0 s] L02 started: Edit: add",
        "[   0.0 s] L02 FAIL result=error (2.5 s): 1 check missed",
        "[   0.0 s] L02 missed: live.ladder.yaml:41:9 doc.status: wanted eq success, got error",
        "[   0.0 s] L03 BLOCKED: gate closed: L02 FAIL, 1 missed > 0 allowed; goes on after PASS",
        "[   0.0 s] live ended: 1 PASS, 1 FAIL, 1 BLOCKED (0.0 s)",
    ]


def test_lines_begin_with_the_seconds_since_the_beginning(watcher, stream, clock):
    clock.pass_(3.25)
    watcher.note("mode live")
    clock.pass_(70)
    watcher.note("mode mocked")

    assert stream.getvalue() == "[   3.2 s] mode live\n[  73.2 s] mode mocked\n"


def test_polls_are_told_at_most_every_five_seconds(watcher, stream, clock):
    started(watcher)
    for attempt in range(1, 30):
        watcher.waiting(waiting(attempt, next_wait_s=0.5, left_s=100 - attempt, why="status is 404"))
        clock.pass_(0.5)

    polls = [line for line in stream.getvalue().splitlines() if "attempt" in line]
    assert polls == [
        "[   0.0 s] L01 result: attempt 1, next in 0.5 s, 1 min 39 s left; not ready: status is 404",
        "[   5.0 s] L01 result: attempt 11, next in 0.5 s, 1 min 29 s left; not ready: status is 404",
        "[  10.0 s] L01 result: attempt 21, next in 0.5 s, 1 min 19 s left; not ready: status is 404",
    ]


def test_why_a_poll_is_not_ready_is_cut_after_redaction(watcher, stream):
    started(watcher)
    watcher.waiting(waiting(why="x" * 155 + CANARY))

    assert "x" * 155 + "[REDA… [cut, 165 characters]" in stream.getvalue()
    assert "canary" not in stream.getvalue()


def test_limitations_are_told_with_their_place_in_the_file(watcher, stream):
    watcher.scenario_ended(record(FIRST, Verdict.LIMITED, limits=(LIMIT,)))

    assert f"L01 limitation: {LIMIT}\n" in stream.getvalue()


def test_a_stage_is_announced_and_its_details_are_not(watcher, stream):
    with watcher.stage("building images"):
        watcher.detail("step 3 of 8")

    assert stream.getvalue() == "[   0.0 s] building images …\n"


def test_no_secret_reaches_the_log(watcher, stream):
    for _ in say_everything_with(watcher, CANARY):
        pass

    assert CANARY not in stream.getvalue()
    assert stream.getvalue().count("[REDACTED]") >= 10


def test_control_characters_are_spelt_out(watcher, stream):
    for _ in say_everything_with(watcher, "a\x1b[31m\nb\u202ec"):
        pass

    assert "a\\x1b[31m\\nb\\u202ec" in stream.getvalue()
    assert not {"\x1b", "\u202e"} & set(stream.getvalue())


@pytest.mark.parametrize("stream", [BrokenPipe(), BrokenPipe(after=3), FullDisk(), closed()])
def test_a_stream_that_fails_does_not_break_the_climb(stream, clock):
    climb(PlainWatcher(redact, stream, clock=clock))


def test_a_stream_that_failed_is_left_alone(clock):
    stream = BrokenPipe(after=3)
    climb(PlainWatcher(redact, stream, clock=clock))

    assert stream.refused == 1


def test_an_encoding_without_our_signs_gets_others(clock):
    stream = ascii_only()
    watcher = PlainWatcher(redact, stream, clock=clock)
    with watcher.stage("building"):
        watcher.note("café → bar")

    assert written(stream) == "[   0.0 s] building ~\n[   0.0 s] caf? > bar\n"


def test_a_climb_of_nothing_says_so(watcher, stream):
    watcher.ladder_started(LADDER, (), folder="live")
    watcher.ladder_ended(())

    assert "live: 0 scenarios of" in stream.getvalue()
    assert "live ended: nothing was run (0.0 s)" in stream.getvalue()


def test_one_scenario_is_told_in_the_singular(watcher, stream):
    watcher.ladder_started(LADDER, (FIRST,), folder="mocked/RERUN")
    watcher.ladder_ended((PASSED,))

    assert "mocked/RERUN: 1 scenario of" in stream.getvalue()
