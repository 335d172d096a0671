"""A run of which only the skeleton is kept: no content reaches any file, and what was decided stays decided."""

import json

import pytest
from staged import CANARY, Reply, told_trace
from whole_runs import WholeRun

from harness.judging.verdict import Verdict
from harness.runner.choices import RecordChoice
from harness.verifying.verify import verify

WORDS = "a sentence of somebody's own"


@pytest.fixture
def run(tmp_path, monkeypatch):
    run = WholeRun(tmp_path, monkeypatch)
    run.service.on("GET /1", {"id": "c425f610-aaaa-4bbb-8ccc-0123456789ab", "summary": WORDS, "status": "completed"})
    run.service.on("GET /2/c425f610-aaaa-4bbb-8ccc-0123456789ab", {"logs": [WORDS]})
    return run


def files(ended):
    return {path.relative_to(ended.finished.folder).as_posix(): path.read_text() for path in every_file(ended)}


def every_file(ended):
    return [path for path in ended.finished.folder.rglob("*") if path.is_file()]


def test_in_full_what_was_said_is_kept(run):
    found = [name for name, text in files(run.execute()).items() if WORDS in text]
    assert {"events.jsonl", "live/L01/one.json"} <= set(found)


def test_of_the_skeleton_no_file_holds_what_was_said(run):
    ended = run.execute(record=RecordChoice.METADATA_ONLY)
    kept = files(ended)
    assert [name for name, text in kept.items() if WORDS in text] == []
    assert (ended.record.recorded, ended.record.verdict) == ("metadata_only", Verdict.PASS)
    assert [trial.recorded for trial in ended.record.trial_records] == ["metadata_only"]
    assert json.loads(kept["live/L01/one.json"]) == {
        "id": "c425f610-aaaa-4bbb-8ccc-0123456789ab",
        "summary": "[CONTENT_EXCLUDED]",
        "status": "completed",
    }


def test_an_id_that_was_captured_is_kept_so_that_its_scenarios_can_be_climbed_again(run):
    state = json.loads(files(run.execute(record=RecordChoice.METADATA_ONLY))["state.json"])
    assert state["captures"]["L01"] == {"pid": "c425f610-aaaa-4bbb-8ccc-0123456789ab"}


def test_a_reason_quotes_nothing_in_record_notes_and_reports(run):
    run.service.on("GET /2/c425f610-aaaa-4bbb-8ccc-0123456789ab", Reply({"detail": WORDS}, 500))
    ended = run.execute(record=RecordChoice.METADATA_ONLY)
    assert ended.record.verdict is Verdict.FAIL
    assert "500" in ended.record.scenarios[1].missed[0], "a status belongs to the skeleton"
    assert [name for name, text in files(ended).items() if WORDS in text] == []


def test_types_of_jobs_are_kept_in_full_only(run):
    run.service.trace = lambda trace_id: told_trace(trace_id, pipelines=[{"intent_type": "edit"}])
    found = {choice: run.execute(record=choice).record for choice in (RecordChoice.METADATA_ONLY, RecordChoice.FULL)}
    assert {each.job_types for each in found[RecordChoice.METADATA_ONLY].scenarios} == {()}
    assert {each.job_types for each in found[RecordChoice.FULL].scenarios} == {("edit",)}


def test_the_record_tells_what_set_the_run_off_and_that_passes_the_redactor(run):
    run.environ |= {"LADDER_TRIGGER": "scheduled", "LADDER_ISSUE_KEY": CANARY, "LADDER_ISSUE_STATUS": "To Do"}
    ended = run.execute()
    trigger = run.loaded().record.trigger
    assert (trigger.source, trigger.issue_status) == ("scheduled", "To Do")
    assert CANARY not in (ended.finished.folder / "run.json").read_text()
    assert [each.part for each in ended.record.climbs] == ["live", "mocked/RERUN"]
    assert "climbs" not in verify(ended.finished.folder, strict=True).failed
