"""``ladder verify``: which run it takes, what it says, and how it ends."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sealed_run import reseal, rewrite

from harness.errors import UsageError
from harness.evidence import layout
from harness.evidence.faults import EvidenceError
from harness.verifying.choosing import choose
from harness.verifying.telling import report_document, report_text
from harness.verifying.verify import ALWAYS, verify

ROOT = Path(__file__).resolve().parents[3]


def ladder(*arguments, out):
    command = [sys.executable, "-m", "harness", "verify", *arguments, "--out", str(out)]
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def began(folder, started_at, run_id):
    """Make another run of a bundle: one that began then."""
    run = json.loads((folder / layout.RUN).read_text())
    rewrite(folder, layout.RUN, run | {"started_at": started_at, "run_id": run_id})
    reseal(folder)


def beside(bundle, name, **facts):
    """A copy of a bundle under another name."""
    folder = bundle.parent / name
    shutil.copytree(bundle, folder)
    if facts:
        began(folder, **facts)
    return folder


def test_a_run_as_the_harness_leaves_it_passes_every_check(sealed):
    report = verify(sealed, strict=True)
    assert report.failed == ()
    lines = report_text(report).splitlines()
    assert lines[-1] == "PASS: All 39 checks passed"
    assert lines[-2].startswith("unsigned: ")
    assert lines[-3] == f"head to publish: {hashlib.sha256((sealed / layout.MANIFEST).read_bytes()).hexdigest()}"
    # It was made where there is no repository.
    assert [line for line in lines[:-3] if not line.startswith(("ok   ", "note provenance: "))] == []
    counts = {check.name: check.count for check in report.checks}
    assert (counts["cases"], counts["mirrors"]) == (5, 2)
    assert [name for name, count in counts.items() if not count and name != "trials"] == []


def test_without_strict_only_the_files_are_looked_at(sealed):
    report = verify(sealed, strict=False)
    assert [check.name for check in report.checks] == [*ALWAYS]
    assert report.failed == ()


def test_verifying_changes_nothing(bundle):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in bundle.rglob("*")}
    verify(bundle, strict=True)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in bundle.rglob("*")} == before


def test_the_run_that_lies_beside_the_code_passes():
    for folder in sorted((ROOT / "docs/evidence").glob("20*Z")):
        assert verify(folder, strict=(folder / layout.CASES).exists()).failed == ()


def test_the_command_says_what_it_checked_and_ends_with_0(bundle):
    done = ladder(bundle.name, "--strict", out=bundle.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "PASS: All 39 checks passed"
    run_id = json.loads((bundle / layout.RUN).read_text())["run_id"]
    assert ladder(run_id[:12], out=bundle.parent).returncode == 0
    assert ladder("--latest", out=bundle.parent).returncode == 0


def test_a_damaged_run_ends_with_1_and_names_file_and_field(bundle):
    path = bundle / "cases/live-L01.json"
    path.write_text(path.read_text().replace('"PASS"', '"FAIL"', 1))
    done = ladder("--latest", "--strict", out=bundle.parent)
    assert done.returncode == 1
    assert "FAIL hashes: cases/live-L01.json" in done.stdout
    assert "FAIL parts: cases/live-L01.json" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("FAIL: ")


def test_json_holds_every_check_and_finding(bundle):
    (bundle / "live/L01/db_writes.json").write_text("[]\n")
    done = ladder(bundle.name, "--strict", "--json", out=bundle.parent)
    found = json.loads(done.stdout)
    assert (done.returncode, found["passed"], found["signed"]) == (1, False, False)
    checks = {check["name"]: check for check in found["checks"]}
    assert {"hashes", "views"} <= set(found["failed"])
    assert checks["views"]["findings"][0] == {
        "kind": "view-differs",
        "file": "live/L01/db_writes.json",
        "part": "write 1",
        "what": "2 are expected, 0 are there",
        "is_fault": True,
    }
    assert found == report_document(verify(bundle, strict=True))


@pytest.mark.parametrize("arguments", [(), ("2025-11-14T17:14:05Z", "--latest"), ("--latest", "--head", "abc"), ("x",)])
def test_a_command_that_names_no_run_or_two_or_no_head_ends_with_2(bundle, arguments):
    assert ladder(*arguments, out=bundle.parent).returncode == 2


@pytest.mark.parametrize("arguments", [("--latest",), ("2025-11-14T17:14:05Z",)])
def test_where_no_run_lies_the_command_ends_with_1(tmp_path, arguments):
    done = ladder(*arguments, out=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[run-unknown]" in done.stderr


def test_a_run_that_is_not_finished_ends_with_1_and_is_never_the_latest(bundle):
    partial = beside(bundle, "2026-01-01T00:00:00Z.partial")
    (partial / layout.PARTIAL_NOTE).write_text("This run is not finished.\n")
    done = ladder("2026-01-01T00:00:00Z", out=bundle.parent)
    assert done.returncode == 1
    assert "is not finished" in done.stderr
    assert choose(bundle.parent, "", latest=True).name == bundle.name
    shutil.rmtree(bundle)
    assert ladder("--latest", out=partial.parent).returncode == 1


def test_a_folder_that_was_renamed_to_look_finished_is_not_finished(bundle):
    (bundle / layout.PARTIAL_NOTE).write_text("This run is not finished.\n")
    assert "finished" in verify(bundle, strict=False).failed


def test_the_latest_run_is_the_one_that_began_last_whatever_its_folder_is_called(bundle):
    newer = {"started_at": "2026-03-01T00:00:00.000000Z", "run_id": "01a1fd97-0000-7000-8000-00000000000a"}
    early_name = beside(bundle, "2020-01-01T00:00:00Z", **newer)
    late_name = bundle.rename(bundle.parent / "2030-01-01T00:00:00Z")
    assert choose(bundle.parent, "", latest=True).folder == early_name
    assert choose(bundle.parent, late_name.name, latest=False).folder == late_name


def test_a_newer_run_that_is_damaged_does_not_make_an_older_one_the_latest(bundle):
    newer = beside(bundle, "2026-03-01T00:00:00Z", started_at="2026-03-01T00:00:00.000000Z", run_id="r2")
    (newer / layout.MANIFEST).unlink()
    assert ladder("--latest", out=bundle.parent).returncode == 1
    (newer / layout.RUN).write_text("{}")
    with pytest.raises(EvidenceError, match="may be the newest"):
        choose(bundle.parent, "", latest=True)


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01T00:00:00", ""])
def test_a_run_that_says_no_time_is_not_ordered_among_the_others(bundle, text):
    began(bundle, text, "r2")
    with pytest.raises(EvidenceError, match="does not say when it began"):
        choose(bundle.parent, "", latest=True)


def test_a_run_must_be_named_in_one_way():
    with pytest.raises(UsageError, match="which run"):
        choose(Path("/nowhere"), "", latest=False)
    with pytest.raises(UsageError, match="both"):
        choose(Path("/nowhere"), "r", latest=True)
