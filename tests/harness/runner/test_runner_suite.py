"""Whole runs: plan, stack, climb, rollback, end; and which exit code follows."""

import json

import pytest
from staged import CANARY, VIEWS, Reply, silence
from whole_runs import WholeRun

from harness.errors import HarnessError, LeakError, PrerequisiteError, UsageError
from harness.evidence.checking import faults_of
from harness.evidence.faults import UnwritableError
from harness.evidence.run_record import Presence, RunStatus
from harness.judging.verdict import Verdict
from harness.redaction.scan import Finding
from harness.runner import suite
from harness.runner.interrupts import AbandonedError
from harness.runner.self_check import self_check


@pytest.fixture
def run(tmp_path, monkeypatch):
    return WholeRun(tmp_path, monkeypatch)


def verdicts(ended):
    return {each.folder: str(each.verdict) for each in ended.record.scenarios}


GREEN = {"live/L01": "PASS", "live/L02": "PASS", "mocked/RERUN/M01": "PASS"}


def test_a_green_run_is_climbed_rolled_back_and_sealed(run):
    ended = run.execute()
    assert (ended.exit_code, verdicts(ended)) == (0, GREEN)
    assert run.modes == ["live", "mocked"]
    assert run.service.sent == ["GET /1", "DELETE /1", "GET /2/p1", "GET /m"]
    assert run.folders() == ["2025-11-14T17:14:05Z"]
    assert faults_of(ended.finished.folder) == ()
    assert (ended.finished.folder / "mocked/RERUN/summary.txt").read_text() == "M01: PASS result=n/a\n"


def test_every_run_checks_itself_with_its_own_record_before_anything_is_started(run, monkeypatch):
    before = []
    monkeypatch.setattr(suite, "self_check", lambda record: before.append((record.run_id, tuple(run.modes))))
    assert before == [(run.execute().record.run_id, ())]


def test_a_run_passes_its_own_check(run, monkeypatch):
    monkeypatch.setattr(suite, "self_check", self_check)
    assert run.execute(rolls_back=False).exit_code == 0


def test_the_record_says_what_was_run_on_what_and_how_it_ended(run):
    run.execute()
    record = run.loaded().record
    assert (record.status, record.verdict, record.exit_code) == (RunStatus.FINISHED, Verdict.PASS, 0)
    assert (record.images.worker, record.images.backend) == ("sha256:aa", "sha256:bb")
    assert (record.engine.version, record.config_digest) == ("20.10.24", "d1")
    assert record.settings["stack"] == {"PORT": "8000"}
    asked = record.settings["asked"]
    assert (asked["scenarios"], asked["from"], asked["witness"], asked["trials"]["count"]) == ([], "", "auto", 1)
    assert [each.name for each in record.ladders] == ["live", "mocked"]
    assert set(record.ladders[0].scenarios) == {"L01", "L02"}
    assert record.redaction.needles > 1


