"""Runs that get their final names or go away just while they are looked at: that is no damage, and hides none."""

import json

import pytest
from console_stage import copied
from stored_runs import change_run

from harness.console.refusals import MissingError
from harness.console.shelf import TRUSTED_S, Shelf
from harness.console.trust import Trusted
from harness.evidence import layout
from harness.evidence.reading import read_entry
from harness.verifying.verify import verify


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    """What a test made a moment ago counts as older than the clock's tick."""
    monkeypatch.setattr("harness.console.shelf.TICK_NS", 0)


@pytest.fixture
def partial(bundle):
    """The run before it has its final name."""
    return bundle.rename(bundle.with_name(f"{bundle.name}.partial"))


@pytest.fixture
def elsewhere(tmp_path):
    return tmp_path / "elsewhere"


def once(action, real):
    """Does something just before the first call of what it stands for."""
    waiting = [action]

    def called(*given, **named):
        if waiting:
            waiting.pop()()
        return real(*given, **named)

    return called


def test_a_run_that_gets_its_final_name_while_it_is_looked_for_is_found(root, partial, bundle, monkeypatch):
    monkeypatch.setattr("harness.console.shelf.read_entry", once(lambda: partial.rename(bundle), read_entry))
    entry = Shelf(root).entry(bundle.name)
    assert (entry.folder, entry.condition) == (bundle, "finished")


def test_a_run_that_goes_away_while_it_is_looked_for_is_not_there(root, bundle, elsewhere, monkeypatch):
    monkeypatch.setattr("harness.console.shelf.read_entry", once(lambda: bundle.rename(elsewhere), read_entry))
    with pytest.raises(MissingError):
        Shelf(root).entry(bundle.name)


def test_a_run_that_goes_away_while_it_is_read_again_is_listed_as_it_was(root, partial, elsewhere, monkeypatch, held):
    clock = Clock()
    shelf = Shelf(root, clock=clock)
    with held(partial):
        shelf.listed()
        clock.now += TRUSTED_S + 0.1
        monkeypatch.setattr("harness.indexing.folder.read_entry", once(lambda: partial.rename(elsewhere), read_entry))
        assert [row.facts.condition for row in shelf.listed().rows] == ["running"]
    assert shelf.listed().rows == ()


def test_climbs_of_a_run_that_gets_its_final_name_meanwhile_are_told(client, partial, bundle, monkeypatch):
    monkeypatch.setattr("harness.console.trace_rows.read_entry", once(lambda: partial.rename(bundle), read_entry))
    told = client.get("/traces.json").json()["traces"]
    assert [row["status"] for row in told] == ["SUCCESS", "PARTIAL"]


def test_climbs_of_a_run_that_goes_away_meanwhile_are_no_damage(client, partial, elsewhere, monkeypatch):
    monkeypatch.setattr("harness.console.trace_rows.read_entry", once(lambda: partial.rename(elsewhere), read_entry))
    assert client.get("/traces.json").json()["traces"] == []


def test_damaged_runs_are_not_read_again_each_second(root, bundle, monkeypatch):
    (copied(bundle, bundle.with_name(bundle.name.replace(":14:", ":30:"))) / layout.RUN).write_text("{nope")
    clock = Clock()
    shelf = Shelf(root, clock=clock)
    first = shelf.listed()
    assert {row.facts.condition for row in first.rows} == {"damaged", "finished"}
    clock.now += TRUSTED_S + 0.1
    monkeypatch.setattr("harness.indexing.folder.read_entry", lambda folder: pytest.fail(f"{folder} was read"))
    assert shelf.listed() is first


ODD_PIPELINES = (
    {"final_error": {"a": 1}, "steps": []},
    {"final_error": [1, 2], "completed_at": {"x": 1}, "started_at": 5},
    {"steps": [1, None, {"agent_name": {}, "status": [], "error_message": {}}]},
    {"pipeline_status": ["x"], "intent_type": {"x": 1}, "trigger": [1]},
    {"final_error": float("nan"), "completed_at": float("inf")},
)


@pytest.mark.parametrize("odd", ODD_PIPELINES)
@pytest.mark.parametrize("query", ["", "q=zz", "from=2025-01-01", "intent=x"])
def test_traces_that_lie_in_a_killed_run_may_hold_anything(client, partial, odd, query):
    for file in (partial / layout.TRACES).glob("*.json"):
        document = json.loads(file.read_text())
        for pipeline in document.get("pipelines", ()):
            pipeline.update(odd)
        file.write_text(json.dumps(document))
    trace_id = json.loads((partial / layout.RUN).read_text())["climbs"][0]["trace_id"]
    for path in ("/traces", "/traces.json", f"/traces/{trace_id}", f"/traces/{trace_id}.json"):
        answer = client.get(f"{path}?{query}")
        # What is no trace any more says so, and breaks no list.
        assert "console-fault" not in answer.text
        assert answer.status_code == 200 or path.startswith("/traces/")


def test_a_run_that_goes_away_while_it_is_verified_is_not_there_and_not_broken(client, bundle, elsewhere, monkeypatch):
    monkeypatch.setattr("harness.console.trust.verify", once(lambda: bundle.rename(elsewhere), verify))
    assert client.get(f"/runs/{bundle.name}").status_code == 404


def test_a_run_that_goes_away_while_a_list_is_made_is_called_broken_by_none(client, bundle, elsewhere, monkeypatch):
    monkeypatch.setattr("harness.console.trust.verify", once(lambda: bundle.rename(elsewhere), verify))
    (row,) = client.get("/.json").json()["runs"]
    assert row["trust"] == "unsigned"
    assert "went away" in row["why"]
    assert client.get("/.json").json()["runs"] == []


def test_what_was_found_while_a_run_was_away_is_not_believed_when_it_is_back(root, bundle, elsewhere, monkeypatch):
    trusted = Trusted(root)
    good = Trusted(root).of(read_entry(bundle))

    def verify_without(*given, **named):
        bundle.rename(elsewhere)
        try:
            return verify(*given, **named)
        finally:
            elsewhere.rename(bundle)

    monkeypatch.setattr("harness.console.trust.verify", verify_without)
    assert trusted.of(read_entry(bundle)).is_broken
    monkeypatch.setattr("harness.console.trust.verify", verify)
    assert trusted.of(read_entry(bundle)) == good


def test_the_newest_finished_run_that_just_went_away_is_passed_over(client, bundle, elsewhere, monkeypatch):
    newer = copied(bundle, bundle.with_name(bundle.name.replace(":14:", ":30:")))
    change_run(newer, lambda document: document.update(folder=newer.name, started_at=newer.name))
    assert client.get("/evidence/api/apis").json()["run"] == newer.name
    monkeypatch.setattr("harness.console.shelf.read_entry", once(lambda: newer.rename(elsewhere), read_entry))
    assert client.get("/evidence/api/apis").json()["run"] == bundle.name
