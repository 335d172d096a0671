"""Reports for programs: the sealed bytes when all agrees, a failed test when it does not, no statement about ruins."""

import base64
import hashlib
import json
from xml.etree.ElementTree import fromstring

import pytest
from stored_runs import HOSTILE, change_run, full_of, read_entry, reseal

from harness.evidence import layout
from harness.evidence.faults import EvidenceError
from harness.redaction.redactor import Redactor
from harness.redaction.secret import SecretSet
from harness.reporting.choices import ReportForm
from harness.reporting.exports import BUNDLE_TEST, ctrf_export, junit_export
from harness.reporting.otlp_export import otlp_export
from harness.reporting.report import make_report
from harness.reporting.standing import standing_of
from harness.reporting.statement import statement_of
from harness.sealing.envelope import pae
from harness.sealing.keys import SigningKey
from harness.traces.reading import load_trace

EXPORTS = {layout.JUNIT: junit_export, layout.CTRF: ctrf_export}


def red_tests(path, text):
    """Name and word of every test that a reader counts as not passed."""
    if path == layout.JUNIT:
        cases = fromstring(text).iter("testcase")
        return {case.get("name"): case[0].get("type") for case in cases if case.find("error") is not None}
    tests = json.loads(text)["results"]["tests"]
    return {test["name"]: test["rawStatus"] for test in tests if test["name"] == BUNDLE_TEST}


@pytest.mark.parametrize("path", EXPORTS)
def test_a_sound_run_has_its_sealed_report_byte_for_byte(bundle, path):
    text, standing = EXPORTS[path](read_entry(bundle))
    assert standing.is_sound
    assert text == (bundle / path).read_text()


@pytest.mark.parametrize("path", EXPORTS)
def test_a_damaged_run_has_a_test_that_failed_for_it_and_all_others_as_they_follow(bundle, path):
    (bundle / "live/L01/response.json").write_text("{}")
    text, standing = EXPORTS[path](read_entry(bundle))
    assert not standing.is_sound
    assert red_tests(path, text) == {BUNDLE_TEST: "damaged"}
    assert "hash-mismatch: live/L01/response.json" in text
    assert "L01 Create" in text


def turned_green(path, text):
    if path == layout.JUNIT:
        return (
            text.replace('failures="1"', 'failures="0"').replace("<failure", "<skipped").replace("/failure", "/skipped")
        )
    return text.replace('"failed": 1', '"failed": 0').replace('"status": "failed"', '"status": "passed"')


@pytest.mark.parametrize("path", EXPORTS)
def test_a_sealed_report_that_tells_something_else_than_the_record_is_not_handed_out(bundle, path):
    sealed = (bundle / path).read_text()
    (bundle / path).write_text(turned_green(path, sealed))
    reseal(bundle)
    assert standing_of(read_entry(bundle)).is_sound
    text, standing = EXPORTS[path](read_entry(bundle))
    assert standing.why == (f"verdict-mismatch: {path} does not tell what run.json tells",)
    assert red_tests(path, text) == {BUNDLE_TEST: "damaged"}


@pytest.mark.parametrize("path", EXPORTS)
@pytest.mark.parametrize("text", ["", "{}", "<a", "[1", '<!DOCTYPE x [<!ENTITY a "b">]><a>&a;</a>', '{"results": []}'])
def test_a_sealed_report_that_cannot_be_read_is_a_failed_test(bundle, path, text):
    (bundle / path).write_text(text)
    reseal(bundle)
    found, standing = EXPORTS[path](read_entry(bundle))
    assert not standing.is_sound
    assert red_tests(path, found) == {BUNDLE_TEST: "damaged"}


def test_a_sealed_report_that_declares_entities_is_not_expanded_even_where_its_results_are_right(bundle):
    head, _, body = (bundle / layout.JUNIT).read_text().partition("\n")
    (bundle / layout.JUNIT).write_text(f'{head}\n<!DOCTYPE x [<!ENTITY a "{"b" * 99}">]>{body}')
    reseal(bundle)
    text, standing = junit_export(read_entry(bundle))
    assert "declares something" in standing.why[0]
    assert "<!" not in text


@pytest.mark.parametrize("path", EXPORTS)
def test_a_run_that_has_not_ended_is_a_failed_test_even_when_all_that_ended_is_green(bundle, path):
    change_run(bundle, lambda found: found.update(verdict=None, scenarios=found["scenarios"][:2]))
    partial = bundle.with_name(f"{bundle.name}.partial")
    bundle.rename(partial)
    text, _ = EXPORTS[path](read_entry(partial))
    assert red_tests(path, text) == {BUNDLE_TEST: "partial"}


def test_totals_of_a_damaged_run_count_the_test_that_was_added(bundle):
    (bundle / "live/L01/response.json").write_text("{}")
    entry = read_entry(bundle)
    suites = fromstring(junit_export(entry)[0])
    counts = {name: int(suites.get(name)) for name in ("tests", "errors", "failures", "skipped")}
    assert counts == {"tests": 6, "errors": 1, "failures": 1, "skipped": 1}
    summary = json.loads(ctrf_export(entry)[0])["results"]["summary"]
    assert (summary["tests"], summary["failed"], summary["suites"]) == (6, 2, 3)


