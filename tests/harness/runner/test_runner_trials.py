"""Several trials of one ladder: what is recorded of each, what they add up to, and where a run ends early."""

import builtins
import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staged import CANARY, Reply, silence
from trial_stage import GONE, GREEN, RED, answering, manifest_of, statuses, stored, told_ends
from whole_runs import WholeRun

from harness.errors import ExitCode, UsageError
from harness.evidence.checking import faults_of
from harness.evidence.events import ExchangeMade, RunStarted
from harness.evidence.journal import iter_events
from harness.evidence.layout import CASE_DIGESTS, TRACE_MANIFEST, evaluation_file, trace_file
from harness.evidence.manifest import sha256
from harness.evidence.trial_records import decode_traces
from harness.judging.trials import Policy, aggregate, exit_code_of, is_out_of_reach
from harness.judging.verdict import Verdict
from harness.runner import trials
from harness.runner.wanted_trials import WantedTrials
from harness.verifying.verify import verify

V7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def run(tmp_path, monkeypatch):
    return WholeRun(tmp_path, monkeypatch)


def test_each_trial_has_a_version_7_trace_id_also_the_one_whose_backend_is_down_and_ids_sort_by_start(run):
    """C01."""
    ended = answering(run, GREEN, GONE, GREEN).trials(3)
    ids = [each.trace_id for each in ended.record.trial_records]
    assert (statuses(ended), ended.exit_code) == (["PASS", "ERROR", "PASS"], 3)
    assert all(V7.fullmatch(each) for each in ids)
    assert ids == sorted(set(ids))
    assert all((ended.finished.folder / trace_file(each)).is_file() for each in ids)


def test_ids_sort_by_start_although_the_clock_is_set_back_meanwhile(run, monkeypatch):
    """C01."""
    times = iter([5_000_000_000_000_000, 4_000_000_000_000_000, 4_000_000_000_000_000])
    monkeypatch.setattr(trials.time, "time_ns", lambda: next(times, 3_000_000_000_000_000))
    ended = run.trials(3)
    ids = [each.trace_id for each in ended.record.trial_records]
    assert ids == sorted(set(ids))


def test_what_several_trials_add_up_to_is_found_without_touching_a_file(monkeypatch):
    """C03: what decides reads and writes nothing; storing it is another's work."""

    def refuse(*_given, **_named):
        raise AssertionError("a file was opened")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "open", refuse)
    found = aggregate([Verdict.PASS, Verdict.FAIL], Policy())
    assert exit_code_of(found, Policy()) is ExitCode.FAILED
    assert is_out_of_reach([Verdict.FAIL], 2, Policy())


def test_the_manifest_has_one_entry_for_each_trial_with_the_statuses_of_the_runs_record(run):
    """C04."""
    ended = answering(run, GREEN, RED, GONE, GREEN).trials(4)
    manifest = manifest_of(ended)
    assert manifest.run_id == ended.record.run_id
    assert [each.trial_index for each in manifest.trials] == [0, 1, 2, 3]
    assert manifest.trials == ended.record.trial_records == run.loaded().record.trial_records
    assert [each.status for each in manifest.trials] == ["PASS", "FAIL", "ERROR", "PASS"]
    assert [each.error for each in manifest.trials] == [None, None, "no answer to GET /1: ConnectError", None]


def test_a_trial_has_an_entry_before_anything_in_it_can_fail(run):
    """C04."""
    seen = []

    def look(_call):
        found = next(run.root.glob(f"evidence/*.partial/{TRACE_MANIFEST}")).read_text()
        seen.append([each.status for each in decode_traces(found).trials])
        return Reply(GREEN)

    answering(run, look).trials(2)
    assert seen == [["running"], ["PASS", "running"]]


