"""Pictures are drawn on a console of a given size; what rich's thread draws in between is not looked at."""

import io
import sys
import threading

import pytest
from broken_streams import BrokenPipe, FullDisk, ascii_only, written
from climbing import (
    CANARY,
    ENDS,
    FAILED,
    FIRST,
    GATE,
    LADDER,
    LIMIT,
    MISSED,
    PASSED,
    SECOND,
    THIRD,
    FakeClock,
    blocked,
    climb,
    ladder,
    record,
    redact,
    say_everything_with,
    scenario,
    waiting,
)
from rich.cells import cell_len
from rich.console import Console

from harness.judging.verdict import Verdict
from harness.terminal.board import Board
from harness.terminal.drawing import Ended, Underway
from harness.terminal.live import RichWatcher, console_on
from harness.terminal.wording import Wording

NORMAL = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def watcher(stream, clock):
    made = RichWatcher(redact, console_on(stream, NORMAL), clock=clock)
    yield made
    made._stop()


def board_of(*scenarios, clock, folder="live"):
    return Board.of(Wording(redact), (ladder(*scenarios), scenarios), folder=folder, began=clock())


@pytest.fixture
def board(clock):
    return board_of(FIRST, SECOND, THIRD, clock=clock)


def drawn(picture, width=100, height=30):
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=height, color_system=None, _environ={}, emoji=False)
    console.print(picture)
    lines = stream.getvalue().splitlines()
    assert all(cell_len(line) <= width for line in lines)
    return [line.rstrip() for line in lines]


def running(board, clock):
    board.scenario_ended(PASSED)
    board.scenario_started(SECOND, clock())
    board.step_started("result", "poll")


def test_each_scenario_has_one_line_with_its_state(board, clock):
    running(board, clock)
    clock.pass_(3.2)

    assert drawn(Underway(board, clock)) == [
        "live  1 of 3 ended, 3.2 s  scenarios/live.ladder.yaml",
        "   L01  Worker presence  PASS     success        2.5 s",
        "⠏  L02  Edit: add        running  result         3.2 s",
        "   L03  Refactor         waiting",
        "",
        "L02 result: poll",
        "",
    ]


def test_time_moves_without_any_event(board, clock):
    running(board, clock)
    board.waiting(waiting(3, next_wait_s=4.0, left_s=90, why="status is 404"), clock())
    picture = Underway(board, clock)
    assert drawn(picture)[-2:] == ["L02 result: attempt 3, next in 4.0 s, 1 min 30 s left", "not ready: status is 404"]

    clock.pass_(1.5)

    assert drawn(picture)[-2:] == ["L02 result: attempt 3, next in 2.5 s, 1 min 28 s left", "not ready: status is 404"]
    assert "running  result         1.5 s" in drawn(picture)[2]


def test_a_request_that_the_server_holds_says_so(board, clock):
    running(board, clock)
    board.waiting(waiting(2, held_s=60, left_s=110), clock())

    assert "L02 result: attempt 2, held by the server, 1 min 50 s left" in drawn(Underway(board, clock))


def test_time_left_does_not_fall_below_zero(board, clock):
    running(board, clock)
    board.waiting(waiting(2, next_wait_s=1, left_s=5), clock())
    clock.pass_(60)

    assert "L02 result: attempt 2, next in 0.0 s, 0.0 s left" in drawn(Underway(board, clock))


def test_a_new_step_forgets_what_the_last_one_waited_for(board, clock):
    running(board, clock)
    board.waiting(waiting(why="status is 404"), clock())
    board.step_started("docs", "cleanup")

    assert drawn(Underway(board, clock))[-2:] == ["L02 docs: cleanup", ""]


def test_a_narrow_terminal_cuts_titles_and_leaves_the_step_to_the_line_below(clock):
    first = scenario("L01", "A title that is much longer than what a narrow terminal has room for")
    board = board_of(first, SECOND, clock=clock)
    board.scenario_started(first, clock())
    board.step_started("result", "poll")
    board.waiting(waiting(why="x" * 100), clock())

    assert drawn(Underway(board, clock), width=60) == [
        "live  0 of 2 ended, 0.0 s  scenarios/live.ladder.yaml",
        "⠋  L01  A title that is much longer t…  running        0.0 s",
        "   L02  Edit: add                       waiting",
        "",
        "L01 result: attempt 1, under way, 2 min 00 s left",
        f"not ready: {'x' * 48}…",
    ]


