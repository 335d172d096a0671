"""The command line turns errors into exit codes and says how to repair them."""

from __future__ import annotations

import json
import os
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


def onto_a_full_disk(*arguments, text="", **environ):
    with Path("/dev/full").open("wb") as full:
        return subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"} | environ,
            input=text,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
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


@pytest.mark.parametrize("command", [["list"], ["schema"], ["validate"], ["list", "--json"]])
def test_a_result_that_cannot_be_written_is_an_error_and_no_stack_trace(command):
    done = onto_a_full_disk(*command)
    assert done.returncode == ExitCode.PREREQUISITE
    assert done.stderr.startswith("error[output-unwritable]: standard output cannot be written: No space left")
    assert "Traceback" not in done.stderr


def test_a_filter_whose_output_cannot_be_written_says_so(tmp_path):
    (tmp_path / "needles").write_text("A=Zq8-fine-here-1\n")
    done = onto_a_full_disk("redact", "--env-file", str(tmp_path / "needles"), text="a line\n")
    assert done.returncode == ExitCode.PREREQUISITE
    assert done.stderr.startswith("error[output-unwritable]")


@pytest.mark.parametrize("name", [".env", ".env.live"])
def test_a_pipe_in_the_place_of_a_settings_file_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    done = ladder("up", LADDER_ENV_FILE=str(tmp_path / ".env"))
    assert done.returncode == ExitCode.PREREQUISITE
    assert "error[env-file-unreadable]" in done.stderr
    assert "is no regular file" in done.stderr


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


CANARY = "canary-Xk29fJq81mZp40"


def test_an_error_never_repeats_a_secret(tmp_path):
    done = ladder("run", CANARY, OPENAI_API_KEY=CANARY, LADDER_ENV_FILE=str(tmp_path / ".env"))
    assert done.returncode == ExitCode.USAGE
    assert "error[ladder-missing]: there is no ladder '[REDACTED]'" in done.stderr
    assert CANARY not in done.stderr + done.stdout


def test_the_help_names_every_command_in_one_uncut_line():
    done = ladder("--help")
    commands = done.stdout.partition("Commands:")[2].splitlines()
    names = {line.split()[0] for line in commands if line.strip()}
    assert names >= {"suite", "run", "rollback", "up", "down", "doctor", "list", "validate", "schema", "runs", "show"}
    assert "..." not in done.stdout.partition("Commands:")[2]


def test_a_list_is_there_for_people_for_graphviz_and_for_programs():
    assert "L08" in ladder("list").stdout
    assert ladder("list", "mocked", "--dot").stdout.startswith('digraph "mocked" {')
    assert json.loads(ladder("list", "edits", "--json").stdout)["scenarios"][0]["id"] == "E01"


def test_the_shipped_ladders_have_no_fault_and_the_schema_is_the_shipped_one():
    assert ladder("validate").returncode == 0
    assert ladder("schema").stdout == (ROOT / "scenarios/ladder.schema.json").read_text(encoding="utf-8")


def test_a_faulty_ladder_is_told_with_its_place_and_ends_with_two(tmp_path):
    faulty = tmp_path / "faulty.ladder.yaml"
    faulty.write_text("apiVersion: ladder/v1\nscenarios:\n  A: {title: a, stpes: []}\n")
    done = ladder("validate", str(faulty))
    assert done.returncode == ExitCode.USAGE
    assert "faulty.ladder.yaml:3:" in done.stdout
    assert "did you mean 'steps'?" in done.stdout


def test_a_filter_takes_the_values_of_a_file_out_of_what_passes(tmp_path):
    values = tmp_path / "values"
    values.write_text(f"KEY={CANARY}\n")
    command = [sys.executable, "-m", "harness", "redact", "--env-file", str(values)]
    done = subprocess.run(command, cwd=ROOT, input=f"a {CANARY} b\n", capture_output=True, text=True, check=True)
    assert done.stdout == "a [REDACTED] b\n"


def test_no_runs_are_told_apart_from_an_unknown_run(tmp_path):
    assert ladder("runs", "--out", str(tmp_path)).stdout == "nothing recorded\n"
    assert json.loads(ladder("runs", "--out", str(tmp_path), "--json").stdout) == {"runs": []}
    done = ladder("show", "--out", str(tmp_path))
    assert (done.returncode, "error[run-unknown]" in done.stderr) == (ExitCode.FAILED, True)


def test_a_scenario_without_a_name_is_a_usage_error_of_make():
    done = subprocess.run(["make", "scenario"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "hint: make scenario ID=L05" in done.stderr


@pytest.mark.parametrize(
    "flags",
    [
        ("--resume", "2025-11-14T17:14:05Z", "--only", "L01"),
        ("--resume", "2025-11-14T17:14:05Z", "--last-failed"),
        ("--from", "2025-11-14T17:14:05Z"),
        ("--with-needs", "--last-failed"),
    ],
)
def test_flags_that_contradict_one_another_are_refused(flags):
    done = ladder("run", *flags)
    assert (done.returncode, "error[flags-contradict]" in done.stderr) == (ExitCode.USAGE, True)
