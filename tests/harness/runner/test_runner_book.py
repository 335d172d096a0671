"""The book of a run: what is on disk at every moment, and how it becomes evidence, or does not."""

import json

import pytest
from recorded_runs import clock_at, run_record, scenario_record
from staged import CANARY, OK_STEP, SECRETS, Time, in_base64, ladder_of, one_scenario

from harness.errors import LeakError
from harness.evidence.checking import faults_of
from harness.evidence.events import StepSkipped
from harness.evidence.faults import EvidenceError
from harness.evidence.journal import iter_events
from harness.evidence.run_record import RunStatus, decode_run
from harness.evidence.state import decode_state
from harness.judging.verdict import Verdict
from harness.redaction.redacted import RedactedText
from harness.redaction.redactor import Redactor
from harness.runner.book import RunBook
from harness.runner.climb import PartCourse

FACTS = {"status": RunStatus.FINISHED, "verdict": Verdict.PASS, "exit_code": 0}
PLANNED = tuple(scenario_record(name, Verdict.BLOCKED, reason="not reached yet") for name in ("L01", "L02", "L03"))


class Follower:
    def __init__(self):
        self.lines = []

    def append(self, line):
        self.lines.append(line)


@pytest.fixture
def ladder(tmp_path):
    return ladder_of(tmp_path / "scenarios", one_scenario(OK_STEP), name="live", mode="live")


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def follower():
    return Follower()


@pytest.fixture
def book(tmp_path, time, follower):
    opened = RunBook.open(tmp_path / "evidence", Redactor(SECRETS), time.clock, follower=follower)
    yield opened
    opened.abandon("the test is over")


@pytest.fixture
def begun(book, ladder):
    book.begin(run_record(ladder, scenarios=PLANNED))
    return book


def stored(book):
    return decode_run((book.staging.folder / "run.json").read_text())


def state(folder):
    return decode_state((folder / "state.json").read_text())


def note_of(book):
    return (book.staging.folder / "PARTIAL.txt").read_text()


def test_a_run_that_has_sent_nothing_has_its_first_line_its_record_and_its_state(begun, ladder):
    (first,) = iter_events(begun.staging.folder / "events.jsonl")
    assert (first.event.ladder, first.event.mode) == ("live", "live")
    assert stored(begun) == begun.record
    assert stored(begun).status is RunStatus.RUNNING
    assert state(begun.staging.folder).ladder_digest == ladder.digest


def test_a_book_that_was_not_begun_has_no_record(book):
    with pytest.raises(ValueError, match="not begun"):
        _ = book.record
    book.abandon("it was not begun")


def test_facts_are_written_as_soon_as_they_are_known(begun):
    begun.note(base_url="http://127.0.0.1:8123")
    assert stored(begun).base_url == "http://127.0.0.1:8123"


def test_after_each_scenario_the_record_says_how_far_the_climb_has_come(begun, time):
    time.passed = 7.5
    begun.keep(PartCourse({"L01": {"pid": "p1"}}, records=[scenario_record("L01")]))
    assert [(each.id, each.verdict, each.reason) for each in stored(begun).scenarios] == [
        ("L01", Verdict.PASS, ""),
        ("L02", Verdict.BLOCKED, "not reached yet"),
        ("L03", Verdict.BLOCKED, "not reached yet"),
    ]
    assert stored(begun).duration_s == 7.5
    assert state(begun.staging.folder).captures == {"L01": {"pid": "p1"}}


def test_the_rollback_is_recorded_after_the_climb_and_leaves_the_captures_alone(begun):
    climbed = PartCourse({"L01": {"pid": "p1"}}, records=[scenario_record(name) for name in ("L01", "L02", "L03")])
    begun.keep(climbed)
    begun.keep(PartCourse({"M01": {"pid": "other"}}, records=[scenario_record("M01", part="mocked/RERUN")]), climbed)
    assert [each.folder for each in stored(begun).scenarios] == ["live/L01", "live/L02", "live/L03", "mocked/RERUN/M01"]
    assert state(begun.staging.folder).captures == {"L01": {"pid": "p1"}}


def test_a_captured_secret_is_not_in_the_state(begun):
    begun.keep(PartCourse({"L01": {"pid": CANARY}}, records=[scenario_record("L01")]))
    assert state(begun.staging.folder).captures == {"L01": {"pid": "[REDACTED]"}}


