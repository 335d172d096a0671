"""Excerpts, summaries, JUnit and CTRF: the same verdicts everywhere, whatever the texts hold."""

import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from junitparser import JUnitXml
from sample_run import RUN_ID, finished_record, patient, running_record, scenarios

from harness.evidence import schemas
from harness.evidence.ctrf import ctrf
from harness.evidence.junit import junit
from harness.evidence.printable import block, one_line, shortened
from harness.evidence.records import DamagedRecordError
from harness.evidence.run_record import RunRecord, ScenarioRecord, decode_run, encode_run
from harness.evidence.state import RunState, decode_state, encode_state
from harness.evidence.summary import summary_markdown, summary_text
from harness.judging.verdict import Verdict
from harness.language.excerpt import excerpt

HOSTILE = "a\nb\x1b[31m | <b>`x` \u202e ]]> & \ud800 \x00 \uffff"
OF_SCENARIOS = [verdict for verdict in Verdict if verdict is not Verdict.FLAKY]
VERDICTS = st.lists(st.sampled_from(OF_SCENARIOS), max_size=8)


class Named:
    name = "2025-11-14T17:14:05Z"


def record_with(*ended):
    return replace(finished_record(Named()), scenarios=ended)


def scenario(name="L01", verdict=Verdict.PASS, part="live", **others):
    return ScenarioRecord(name, "Title", f"{part}/{name}", verdict, **others)


def record_of(verdicts):
    return record_with(*(scenario(f"L{place:02d}", verdict) for place, verdict in enumerate(verdicts)))


RESULT = {"status": "success", "summary": "done", "created_files": ["a", "b/c"], "modified_files": [], "errors": []}


def test_an_excerpt_has_five_lines_in_the_order_of_the_contract():
    assert (
        excerpt(RESULT) == "status: success\nsummary: done\ncreated_files: a,b/c\nmodified_files: \nfirst_error: none\n"
    )


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ({}, "status: n/a\nsummary: n/a\ncreated_files: \nmodified_files: \nfirst_error: none\n"),
        (None, "status: n/a\nsummary: n/a\ncreated_files: \nmodified_files: \nfirst_error: none\n"),
        ([1], "status: n/a\nsummary: n/a\ncreated_files: \nmodified_files: \nfirst_error: none\n"),
        (
            {"status": None, "summary": ""},
            "status: n/a\nsummary: \ncreated_files: \nmodified_files: \nfirst_error: none\n",
        ),
        (
            {"status": "error", "summary": "a\nb", "errors": ["x\ny", "z"]},
            "status: error\nsummary: a\\nb\ncreated_files: \nmodified_files: \nfirst_error: x\\ny\n",
        ),
        (
            {"status": 7, "summary": ["x"], "created_files": "app.py", "errors": [None]},
            'status: 7\nsummary: ["x"]\ncreated_files: \nmodified_files: \nfirst_error: null\n',
        ),
        (
            {"status": "s\rt", "summary": "a\u2028b\x0bc\td"},
            "status: s\\rt\nsummary: a\\u2028b\\x0bc\td\ncreated_files: \nmodified_files: \nfirst_error: none\n",
        ),
    ],
)
def test_an_excerpt_of_an_odd_document_says_what_is_there(document, wanted):
    assert excerpt(document) == wanted


def test_an_excerpt_of_a_wrapped_answer_shows_the_real_status():
    failed = {**RESULT, "status": "error", "errors": ["forced_error"]}
    wrapped = {"path": ".codex/result.json", "contents": json.dumps(failed), "encoding": "utf-8"}
    assert excerpt(wrapped) == excerpt(failed)
    assert excerpt(wrapped).endswith("first_error: forced_error\n")
    assert excerpt({"contents": "no json"}) == excerpt({})
    assert excerpt({"contents": "[1]"}) == excerpt({})


@patient
@given(
    st.dictionaries(st.sampled_from(["status", "summary", "errors", "created_files"]), st.text() | st.lists(st.text()))
)
def test_an_excerpt_always_has_five_lines(document):
    text = excerpt(document)
    assert len(text.splitlines()) == 5
    assert text.endswith("\n")