@pytest.mark.parametrize("width", [5, 20, 33, 60, 79, 80, 100, 250])
@pytest.mark.parametrize("height", [1, 5, 30])
def test_no_size_of_the_screen_is_too_small(board, clock, width, height):
    running(board, clock)

    assert drawn(Underway(board, clock), width, height)
    assert drawn(Ended(board, 1.0), width, height)


def test_signs_of_two_columns_do_not_shift_the_table(clock):
    first = scenario("L01", "梯子" * 30)
    board = board_of(first, SECOND, clock=clock)
    board.scenario_ended(record(first))
    board.scenario_ended(FAILED)

    lines = drawn(Underway(board, clock), width=60)
    assert cell_len(lines[1].partition("PASS")[0]) == cell_len(lines[2].partition("FAIL")[0])


def test_a_short_screen_keeps_the_running_scenario_in_sight(clock):
    rungs = [scenario(f"L{number:02}") for number in range(1, 41)]
    board = board_of(*rungs, clock=clock)
    for rung in rungs[:29]:
        board.scenario_ended(record(rung))
    board.scenario_started(rungs[29], clock())

    lines = drawn(Underway(board, clock), height=16)

    assert len(lines) < 16
    assert any(line.split()[1:2] == ["L30"] for line in lines)
    assert "30 more" in lines


def test_the_last_picture_tells_what_is_not_green_and_why(board):
    board.scenario_ended(record(FIRST, Verdict.LIMITED, reason="1 limitation", limits=(LIMIT,)))
    board.scenario_ended(FAILED)
    board.scenario_ended(blocked(THIRD))

    assert drawn(Ended(board, 65.0)) == [
        "live  scenarios/live.ladder.yaml",
        "ID   TITLE            VERDICT  RESULT   DURATION",
        "L01  Worker presence  LIMITED  success     2.5 s",
        "L02  Edit: add        FAIL     error       2.5 s",
        "L03  Refactor         BLOCKED",
        "",
        "LIMITED L01: 1 limitation",
        f"  limitation: {LIMIT}",
        "",
        "FAIL L02: 1 check missed",
        f"  missed: {MISSED}",
        "",
        f"BLOCKED L03: {GATE}",
        "",
        "live: 1 LIMITED, 1 FAIL, 1 BLOCKED in 1 min 05 s",
        "",
    ]


def test_long_reasons_are_wrapped_and_never_cut(clock):
    board = board_of(SECOND, clock=clock)
    board.scenario_ended(record(SECOND, Verdict.FAIL, missed=(f"live.ladder.yaml:41:9 {'word ' * 40}end",)))

    text = "\n".join(drawn(Ended(board, 1.0), width=60))

    assert text.count("word") == 40
    assert "end" in text


def test_scenarios_blocked_for_one_reason_share_a_line(board):
    board.scenario_ended(record(FIRST, Verdict.ERROR, reason="no answer"))
    board.scenario_ended(blocked(SECOND))
    board.scenario_ended(blocked(THIRD))

    assert f"BLOCKED L02, L03: {GATE}" in drawn(Ended(board, 1.0))


def test_an_interrupted_climb_shows_what_was_cut_short_and_what_not_run(board, clock):
    running(board, clock)

    lines = drawn(Ended(board, 1.0))

    assert lines[3:5] == ["L02  Edit: add        cut short", "L03  Refactor         not run"]
    assert "live: 1 PASS in 1.0 s" in lines


def test_the_table_stays_when_the_climb_is_over(watcher, stream):
    climb(watcher)

    text = stream.getvalue()
    for fact in (f"missed: {MISSED}", f" L03: {GATE}", "DURATION"):
        assert text.count(fact) == 1
    assert text.rfind(SHOW) > text.rfind(HIDE) > -1


def test_records_count_even_when_their_ends_were_not_told(watcher, stream):
    watcher.ladder_started(LADDER, LADDER.scenarios, folder="live")
    watcher.ladder_ended(ENDS)

    assert f"missed: {MISSED}" in stream.getvalue()


