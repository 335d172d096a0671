"""``ladder runs`` as a command: what it prints where, with which exit code, and what it takes for wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from indexed_runs import MINUTE, NOW, add_run, edit, run_id, trace_id, write_run_folder

from harness.evidence.reading import list_runs
from harness.indexing.facts import facts_of
from harness.indexing.place import FILE, HIDDEN
from harness.indexing.telling import run_document, runs_text
from harness.judging.verdict import Verdict

ROOT = Path(__file__).parents[3]


def ladder(*arguments, out):
    command = [sys.executable, "-m", "harness", *arguments, "--out", str(out)]
    environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for number, verdict in enumerate((Verdict.PASS, Verdict.FAIL, Verdict.FAIL)):
        add_run(root, number, verdict)
    return root


def test_runs_are_listed_newest_first_for_people_and_for_programs(root):
    told = ladder("runs", out=root)
    lines = told.stdout.splitlines()
    assert lines[0].split() == ["RUN", "VERDICT", "GREEN", "DURATION", "COMMIT", "RUN", "ID", "NOTE"]
    assert lines[1].split() == ["2025-11-14T17:16:05Z", "FAIL", "2/4", "1.5", "s", "c" * 10, run_id(2)]
    assert len(lines) == 4
    assert (told.returncode, told.stderr) == (0, "")
    found = json.loads(ladder("runs", "--json", out=root).stdout)["runs"]
    assert [each["run_id"] for each in found] == [run_id(number) for number in (2, 1, 0)]
    assert found[0] == {
        "run": "2025-11-14T17:16:05Z",
        "run_id": run_id(2),
        "folder": str(root / "2025-11-14T17:16:05Z"),
        "condition": "finished",
        "status": "finished",
        "why": "",
        "signed": False,
        "verdict": "FAIL",
        "ladder": "live",
        "green": 2,
        "scenarios": 4,
        "commit": "c" * 40,
        "dirty": False,
        "started_at": "2025-11-14T17:16:05.000000Z",
        "duration_s": 1.5,
    }


def test_wishes_and_a_limit_narrow_the_list_and_finding_none_says_so(root):
    assert len(ladder("runs", "--status", "fail", "--scenario", "L02", "--since", "2025-11-14", out=root).stdout) > 0
    assert ladder("runs", "--status", "FAIL", "--limit", "1", out=root).stdout.count("FAIL") == 1
    assert run_id(1) in ladder("runs", "--trace", trace_id(1), out=root).stdout
    none = ladder("runs", "--ladder", "mocked", "--until", "7d", out=root)
    assert (none.stdout, none.returncode) == ("no recorded run fits\n", 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--status", "green"], "error[status-unknown]"),
        (["--since", "soon"], "a day (2026-11-01, UTC), an instant (2026-11-01T08:30:00Z)"),
        (["--limit", "0"], "--limit"),
        (["--prune", "-1"], "--prune"),
        (["--prune", "1", "--status", "FAIL"], "error[flags-contradict]"),
        (["--prune", "1", "--rebuild"], "error[flags-contradict]"),
        (["--force"], "error[flags-contradict]"),
    ],
    ids=str,
)
def test_a_wrong_flag_is_a_usage_error_and_removes_nothing(root, arguments, said):
    done = ladder("runs", *arguments, out=root)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(list_runs(root)) == 3


def test_what_is_wrong_with_the_index_goes_to_standard_error_and_changes_neither_list_nor_exit_code(tmp_path):
    add_run(tmp_path, 0)
    before = ladder("runs", "--json", out=tmp_path)
    (tmp_path / HIDDEN).mkdir(mode=0o700, exist_ok=True)
    (tmp_path / HIDDEN / FILE).write_text("no database" * 1000)
    (tmp_path / HIDDEN / FILE).chmod(0o600)
    after = ladder("runs", "--json", out=tmp_path)
    assert (after.stdout, after.returncode) == (before.stdout, 0)
    assert after.stderr.startswith(f"warning: the index {tmp_path / HIDDEN / FILE} is damaged")


def test_an_index_is_made_anew_on_demand(root):
    ladder("runs", out=root)
    rebuilt = ladder("runs", "--rebuild", out=root)
    assert (rebuilt.returncode, rebuilt.stderr) == (0, "")
    assert rebuilt.stdout == ladder("runs", out=root).stdout


def test_pruning_tells_what_it_removed_and_refuses_to_break_a_chain(tmp_path):
    folders = [write_run_folder(tmp_path, now=NOW + number * MINUTE, run_id=run_id(number)).folder for number in (0, 1)]
    stray = add_run(tmp_path, -1)
    held = ladder("runs", "--prune", "1", "--json", out=tmp_path)
    assert json.loads(held.stdout) == {"removed": [stray.name], "held": [folders[0].name], "failed": {}, "kept": 2}
    assert held.returncode == 1
    assert (
        f"error[prune-breaks-chain]: without {folders[0].name} the chain of the other runs would be broken"
        in held.stderr
    )
    forced = ladder("runs", "--prune", "1", "--force", out=tmp_path)
    assert forced.stdout == f"removed {folders[0].name}\n1 run is kept\n"
    assert forced.returncode == 0
    assert [entry.folder for entry in list_runs(tmp_path)] == [folders[1]]


def test_every_command_takes_the_ids_that_the_list_prints(root):
    for name in (run_id(1), "2025-11-14T17:15:05Z"):
        assert run_id(1) in ladder("show", name, "--json", out=root).stdout
    assert "error[run-name-invalid]" in ladder("show", "../../etc/passwd", out=root).stderr
    ambiguous = ladder("show", "2025-11-14T17:1", out=root)
    assert ambiguous.returncode == 2
    assert all(run_id(number) in ambiguous.stderr for number in range(3))


def test_the_list_says_what_is_no_evidence_in_the_place_of_the_verdict(tmp_path):
    folder = add_run(tmp_path, 0)
    folder.rename(f"{folder}.partial")
    (add_run(tmp_path, 1) / "run.json").write_text("{")
    lines = runs_text([facts_of(entry, "") for entry in list_runs(tmp_path)], is_narrowed=False).splitlines()
    assert lines[1].split()[:3] == ["2025-11-14T17:15:05Z", "damaged", "run.json:"]
    assert lines[2].split()[:3] == ["2025-11-14T17:14:05Z", "partial", "2/4"]


def test_what_a_terminal_would_obey_is_shown_as_text_and_what_json_cannot_hold_is_null(tmp_path):
    folder = add_run(tmp_path, 0)
    edit(folder, run_id="\x1b[2J\ud800[bold]\u202e", duration_s=1e999)
    facts = [facts_of(entry, "") for entry in list_runs(tmp_path)]
    text = runs_text(facts, is_narrowed=False)
    assert "\\x1b[2J\\ud800[bold]\\u202e" in text
    assert text.isascii()
    assert json.loads(json.dumps(run_document(tmp_path, facts[0]), allow_nan=False))["duration_s"] is None
