"""Each picture is drawn once, on a console of a given size."""

import io

import pytest
from broken_streams import ascii_only, written
from climbing import (
    FAILED,
    FIRST,
    GATE,
    LIMIT,
    MISSED,
    PASSED,
    SECOND,
    THIRD,
    FakeClock,
    blocked,
    ladder,
    record,
    redact,
    scenario,
    waiting,
)
from rich.cells import cell_len
from rich.console import Console

from harness.judging.verdict import Verdict
from harness.terminal.board import Board
from harness.terminal.drawing import Ended, Underway
from harness.terminal.live import console_on
from harness.terminal.wording import Wording


@pytest.fixture
def clock():
    return FakeClock()


def board_of(*scenarios, clock, folder="live"):
    return Board.of(Wording(redact), ladder(*scenarios), scenarios, folder=folder, began=clock())


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


def test_an_encoding_without_our_signs_still_gets_a_table(board, clock):
    running(board, clock)
    board.waiting(waiting(why="x" * 100), clock())
    stream = ascii_only()
    console_on(stream, {"TERM": "xterm", "COLUMNS": "60", "LINES": "30", "NO_COLOR": "1"}).print(Underway(board, clock))

    lines = written(stream).splitlines()
    assert lines[2].startswith("-  ")
    assert "xxx~" in lines[-1]
