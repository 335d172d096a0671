"""The page of a scenario: its five tables against the stored case, cell by cell, and what it says of empty ones."""

import json

import pytest
from reading_pages import Page
from sealed_run import reseal
from stored_runs import change_case, change_run

from harness.evidence import layout

TABLES = (
    "execution-trace-table",
    "db-writes-table",
    "apis-used-table",
    "synthetic-input-table",
    "produced-output-table",
    "assertions-table",
)


@pytest.fixture
def page(client, bundle):
    return lambda name: Page(client.get(f"/runs/{bundle.name}/{name}").text)


@pytest.fixture
def case(bundle):
    return lambda name: json.loads((bundle / f"cases/live-{name}.json").read_text())


def test_the_execution_trace_has_a_row_for_each_event_in_order(page, case):
    table = page("L01").by_id("execution-trace-table")
    events = case("L01")["execution_trace"]
    assert len(events) > 10
    assert table.caption == f"Execution trace: {len(events)} events"
    told = [[row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]] for row in table.rows()]
    names = ("seq", "ts_utc", "layer", "component", "event_type", "trigger", "operation", "status")
    assert told == [[str(event[name]) for name in names] for event in events]


def test_the_database_writes_have_a_row_for_each_write(page, case):
    table = page("L01").by_id("db-writes-table")
    writes = case("L01")["db_writes"]
    assert len(writes) >= 2
    assert table.caption == f"Database writes: {len(writes)} (capture active)"
    expected = [
        [str(w["seq"]), w["ts_utc"], w["table"], w["sql_op"], str(w["rowcount"]), w["detail"]["outcome"]]
        for w in writes
    ]
    assert [row[:6] for row in table.rows()] == expected


def test_a_scenario_that_only_reads_says_that_nothing_was_written_while_it_was_watched(page):
    table = page("L02").by_id("db-writes-table")
    assert table.rows() == [["no writes observed (capture active)"]]


def test_requests_are_told_one_by_one_with_the_attempts_of_polls_numbered(page, case):
    rows = page("L01").by_id("apis-used-table").rows()
    calls = case("L01")["api_calls_used"]
    assert [(row[0], row[1]) for row in rows] == [(call["method"], call["path"]) for call in calls]
    polls = [row[5] for row in rows if row[6] == "poll"]
    assert polls == [f"{number} of 3" for number in (1, 2, 3)]
    assert [row[3] for row in rows if row[6] == "poll"] == ["404", "404", "200"]


def test_inputs_and_outputs_are_told_field_by_field_with_their_types(page):
    found = page("L01")
    assert ["instruction", "text", "Write a program", "submit"] in found.by_id("synthetic-input-table").rows()
    outputs = found.by_id("produced-output-table").rows()
    assert ["HTTP status", "integer", "200", "live/L01/response.json", "submit"] in outputs
    assert any(row[0] == "job_id" and row[2] == "j1" for row in outputs)


def test_checks_name_path_wanted_got_and_their_line_in_the_ladder(page, case):
    rows = page("L03").by_id("assertions-table").rows()
    missed = [row for row in rows if "missed" in row[0]]
    assert missed
    assert missed[0][2:5] == ["status", "in [200]", "503"]
    assert "live.ladder.yaml:" in missed[0][5]


def test_every_attempt_of_a_poll_says_why_it_was_not_ready(page):
    steps = [node for node in page("L01").all("details") if node.text.strip().startswith("result")]
    waits = [(row[1], row[3]) for row in steps[0].rows()[:3]]
    assert [status for status, _ in waits] == ["404", "404", "200"]
    assert all("404" in why for _, why in waits[:2])
    assert waits[2][1] == "it was ready"


def test_a_blocked_scenario_has_every_table_and_the_reason_in_each(page):
    found = page("L04")
    for name in TABLES:
        rows = found.by_id(name).rows()
        assert len(rows) == 1, name
        assert "it was not climbed" in rows[0][0], name


def test_the_json_twin_holds_what_the_page_shows(client, bundle, page):
    twin = client.get(f"/runs/{bundle.name}/L01.json").json()
    found = page("L01")
    for name, key in zip(
        TABLES,
        ("execution_trace", "db_writes", "apis_used", "synthetic_input", "produced_output", "assertions"),
        strict=True,
    ):
        assert len(found.by_id(name).rows()) == twin[key]["count"] == len(twin[key]["rows"]), name


def test_the_waterfall_and_its_table_have_the_same_rows(page, client, bundle):
    for where in ("/L01", ""):
        found = Page(client.get(f"/runs/{bundle.name}{where}").text)
        bars = [node for node in found.by_id("waterfall").walk() if node.tag == "li"]
        rows = found.by_id("waterfall-table").rows()
        assert len(bars) == len(rows) > 5
        assert all(" ".join(bar.text.split()).startswith(row[0]) for bar, row in zip(bars, rows, strict=True))


def test_capture_that_was_not_active_is_not_told_as_no_writes(client, bundle):
    from harness.evidence.layout import trace_file

    run = json.loads((bundle / "run.json").read_text())
    trace_id = next(each["trace_id"] for each in run["scenarios"] if each["id"] == "L02")
    path = bundle / trace_file(trace_id)
    document = json.loads(path.read_text())
    document["capture"]["active"] = False
    path.write_text(json.dumps(document))
    rows = Page(client.get(f"/runs/{bundle.name}/L02").text).by_id("db-writes-table").rows()
    assert rows[0][0].startswith("capture inactive")