@pytest.mark.parametrize("path", EXPORTS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_a_record_says_the_report_of_it_can_be_parsed(bundle, path, hostile):
    change_run(bundle, full_of(hostile))
    text, standing = EXPORTS[path](read_entry(bundle))
    assert not standing.is_sound
    assert red_tests(path, text)[BUNDLE_TEST] == "damaged"


def test_a_record_that_no_report_follows_from_is_an_error_and_no_stack_of_calls(bundle):
    change_run(bundle, lambda found: found.update(started_at="yesterday", duration_s=float("inf")))
    with pytest.raises(EvidenceError, match=r"reports/ctrf\.json does not follow"):
        ctrf_export(read_entry(bundle))


def test_the_statement_is_about_the_digest_of_the_manifest(bundle):
    statement = statement_of(read_entry(bundle))
    digest = hashlib.sha256((bundle / layout.MANIFEST).read_bytes()).hexdigest()
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": f"{bundle.name}/manifest.json", "digest": {"sha256": digest}}]
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"


def test_the_statement_lists_each_verdict_where_the_predicate_has_it_and_leaves_blocked_ones_out(bundle):
    predicate = statement_of(read_entry(bundle))["predicate"]
    assert predicate["result"] == "FAILED"
    assert predicate["passedTests"] == ["live/L01", "live/L02"]
    assert predicate["warnedTests"] == ["mocked/RERUN/M01"]
    assert predicate["failedTests"] == ["live/L03"]
    assert all(each["name"] and each["digest"] for each in predicate["configuration"])


@pytest.mark.parametrize(
    ("verdict", "result"), [("PASS", "PASSED"), ("LIMITED", "WARNED"), ("ERROR", "FAILED"), ("FLAKY", "FAILED")]
)
def test_a_verdict_has_one_word_in_a_statement(bundle, verdict, result):
    change_run(bundle, lambda found: found.update(verdict=verdict))
    assert statement_of(read_entry(bundle))["predicate"]["result"] == result


def test_nothing_is_stated_of_a_run_that_is_damaged_or_has_no_verdict(bundle):
    change_run(bundle, lambda found: found.update(verdict=None))
    with pytest.raises(EvidenceError) as without:
        statement_of(read_entry(bundle))
    (bundle / "state.json").unlink()
    with pytest.raises(EvidenceError) as damaged:
        statement_of(read_entry(bundle))
    assert [each.value.reference for each in (without, damaged)] == ["run-not-sound", "run-not-sound"]


def otlp_lines(folder):
    entry = read_entry(folder)
    return [json.loads(line) for line in otlp_export(entry, entry.record, standing_of(entry)).splitlines()]


def remarks(lines):
    return [
        (log["severityNumber"], log["body"]["stringValue"])
        for line in lines
        for resource in line.get("resourceLogs", ())
        for scope in resource["scopeLogs"]
        for log in scope["logRecords"]
        if "body" in log
    ]


def test_traces_are_exported_as_they_were_sealed_with_the_condition_first(bundle):
    lines = otlp_lines(bundle)
    assert remarks(lines[:1])[0][0] == 9
    assert remarks(lines[:1])[0][1].startswith("Finished, and every file is as it was recorded.")
    sealed = [json.loads(line) for path in (layout.OTLP_TRACES, layout.OTLP_LOGS) for line in open_lines(bundle, path)]
    assert lines[1:] == sealed


def open_lines(folder, path):
    return (folder / path).read_text().splitlines()


def test_the_traces_of_all_trials_are_exported(trials):
    spans = [line for line in otlp_lines(trials) if "resourceSpans" in line]
    assert len(spans) == len(open_lines(trials, layout.OTLP_TRACES))


def test_a_trace_that_cannot_be_read_is_told_in_its_place_and_the_others_are_exported(bundle):
    entry = read_entry(bundle)
    trace_id = entry.record.scenarios[0].trace_id
    assert load_trace(entry, trace_id)
    before = len(otlp_lines(bundle))
    (bundle / layout.trace_file(trace_id)).write_text("{}")
    lines = otlp_lines(bundle)
    assert remarks(lines)[0][0] == 17
    assert any(layout.trace_file(trace_id) in text for _, text in remarks(lines)[1:])
    assert len(lines) == before - 1


def test_with_a_key_a_statement_lies_in_an_envelope_that_the_key_verifies(bundle):
    key = SigningKey.new()
    made = make_report(read_entry(bundle), ReportForm.INTOTO, Redactor(SecretSet(())), signer=key)
    envelope = json.loads(made.text)
    payload = base64.b64decode(envelope["payload"])
    assert json.loads(payload) == statement_of(read_entry(bundle))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    (signature,) = envelope["signatures"]
    assert key.public.verifies(base64.b64decode(signature["sig"]), pae(payload, envelope["payloadType"]))


@pytest.mark.parametrize("form", [form for form in ReportForm if form is not ReportForm.INTOTO])
def test_no_other_report_has_a_place_for_a_signature(bundle, form):
    bare, signed = (
        make_report(read_entry(bundle), form, Redactor(SecretSet(())), signer=signer).text
        for signer in (None, SigningKey.new())
    )
    assert bare == signed
