"""That nothing was written and that nobody watched are different facts, and neither is ever taken for the other."""

import json

import pytest
from sealed_run import LIVE, case, failures, make_run
from staged import Reply, told_trace
from whole_runs import WholeRun

from harness.evidence import layout
from harness.runner.stand import Stand
from harness.verifying.verify import verify

READS = """
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}"}
scenarios:
  L01: {title: Read, steps: [{get: /docs, expect: [{status: 200}]}]}
rollback: {verify: mocked.ladder.yaml, as: mocked/RERUN}
"""
WITHOUT_HOOKS = {"hooks": [], "active": False, "version": 1}


def unwatched(trace_id):
    return told_trace(trace_id, capture=WITHOUT_HOOKS)


def capture_of(folder):
    (check,) = (check for check in verify(folder, strict=True).checks if check.name == "capture")
    return check


def test_a_case_that_only_reads_has_an_empty_list_of_writes_and_passes(tmp_path, monkeypatch):
    folder = make_run(tmp_path, monkeypatch, live=READS)
    assert failures(folder) == {}
    assert case(folder)["db_writes"] == []
    assert json.loads((folder / "live/L01/db_writes.json").read_text()) == []
    assert capture_of(folder).count == 2


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (unwatched, "capture inactive (its hooks are not in place)"),
        (Reply({"detail": "?"}, 404), "capture inactive (HTTP 404)"),
    ],
)
def test_without_hooks_our_own_stack_is_not_green_and_the_verifier_says_capture_inactive(
    tmp_path, monkeypatch, told, why
):
    folder = make_run(tmp_path, monkeypatch, live=READS, told=told)
    assert "L01: INCONCLUSIVE" in (folder / layout.SUMMARY).read_text()
    found = failures(folder)
    assert list(found) == ["capture"]
    assert all(why in line for line in found["capture"])
    assert not any("no writes" in line for line in found["capture"])


def test_a_foreign_stack_need_not_tell_and_the_verifier_says_so_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(WholeRun, "_provide", lambda *_about: Stand("http://backend.example:8000"))
    folder = make_run(tmp_path, monkeypatch, live=LIVE, told=Reply({}, 404))
    assert failures(folder) == {}
    remarks = capture_of(folder).remarks
    assert {each.kind for each in remarks} == {"capture-inactive"}
    assert all(each.what == "capture inactive (HTTP 404)" for each in remarks)
