"""Traces: the list and its filters, the flow of one, a climb that still runs, and a backend that is away."""

import json

import pytest
from console_stage import caller, copied
from reading_pages import Page
from stored_runs import change_run

from harness.console.sources import Sources
from harness.evidence import layout
from harness.judging.observation import Exchange


def rows(answer):
    return [(row["part"], row["status"], row["failing_step"]) for row in answer.json()["traces"]]


def the_climb(client):
    return next(row for row in client.get("/traces.json").json()["traces"] if row["part"] == "live")


def unfinished(bundle, until):
    """The same run as it was in mid-climb: a log that ends after an event, no trace of the climb, no seal."""
    lines = (bundle / layout.EVENTS).read_text().splitlines(keepends=True)
    at = next(place for place, line in enumerate(lines) if until(json.loads(line)))
    (bundle / layout.EVENTS).write_text("".join(lines[: at + 1]))
    climb = next(json.loads(line) for line in lines if '"climb_started"' in line)
    (bundle / layout.trace_file(climb["trace_id"])).unlink()
    change = {"status": "running", "verdict": None, "finished_at": None, "scenarios": []}
    document = json.loads((bundle / layout.RUN).read_text()) | change
    (bundle / layout.RUN).write_text(json.dumps(document))
    return bundle.rename(bundle.with_name(f"{bundle.name}.partial")), climb["trace_id"]


def test_the_climbs_of_a_run_are_listed_recent_first_with_the_failing_step(client, bundle):
    assert rows(client.get("/traces.json")) == [("mocked/RERUN", "SUCCESS", None), ("live", "PARTIAL", "L03")]
    table = Page(client.get("/traces").text).by_id("traces-table")
    assert "L03" in table.rows()[1][5]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=PARTIAL", 1),
        ("status=RUNNING", 0),
        ("intent=live", 1),
        ("intent=M01", 1),
        ("from=2025-11-14&to=2025-11-14", 2),
        ("to=2025-11-13", 0),
        ("status=PARTIAL&intent=live&from=2025-11-14", 1),
        ("status=PARTIAL&intent=mocked", 0),
    ],
)
def test_traces_are_filtered_by_status_intent_and_days_in_any_combination(client, bundle, query, count):
    assert len(client.get(f"/traces.json?{query}").json()["traces"]) == count
    page = Page(client.get(f"/traces?{query}").text)
    assert f"{count} of 2 traces" in next(node.text for node in page.root.walk() if node.attrs.get("role") == "status")


def test_the_flow_is_drawn_and_listed_alike_with_what_was_not_reached(client, bundle):
    page = Page(client.get(the_climb(client)["href"]).text)
    drawn = [[node.text for node in group.walk() if node.tag == "text"] for group in page.all("g")]
    items = [
        node
        for node in next(n for n in page.all("ol") if n.attrs.get("class") == "flow-list").children
        if hasattr(node, "text")
    ]
    assert [each[1] for each in drawn] == ["trigger", "L01", "L02", "L03", "L04", "end"]
    assert [each[2] for each in drawn] == ["manual", "SUCCESS", "SUCCESS", "FAIL", "not reached", "PARTIAL"]
    for node, item in zip(drawn, items, strict=True):
        assert node[1] in item.text
        assert node[2] in item.text
    assert "wanted in [200], got 503" in items[3].text


def test_the_trace_of_a_scenario_leads_to_its_page(client, bundle):
    run = json.loads((bundle / layout.RUN).read_text())
    first = run["scenarios"][0]
    twin = client.get(f"/traces/{first['trace_id']}.json").json()
    assert twin["scenario"]["href"] == f"/runs/{bundle.name}/L01"
    assert twin["waterfall"]["rows"]


def test_a_climb_that_was_killed_is_told_as_cancelled_as_far_as_it_came(client, bundle):
    _, trace_id = unfinished(bundle, lambda event: event["type"] == "scenario_started" and event["scenario"] == "L02")
    (row,) = client.get("/traces.json").json()["traces"]
    assert (row["status"], row["trace_id"]) == ("CANCELLED", trace_id)
    assert [step["status"] for step in row["steps"]] == ["SUCCESS", "STARTED"]
    page = Page(client.get(f"/traces/{trace_id}").text)
    assert "not reached" in page.all("ol")[0].text


def test_a_climb_is_there_from_its_start_as_running(client, bundle, held):
    folder, trace_id = unfinished(bundle, lambda event: event["type"] == "scenario_started")
    with held(folder):
        (row,) = client.get("/traces.json").json()["traces"]
        assert (row["status"], row["trace_id"]) == ("RUNNING", trace_id)
        assert "to come" in client.get(f"/traces/{trace_id}").text