def test_the_table_is_drawn_while_the_climb_blocks(stream):
    drawn_elsewhere = threading.Event()

    def clock():
        if threading.current_thread() is not threading.main_thread():
            drawn_elsewhere.set()
        return 1.0

    watcher = RichWatcher(redact, console_on(stream, NORMAL), clock=clock)
    watcher.ladder_started(LADDER, LADDER.scenarios, folder="live")
    try:
        assert drawn_elsewhere.wait(30)
    finally:
        watcher.ladder_ended(())


def test_the_cursor_comes_back_when_nobody_ends_the_climb(watcher, stream, monkeypatch):
    at_exit = []
    monkeypatch.setattr("atexit.register", at_exit.append)
    watcher.ladder_started(LADDER, LADDER.scenarios, folder="live")
    assert not stream.getvalue().endswith(SHOW)

    at_exit[0]()

    assert SHOW in stream.getvalue()
    assert sys.stderr.__class__.__name__ != "FileProxy"


def test_a_second_ladder_gets_a_table_of_its_own(watcher, stream):
    climb(watcher)
    watcher.ladder_started(LADDER, (FIRST,), folder="mocked/RERUN")
    watcher.ladder_ended((PASSED,))

    assert "mocked/RERUN" in stream.getvalue().rpartition("DURATION")[0].rpartition(MISSED)[2]


def test_a_stage_spins_below_a_table_too(watcher, stream):
    watcher.ladder_started(LADDER, LADDER.scenarios, folder="live")
    with watcher.stage("waiting for the engine"):
        watcher.detail("attempt [2]")
        watcher._live.refresh()
    watcher.ladder_ended(ENDS)

    assert "waiting for the engine: attempt [2]" in stream.getvalue()


def test_no_secret_reaches_the_terminal(watcher, stream):
    for _ in say_everything_with(watcher, CANARY):
        watcher._console.print(Underway(watcher._board, watcher._clock))

    assert CANARY not in stream.getvalue()
    assert stream.getvalue().count("[REDACTED]") >= 10


def test_data_is_neither_markup_nor_emoji_nor_a_control_sequence(watcher, stream):
    hostile = "[red]a[/red][/]:smile:\x1b]0;title\x07\u202e"
    for _ in say_everything_with(watcher, hostile):
        watcher._console.print(Underway(watcher._board, watcher._clock))

    text = stream.getvalue()
    assert "missed: [red]a[/red][/]:smile:\\x1b]0;title\\x07\\u202e" in text
    assert not {"\x07", "\u202e"} & set(text)
    assert "\x1b]" not in text


def test_no_color_is_honoured(clock):
    coloured, plain = io.StringIO(), io.StringIO()
    climb(RichWatcher(redact, console_on(coloured, NORMAL), clock=clock))
    climb(RichWatcher(redact, console_on(plain, {**NORMAL, "NO_COLOR": "1"}), clock=clock))

    assert "\x1b[1;31mFAIL" in coloured.getvalue()
    assert "\x1b[1mFAIL" in plain.getvalue()
    assert "31m" not in plain.getvalue()


@pytest.mark.parametrize("stream", [BrokenPipe(), BrokenPipe(after=3), FullDisk()])
def test_a_terminal_that_goes_away_does_not_break_the_climb(stream, clock):
    climb(RichWatcher(redact, console_on(stream, NORMAL), clock=clock))


def test_a_terminal_that_closes_under_way_does_not_break_the_climb(stream, watcher):
    watcher.ladder_started(LADDER, LADDER.scenarios, folder="live")
    stream.close()

    with watcher.stage("waiting"):
        watcher.note("still here")
    watcher.ladder_ended(ENDS)


def test_any_console_is_made_harmless(clock):
    console = Console(file=BrokenPipe(), force_terminal=True, width=60)

    climb(RichWatcher(redact, console, clock=clock))


def test_an_encoding_without_our_signs_still_gets_a_table(board, clock):
    running(board, clock)
    board.waiting(waiting(why="x" * 100), clock())
    stream = ascii_only()
    console_on(stream, {**NORMAL, "COLUMNS": "60", "NO_COLOR": "1"}).print(Underway(board, clock))

    lines = written(stream).splitlines()
    assert lines[2].startswith("-  ")
    assert "xxx~" in lines[-1]