def test_a_summary_has_one_line_for_each_scenario():
    assert summary_text(scenarios()) == (
        "L01: PASS result=success\nL02: FAIL result=error\nL03: BLOCKED result=n/a\nM01: PASS result=success\n"
    )


def test_nothing_observed_becomes_markup_in_the_summary():
    page = summary_markdown(record_with(scenario(verdict=Verdict.FAIL, reason=HOSTILE, missed=(HOSTILE,))))
    rows = [line for line in page.splitlines() if "L01" in line]
    assert rows == [
        r"| L01 | Title | FAIL | n/a | 0.0 s | a\\nb\\x1b\[31m \| \<b\>\`x\` \\u202e \]\]\> & \\ud800 \\x00 \\uffff |",
        "### live/L01",
    ]
    assert not set(page) & {"\x1b", "\u202e", "\x00"}


@patient
@given(VERDICTS)
def test_junit_parses_and_its_sums_agree_with_the_verdicts(verdicts):
    report = JUnitXml.fromstring(junit(record_of(verdicts)).encode())
    count = verdicts.count
    wanted = (
        len(verdicts),
        count(Verdict.FAIL),
        count(Verdict.ERROR) + count(Verdict.INCONCLUSIVE),
        count(Verdict.BLOCKED),
    )
    assert (report.tests, report.failures, report.errors, report.skipped) == wanted
    suites = list(report)
    assert sum(suite.tests for suite in suites) == len(verdicts)
    assert sum(len(list(suite)) for suite in suites) == len(verdicts)


def test_junit_tells_each_verdict_by_its_own_word():
    found = record_of(OF_SCENARIOS)
    report = JUnitXml.fromstring(junit(found).encode())
    told = {
        case.name[:3]: [(type(result).__name__, result.type) for result in case.result]
        for suite in report
        for case in suite
    }
    assert told == {
        "L00": [],
        "L01": [],
        "L02": [("Failure", "FAIL")],
        "L03": [("Error", "ERROR")],
        "L04": [("Error", "INCONCLUSIVE")],
        "L05": [("Skipped", "BLOCKED")],
    }
    assert '<property name="verdict" value="LIMITED" />' in junit(found)


def test_junit_has_a_suite_for_each_part():
    report = JUnitXml.fromstring(junit(finished_record(Named())).encode())
    assert [(suite.name, suite.tests) for suite in report] == [("ladder.live", 3), ("ladder.mocked.RERUN", 1)]


@patient
@given(st.text(st.characters(exclude_categories=())))
def test_no_text_makes_junit_unreadable(text):
    case = scenario(verdict=Verdict.FAIL, reason=text, missed=(text,))
    report = JUnitXml.fromstring(junit(record_with(case)).encode("utf-8", "strict"))
    assert report.failures == 1


CTRF_WORDS = {
    "PASS": "passed",
    "LIMITED": "passed",
    "FAIL": "failed",
    "ERROR": "other",
    "INCONCLUSIVE": "other",
    "BLOCKED": "skipped",
}


@patient
@given(VERDICTS)
def test_ctrf_counts_its_own_tests(verdicts):
    results = json.loads(ctrf(record_of(verdicts)))["results"]
    summary = results["summary"]
    statuses = [test["status"] for test in results["tests"]]
    assert statuses == [CTRF_WORDS[verdict] for verdict in verdicts]
    counted = {word: summary[word] for word in ("passed", "failed", "skipped", "pending", "other")}
    assert counted == {word: statuses.count(word) for word in counted}
    assert summary["tests"] == sum(counted.values()) == len(verdicts)