def test_each_trial_lies_in_a_folder_of_its_own_in_the_shape_of_a_single_run(run):
    """D17."""
    run.service.on("GET /2/p2", {})
    ended = answering(run, {"id": "p1"}, {"id": "p2"}).trials(2)
    folder = ended.finished.folder
    saved = [json.loads((folder / f"trials/{each}/live/L01/one.json").read_text())["id"] for each in ("000", "001")]
    assert saved == ["p1", "p2"]
    assert (folder / "trials/000/live/summary.txt").read_text() == "L01: PASS result=n/a\nL02: PASS result=n/a\n"
    assert [path for path in run.service.sent if path.startswith("GET /2")] == ["GET /2/p1", "GET /2/p2"]
    assert faults_of(folder) == ()


def test_a_trial_is_recorded_whole(run):
    """C08: recording is on unless it is asked to be less."""
    ended = run.trials(2)
    assert ended.record.recorded == "full"
    assert {each.recorded for each in ended.record.trial_records} == {"full"}
    log = list(iter_events(ended.finished.folder / ended.record.trial_records[1].log))
    assert log[0].event == RunStarted(ended.record.run_id, "live", "live")
    assert next(e.event.sent.path for e in log if isinstance(e.event, ExchangeMade)) == "/1"


def test_a_trace_is_complete_before_its_trial_is_told_and_is_never_written_again(run, monkeypatch):
    """C11."""
    seen = {}
    told = run.told

    class Looking(list):
        def append(self, given):
            record, _line = given
            if record.status != "running":
                path = next(run.root.glob(f"evidence/*/{trace_file(record.trace_id)}"))
                assert sha256(path.read_bytes()) == record.sha256
                assert path.stat().st_size == record.bytes
                assert json.loads(path.read_text())["spans"]
                seen[record.trace_id] = (path.stat().st_ino, path.stat().st_mtime_ns)
            told.append(given)

    run.told = Looking()
    ended = run.trials(3)
    assert len(seen) == 3
    for name, facts in seen.items():
        found = (ended.finished.folder / trace_file(name)).stat()
        assert (found.st_ino, found.st_mtime_ns) == facts


def test_the_run_is_named_first_and_every_trace_when_its_trial_ends(run):
    """C12."""
    ended = answering(run, GREEN, RED, GREEN).trials(3)
    assert run.said == [f"run {ended.record.run_id}"]
    for record, line in zip(ended.record.trial_records, told_ends(run), strict=True):
        assert line.startswith(f"trial {record.trial_index} {record.status} {record.trace_id} (")
    assert told_ends(run)[1].endswith("; 1/2 green)")


@pytest.mark.parametrize("error", ["ConnectError", "ReadTimeout"])
def test_a_trial_that_got_no_answer_keeps_its_exchanges_and_tells_the_class_of_what_broke_it(run, error):
    """C13."""
    run.service.on("GET /2/p1", silence(error))
    ended = run.trials(2)
    record = ended.record.trial_records[0]
    assert (record.status, record.error) == ("ERROR", f"no answer to GET /2/${{L01.pid}}: {error}")
    trace = json.loads(stored(ended, trace_file(record.trace_id)))
    assert trace["spans"][0]["status"] == "ERROR"
    assert error in trace["pipelines"][0]["final_error"]
    sent = [e.event for e in iter_events(ended.finished.folder / record.log) if isinstance(e.event, ExchangeMade)]
    assert [each.sent.path for each in sent if each.purpose == "step"] == ["/1", "/2/p1"]
    assert sent[-2].answer.error == error


def test_an_error_does_not_keep_the_trials_after_it_from_being_climbed(run):
    ended = answering(run, GONE, GREEN).trials(3, max_errors=1)
    assert (statuses(ended), ended.exit_code) == (["ERROR", "PASS", "PASS"], 0)


def test_a_fault_of_ours_in_one_trial_is_an_error_of_that_trial_alone(run):
    run.service.on("GET /2/p1", RuntimeError("no such thing"), {})
    ended = run.trials(2, max_errors=1)
    assert (statuses(ended), ended.exit_code) == (["ERROR", "PASS"], 0)
    assert "RuntimeError: no such thing" in ended.record.trial_records[0].error


