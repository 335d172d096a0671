"""What is drawn while a climb goes on depends on rich's thread; looked at is what must be there in any case."""

import io
import sys
import threading

import pytest
from broken_streams import BrokenPipe, FullDisk
from climbing import (
    CANARY,
    ENDS,
    FIRST,
    GATE,
    LADDER,
    MISSED,
    PASSED,
    FakeClock,
    climb,
    redact,
    say_everything_with,
)
from rich.console import Console

from harness.terminal.drawing import Underway
from harness.terminal.live import RichWatcher, console_on

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
    assert "[red]a[/red][/]:smile:\\x1b]0;title\\x07\\u202e" in text
    assert not {"\x07", "\u202e"} & set(text)
    assert "\x1b]" not in text


def test_a_note_is_printed_as_it_is(watcher, stream):
    watcher.note("[b]a[/b] :smile: /1.5/")

    assert "[b]a[/b] :smile: /1.5/\n" in stream.getvalue()


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