# Keys of specification 1.0.0; its objects are closed.
CTRF_KEYS = {
    "": {"reportFormat", "specVersion", "reportId", "timestamp", "generatedBy", "extra", "results", "insights"},
    "results": {"tool", "summary", "tests", "environment", "extra"},
    "tool": {"name", "version", "extra"},
    "summary": {
        "tests", "passed", "failed", "skipped", "pending", "other", "flaky", "suites", "start", "stop", "duration",
        "extra",
    },
    "test": {
        "id", "name", "status", "duration", "start", "stop", "suite", "message", "trace", "snippet", "line",
        "rawStatus", "tags", "labels", "type", "filePath", "retries", "retryAttempts", "flaky", "stdout", "stderr",
        "threadId", "attachments", "parameters", "steps", "extra", "insights",
    },
    "attachment": {"name", "contentType", "path", "extra"},
    "environment": {"appName", "appVersion", "testEnvironment", "commit", "branchName", "extra"},
}  # fmt: skip


def test_ctrf_has_the_keys_and_types_of_the_specification_and_no_other():
    report = json.loads(ctrf(finished_record(Named())))
    results = report["results"]
    assert (report["reportFormat"], report["specVersion"]) == ("CTRF", "1.0.0")
    assert str(uuid.UUID(report["reportId"])) == RUN_ID
    assert set(report) <= CTRF_KEYS[""]
    assert all(set(results[part]) <= CTRF_KEYS[part] for part in ("tool", "summary", "environment"))
    assert set(results) <= CTRF_KEYS["results"]
    assert {type(value) for value in results["summary"].values()} == {int}
    for test in results["tests"]:
        assert set(test) <= CTRF_KEYS["test"]
        assert {"name", "status", "duration"} <= set(test)
        assert {type(test[key]) for key in ("duration", "start", "stop") if key in test} == {int}
        assert test["suite"]
        assert all(set(each) <= CTRF_KEYS["attachment"] for each in test["attachments"])
    assert results["summary"]["start"] == 1763140445000
    assert results["tests"][0]["attachments"][0]["path"] == "live/L01/response.json"


def test_a_run_that_never_ended_can_still_be_exported():
    running = running_record()
    assert json.loads(ctrf(running))["results"]["summary"]["tests"] == 0
    assert JUnitXml.fromstring(junit(running).encode()).tests == 0


def test_run_json_reads_as_what_was_written_and_obeys_the_shipped_schema():
    record = finished_record(Named())
    text = encode_run(record)
    assert decode_run(text) == record
    Draft7Validator(json.loads((schemas.FOLDER / "run.schema.json").read_text())).validate(json.loads(text))
    assert json.loads(text)["secrets"] == {"OPENAI_API_KEY": "present", "OPENAI_ORG_ID": "absent"}


@pytest.mark.parametrize("field", ["run_id", "status", "git", "schema", "ladders"])
def test_run_json_without_a_field_is_damaged(field):
    document = json.loads(encode_run(finished_record(Named())))
    del document[field]
    with pytest.raises(DamagedRecordError, match=field):
        decode_run(json.dumps(document))


def test_a_newer_record_is_not_guessed_at():
    document = json.loads(encode_run(running_record()))
    with pytest.raises(DamagedRecordError, match=r"ladder\.run/2"):
        decode_run(json.dumps({**document, "schema": "ladder.run/2"}))


def test_state_json_reads_as_what_was_written_and_obeys_the_shipped_schema():
    state = RunState(RUN_ID, "ab" * 32, {"L01": {"pid": "p", "paths": ["a"], "n": None}})
    text = encode_state(state)
    assert decode_state(text) == state
    Draft7Validator(json.loads((schemas.FOLDER / "state.schema.json").read_text())).validate(json.loads(text))


def test_every_record_has_the_name_of_its_file_as_schema():
    assert RunRecord.__dataclass_fields__
    assert [json.loads(text)["schema"] for text in (encode_run(running_record()), encode_state(RunState("", "")))] == [
        "ladder.run/1",
        "ladder.state/1",
    ]


def test_what_a_terminal_would_obey_is_spelt_out_and_nothing_is_dropped():
    assert one_line("a\x1b[1mb\nc\td\re\u202ef") == r"a\x1b[1mb\nc\td\re\u202ef"
    assert block("a\n\tb\x07") == "a\n\tb\\x07"
    assert one_line("[bold] größe 你好") == "[bold] größe 你好"
    assert shortened("abcdef", 3) == "abc… [cut, 6 characters]"
    assert shortened("abc", 3) == "abc"
