"""A disk that fills up while evidence is written: the run ends, says so, and what there is stays marked."""

import os
import resource
import subprocess

import pytest
from ladder_process import COMMAND, entry_of, met, sealed, spared, sweep

from harness.evidence.reading import RunCondition

pytestmark = pytest.mark.processes

PREREQUISITE = 3


def is_marked(entry):
    return entry.condition is RunCondition.PARTIAL and entry.folder.name.endswith(".partial")


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=24k tmpfs "$OUTROOT" || exit 99
"$@"
ended=$?
"$1" -m harness runs
exit "$ended"
"""


def may_mount():
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return os.geteuid() == 0 and done.returncode == 0


@pytest.mark.skipif(not may_mount(), reason="only root may mount a small disk; the other tests need none")
def test_a_real_disk_that_fills_up_ends_the_run_with_an_error(ladder):
    ladder.out.mkdir()
    # The disk is gone with the last process that sees it.
    command = ("unshare", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh", *COMMAND)
    done = ladder.run(*ladder.climb(), command=command)
    assert done.returncode == PREREQUISITE, done.stderr
    assert "error[evidence-unwritable]: evidence cannot be written: " in done.stderr
    # The first thing that did not fit is told, and not the note about it.
    assert "PARTIAL.txt" not in done.stderr
    assert "No space left on device" in done.stderr
    assert "free space" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[-1].split()[1] == "partial"
    assert list(ladder.out.iterdir()) == []


def test_a_limit_for_files_ends_the_run_in_the_same_way(ladder):
    limited = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # noqa: E731
    done = ladder.run(*ladder.climb(), preexec_fn=limited)
    assert done.returncode == PREREQUISITE, done.stderr
    assert "error[evidence-unwritable]: evidence cannot be written: events.jsonl: File too large" in done.stderr
    entry = ladder.only_entry()
    assert is_marked(entry)
    assert "[evidence-unwritable]" in entry.why


@pytest.mark.parametrize("what", ["full", "once"])
def test_whatever_cannot_be_written_leaves_no_bundle_without_it(ladder, what):
    done = sweep(ladder, what, every=9)
    for run in met(done):
        entry = entry_of(run)
        if run["code"] == 0:
            # To make the evidence root again is needless, and a run that lacks its line alone is sealed and says so.
            assert (run["at"], what) == (1, "once") or "note: LEDGER.jsonl lacks the line of " in run["said"], run
            sealed(entry)
            continue
        assert run["code"] == PREREQUISITE, run
        assert "error[evidence-unwritable]: " in run["said"]
        assert "Traceback" not in run["said"]
        assert entry is None or is_marked(entry), run
    for run in spared(done):
        assert run["code"] == 0
        sealed(entry_of(run))


def test_an_evidence_root_that_is_a_file_is_told(ladder, stub):
    ladder.out.write_text("in the way")
    done = ladder.run(*ladder.climb())
    assert done.returncode == PREREQUISITE
    assert f"{ladder.out}: " in done.stderr
    assert stub.asked == []