def test_a_trial_that_dies_late_keeps_what_came_before(run):
    """D04."""
    run.service.on("GET /2/p1", RuntimeError("gone"), {})
    ended = run.trials(2)
    evaluation = json.loads(stored(ended, evaluation_file(ended.record.trial_records[0].trace_id)))
    assert [(each["scenario"], each["verdict"]) for each in evaluation["scenarios"]] == [
        ("L01", "PASS"),
        ("L02", "ERROR"),
    ]
    assert (ended.finished.folder / "trials/000/live/L01/one.json").is_file()


def test_five_of_ten_are_flaky_and_enough_when_half_is_asked_for(run):
    """D11."""
    answers = [GREEN, RED] * 5
    ended = answering(run, *answers).trials(10)
    assert (ended.record.verdict, ended.exit_code) == (Verdict.FLAKY, 1)
    run.time.passed += 60
    again = answering(run, *answers).trials(10, min_pass_rate=0.5)
    assert (again.record.verdict, again.exit_code, again.record.aggregation.is_flaky) == (Verdict.PASS, 0, True)
    assert "pass rate: 5/10 green = 50.0 % (95 % Wilson interval 23.7 % to 76.3 %), flaky\n" in stored(
        again, "summary.txt"
    )


def test_the_first_step_at_which_a_red_trial_leaves_the_way_of_a_green_one_is_named(run):
    run.service.on("GET /2/p1", Reply({}, 500), {})
    ended = run.trials(2)
    parts = ended.told.first_difference
    assert (parts.scenario, parts.green, parts.not_green) == ("L02", "trials/001/live/L02", "trials/000/live/L02")
    assert parts.step.startswith("call / step step-1")
    line = f"first difference: L02: {parts.step} (trials/000/live/L02 differs from trials/001/live/L02)\n"
    assert line in stored(ended, "summary.txt")
    assert line in stored(ended, "summary.md")


def test_trials_that_went_the_same_way_have_the_same_structure(run):
    ended = run.trials(2)
    digests = json.loads(stored(ended, CASE_DIGESTS))["cases"]
    first, second = (digests[f"trials-{at}-live-L01"]["structure_digest"] for at in ("000", "001"))
    assert first == second


def test_no_percentile_is_beyond_the_data_and_every_one_is_shown_with_its_n(run):
    """D12."""
    ended = answering(run, Reply(GREEN, duration_s=0.1), Reply(GREEN, duration_s=30.0)).trials(2)
    phases = {(each.kind, each.name): each for each in ended.told.phases}
    first = phases["scenario", "L01"]
    assert (first.n, round(first.p50_s, 1), round(first.p95_s, 1)) == (2, 0.1, 30.0)
    assert re.search(r"\nL01 +2 +0\.110 s +30\.010 s\n", stored(ended, "summary.txt"))


def test_of_a_single_measurement_the_table_says_so(run):
    """D12."""
    ended = answering(run, GREEN, GONE).trials(2)
    assert re.search(r"\nL02 +1 +0\.010 s +0\.010 s\n", stored(ended, "summary.txt"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": -3},
        {"count": 1001},
        {"count": 2, "concurrency": 0},
        {"count": 2, "concurrency": 3},
        {"count": 2, "min_pass_rate": 7},
        {"count": 2, "min_pass_rate": float("nan")},
        {"count": 2, "max_errors": -1},
        {"count": 2, "max_errors": 3},
    ],
)
def test_what_is_out_of_range_is_a_usage_error(wrong):
    """D13."""
    with pytest.raises(UsageError) as refused:
        WantedTrials(**wrong)
    assert (refused.value.reference, refused.value.exit_code) == ("trials-out-of-range", 2)


