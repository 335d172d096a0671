"""Runs that go on at the same time in one evidence root, as when two people share a checkout."""

import json

import pytest
from ladder_process import ended, sealed, texts, verdicts

from harness.evidence.events import RunStarted
from harness.evidence.journal import iter_events
from harness.evidence.reading import RunCondition

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("count", [2, 8])
def test_runs_at_once_have_folders_of_their_own_and_never_mix(ladder, stub, count):
    # All of them are in the middle of a request at one moment.
    stub.hold("POST", "/projects/")
    running = [ladder.start(*ladder.climb("--json")) for _ in range(count)]
    stub.wait_for("POST", "/projects/", count)
    assert {entry.condition for entry in ladder.entries()} == {RunCondition.RUNNING}
    stub.release()
    done = [ended(run) for run in running]
    assert [each.returncode for each in done] == [0] * count, [each.stderr for each in done]
    outcomes = [json.loads(each.stdout.splitlines()[-1]) for each in done]
    entries = {str(entry.folder): sealed(entry) for entry in ladder.entries()}
    assert sorted(entries) == sorted(outcome["folder"] for outcome in outcomes)
    assert len(entries) == count
    for outcome in outcomes:
        entry = entries[outcome["folder"]]
        assert entry.run_id == outcome["run_id"]
        assert set(verdicts(entry).values()) == {"PASS"}
        written = texts(entry)
        assert not [other["run_id"] for other in outcomes if other is not outcome and other["run_id"] in written]
        assert sum(project in written for project in stub.jobs) == 1
        begun = [each.event for each in iter_events(entry.folder / "events.jsonl") if type(each.event) is RunStarted]
        assert [event.run_id for event in begun] == [entry.run_id]
