"""A run of several trials that ended before its time, and another that goes on with it."""

import json
import shutil
from dataclasses import replace

import pytest
from staged import Reply
from whole_runs import LIVE, STAND, WholeRun, write_ladder

from harness.errors import UsageError
from harness.evidence.checking import faults_of
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import lock, open_folder
from harness.evidence.layout import TRACE_MANIFEST, trace_file
from harness.evidence.reading import list_runs
from harness.evidence.run_record import Images
from harness.evidence.trial_records import decode_traces
from harness.judging.verdict import Verdict
from harness.runner.interrupts import AbandonedError, Interrupts
from harness.verifying.verify import verify

GREEN, RED = {"id": "p1"}, Reply({"id": "p1"}, 500)


@pytest.fixture
def run(tmp_path, monkeypatch):
    return WholeRun(tmp_path, monkeypatch)


def abandoned(run, *answers, count=5, **fields):
    """A run that ended by two signals in its trial after so many answers; gives its folder."""
    run.service.on("GET /1", *answers, run.signal())
    run.service.on("DELETE /1", *([{}] * len(answers)), run.signal())
    with pytest.raises(AbandonedError):
        run.trials(count, **fields)
    return again(run)


def again(run, *answers):
    """Let time pass, and the service be well again; gives the folder of the run before."""
    run.interrupts = Interrupts()
    run.service.on("GET /1", *(answers or (GREEN,))).on("DELETE /1", {})
    run.time.passed += 60
    run.told.clear()
    run.service.calls.clear()
    return list_runs(run.root / "evidence")[0].folder


def bytes_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def statuses(ended):
    return [each.status for each in ended.record.trial_records]


def test_a_run_that_was_killed_is_gone_on_with_and_only_the_missing_trials_are_climbed(run):
    """C02."""
    old = abandoned(run, GREEN, RED)
    before, earlier = bytes_of(old), decode_traces((old / TRACE_MANIFEST).read_text())
    assert [each.status for each in earlier.trials] == ["PASS", "FAIL", "running"]
    ended = run.trials(5, resume=old.name)
    assert (statuses(ended), ended.exit_code) == (["PASS", "FAIL", "PASS", "PASS", "PASS"], 1)
    assert [each.trial_index for each in ended.record.trial_records] == [0, 1, 2, 3, 4]
    assert [each.run_id for each in ended.record.trial_records] == [earlier.run_id] * 2 + [None] * 3
    assert [each.trace_id for each in ended.record.trial_records[:2]] == [each.trace_id for each in earlier.trials[:2]]
    assert ended.record.rerun_of == earlier.run_id
    assert ended.record.aggregation.trials == 5
    assert run.service.sent.count("GET /1") == 3
    # The old folder is as it was.
    assert bytes_of(old) == before


def test_what_was_taken_over_is_in_the_manifest_from_the_start_and_the_bundle_verifies(run):
    old = abandoned(run, GREEN, RED)
    seen = []

    def look(_call):
        found = max(run.root.glob(f"evidence/*.partial/{TRACE_MANIFEST}"))
        seen.append([each.status for each in decode_traces(found.read_text()).trials])
        return Reply(GREEN)

    run.service.on("GET /1", look)
    ended = run.trials(3, resume=old.name)
    assert seen == [["PASS", "FAIL", "running"]]
    folder = ended.finished.folder
    assert decode_traces((folder / TRACE_MANIFEST).read_text()).trials == ended.record.trial_records
    assert faults_of(folder) == ()
    assert verify(folder, strict=True).failed == ()


def test_trials_that_were_taken_over_are_told_with_the_run_that_they_are_of(run):
    """C12."""
    old = abandoned(run, GREEN)
    ended = run.trials(2, resume=old.name)
    first = ended.record.trial_records[0]
    told = [line for record, line in run.told if record.status != "running"]
    assert told[0].startswith(f"trial 0 PASS {first.trace_id} (")
    assert f", of run {first.run_id}; 1/1 green)" in told[0]
    assert (
        f"trial 0: PASS trace={first.trace_id} of run {first.run_id}\n"
        in (ended.finished.folder / "summary.txt").read_text()
    )


def test_an_interrupted_run_that_was_closed_is_gone_on_with_as_well(run):
    run.service.on("GET /1", GREEN, GREEN, run.signal())
    first = run.trials(4)
    assert (first.exit_code, statuses(first)) == (130, ["PASS", "PASS", "interrupted"])
    again(run)
    ended = run.trials(4, resume=first.record.run_id)
    assert (ended.exit_code, statuses(ended)) == (0, ["PASS"] * 4)


def test_a_run_that_went_on_and_was_killed_as_well_is_gone_on_with(run):
    old = abandoned(run, GREEN)
    run.service.on("GET /1", RED, run.signal()).on("DELETE /1", {}, run.signal())
    with pytest.raises(AbandonedError):
        run.trials(4, resume=old.name)
    second = again(run)
    ended = run.trials(4, resume=second.name)
    assert statuses(ended) == ["PASS", "FAIL", "PASS", "PASS"]
    homes = [each.run_id for each in ended.record.trial_records]
    assert len(set(homes)) == 3
    assert homes[2:] == [None, None]
    # Without the folder that they lie in, nobody could look at them any more.
    shutil.rmtree(old)
    again(run)
    third = run.trials(5, resume=second.name)
    assert [bool(each.run_id) for each in third.record.trial_records] == [True] + [False] * 4


def test_the_newest_run_of_several_trials_is_gone_on_with_when_none_is_named(run):
    old = abandoned(run, GREEN)
    run.execute("L01", rolls_back=False)
    again(run)
    ended = run.trials(2, resume="")
    assert ended.record.trial_records[0].run_id == json.loads((old / "run.json").read_text())["run_id"]


