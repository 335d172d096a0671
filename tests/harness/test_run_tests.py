"""scripts/run_tests.py on two small halves: both are run and shown, either makes the whole red, both are ended."""

import os
import select
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/run_tests.py"
SETTINGS = (
    "[pytest]\nmarkers =\n    docker: x\n    processes: x\naddopts = -p no:cacheprovider\nfilterwarnings = error\n"
)
GREEN = {"docker": "def test_engine(): pass", "other": "def test_other(): pass"}
PATIENCE_S = 60

# Each half says where it is by a word in a pipe, and would wait for ever.
HELD = """
@pytest.fixture
def tidy():
    yield
    pathlib.Path("tidied-{name}").touch()

def test_{name}(tidy):
    pathlib.Path("held-{name}").write_text("held")
    threading.Event().wait()
"""


@pytest.fixture
def run(tmp_path):
    """Start the script in a folder with these tests."""
    started = []

    def start(*arguments, engine=GREEN["docker"], other=GREEN["other"], **options):
        (tmp_path / "pytest.ini").write_text(SETTINGS)
        head = "import pathlib, threading, pytest\n"
        (tmp_path / "test_engine.py").write_text(f"{head}pytestmark = pytest.mark.docker\n{engine}")
        (tmp_path / "test_other.py").write_text(head + other)
        command = [sys.executable, "-B", SCRIPT, *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, cwd=tmp_path, **streams | options))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def ended(process):
    said, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said


def test_both_halves_are_run_and_shown_one_after_the_other(run):
    code, said = ended(run())
    assert code == 0, said
    parts = [said.index(each) for each in ("== tests: docker", "1 passed", "== tests: not (docker")]
    assert parts == sorted(parts)
    assert said.count("1 passed, 1 deselected") == 2
    assert said.endswith("== docker or processes: green ==\n== not (docker or processes): green ==\n")


@pytest.mark.parametrize("half", ["engine", "other"])
def test_a_red_half_makes_the_whole_red_and_tells_why(run, half):
    code, said = ended(run(**{half: "def test_it(): assert 'the reason' == ''"}))
    assert code == 1
    assert "the reason" in said
    assert said.count("1 passed") == 1
    assert (": red, exit code 1 ==" in said, said.count(": green ==")) == (True, 1)


@pytest.mark.parametrize("half", ["engine", "other"])
def test_a_half_without_tests_is_red_and_never_passed_over(run, half):
    code, said = ended(run(**{half: ""}))
    assert code == 5
    assert "red, since no test was found" in said


def test_a_half_that_is_killed_is_red(run):
    code, said = ended(run(other="import os\ndef test_other(): os.kill(os.getpid(), 9)"))
    assert code == 128 + signal.SIGKILL
    assert "== docker or processes: green ==" in said


def test_with_arguments_one_process_runs_what_they_name(run):
    code, said = ended(run("test_other.py", "-v"))
    assert code == 0
    assert "test_other.py::test_other PASSED" in said
    assert "== tests" not in said
    assert "test_engine" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_both_halves_which_tidy_up(run, tmp_path, number):
    names = ("engine", "other")
    with ExitStack() as stack:
        pipes = []
        for name in names:
            os.mkfifo(tmp_path / f"held-{name}")
            # To open it for reading alone would wait for somebody who writes.
            pipes.append(os.open(tmp_path / f"held-{name}", os.O_RDWR))
            stack.callback(os.close, pipes[-1])
        process = run(**{name: HELD.format(name=name) for name in names})
        for pipe in pipes:
            assert select.select([pipe], [], [], PATIENCE_S)[0]
        process.send_signal(number)
        code, said = ended(process)
    assert code == 128 + number
    assert said.count("KeyboardInterrupt") >= 2
    assert sorted(path.name for path in tmp_path.glob("tidied-*")) == ["tidied-engine", "tidied-other"]
