"""Where a run talks to: pipes that nobody reads, closed streams, programs, and terminals that can do little."""

import json
import os
import pty
import re
import subprocess
import threading
from pathlib import Path

import pytest
from ladder_process import COMMAND, ended, sealed, verdicts

pytestmark = pytest.mark.processes

NOISE = ("Traceback", "Exception ignored", "BrokenPipe", "Error")


def says_nothing_odd(text):
    return not [word for word in NOISE if word in text]


def closed_pipe():
    """A pipe whose reader has gone."""
    reads, writes = os.pipe()
    os.close(reads)
    return writes


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_reader_that_goes_away_does_not_end_the_run(ladder, flags):
    writes = closed_pipe()
    run = ladder.start(*ladder.climb(*flags), stdout=writes)
    os.close(writes)
    done = ended(run)
    assert done.returncode == 0, done.stderr
    assert says_nothing_odd(done.stderr), done.stderr
    assert set(verdicts(ladder.sealed()).values()) == {"PASS"}


def test_head_gets_its_line_and_the_run_goes_on(ladder):
    script = '"$@" | head -1; exit "${PIPESTATUS[0]}"'
    done = ladder.run("-c", script, "bash", *COMMAND, *ladder.climb("--json"), command=("bash",))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["type"] == "run_started"
    assert says_nothing_odd(done.stderr), done.stderr
    ladder.sealed()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_from_the_start_do_not_matter(ladder, closed):
    done = ladder.run("-c", f'exec "$@" {closed}', "sh", *COMMAND, *ladder.climb(), command=("sh",))
    assert done.returncode == 0, done.stderr
    assert says_nothing_odd(done.stderr), done.stderr
    assert set(verdicts(ladder.sealed()).values()) == {"PASS"}
    assert ("verdict: PASS" in done.stdout) == (">&-" not in closed.replace("2>&-", ""))


@pytest.mark.parametrize("arguments", [("runs",), ("list", "mocked"), ("run", "no-such-ladder")])
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_other_commands_do_not_fall_over_closed_streams_either(ladder, arguments, closed):
    done = ladder.run("-c", f'exec "$@" {closed}', "sh", *COMMAND, *arguments, command=("sh",))
    assert done.returncode == (2 if "no-such-ladder" in arguments else 0), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("runs",), ("list", "mocked"), ("schema",)])
def test_other_commands_stay_calm_when_nobody_reads(ladder, arguments):
    writes = closed_pipe()
    run = ladder.start(*arguments, stdout=writes)
    os.close(writes)
    done = ended(run)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_standard_error_that_nobody_reads_does_not_end_the_run(ladder):
    writes = closed_pipe()
    run = ladder.start(*ladder.climb(), stderr=writes)
    os.close(writes)
    done = ended(run)
    assert done.returncode == 0
    assert "verdict: PASS" in done.stdout
    ladder.sealed()


def test_a_full_device_for_standard_output_does_not_end_the_run(ladder):
    with Path("/dev/full").open("w") as full:
        done = ladder.run(*ladder.climb("--json"), stdout=full)
    assert done.returncode == 0, done.stderr
    ladder.sealed()


def test_the_stream_for_programs_is_json_lines_that_end_with_the_outcome(ladder):
    done = ladder.run(*ladder.climb("--json"))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    entry = ladder.sealed()
    assert lines[0]["type"] == "run_started"
    assert [line["type"] for line in lines].count("scenario_ended") == 3
    assert lines[-2]["type"] == "run_ended"
    wanted = {
        "type": "outcome",
        "run_id": entry.run_id,
        "folder": str(entry.folder),
        "status": "finished",
        "verdict": "PASS",
        "exit_code": 0,
        "manifest_sha256": lines[-1]["manifest_sha256"],
        "verdicts": {f"mocked/{name}": "PASS" for name in ("S01", "S02", "S03")},
        "aggregation": None,
    }
    assert {name: lines[-1][name] for name in wanted} == wanted
    assert [trial["status"] for trial in lines[-1]["trials"]] == ["PASS"]
    summed = subprocess.run(["sha256sum", entry.folder / "manifest.json"], capture_output=True, text=True, check=True)
    assert summed.stdout.split()[0] == lines[-1]["manifest_sha256"]


def on_a_terminal(ladder, **environ):
    """Run on a terminal of 100 columns; gives the exit code and what it showed."""
    ours, theirs = pty.openpty()
    shown = []

    def read():
        # A terminal whose last writer has gone answers with an error.
        try:
            while data := os.read(ours, 65536):
                shown.append(data)
        except OSError:
            return

    run = ladder.start(*ladder.climb(), stdout=theirs, stderr=theirs, environ={"COLUMNS": "100"} | environ)
    os.close(theirs)
    reader = threading.Thread(target=read)
    reader.start()
    code = ended(run).returncode
    reader.join()
    os.close(ours)
    return code, b"".join(shown).decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|38|4[0-7])[0-9;]*m")


def test_a_dumb_terminal_gets_plain_lines(ladder):
    code, shown = on_a_terminal(ladder, TERM="dumb")
    assert code == 0
    assert "\x1b" not in shown
    assert "S03 PASS" in shown
    assert "verdict: PASS" in shown


def test_no_color_leaves_the_table_without_colour(ladder):
    code, shown = on_a_terminal(ladder, TERM="xterm-256color", NO_COLOR="1")
    assert code == 0
    assert not COLOUR.search(shown)
    assert "verdict: PASS" in shown
    # The cursor that the table had hidden is back.
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") > -1


def test_a_terminal_has_colour_otherwise(ladder):
    _, shown = on_a_terminal(ladder, TERM="xterm-256color")
    assert COLOUR.search(shown)
    assert sealed(ladder.only_entry())
