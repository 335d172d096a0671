"""What the backend told stands in a trace alone: the log says which bytes it had, and the exports say the same."""

import json

import pytest
from sealed_run import LIVE, failures, log_of, make_run, put_log, reseal

from harness.evidence import layout

TWICE = LIVE.replace("    title: Read\n", "    title: Read\n    trials: 2\n")


def changed_log(folder, change):
    """Change the ``trace_kept`` of L01 without moving any other line."""
    events = log_of(folder)
    kept = next(event for event in events if event["type"] == "trace_kept")
    change(events, kept)
    put_log(folder, events)
    reseal(folder)


def something_else(event):
    head = {name: event[name] for name in ("v", "seq", "t", "at")}
    event.clear()
    event.update(head, type="containers", scenario="L01", witness={"available": False, "containers": [], "why": ""})


def test_every_scenario_that_was_climbed_says_which_bytes_its_trace_has(sealed):
    events = log_of(sealed)
    begun = [event["trace_id"] for event in events if event["type"] == "scenario_started"]
    assert [event["trace_id"] for event in events if event["type"] == "trace_kept"] == begun
    order = [event["type"] for event in events if event["type"] in {"scenario_started", "scenario_ended", "trace_kept"}]
    assert order[:3] == ["scenario_started", "scenario_ended", "trace_kept"]


def test_a_run_that_tells_of_some_traces_tells_of_all(bundle):
    changed_log(bundle, lambda _events, kept: something_else(kept))
    (line,) = failures(bundle)["kept"]
    assert line.startswith("not-kept traces/")
    assert "events.jsonl tells 0 times" in line


def test_a_trace_is_told_of_once(bundle):
    def tell_again(events, kept):
        spare = next(event for event in events if event["type"] == "trace_kept" and event is not kept)
        spare.update(scenario=kept["scenario"], trace_id=kept["trace_id"], sha256="0" * 64)

    changed_log(bundle, tell_again)
    assert any("events.jsonl tells 2 times" in line for line in failures(bundle)["kept"])


@pytest.mark.parametrize("change", [{"scenario": "L02"}, {"trace_id": "0190aaaa-bbbb-7ccc-8ddd-0123456789ff"}])
def test_what_is_told_of_a_trace_is_of_the_scenario_that_began_with_it(bundle, change):
    changed_log(bundle, lambda _events, kept: kept.update(change))
    assert any(line.startswith("kept-of-another events.jsonl: trace ") for line in failures(bundle)["kept"])


@pytest.mark.parametrize("change", [{"bytes": 1}, {"sha256": "0" * 64}])
def test_size_and_digest_both_count(bundle, change):
    changed_log(bundle, lambda _events, kept: kept.update(change))
    assert any(line.startswith("not-as-kept traces/") for line in failures(bundle)["kept"])


def test_a_run_of_before_such_events_passes(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.runner.tracing._keep_digest", lambda *_about: None)
    folder = make_run(tmp_path, monkeypatch)
    assert "trace_kept" not in {event["type"] for event in log_of(folder)}
    assert failures(folder) == {}


def test_of_a_scenario_that_was_climbed_twice_the_trace_that_is_no_case_is_looked_at_as_well(tmp_path, monkeypatch):
    folder = make_run(tmp_path, monkeypatch, live=TWICE)
    first, _last = (
        event for event in log_of(folder) if event["type"] == "scenario_started" and event["scenario"] == "L02"
    )
    path = layout.trace_file(first["trace_id"])
    (folder / path).chmod(0o600)
    (folder / path).write_text((folder / path).read_text() + "\n")
    assert failures(folder)["kept"] == [
        f"not-as-kept {path}: : events.jsonl tells of other bytes when its scenario ended"
    ]


def emptied(lines):
    lines.clear()


def longer(lines):
    lines.append(lines[-1])


def swapped(lines):
    lines[1], lines[2] = lines[2], lines[1]


def torn(lines):
    lines[-1] = lines[-1].rstrip("\n")


def respelt(lines):
    lines[0] = json.dumps(json.loads(lines[0])) + "\n"


def broken(lines):
    lines[0] = "{\n"


def of_another_run(lines):
    lines[:] = [line.replace("cicd.pipeline.run.id", "cicd.pipeline.run.no") for line in lines]


EXPORTS = {
    "emptied": (emptied, "line 1: it is not there"),
    "longer": (longer, "lines are expected, and more are there"),
    "swapped": (swapped, "line 2 "),
    "torn": (torn, "goes on in another way"),
    "respelt": (respelt, "line 1 byte "),
    "broken": (broken, "line 1 byte 2"),
    "of another run": (of_another_run, "line 1 resource"),
}


@pytest.mark.parametrize("path", [layout.OTLP_TRACES, layout.OTLP_LOGS])
@pytest.mark.parametrize("word", EXPORTS)
def test_an_export_that_is_not_made_of_the_traces_is_told_with_its_first_difference(bundle, path, word):
    change, words = EXPORTS[word]
    lines = (bundle / path).read_text().splitlines(keepends=True)
    change(lines)
    (bundle / path).write_text("".join(lines))
    reseal(bundle)
    found = failures(bundle)
    assert list(found) == ["exports"]
    assert words in found["exports"][0]
    assert found["exports"][0].startswith(f"export-differs {path}: line ")


def test_an_export_that_is_gone_is_missed(bundle):
    (bundle / layout.OTLP_LOGS).unlink()
    reseal(bundle)
    assert failures(bundle) == {"exports": [f"missing-file {layout.OTLP_LOGS}: : it is not there"]}


def test_where_the_backend_told_nothing_nothing_of_it_stands_in_the_trace(bundle):
    path = layout.trace_file(next(event["trace_id"] for event in log_of(bundle) if event["type"] == "scenario_started"))
    trace = json.loads((bundle / path).read_text()) | {"capture": None, "why_untold": "HTTP 404"}
    (bundle / path).write_text(json.dumps(trace))
    told = failures(bundle)["told"]
    assert any(line.endswith("write 1: the backend told nothing of this trace") for line in told)
    assert any(": span " in line for line in told)
