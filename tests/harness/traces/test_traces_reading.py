"""Stored traces are found by what a person types, and a damaged one is told with its file and reason."""

import os
from dataclasses import replace

import pytest
from support.judge_traces import CLIMB_ID, TRACE_ID, whole_trace
from support.traced_runs import BLOCKED, FIRST, NAME, OTHER_ID, RUN_ID, SECOND, other_trace, store_run

from harness.errors import UsageError
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import trace_file
from harness.evidence.reading import list_runs
from harness.judging.verdict import Verdict
from harness.traces.reading import OneTrace, TracedRun, open_traces


def opened(root, run="", scenario=""):
    return open_traces(list_runs(root), run, scenario)


def refused(root, run="", scenario=""):
    with pytest.raises((EvidenceError, UsageError)) as found:
        opened(root, run, scenario)
    return found.value


@pytest.mark.parametrize("run", ["", NAME, NAME[:10], RUN_ID, RUN_ID[:8]])
def test_a_run_is_found_by_folder_id_beginning_or_as_the_newest(tmp_path, run):
    store_run(tmp_path)
    store_run(tmp_path, name="2026-11-20T09:43:56Z", run_id="02" + RUN_ID[2:])
    found = opened(tmp_path, run)
    assert isinstance(found, TracedRun)
    assert found.entry.name == NAME


@pytest.mark.parametrize("name", ["L01", "live/L01"])
def test_a_scenario_is_found_by_id_or_folder(tmp_path, name):
    store_run(tmp_path)
    found = opened(tmp_path, NAME, name)
    assert isinstance(found, OneTrace)
    assert (found.record.id, found.stored.trace) == ("L01", whole_trace())
    assert found.stored.document["trace_id"] == TRACE_ID


@pytest.mark.parametrize("run", [TRACE_ID, TRACE_ID.replace("-", "")])
def test_a_trace_is_found_by_its_id_in_whatever_run_it_lies(tmp_path, run):
    store_run(tmp_path)
    store_run(tmp_path, name="2026-11-22T09:43:56Z", run_id="02" + RUN_ID[2:], traces=())
    found = opened(tmp_path, run)
    assert (found.entry.name, found.record.id) == (NAME, "L01")


def test_a_climbs_trace_is_found_by_its_id_and_is_no_scenarios(tmp_path):
    store_run(tmp_path)
    found = opened(tmp_path, CLIMB_ID)
    assert (found.record, found.stored.trace.root.name) == (None, "climb")


def test_a_trace_id_that_no_run_holds_is_told(tmp_path):
    store_run(tmp_path)
    assert refused(tmp_path, "01a1fd7d-0000-7000-8000-bcd89d7b3396").reference == "trace-missing"


def test_a_run_has_its_parts_and_each_part_its_climb(tmp_path):
    again = replace(FIRST, id="M01", folder="mocked/RERUN/M01", trace_id="01a1fd7d-b746-754c-852f-bcd89d7b3396")
    store_run(tmp_path, (FIRST, SECOND, BLOCKED, again))
    climbs = {climb.part: climb for climb in opened(tmp_path).climbs}
    assert list(climbs) == ["live", "mocked/RERUN"]
    assert climbs["live"].stored.trace.trace_id == CLIMB_ID
    assert [each.record.id for each in climbs["live"].scenarios] == ["L01", "L02", "L03"]
    assert (climbs["mocked/RERUN"].stored, climbs["mocked/RERUN"].scenarios[0].is_damaged) == (None, True)


def test_an_unknown_scenario_names_those_that_are_there(tmp_path):
    store_run(tmp_path)
    error = refused(tmp_path, NAME, "L99")
    assert (error.reference, int(error.exit_code)) == ("scenario-unknown", 2)
    assert "L01, L02, L03" in error.hint


def test_a_scenario_that_was_climbed_twice_is_asked_for_by_its_folder(tmp_path):
    again = replace(FIRST, folder="mocked/RERUN/L01")
    store_run(tmp_path, (FIRST, again))
    error = refused(tmp_path, NAME, "L01")
    assert (error.reference, int(error.exit_code)) == ("scenario-ambiguous", 2)
    assert "live/L01, mocked/RERUN/L01" in error.message
    assert opened(tmp_path, NAME, "mocked/RERUN/L01").record.folder == "mocked/RERUN/L01"


@pytest.mark.parametrize("scenario", ["", "L01"])
def test_a_run_without_traces_says_so(tmp_path, scenario):
    folder = store_run(tmp_path, traces=())
    (folder / "traces").rmdir()
    error = refused(tmp_path, NAME, scenario)
    assert (error.reference, int(error.exit_code)) == ("traces-missing", 1)
    assert "holds no traces" in error.message


