"""A finding is told in a line, its repair below it, and a check that breaks is a finding too."""

from __future__ import annotations

import json

import pytest

from harness.doctor.findings import Level, as_json, error, exit_code_of, look, not_checked, ok, render, warning
from harness.errors import ExitCode, PrerequisiteError

CANARY = "canary-4f7a9b21c3"


def test_each_finding_is_a_line_and_the_repair_stands_below_what_is_not_ok():
    told = render((ok("engine", "answers"), warning("images", "none", "make up"), error("port", "taken", "PORT=8001")))
    assert told.splitlines() == [
        "ok       engine  answers",
        "warning  images  none",
        "                 repair: make up",
        "error    port    taken",
        "                 repair: PORT=8001",
        "1 errors, 1 warnings",
    ]


def test_nothing_found_has_a_last_line_all_the_same():
    assert render(()) == "0 errors, 0 warnings"


def test_what_a_terminal_would_obey_is_spelt_out_and_stays_on_its_line():
    told = render((error("port", "held by \x1b[2Jevil\nok  all is well", "kill\rit"),))
    assert "\x1b" not in told
    assert len(told.splitlines()) == 3


def test_the_same_is_told_to_programs():
    told = json.loads(as_json((ok("engine", "answers"), warning("images", "none", "make up"))))
    assert told == {
        "findings": [
            {"check": "engine", "level": "ok", "message": "answers", "repair": ""},
            {"check": "images", "level": "warning", "message": "none", "repair": "make up"},
        ],
        "errors": 0,
        "warnings": 1,
    }


def test_only_an_error_changes_the_exit_code():
    assert exit_code_of((ok("a", "b"), warning("a", "b", "c"))) is ExitCode.OK
    assert exit_code_of((ok("a", "b"), error("a", "b", "c"))) is ExitCode.PREREQUISITE


def test_an_error_of_ours_keeps_its_words_and_its_hint():
    def judge():
        raise PrerequisiteError("disk-full", "the disk is full", "free some")

    assert look("disk", judge) == error("disk", "the disk is full", "free some")


@pytest.mark.parametrize("broken", [ValueError(CANARY), KeyError(CANARY), RuntimeError(f"value {CANARY}")])
def test_a_check_that_breaks_is_its_own_error_and_quotes_nothing(broken):
    def judge():
        raise broken

    found = look("secrets", judge)
    assert (found.check, found.level) == ("secrets", Level.ERROR)
    assert type(broken).__name__ in found.message
    assert CANARY not in found.message + found.repair


def test_a_failure_of_the_system_names_the_file():
    def judge():
        raise PermissionError(13, "Permission denied", "/srv/data")

    assert "Permission denied: /srv/data" in look("disk", judge).message


def test_an_interrupt_is_no_finding():
    def judge():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look("disk", judge)


def test_what_was_not_looked_at_is_no_green():
    assert not_checked("images", "no engine answers").level is Level.WARNING