def test_a_case_that_cannot_be_read_is_told_in_its_place_and_keeps_its_tables(client, bundle):
    (bundle / "cases/live-L01.json").write_text("{")
    found = Page(client.get(f"/runs/{bundle.name}/L01").text)
    assert "cannot be read" in found.by_id("error").text
    for name in TABLES:
        assert len(found.by_id(name).rows()) >= 1, name
    assert "nothing can be told" in found.by_id("db-writes-table").text


def test_unknown_rows_are_not_zero_rows(client, bundle):
    change_case(bundle, lambda document: document["db_writes"][0].update(rowcount=None, table=None))
    row = Page(client.get(f"/runs/{bundle.name}/L01").text).by_id("db-writes-table").rows()[0]
    assert (row[2], row[4]) == ("unknown", "unknown")


def test_hostile_text_is_shown_and_never_obeyed(client, bundle):
    hostile = '<script>alert(1)</script></pre><img src=x onerror="alert(1)" hx-get="/"> \x1b[31mred\u202eevil'
    change_case(bundle, lambda document: document["assertions"][0].update(got=hostile, wanted=hostile))
    text = client.get(f"/runs/{bundle.name}/L01").text
    found = Page(text)
    assert not [node for node in found.all("script") if "src" not in node.attrs]
    assert not found.all("img")
    assert not [
        name for node in found.root.walk() for name in node.attrs if name.startswith(("on", "hx-")) or name == "style"
    ]
    assert "\\x1b[31mred\\u202eevil" in found.by_id("assertions-table").text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_notes_of_a_scenario_are_shown_with_their_file(client, bundle):
    found = Page(client.get(f"/runs/{bundle.name}/L03").text)
    assert found.by_id("notes").text.rstrip("\n") == (bundle / "live/L03/notes.txt").read_text().rstrip("\n")
    assert f"/runs/{bundle.name}/files/live/L03/notes.txt" in [node.attrs.get("href") for node in found.all("a")]


def keep(bundle, name, text, scenario="L01"):
    """Put a file among the artifacts of a scenario."""
    (bundle / f"live/{scenario}/{name}").write_text(text)

    def listed(document):
        record = next(each for each in document["scenarios"] if each["id"] == scenario)
        record["files"] = sorted({*record["files"], name})

    change_run(bundle, listed)


def test_the_log_of_the_worker_is_shown_from_the_result_of_its_job(client, bundle):
    keep(bundle, "result.json", json.dumps({"logs": ["engine=template", "<b>one</b>"]}))
    page = Page(client.get(f"/runs/{bundle.name}/L01").text)
    assert page.by_id("worker-log").text == "engine=template\n<b>one</b>"
    twin = client.get(f"/runs/{bundle.name}/L01.json").json()
    assert [(each["path"], each["part"]) for each in twin["logs"]] == [("live/L01/result.json", "logs")]


def test_a_file_of_a_log_is_shown_before_the_lines_of_the_result(client, bundle):
    keep(bundle, "result.json", json.dumps({"logs": ["short"]}))
    keep(bundle, "worker.log", "long\n")
    twin = client.get(f"/runs/{bundle.name}/L01.json").json()
    assert [each["text"] for each in twin["logs"]] == ["long", "short"]


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (None, "it kept no result of a job, and no file of a log"),
        ("{}", "the result of the job holds no log (live/L01/result.json)"),
        ('{"logs": []}', "the result of the job holds no log (live/L01/result.json)"),
        ("[1]", "the result of the job holds no log (live/L01/result.json)"),
        ("no JSON", "the result of the job holds no log (live/L01/result.json)"),
    ],
)
def test_a_log_that_is_not_there_says_why(client, bundle, result, why):
    if result is not None:
        keep(bundle, "result.json", result)
    page = Page(client.get(f"/runs/{bundle.name}/L01").text)
    assert page.by_id("worker-log").text == f"No log: {why}."


def test_a_blocked_scenario_has_no_log_because_it_was_not_climbed(page):
    assert page("L04").by_id("worker-log").text.startswith("No log: it was not climbed: gate closed")


def test_a_log_that_cannot_be_read_is_told_in_its_place(client, bundle):
    keep(bundle, "worker.log", "gone")
    (bundle / "live/L01/worker.log").write_bytes(b"\xff\xfe")
    page = Page(client.get(f"/runs/{bundle.name}/L01").text)
    assert "live/L01/worker.log is no UTF-8" in page.root.text


def test_the_texts_of_a_run_that_is_not_sealed_are_not_shown(client, bundle):
    bundle.rename(bundle.with_name(f"{bundle.name}.partial"))
    twin = client.get(f"/runs/{bundle.name}/L03.json").json()
    assert (twin["logs"], twin["notes"]) == ([], [])
    assert twin["why_no_logs"] == "the run is not sealed, so none of its files is shown"


def test_a_trace_of_very_many_spans_is_cut_on_the_page_and_whole_in_its_twin(client, bundle):
    record = next(each for each in json.loads((bundle / layout.RUN).read_text())["scenarios"] if each["id"] == "L01")
    path = bundle / layout.trace_file(record["trace_id"])
    trace = json.loads(path.read_text())
    first = trace["spans"][0]
    more = [
        first | {"span_id": f"{at:016x}", "parent_span_id": first["span_id"], "name": f"s{at}"} for at in range(1, 5001)
    ]
    path.write_text(json.dumps(trace | {"spans": [*trace["spans"], *more]}))
    reseal(bundle)
    address = f"/runs/{bundle.name}/L01"
    assert len(client.get(f"{address}.json?all=1").json()["waterfall"]["rows"]) > 5000
    shown = client.get(f"{address}?all=1")
    assert "The first 2000 of" in shown.text
    assert len(Page(shown.text).by_id("waterfall-table").rows()) == 2000
    assert len(shown.content) < 5_000_000