def test_a_run_whose_log_cannot_be_read_is_told_as_damaged_among_the_others(client, bundle):
    other = copied(bundle, bundle.parent / bundle.name.replace(":14:", ":20:"))
    log = other / layout.EVENTS
    log.write_text(log.read_text().replace('"type":"climb_started","part":', '"type":"climb_started","prat":'))
    # A record that tells no climbs leaves only the log to ask.
    change_run(other, lambda document: document.update(started_at="2025-11-14T17:20:05.000000Z", climbs=[]))
    found = rows(client.get("/traces.json"))
    assert ("", "damaged", None) in found
    assert ("live", "PARTIAL", "L03") in found


def test_a_log_that_is_no_text_is_told_as_damaged(client, bundle):
    log = bundle / layout.EVENTS
    log.write_bytes(log.read_bytes().replace(b'"type":"climb_started"', b'"type":"climb_started","\xff":0', 1))
    change_run(bundle, lambda document: document.update(climbs=[]))
    assert rows(client.get("/traces.json")) == [("", "damaged", None)]


def test_climbs_of_a_run_that_was_changed_are_listed_and_say_that_it_is_broken(client, bundle):
    (bundle / "summary.txt").write_text("all is well\n")
    told = client.get("/traces.json").json()["traces"]
    assert [row["why"].partition(":")[0] for row in told] == ["broken", "broken"]
    assert "summary.txt" in Page(client.get("/traces").text).by_id("traces-table").rows()[0][6]


def test_the_list_of_traces_opens_no_log_of_a_run_that_has_ended(client, bundle, monkeypatch):
    def refuse(*_asked):
        raise AssertionError("a log was read")

    monkeypatch.setattr("harness.console.trace_rows.logs_of", refuse)
    assert rows(client.get("/traces.json")) == [("mocked/RERUN", "SUCCESS", None), ("live", "PARTIAL", "L03")]


@pytest.mark.parametrize("path", ["/traces?source=backend", "/traces.json?source=backend"])
def test_a_backend_that_is_away_is_an_error_and_no_empty_list(client, bundle, path):
    answer = client.get(path)
    assert answer.status_code == 503
    assert "backend-unreachable" in answer.text
    assert "no trace" not in answer.text


@pytest.mark.parametrize("body", [{}, {"traces": 7}, [], None])
def test_a_backend_that_answers_something_else_is_an_error(root, sources, body):
    strange = Sources(sources.shelf, sources.trusted, sources.redactor, lambda path: Exchange(200, {}, body, "", 0.0))
    assert caller(strange).get("/traces?source=backend").status_code == 503


def test_what_the_backend_holds_is_listed(root, sources):
    pipeline = {
        "pipeline_status": "RUNNING",
        "intent_type": "edit",
        "trigger": {"source": "api"},
        "started_at": "2026-11-21T10:00:00Z",
        "steps": [],
    }
    body = {"traces": [{"trace_id": "01a1fd94-b403-7d0a-be36-607d49ee48d2", "pipelines": [pipeline]}]}
    holding = Sources(sources.shelf, sources.trusted, sources.redactor, lambda path: Exchange(200, {}, body, "", 0.0))
    (row,) = caller(holding).get("/traces.json?source=backend").json()["traces"]
    assert (row["status"], row["intent"], row["source"]) == ("RUNNING", "edit", "api")


@pytest.mark.parametrize(
    "trace", ["x", "01a1fd94-b403-7d0a-be36-607d49ee48d2", "..%2frun", "01A1FD94-B403-7D0A-BE36-607D49EE48D2"]
)
def test_an_unknown_trace_is_not_found(client, bundle, trace):
    for path in (f"/traces/{trace}", f"/traces/{trace}.json", f"/evidence/api/traces/{trace}"):
        assert client.get(path).status_code == 404


def test_the_routes_of_programs_tell_the_same(client, bundle):
    assert (
        client.get("/evidence/api/traces?status=PARTIAL").json()["traces"]
        == client.get("/traces.json?status=PARTIAL").json()["traces"]
    )
    trace_id = the_climb(client)["trace_id"]
    told = client.get(f"/evidence/api/traces/{trace_id}").json()
    assert told["pipelines"][0]["pipeline"]["pipeline_status"] == "PARTIAL"


def test_trials_that_were_begun_are_listed_while_their_run_goes_on(client, root, sealed_trials, held):
    folder = copied(sealed_trials, root / f"{sealed_trials.name}.partial")
    document = json.loads((folder / layout.RUN).read_text())
    change = {
        "status": "running",
        "verdict": None,
        "finished_at": None,
        "trial_records": [],
        "climbs": [],
        "aggregation": None,
    }
    (folder / layout.RUN).write_text(json.dumps(document | change))
    with held(folder):
        found = {row["part"] for row in client.get("/traces.json").json()["traces"]}
    assert found == {"trials/000/live", "trials/001/live", "trials/002/live"}
