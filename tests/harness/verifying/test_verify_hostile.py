"""A bundle may be anything: whatever lies there is told as a fault, and nothing of it is obeyed or waited for."""

import json
import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sealed_run import case, failures, redigest, reseal, rewrite

from harness.evidence import layout
from harness.verifying import opening
from harness.verifying.findings import Checked, Finding, Report, Seal, UnreadableError
from harness.verifying.telling import MOST_TOLD, report_text
from harness.verifying.verify import verify

CASE = "cases/live-L01.json"
NAMES = [layout.RUN, layout.EVENTS, layout.MANIFEST, layout.SUMS, layout.CASE_DIGESTS, layout.JUNIT, layout.CTRF, CASE]

shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def trace_of(folder):
    return next(path for path in case(folder)["evidence_files"] if path.startswith("traces/"))


def as_pipe(path, _elsewhere):
    path.unlink()
    os.mkfifo(path)


def as_link(path, elsewhere):
    shutil.copy(path, elsewhere / "copy")
    path.unlink()
    path.symlink_to(elsewhere / "copy")


def as_folder(path, _elsewhere):
    path.unlink()
    path.mkdir()


def as_nothing(path, _elsewhere):
    path.unlink()


def as_no_text(path, _elsewhere):
    path.write_bytes(b"\xff\xfe\x00")


def as_an_abyss(path, _elsewhere):
    path.write_text("[" * 100_000)


def as_a_list(path, _elsewhere):
    path.write_text("[]\n")


def as_a_number(path, _elsewhere):
    path.write_text("1" * 5000 + "\n")


def as_nan(path, _elsewhere):
    path.write_text('{"files": NaN}\n')


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "turn", [as_pipe, as_link, as_folder, as_nothing, as_no_text, as_an_abyss, as_a_list, as_a_number, as_nan]
)
def test_a_file_that_is_not_what_it_should_be_is_named_and_nothing_breaks(bundle, tmp_path, name, turn):
    turn(bundle / name, tmp_path)
    found = failures(bundle)
    assert any(name in line for lines in found.values() for line in lines), found
    assert not [line for lines in found.values() for line in lines if "not-checkable" in line]


@pytest.mark.parametrize(
    ("turn", "kind"), [(as_pipe, "not-regular"), (as_link, "not-readable"), (as_folder, "not-regular")]
)
def test_what_is_no_regular_file_is_not_read_at_all(bundle, tmp_path, turn, kind):
    turn(bundle / CASE, tmp_path)
    with pytest.raises(UnreadableError) as refused:
        opening.read(bundle, CASE)
    assert refused.value.finding.kind == kind


def test_a_folder_that_is_a_link_is_not_entered(bundle, tmp_path):
    (bundle / "cases").rename(tmp_path / "cases")
    (bundle / "cases").symlink_to(tmp_path / "cases")
    found = failures(bundle)
    assert any("not-regular cases" in line for line in found["files"])
    assert any(f"not-readable {CASE}" in line for line in found["schema"])


def test_a_trace_id_that_leads_out_of_the_bundle_is_not_followed(bundle, tmp_path):
    (tmp_path / "stolen.json").write_text("{}")
    run = json.loads((bundle / layout.RUN).read_text())
    run["scenarios"][0]["trace_id"] = "../../../stolen"
    rewrite(bundle, layout.RUN, run)
    reseal(bundle)
    assert any("unsafe-path traces/../../../stolen.json" in line for line in failures(bundle)["trace"])


def test_a_key_that_is_there_twice_makes_a_manifest_that_is_not_canonical(bundle):
    text = (bundle / layout.MANIFEST).read_text()
    (bundle / layout.MANIFEST).write_text(text.replace('{"cases"', '{"run_id":"another","cases"', 1))
    assert any("not-canonical manifest.json" in line for line in failures(bundle, strict=False)["manifest"])


def test_a_manifest_with_blanks_is_not_canonical(bundle):
    manifest = json.loads((bundle / layout.MANIFEST).read_text())
    (bundle / layout.MANIFEST).write_text(json.dumps(manifest))
    assert any("not-canonical manifest.json" in line for line in failures(bundle, strict=False)["manifest"])


def test_a_report_that_declares_entities_is_not_expanded(bundle):
    bomb = '<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuites tests="5">&b;</testsuites>'
    (bundle / layout.JUNIT).write_text(bomb)
    reseal(bundle)
    assert any("not-xml reports/junit.xml" in line for line in failures(bundle)["reports"])


def test_spans_that_are_one_anothers_parents_end_in_a_fault(bundle):
    path = trace_of(bundle)
    trace = json.loads((bundle / path).read_text())
    trace["spans"][0]["parent_span_id"] = trace["spans"][-1]["span_id"]
    trace["spans"][-1]["parent_span_id"] = trace["spans"][0]["span_id"]
    rewrite(bundle, path, trace)
    redigest(bundle)
    assert any("no span is the root" in line for line in failures(bundle)["parents"])