def test_the_same_scenarios_are_climbed_that_the_earlier_run_was_asked_for(run):
    old = abandoned(run, GREEN, only=("L01",))
    ended = run.trials(3, resume=old.name)
    assert {each.id for each in ended.record.scenarios} == {"L01"}
    assert ended.record.settings["asked"]["scenarios"] == ["L01"]
    assert "GET /2/p1" not in run.service.sent


def test_an_early_end_counts_what_was_taken_over(run):
    old = abandoned(run, RED)
    ended = run.trials(5, resume=old.name, ends_early=True)
    assert (statuses(ended), ended.exit_code) == (["FAIL"], 1)
    assert ended.record.verdict is Verdict.FAIL
    assert run.service.sent == []


@pytest.mark.parametrize("damage", ["changed", "gone", "link"])
def test_a_trial_whose_trace_is_not_as_it_was_entered_is_climbed_anew(run, damage):
    old = abandoned(run, GREEN, GREEN)
    path = old / trace_file(decode_traces((old / TRACE_MANIFEST).read_text()).trials[0].trace_id)
    data = path.read_bytes()
    path.unlink()
    if damage == "changed":
        path.write_bytes(data[:-2])
    elif damage == "link":
        (run.root / "elsewhere").write_bytes(data)
        path.symlink_to(run.root / "elsewhere")
    ended = run.trials(3, resume=old.name)
    assert [bool(each.run_id) for each in ended.record.trial_records] == [True, False, False]


def test_an_entry_whose_id_is_a_path_is_climbed_anew(run):
    old = abandoned(run, GREEN)
    path = old / TRACE_MANIFEST
    text = path.read_text()
    trace_id = decode_traces(text).trials[0].trace_id
    path.write_text(text.replace(trace_id, "../traces/" + trace_id))
    assert [each.run_id for each in run.trials(2, resume=old.name).record.trial_records] == [None, None]


def test_a_trial_that_is_entered_twice_counts_once(run):
    old = abandoned(run, GREEN)
    path = old / TRACE_MANIFEST
    document = json.loads(path.read_text())
    document["trials"] = [document["trials"][0]] * 2
    path.write_text(json.dumps(document))
    ended = run.trials(2, resume=old.name)
    assert [bool(each.run_id) for each in ended.record.trial_records] == [True, False]


def test_a_run_that_was_killed_before_its_first_trial_is_gone_on_with_from_there(run):
    old = abandoned(run, GREEN)
    (old / TRACE_MANIFEST).unlink()
    assert len(run.trials(2, resume=old.name).record.trial_records) == 2


def refused(run, kind=UsageError, **fields):
    with pytest.raises(kind) as error:
        run.trials(**{"count": 3} | fields)
    assert run.service.sent == []
    return error.value


def test_a_ladder_that_has_changed_is_refused(run):
    old = abandoned(run, GREEN)
    write_ladder(run.root / "scenarios", LIVE.replace("First", "Another"), name="live", mode="live")
    error = refused(run, resume=old.name)
    assert (error.reference, error.exit_code) == ("ladder-changed", 2)


def test_a_variable_that_the_surroundings_have_changed_is_refused(run):
    other = LIVE.replace("vars: {", 'vars: {model: "${env:MODEL:-small}", ')
    write_ladder(run.root / "scenarios", other, name="live", mode="live")
    old = abandoned(run, GREEN)
    run.environ["MODEL"] = "large"
    error = refused(run, resume=old.name)
    assert error.reference == "ladder-changed"
    assert "model" in error.message


def test_trials_of_another_image_are_not_added(run):
    old = abandoned(run, GREEN)
    run.stand = replace(STAND, images=Images("sha256:cc", "sha256:bb"))
    error = refused(run, resume=old.name)
    assert (error.reference, error.exit_code) == ("subject-changed", 2)
    assert "sha256:aa" in error.message


def test_a_run_of_one_climb_is_refused(run):
    first = run.execute(rolls_back=False)
    again(run)
    error = refused(run, resume=first.record.run_id)
    assert (error.reference, error.exit_code) == ("not-several-trials", 2)


def test_a_run_all_of_whose_trials_have_ended_is_refused(run):
    first = run.trials(3)
    again(run)
    assert refused(run, resume=first.record.run_id).reference == "nothing-to-resume"
    assert len(run.trials(4, resume=first.record.run_id).record.trial_records) == 4


def test_a_run_that_is_still_running_is_refused(run):
    old = abandoned(run, GREEN)
    descriptor = open_folder(old)
    lock(descriptor)
    assert refused(run, resume=old.name).reference == "run-running"


def test_a_manifest_that_cannot_be_read_is_refused(run):
    old = abandoned(run, GREEN)
    (old / TRACE_MANIFEST).write_text("{")
    error = refused(run, EvidenceError, resume=old.name)
    assert (error.reference, error.exit_code) == ("run-damaged", 1)


def test_a_closed_run_in_which_a_byte_was_changed_is_refused(run):
    run.service.on("GET /1", GREEN, run.signal())
    first = run.trials(4)
    again(run)
    path = first.finished.folder / trace_file(first.record.trial_records[0].trace_id)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"PASS", b"FAIL"))
    assert refused(run, EvidenceError, resume=first.record.run_id).reference == "run-damaged"


def test_without_several_trials_a_run_is_resumed_from_its_first_red_scenario(run):
    run.service.on("GET /2/p1", Reply({}, 500), {})
    first = run.execute(rolls_back=False)
    again(run)
    ended = run.trials(1, resume=first.record.run_id)
    assert [each.folder for each in ended.record.scenarios] == ["live/L02"]
