"""The command line turns errors into exit codes and says how to repair them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import (
    ExitCode,
    HarnessError,
    InconclusiveError,
    LeakError,
    PrerequisiteError,
    ScenarioError,
    UsageError,
)

ROOT = Path(__file__).resolve().parents[2]


def ladder(*arguments, **environ):
    command = [sys.executable, "-m", "harness", *arguments]
    base = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(
        command, cwd=ROOT, env=base | environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("a-b", "m"), 2),
        (ScenarioError("a-b", "m", place=("x.yaml", 3, 4)), 2),
        (PrerequisiteError("a-b", "m"), 3),
        (InconclusiveError("a-b", "m"), 4),
        (LeakError("a-b", "m"), 5),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error, code):
    assert isinstance(error, HarnessError)
    assert error.exit_code == code
    assert error.render().startswith("error[a-b]: ")


def test_a_scenario_error_says_where():
    assert ScenarioError("bad-key", "unknown key", place=("x.yaml", 3, 4)).message == "x.yaml:3:4: unknown key"


def test_an_error_ends_the_command_with_its_code_reference_and_hint(tmp_path):
    (tmp_path / ".env").write_text("BIND_ADDRESS=0.0.0.0\n")
    done = ladder("up", LADDER_ENV_FILE=str(tmp_path / ".env"))
    assert done.returncode == ExitCode.PREREQUISITE
    assert "error[exposed-without-token]" in done.stderr
    assert "hint: set API_TOKENS" in done.stderr
    assert done.stdout == ""


def test_a_wrong_setting_is_a_usage_error(tmp_path):
    (tmp_path / ".env").write_text("PORT=eighty\n")
    assert ladder("up", LADDER_ENV_FILE=str(tmp_path / ".env")).returncode == ExitCode.USAGE


def test_an_unknown_command_or_mode_is_a_usage_error():
    assert ladder("climb").returncode == ExitCode.USAGE
    assert ladder("up", "--mode", "real").returncode == ExitCode.USAGE


def test_an_engine_that_does_not_answer_ends_up_with_code_3_and_a_hint(tmp_path):
    done = ladder("up", LADDER_ENV_FILE=str(tmp_path / ".env"), DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == ExitCode.PREREQUISITE
    assert "error[engine-unreachable]" in done.stderr
    assert "hint: start that engine" in done.stderr
    assert (tmp_path / ".env").exists()


def test_help_imports_nothing_that_is_slow():
    code = (
        "import sys, harness.cli; print([name for name in ('docker', 'httpx', 'rich', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