@pytest.mark.parametrize(("max_errors", "code", "verdict"), [(0, 3, "ERROR"), (8, 3, "ERROR"), (9, 0, "PASS")])
def test_one_answered_trial_of_ten_is_an_error_unless_nine_are_allowed(run, max_errors, code, verdict):
    """D14: the stored verdict, the table and the exit code agree."""
    ended = answering(run, GREEN, GONE).trials(10, max_errors=max_errors)
    record = run.loaded().record
    assert (ended.exit_code, record.exit_code, record.verdict) == (code, code, verdict)
    assert record.aggregation.verdict == verdict
    assert f"\narithmetic: {verdict}: 1/1 green" in stored(ended, "summary.txt")
    assert stored(ended, "summary.md").startswith(f"# Run {record.folder}: {verdict}\n")


_VERDICTS = st.lists(st.sampled_from([v for v in Verdict if v not in {Verdict.BLOCKED, Verdict.FLAKY}]), min_size=1)


@given(_VERDICTS, st.floats(0, 1), st.integers(0, 3))
def test_ending_early_never_changes_the_exit_code(outcomes, rate, max_errors):
    """D22."""
    policy = Policy(rate, max_errors)
    whole = exit_code_of(aggregate(outcomes, policy), policy)
    cut = next((n for n in range(len(outcomes) + 1) if is_out_of_reach(outcomes[:n], len(outcomes), policy)), None)
    if cut is not None:
        assert exit_code_of(aggregate(outcomes[:cut], policy), policy) is whole


@pytest.mark.parametrize("ends_early", [False, True])
def test_an_early_end_after_an_error_has_the_exit_code_of_the_whole_run(run, ends_early):
    """D22."""
    ended = answering(run, GONE, RED, GREEN).trials(5, ends_early=ends_early)
    assert len(ended.record.trial_records) == (2 if ends_early else 5)
    assert ended.exit_code == 1
    assert ended.record.trials == 5


def test_no_trial_is_begun_when_the_rate_is_out_of_reach_and_those_that_run_are_finished(run):
    """D22."""
    ended = answering(run, RED, GREEN).trials(20, 4, ends_early=True)
    assert len(ended.record.trial_records) < 20
    assert set(statuses(ended)) <= {"PASS", "FAIL"}
    assert ended.exit_code == 1


def test_a_secret_in_an_answer_of_one_trial_outranks_everything_else(run):
    answering(run, GREEN, {"id": CANARY}, GREEN)
    ended = run.trials(3)
    assert ended.exit_code == 5
    assert not [
        path for path in ended.finished.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()
    ]


def test_a_reply_of_twenty_megabytes_stays_within_the_limits_in_every_trial(run):
    """D09."""
    run.service.on("GET /2/p1", {"text": "x" * (20 << 20)})
    ended = run.trials(3)
    assert ended.exit_code == 0
    files = [path for path in ended.finished.folder.rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) < 5 << 20
    log = iter_events(ended.finished.folder / ended.record.trial_records[2].log)
    big = next(e.event.answer for e in log if isinstance(e.event, ExchangeMade) and e.event.sent.path == "/2/p1")
    assert (len(big.text), big.cut_from > 20 << 20) == (100 * 1024, True)


def test_several_trials_verify(run):
    ended = answering(run, GREEN, RED, GONE).trials(3)
    assert verify(ended.finished.folder, strict=True).failed == ()


def test_the_record_tells_the_climb_of_each_trial_as_its_trace_does(run):
    ended = answering(run, GREEN, RED).trials(2)
    climbs = ended.record.climbs
    assert [each.trace_id for each in climbs] == [each.trace_id for each in ended.record.trial_records]
    for each in climbs:
        (pipeline,) = json.loads(stored(ended, trace_file(each.trace_id)))["pipelines"]
        assert pipeline["pipeline_status"] == each.status
        assert (pipeline["started_at"], pipeline["completed_at"]) == (each.started_at, each.finished_at)
    assert [each.part.split("/")[:2] for each in climbs] == [["trials", "000"], ["trials", "001"]]
    assert run.loaded().record.climbs == climbs
