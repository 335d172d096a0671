import io
import subprocess
import sys

import pytest
from broken_streams import Terminal, closed
from climbing import climb, redact

from harness.terminal.live import RichWatcher
from harness.terminal.plain import PlainWatcher
from harness.terminal.watching import SilentWatcher, open_watcher


def test_a_terminal_gets_the_table():
    assert isinstance(open_watcher(redact, Terminal(), {"TERM": "xterm"}), RichWatcher)


@pytest.mark.parametrize("environ", [{}, {"TERM": ""}, {"TERM": "dumb"}, {"TERM": "unknown"}])
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(environ):
    assert isinstance(open_watcher(redact, Terminal(), environ), PlainWatcher)


@pytest.mark.parametrize("stream", [io.StringIO(), closed()])
def test_what_is_no_terminal_gets_lines(stream):
    assert isinstance(open_watcher(redact, stream, {"TERM": "xterm"}), PlainWatcher)


def test_lines_go_to_stderr_and_nothing_to_stdout(capsys):
    climb(open_watcher(redact))

    out, err = capsys.readouterr()
    assert not out
    assert "L02 FAIL" in err


def test_a_process_without_stderr_is_silent(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)

    assert isinstance(open_watcher(redact), SilentWatcher)


def test_the_silent_one_says_nothing(capsys):
    watcher = SilentWatcher()
    climb(watcher)
    watcher.note("x")
    with watcher.stage("x"):
        watcher.detail("x")

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("module", ["watching", "plain", "live", "drawing"])
def test_rich_is_not_imported_before_a_table_is_drawn(module):
    code = f"import sys, harness.terminal.{module}; sys.exit('rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