def test_a_span_without_its_parent_is_a_remark_where_the_trace_itself_says_that_it_lacks_records(bundle):
    path = trace_of(bundle)
    trace = json.loads((bundle / path).read_text())
    next(span for span in trace["spans"] if span["service"] == "backend")["parent_span_id"] = "00000000000000ff"
    trace["dropped"] = {"queue": 3}
    rewrite(bundle, path, trace)
    redigest(bundle)
    (parents,) = (check for check in verify(bundle, strict=True).checks if check.name == "parents")
    assert (parents.faults, [each.kind for each in parents.remarks]) == ((), ["parent-missing"])


def test_a_file_beyond_all_measure_is_not_read_into_memory(bundle, monkeypatch):
    monkeypatch.setattr(opening, "MAX_BYTES", 100)
    assert any("too-large run.json" in line for line in failures(bundle)["finished"])


def test_a_line_beyond_all_measure_is_not_read_into_memory(bundle, monkeypatch):
    monkeypatch.setattr(opening, "MAX_LINE", 100)
    assert any("too-large events.jsonl" in line for line in failures(bundle)["events"])


def test_a_log_that_ends_in_mid_line_fails_the_cases_whose_events_are_lost(bundle):
    data = (bundle / layout.EVENTS).read_bytes()
    (bundle / layout.EVENTS).write_bytes(data[: len(data) // 2])
    reseal(bundle)
    found = failures(bundle)
    assert any("torn events.jsonl" in line for line in found["events"])
    assert any("torn events.jsonl" in line for line in found["requests"])


def test_numbers_that_canonical_json_cannot_spell_are_told_and_break_nothing(bundle):
    found = case(bundle)
    found["db_writes"][0]["rowcount"] = 10**30
    rewrite(bundle, CASE, found)
    redigest(bundle)
    assert any("write 1 rowcount" in line for line in failures(bundle)["derivation"])


def test_a_list_where_a_path_should_be_is_told_and_breaks_nothing(bundle):
    found = case(bundle)
    found["evidence_files"][0] = []
    rewrite(bundle, CASE, found)
    redigest(bundle)
    assert any("missing-file cases/live-L01.json: evidence_files 0" in line for line in failures(bundle)["facts"])


def places(value, way=()):
    """Every place in a JSON value."""
    yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*way, key))


def put(value, way, new):
    for key in way[:-1]:
        value = value[key]
    value[way[-1]] = new


ODD = st.sampled_from(
    [None, True, -1, 0, 10**18, 10**30, 1.5, "", "\ud800", "x" * 300, "../x", [], {}, [[]], {"a": None}]
)


@shared
@given(data=st.data(), odd=ODD)
def test_whatever_stands_anywhere_in_a_document_is_told_and_breaks_nothing(bundle, data, odd):
    name = data.draw(st.sampled_from([layout.RUN, layout.CASE_DIGESTS, layout.CTRF, CASE, trace_of(bundle)]))
    before = (bundle / name).read_bytes()
    found = json.loads(before)
    way = data.draw(st.sampled_from([way for way in places(found) if way]))
    put(found, way, odd)
    (bundle / name).write_text(json.dumps(found))
    reseal(bundle)
    try:
        report = verify(bundle, strict=True)
        assert all(each.kind != "not-checkable" for check in report.checks for each in check.findings), report.failed
        report_text(report).encode()
    finally:
        (bundle / name).write_bytes(before)
        reseal(bundle)


@shared
@given(data=st.data(), odd=ODD)
def test_whatever_stands_anywhere_in_the_manifest_is_told_and_breaks_nothing(bundle, data, odd):
    before = (bundle / layout.MANIFEST).read_bytes()
    found = json.loads(before)
    put(found, data.draw(st.sampled_from([way for way in places(found) if way])), odd)
    (bundle / layout.MANIFEST).write_text(json.dumps(found))
    try:
        assert "manifest" in verify(bundle, strict=True).failed
    finally:
        (bundle / layout.MANIFEST).write_bytes(before)


def test_what_is_quoted_from_a_bundle_moves_no_cursor_and_fills_no_screen():
    finding = Finding("k", "live/\x1b[2J\u202e", "event 1", "x" * 10_000 + "\n")
    many = tuple(Finding("k", f"f{number}", "", "w") for number in range(50))
    text = report_text(Report("r", "", Seal(), checks=(Checked("a", 1, (finding,)), Checked("b", 50, many))))
    assert "\x1b" not in text
    assert "\\x1b[2J\\u202e" in text
    assert len(text.splitlines()) == 1 + MOST_TOLD + 1 + 2
    assert all(len(line) < 400 for line in text.splitlines())
