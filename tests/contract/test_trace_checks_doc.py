"""``docs/trace-checks.md`` names for each check of the trace model what shows it, and nothing that is not there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/trace-checks.md").read_text(encoding="utf-8")
CHECKS = [
    *(f"T{number:02}" for number in range(1, 18)),
    *(f"O{number:02}" for number in range(1, 21)),
    *(f"N{number}" for number in range(1, 23)),
]
COMMANDS = {"python -m tests.bench --part tracing"}
ROWS = re.findall(r"^\| ([TON]\d+) \| ([^|]+) \| (.+) \|$", PAGE, re.MULTILINE)
SHOWN = {check: shown.split("<br>") for check, _, shown in ROWS}
NAMED = sorted(set(re.findall(r"`(tests/[^`:]+)::([^`]+)`", PAGE)))


@cache
def names_in(path):
    """Names of the tests of a file, as they are written there; it is not imported."""
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_check_of_the_model_is_there_once_and_in_order():
    assert [check for check, _, _ in ROWS] == CHECKS


@pytest.mark.parametrize("check", CHECKS)
def test_what_shows_a_check_is_a_test_a_command_or_what_it_waits_for(check):
    for shown in SHOWN[check]:
        named = re.fullmatch(r"`tests/[a-z0-9_/]+\.py::test_[a-z0-9_]+`", shown)
        command = shown.strip("`") in COMMANDS
        later = re.fullmatch(
            r"([^`]*|`--release`: )later: (packs of generated scenarios|a switch of the judge, .+)", shown
        )
        assert named or command or later, shown


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda part: part.rpartition("/")[2])
def test_every_test_that_is_named_exists(path, name):
    assert name in names_in(path)


def test_nothing_is_pending():
    assert "pending" not in PAGE