def test_every_line_of_the_journal_goes_to_whoever_follows_the_run(begun, follower):
    begun.journal.record(StepSkipped("L01", "submit", f"the key is {CANARY}"))
    lines = (begun.staging.folder / "events.jsonl").read_text().splitlines()
    assert follower.lines == lines
    assert "[REDACTED]" in lines[-1]


def test_a_closed_run_has_all_its_exports_and_fits_its_sums(begun):
    begun.keep(PartCourse({}, records=[scenario_record(name) for name in ("L01", "L02", "L03")]))
    finished = begun.close(FACTS, SECRETS)
    assert finished.folder.name == "2025-11-14T17:14:05Z"
    assert faults_of(finished.folder) == ()
    assert (finished.folder / "live/summary.txt").read_text() == "".join(
        f"L0{at}: PASS result=n/a\n" for at in (1, 2, 3)
    )
    for name in ("summary.md", "summary.txt", "reports/junit.xml", "reports/ctrf.json", "reports/redaction.json"):
        assert (finished.folder / name).stat().st_size > 0
    record = decode_run((finished.folder / "run.json").read_text())
    assert (record.status, record.verdict, record.exit_code) == (RunStatus.FINISHED, Verdict.PASS, 0)
    assert record.finished_at == "2025-11-14T17:14:05.000000Z"


def test_the_last_line_of_the_journal_tells_the_end(begun):
    folder = begun.close(FACTS, SECRETS).folder
    *_, last = iter_events(folder / "events.jsonl")
    assert (last.event.status, last.event.verdict) == ("finished", Verdict.PASS)


def test_the_report_of_the_redaction_counts_what_was_taken_out(begun):
    begun.journal.record(StepSkipped("L01", "submit", CANARY))
    folder = begun.close(FACTS, SECRETS).folder
    assert json.loads((folder / "reports/redaction.json").read_text())["hits"]["events.jsonl"] == {"value": 1}


@pytest.mark.parametrize("told", [CANARY, in_base64(CANARY)])
def test_a_secret_that_the_second_scan_finds_keeps_the_folder_partial(begun, told):
    # What no redactor has passed; only a test can do that.
    begun.staging.write("live/L01/worker.log", RedactedText(f"key {told}\n"))
    with pytest.raises(LeakError) as leaked:
        begun.close(FACTS, SECRETS)
    assert leaked.value.reference == "secret-in-evidence"
    assert "live/L01/worker.log: known-value" in leaked.value.message
    assert "OPENAI_API_KEY" in leaked.value.message
    assert CANARY not in leaked.value.message
    assert begun.staging.folder.name.endswith(".partial")
    assert not (begun.staging.root / begun.staging.name).exists()
    assert note_of(begun).startswith("evidence was not sealed")


def test_a_leak_is_not_told_twice_when_the_run_is_abandoned_for_it(begun):
    begun.staging.write("live/L01/worker.log", RedactedText(CANARY))
    with pytest.raises(LeakError):
        begun.close(FACTS, SECRETS)
    begun.abandon("another reason")
    assert "another reason" not in note_of(begun)


def test_a_file_that_nobody_of_ours_wrote_keeps_the_folder_partial(begun):
    (begun.staging.folder / "stranger.txt").write_text("hello\n")
    with pytest.raises(EvidenceError, match=r"stranger\.txt"):
        begun.close(FACTS, SECRETS)
    begun.abandon("it could not be closed")
    assert note_of(begun).startswith("it could not be closed\n")


def test_an_abandoned_run_stays_partial_and_says_why_without_any_secret(begun):
    begun.abandon(f"a fault: {CANARY}")
    assert (
        note_of(begun) == "a fault: [REDACTED]\nThis run is not finished. Nothing in this folder counts as evidence.\n"
    )


def test_a_run_may_be_abandoned_twice(begun):
    begun.abandon("first")
    begun.abandon("second")
    assert note_of(begun).startswith("first\n")


def test_a_closed_run_cannot_be_abandoned(begun):
    folder = begun.close(FACTS, SECRETS).folder
    begun.abandon("too late")
    assert faults_of(folder) == ()


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path, begun, ladder):
    other = RunBook.open(tmp_path / "evidence", Redactor(SECRETS), clock_at(0))
    assert (begun.staging.name, other.staging.name) == ("2025-11-14T17:14:05Z", "2025-11-14T17:14:06Z")
    other.abandon("it was not begun")


def test_a_climb_writes_to_the_folder_of_its_run(begun, tmp_path):
    records = begun.records((tmp_path,))
    assert (records.staging, records.journal, records.redactor) == (begun.staging, begun.journal, begun.redactor)
    assert records.earlier == (tmp_path,)