def test_of_secrets_only_their_presence_is_recorded(run):
    ended = run.execute()
    assert ended.record.secrets == {
        "API_TOKENS": Presence.ABSENT,
        "OPENAI_API_KEY": Presence.PRESENT,
        "OPENAI_ORG_ID": Presence.ABSENT,
    }
    files = [path for path in ended.finished.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def test_the_token_of_the_backend_is_sent(run):
    (run.root / ".env.live").write_text(f'API_TOKENS=["{CANARY}-token"]\n')
    run.execute()
    assert run.client.tokens == [f"{CANARY}-token"] * 2


def test_before_the_first_request_the_record_lists_everything_as_not_reached(run):
    seen = []

    def look(_call):
        seen.append(json.loads(next(run.root.glob("evidence/*.partial/run.json")).read_text()))
        return Reply({"id": "p1"})

    run.service.on("GET /1", look)
    run.execute()
    assert seen[0]["status"] == "running"
    assert [each["reason"] for each in seen[0]["scenarios"]] == ["not reached yet"] * 3


def test_whoever_follows_a_run_gets_its_journal(run):
    lines = []
    run.follower = type("Follower", (), {"append": staticmethod(lines.append)})
    ended = run.execute()
    assert lines == (ended.finished.folder / "events.jsonl").read_text().splitlines()


def test_a_red_run_is_rolled_back_and_its_notes_say_what_triggered_that(run):
    run.service.on("GET /2/p1", Reply({}, 500))
    ended = run.execute()
    assert (ended.exit_code, verdicts(ended)) == (1, GREEN | {"live/L02": "FAIL"})
    notes = (ended.finished.folder / "live/L02/notes.txt").read_text()
    assert "rollback: started after L02 FAIL; USE_DUMMY_WORKER=True, then M01" in notes
    assert "rollback: M01 ended PASS; evidence in mocked/RERUN/" in notes
    # What was sent meanwhile is no trouble of this scenario.
    assert "last request: GET /2/p1" in notes
    assert ("rolling back to the mocked worker (after L02 FAIL)",) in run.watcher.words("note")


def test_a_run_that_is_killed_during_its_rollback_has_its_notes_in_its_record(run):
    seen = []

    def look(_call):
        seen.append(json.loads(next(run.root.glob("evidence/*.partial/run.json")).read_text()))
        return Reply({})

    run.service.on("GET /m", look)
    run.execute()
    assert [each["files"] for each in seen[0]["scenarios"]] == [[*VIEWS, "one.json"], [*VIEWS, "notes.txt"], []]


@pytest.mark.parametrize(("answer", "code", "verdict"), [(Reply({}, 500), 1, "FAIL"), (silence(), 3, "ERROR")])
def test_a_rollback_that_fails_after_a_green_ladder_decides_the_exit_code(run, answer, code, verdict):
    run.service.on("GET /m", answer)
    ended = run.execute()
    assert (ended.exit_code, verdicts(ended)) == (code, GREEN | {"mocked/RERUN/M01": verdict})


def test_without_a_rollback_the_stack_is_left_as_it_is(run):
    ended = run.execute(rolls_back=False)
    assert (run.modes, list(verdicts(ended))) == (["live"], ["live/L01", "live/L02"])


def test_somebody_elses_stack_is_climbed_where_it_is(run):
    run.environ["BASE_URL"] = "http://example.org"
    ended = run.execute()
    assert (run.modes, run.client.addresses) == (["live"], ["http://example.org:80"])
    assert ended.record.base_url == "http://example.org"


def test_a_rollback_alone_is_climbed_mocked(run):
    ended = run.execute(is_rollback=True)
    assert (ended.exit_code, run.modes, verdicts(ended)) == (0, ["mocked"], {"mocked/RERUN/M01": "PASS"})


def test_one_scenario_is_climbed_on_the_captures_of_the_run_before(run):
    first = run.execute()
    run.time.passed = 60
    ended = run.execute("L02", rolls_back=False)
    assert (ended.exit_code, verdicts(ended)) == (0, {"live/L02": "PASS"})
    assert ended.record.rerun_of == first.record.run_id
    assert run.loaded().state.captures == {"L01": {"pid": "p1"}, "L02": {}}
    assert run.service.sent[-1] == "GET /2/p1"


def test_a_secret_in_an_answer_outranks_everything_else(run):
    run.service.on("GET /1", {"id": CANARY}).on("GET /m", run.signal())
    ended = run.execute()
    assert ended.exit_code == 5
    assert verdicts(ended)["live/L01"] == "FAIL"
    assert faults_of(ended.finished.folder) == ()


def test_a_secret_in_the_rollback_counts_as_well(run):
    run.service.on("GET /m", {"echo": CANARY})
    assert run.execute().exit_code == 5


def test_a_secret_that_the_second_search_finds_ends_the_run_without_a_bundle(run, monkeypatch):
    monkeypatch.setattr("harness.runner.book.scan", lambda _root, _secrets: (Finding("run.json", "rule", 1),))
    with pytest.raises(LeakError):
        run.execute()
    assert run.folders() == ["2025-11-14T17:14:05Z.partial"]


def test_ctrl_c_is_followed_by_cleanup_rollback_and_evidence(run):
    run.service.on("GET /1", run.signal())
    ended = run.execute()
    assert (ended.exit_code, ended.record.status) == (130, RunStatus.INTERRUPTED)
    assert verdicts(ended) == {"live/L01": "INCONCLUSIVE", "live/L02": "BLOCKED", "mocked/RERUN/M01": "PASS"}
    assert run.service.sent == ["GET /1", "DELETE /1", "GET /m"]
    assert "rollback: started after Ctrl-C" in (ended.finished.folder / "live/L01/notes.txt").read_text()


def test_ctrl_c_while_the_stack_starts_sends_nothing_to_it_and_rolls_back(run):
    run.starts = [run.interrupts.arrive]
    ended = run.execute()
    assert (ended.exit_code, run.modes, run.service.sent) == (130, ["live", "mocked"], ["GET /m"])
    assert verdicts(ended)["live/L01"] == "INCONCLUSIVE"


def test_ctrl_c_between_two_scenarios_is_no_pass(run):
    run.service.on("DELETE /1", run.signal())
    ended = run.execute()
    assert verdicts(ended) == {"live/L01": "PASS", "live/L02": "BLOCKED", "mocked/RERUN/M01": "PASS"}
    assert (ended.exit_code, ended.record.verdict) == (130, Verdict.INCONCLUSIVE)


def test_ctrl_c_during_the_last_cleanup_does_not_end_the_rollback(run):
    run.service.on("DELETE /1", run.signal())
    ended = run.execute("L01")
    assert (ended.exit_code, verdicts(ended)) == (130, {"live/L01": "PASS", "mocked/RERUN/M01": "PASS"})


def test_a_second_ctrl_c_leaves_the_folder_partial_and_says_how_to_go_on(run):
    run.service.on("GET /1", run.signal()).on("DELETE /1", run.signal())
    with pytest.raises(AbandonedError) as abandoned:
        run.execute()
    assert abandoned.value.exit_code == 130
    assert "make rollback" in abandoned.value.hint
    assert run.folders() == ["2025-11-14T17:14:05Z.partial"]
    assert run.note().startswith("This run was interrupted twice")
    assert [watch.is_closed for watch in run.watches] == [True]


def test_a_stack_that_does_not_start_is_part_of_the_evidence_and_is_rolled_back(run):
    run.starts = [PrerequisiteError("engine-away", "no engine answers", "start it")]
    ended = run.execute()
    assert ended.exit_code == 3
    assert verdicts(ended) == {"live/L01": "ERROR", "live/L02": "BLOCKED", "mocked/RERUN/M01": "PASS"}
    assert run.service.sent == ["GET /m"]
    assert "repair: start it" in (ended.finished.folder / "live/L01/notes.txt").read_text()


def test_a_fault_of_ours_while_the_stack_starts_does_not_keep_it_from_being_rolled_back(run):
    run.starts = [RuntimeError(f"no such thing: {CANARY}")]
    ended = run.execute()
    assert (ended.exit_code, run.modes) == (3, ["live", "mocked"])
    reason = run.loaded().record.scenarios[0].reason
    assert reason.endswith("[harness-fault] a fault of the harness: RuntimeError: no such thing: [REDACTED]")


def test_a_stack_that_cannot_be_rolled_back_decides_the_exit_code_of_a_green_ladder(run):
    run.starts = [None, PrerequisiteError("engine-away", "no engine answers")]
    ended = run.execute()
    assert (ended.exit_code, verdicts(ended)["mocked/RERUN/M01"]) == (3, "ERROR")


def test_a_wrong_order_makes_no_folder(run):
    with pytest.raises(UsageError):
        run.execute("L99")
    assert (run.folders(), run.modes) == ([], [])


def test_a_self_check_that_fails_starts_no_stack(run, monkeypatch):
    def leak(_record):
        raise PrerequisiteError("canary-leaked", "a fake secret passed")

    monkeypatch.setattr(suite, "self_check", leak)
    with pytest.raises(PrerequisiteError):
        run.execute()
    assert (run.modes, run.folders()) == ([], ["2025-11-14T17:14:05Z.partial"])
    assert run.note().startswith("This run ended before its time: [canary-leaked] a fake secret passed")


def test_a_fault_of_the_harness_is_told_without_secrets_and_leaves_the_folder_partial(run, monkeypatch):
    def fail(*_given, **_named):
        raise RuntimeError(f"no such thing: {CANARY}")

    monkeypatch.setattr(suite, "climb", fail)
    with pytest.raises(HarnessError) as fault:
        run.execute()
    assert fault.value.reference == "harness-fault"
    assert "no such thing: [REDACTED]" in fault.value.message
    assert fault.value.__cause__ is None
    assert fault.value.__suppress_context__
    assert CANARY not in run.note()
    assert [watch.is_closed for watch in run.watches] == [True]
    assert run.modes == ["live", "mocked"]


def test_a_run_whose_evidence_cannot_be_written_leaves_no_live_stack_behind(run, monkeypatch):
    def fail(*_given, **_named):
        raise UnwritableError("evidence-unwritable", "no space", "free space")

    monkeypatch.setattr(suite, "climb", fail)
    run.starts = [None, PrerequisiteError("engine-away", "no engine answers")]
    with pytest.raises(UnwritableError):
        run.execute()
    assert run.modes == ["live", "mocked"]
    assert ("note", "the rollback failed, the stack may still be live: [engine-away] no engine answers") in (
        run.watcher.said
    )