def test_a_blocked_scenario_has_no_trace_and_says_why(tmp_path):
    store_run(tmp_path)
    error = refused(tmp_path, NAME, "L03")
    assert (error.reference, "gate closed: L02 FAIL" in error.message) == ("trace-missing", True)
    scenario = opened(tmp_path, NAME).climbs[0].scenarios[2]
    assert (scenario.stored, scenario.is_damaged, scenario.why) == (None, False, "not climbed")


ODD = {
    "torn": b'{"trace_id": ',
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "empty": b"",
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_a_damaged_trace_is_told_with_its_file_and_reason(tmp_path, data):
    folder = store_run(tmp_path)
    (folder / trace_file(TRACE_ID)).write_bytes(data)
    error = refused(tmp_path, NAME, "L01")
    assert (error.reference, int(error.exit_code)) == ("trace-damaged", 1)
    assert f"{trace_file(TRACE_ID)}: " in error.message


@pytest.mark.parametrize(
    ("trace", "why"),
    [
        (whole_trace(schema_version="trace/2"), "schema 'trace/2' is not trace/1"),
        (whole_trace(spans=()), "no span"),
    ],
    ids=["newer", "empty"],
)
def test_a_trace_that_is_none_is_damaged(tmp_path, trace, why):
    store_run(tmp_path, traces=(trace,))
    assert why in refused(tmp_path, NAME, "L01").message


def test_a_trace_in_the_place_of_another_is_damaged(tmp_path):
    folder = store_run(tmp_path)
    (folder / trace_file(OTHER_ID)).rename(folder / trace_file(TRACE_ID))
    assert f"holds the trace '{OTHER_ID}'" in refused(tmp_path, NAME, "L01").message


def test_a_link_or_a_pipe_in_the_place_of_a_trace_is_neither_followed_nor_waited_for(tmp_path):
    folder = store_run(tmp_path)
    file = folder / trace_file(TRACE_ID)
    file.rename(tmp_path / "elsewhere.json")
    file.symlink_to(tmp_path / "elsewhere.json")
    assert refused(tmp_path, NAME, "L01").reference == "trace-damaged"
    file.unlink()
    os.mkfifo(file)
    assert "not a regular file" in refused(tmp_path, NAME, "L01").message


def test_a_link_in_the_place_of_all_traces_is_not_followed(tmp_path):
    folder = store_run(tmp_path)
    (folder / "traces").rename(tmp_path / "elsewhere")
    (folder / "traces").symlink_to(tmp_path / "elsewhere")
    assert "traces is a link" in refused(tmp_path, NAME, "L01").message


def test_a_huge_trace_is_not_read(tmp_path):
    folder = store_run(tmp_path)
    with (folder / trace_file(TRACE_ID)).open("r+b") as file:
        file.truncate(1 << 40)
    assert "more than" in refused(tmp_path, NAME, "L01").message


@pytest.mark.parametrize("trace_id", ["../run", "/etc/passwd", "x\x1b[31m", "0" * 32])
def test_a_record_cannot_lead_out_of_the_folder(tmp_path, trace_id):
    store_run(tmp_path, (replace(FIRST, trace_id=trace_id),))
    error = refused(tmp_path, NAME, "L01")
    assert (error.reference, "is no trace id" in error.message) == ("trace-damaged", True)
    assert "\x1b" not in error.message


def test_a_damaged_trace_hides_no_other(tmp_path):
    folder = store_run(tmp_path)
    (folder / trace_file(TRACE_ID)).write_bytes(b"{")
    found = opened(tmp_path, NAME)
    first, second, _ = found.climbs[0].scenarios
    assert found.is_damaged
    assert (first.is_damaged, first.why.partition(":")[0]) == (True, trace_file(TRACE_ID))
    assert second.stored.trace == other_trace()


def test_a_run_whose_record_is_unreadable_is_told(tmp_path):
    folder = store_run(tmp_path)
    (folder / "run.json").write_text("{")
    assert refused(tmp_path, NAME, "L01").reference == "run-unreadable"


def test_names_of_strangers_are_spelt_out_in_errors(tmp_path):
    store_run(tmp_path, (replace(FIRST, id="L\x1b[2J\u202e", verdict=Verdict.PASS),))
    assert refused(tmp_path, NAME, "nope").hint == r"there are: L\x1b[2J\u202e"
