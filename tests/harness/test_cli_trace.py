"""``ladder trace`` from outside: what it prints, for whom, and with which exit code it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.judge_traces import CLIMB_ID, TRACE_ID
from support.traced_runs import FIRST, NAME, store_run

ROOT = Path(__file__).resolve().parents[2]


def trace(root, *arguments, **environ):
    command = [sys.executable, "-m", "harness", "trace", *arguments, "--out", str(root)]
    base = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(
        command, cwd=ROOT, env=base | environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def stored(tmp_path):
    store_run(tmp_path)
    return tmp_path


def test_the_newest_run_is_drawn_when_none_is_named(stored):
    done = trace(stored, COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"run {NAME}: FAIL")
    assert f"open one: ladder trace {NAME} L01" in done.stdout


def test_a_scenario_is_drawn_and_a_trace_id_leads_to_it_too(stored):
    done = trace(stored, NAME[:10], "L01")
    assert (done.returncode, done.stderr) == (0, "")
    assert "INSERT projects" in done.stdout
    assert trace(stored, TRACE_ID).stdout == done.stdout
    assert trace(stored, CLIMB_ID).stdout.startswith("climb\n")


def test_programs_get_json(stored):
    told = json.loads(trace(stored, NAME, "L01", "--json").stdout)
    assert (told["run"], told["scenario"], told["trace"]["trace_id"]) == (NAME, "L01", TRACE_ID)
    assert {"depth", "offset_ms", "duration_ms"} <= told["waterfall"][0].keys()
    assert json.loads(trace(stored, "--json").stdout)["climbs"][0]["scenarios"][0]["committed"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "reference", "text"),
    [
        ((NAME, "L99"), 2, "scenario-unknown", "there are: L01, L02, L03"),
        ((NAME, "L03"), 1, "trace-missing", "gate closed"),
        (("2030-01-01T00:00:00Z",), 1, "run-unknown", "no run is called"),
        (("L01",), 2, "run-prefix-short", "shorter than"),
    ],
)
def test_what_cannot_be_drawn_is_told_with_its_code(stored, arguments, code, reference, text):
    done = trace(stored, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert f"error[{reference}]" in done.stderr
    assert text in done.stderr


def test_a_run_without_traces_ends_with_one(tmp_path):
    folder = store_run(tmp_path, traces=())
    (folder / "traces").rmdir()
    done = trace(tmp_path)
    assert (done.returncode, "holds no traces" in done.stderr) == (1, True)


def test_a_damaged_trace_ends_with_one_and_its_file_and_reason(stored):
    file = stored / NAME / "traces" / f"{FIRST.trace_id}.json"
    file.write_text("{")
    done = trace(stored, NAME, "L01")
    assert (done.returncode, f"{file}: no JSON" in done.stderr) == (1, True)
    whole = trace(stored)
    assert (whole.returncode, "damaged" in whole.stdout, "L02" in whole.stdout) == (1, True, True)


def test_a_reader_that_has_gone_away_is_no_error(stored):
    command = f"{sys.executable} -m harness trace --out {stored} {NAME} L01 | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
