"""What a command that answers at once may not import; how long it takes is measured by the bench, and not here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Each of them takes a tenth of the budget or more, and none is needed to read a ladder.
HEAVY = {
    "ahocorasick_rs",
    "asyncio",
    "docker",
    "httpcore",
    "httpx",
    "jinja2",
    "jsonschema",
    "junitparser",
    "openai",
    "pydantic",
    "referencing",
    "rich",
    "sse_starlette",
    "ssl",
    "starlette",
    "tenacity",
    "uvicorn",
}
PROGRAM = """
import json, sys
from harness.cli import main
sys.argv = ["ladder", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported_by(*arguments):
    environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True, env=environ, cwd=ROOT
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["list", "--json"], ["validate"], ["schema"]], ids=" ".join
)
def test_commands_that_answer_at_once_import_nothing_heavy(arguments):
    found = imported_by(*arguments)
    assert "typer" in found
    assert found & HEAVY == set()


def test_help_reads_no_yaml():
    assert "yaml" not in imported_by("--help")


def test_a_climb_is_seen_to_import_what_is_heavy(tmp_path):
    """The look at the modules is not blind: a command that needs them shows them."""
    assert "httpcore" in imported_by("run", "nothing-of-this-name", "--out", str(tmp_path))
