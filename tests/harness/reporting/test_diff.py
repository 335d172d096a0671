"""``ladder diff``: the same behaviour of two runs is no difference, and any other is named where it is."""

import json

import pytest
from stored_runs import HOSTILE, case, change_case, change_run, full_of, ladder, read_entry, reseal, rewrite

from harness.errors import UsageError
from harness.evidence import layout
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import list_runs
from harness.reporting.diff import diff
from harness.reporting.diff_telling import MOST_TOLD, diff_text


def compared(root, before, after):
    return diff(list_runs(root), str(before), str(after))


def changes(found):
    """Every change that matters, by section."""
    return {
        section.name: [(each.where, each.what, each.before, each.after) for each in section.changes if each.matters]
        for section in found.sections
        if section.matters
    }


@pytest.fixture
def pair(bundle, twin, root):
    """Both runs, compared."""
    return lambda: compared(root, bundle.name, twin.name)


def change_scenario(folder, place, **fields):
    change_run(folder, lambda found: found["scenarios"][place].update(fields))


def test_a_run_does_not_differ_from_itself_or_from_its_like(pair, bundle, twin, root):
    assert changes(pair()) == {}
    assert not pair().matters
    assert diff_text(pair()).endswith("nothing that matters changed\n")
    assert [section.compared > 0 for section in pair().sections] == [True] * 7
    assert not compared(root, bundle.name, bundle.name).matters


def test_a_verdict_that_changed_is_told_first(pair, twin):
    change_scenario(twin, 1, verdict="FAIL", result_status="error")
    found = changes(pair())
    assert found == {"verdicts": [("live/L02", "verdict", "PASS", "FAIL"), ("live/L02", "result", "n/a", "error")]}
    assert diff_text(pair()).index("live/L02: verdict: PASS → FAIL") < diff_text(pair()).index("environment:")


def test_a_scenario_that_one_side_has_not_is_absent_there(pair, twin):
    change_run(twin, lambda found: found["scenarios"].pop(1))
    assert changes(pair()) == {"verdicts": [("live/L02", "verdict", "PASS", "absent")]}


def test_a_check_is_known_by_its_step_and_text_and_not_by_its_line(pair, twin):
    def change(document):
        first, second, third = document["assertions"][:3]
        first.update(outcome="missed", got="500", place="moved.ladder.yaml:1:1")
        second["place"] = "moved.ladder.yaml:2:1"
        document["assertions"].remove(third)

    first, _, third = case(twin)["assertions"][:3]
    change_case(twin, change)
    missed = f"missed: wanted {first['wanted']}, got 500"
    assert changes(pair())["checks"] == [
        (f"live/L01 step {first['step']}", first["text"], "held", missed),
        (f"live/L01 step {third['step']}", third["text"], "held", "absent"),
    ]


def test_two_checks_of_one_text_are_two_checks(pair, bundle, twin):
    for folder in (bundle, twin):
        change_case(folder, lambda found: found["assertions"].append(found["assertions"][0]))
    assert changes(pair()) == {}
    change_case(twin, lambda found: found["assertions"].pop())
    assert [each[2:] for each in changes(pair())["checks"]] == [("held", "absent")]


def test_a_severity_that_changed_is_a_check_that_changed(pair, twin):
    change_case(twin, lambda found: found["assertions"][0].update(severity="limitation"))
    assert changes(pair())["checks"][0][2:] == ("held", "held (limitation)")


def test_the_first_step_that_differs_is_named(pair, twin):
    trace_id = read_entry(twin).record.scenarios[1].trace_id
    path = layout.trace_file(trace_id)
    trace = json.loads((twin / path).read_text())
    told = next(span for span in trace["spans"] if span["service"] == "backend")
    told.update(status="ERROR", error_type="Boom")
    rewrite(twin, path, trace)
    change_case(twin, lambda found: found.update(determinism_hash="1" * 64), "live-L02")
    ((where, what, _, after),) = changes(pair())["structure"]
    assert where == "live/L02"
    assert "GET /api/v1/projects/" in what
    assert after == "1" * 12


def test_a_case_or_trace_that_cannot_be_read_is_never_taken_for_the_same(pair, twin):
    (twin / layout.case_file("live-L01")).write_text("{}")
    reseal(twin)
    found = changes(pair())
    assert found["checks"][0][:2] == ("live/L01", "case")
    assert found["structure"][0][3].startswith("no trace")


def edit_events(folder, old, new):
    path = folder / layout.EVENTS
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    reseal(folder)


def test_an_answer_that_changed_is_named_down_to_its_part(pair, twin):
    edit_events(twin, '\\"summary\\\\\\": \\\\\\"done', '\\"summary\\\\\\": \\\\\\"gone')
    found = changes(pair())["exchanges"]
    assert found == [("live/L01 step result", "got.body.contents.summary", "done", "gone")]


def test_ids_times_and_ports_in_what_was_sent_and_got_are_no_difference(pair, twin):
    edit_events(twin, "feff01fa-c5ef-4a62-907e-a4da9c1bf749", "00000000-1111-4222-8333-444444444444")
    assert "exchanges" not in changes(pair())


def test_another_status_is_a_difference(pair, twin):
    edit_events(twin, '"answer":{"status":503', '"answer":{"status":502')
    assert changes(pair())["exchanges"] == [("live/L03 step odd", "got.status", "503", "502")]


def test_an_artifact_is_compared_by_its_hash_and_then_by_its_normal_form(pair, bundle, twin):
    (bundle / "live/L01/response.json").write_text('{"id": "30184b25-07ae-4e80-b2c0-85960b36742f", "n": [1, 2]}')
    (twin / "live/L01/response.json").write_text('{"n": [1, 2], "id": "2a2c2645-25cf-4489-98d8-0123456789ab"}')
    for folder in (bundle, twin):
        reseal(folder)
    assert changes(pair()) == {}
    (twin / "live/L01/response.json").write_text('{"id": "2a2c2645-25cf-4489-98d8-0123456789ab", "n": [1, 3, 4]}')
    reseal(twin)
    assert changes(pair())["files"] == [
        ("live/L01/response.json", "n[1]", "2", "3"),
        ("live/L01/response.json", "n[2]", "absent", "4"),
    ]


def test_an_artifact_that_one_side_has_not_is_absent_there(pair, twin):
    change_run(twin, lambda found: found["scenarios"][0]["files"].remove("response.json"))
    assert changes(pair())["files"][0][0] == "live/L01/response.json"
    assert changes(pair())["files"][0][3] == "absent"


def test_times_are_told_only_outside_of_the_band(pair, bundle, twin):
    change_scenario(bundle, 1, duration_s=1.0)
    change_scenario(twin, 1, duration_s=1.9)
    assert changes(pair()) == {}
    change_scenario(twin, 1, duration_s=2.1)
    assert changes(pair()) == {"timings": [("live/L02", "slower, 2.1 times", "1.0 s", "2.1 s")]}


def test_what_a_run_was_made_with_is_told_and_counts_for_nothing(pair, twin):
    def change(document):
        document["git"]["commit"] = "d" * 40
        document["images"]["worker"] = "sha256:other"
        document["settings"]["stack"] = {"MORE": "x"}
        document["ladders"][0]["judging_digest"] = "0" * 64

    change_run(twin, change)
    found = pair()
    assert not found.matters
    told = {(each.where, each.what): (each.before, each.after) for each in found.sections[-1].changes}
    assert told["worker image", ""] == ("sha256:aa", "sha256:other")
    assert told["ladder live", "judging part"][1] == "0" * 64
    assert ("ladder live", "execution part") not in told
    assert told["setting", "stack.MORE"] == ("absent", "x")


def test_nothing_is_proven_by_a_run_that_is_not_sound(pair, twin):
    (twin / "state.json").write_text("{}")
    found = pair()
    assert [side.name for side in found.unsound] == [twin.name]
    assert found.matters
    text = diff_text(found)
    assert text.index("Damaged:") < text.index("verdicts:")
    assert text.rstrip().endswith(f"nothing is proven: {twin.name} is damaged")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_a_run_says_a_terminal_obeys_none_of_it(pair, twin, hostile):
    change_run(twin, full_of(hostile))
    change_case(twin, lambda found: found["assertions"][0].update(step=hostile, text=hostile, got=hostile))
    (twin / "live/L01/response.json").write_text(json.dumps({hostile: hostile}))
    reseal(twin)
    text = diff_text(pair())
    assert not [sign for sign in text if not (sign.isprintable() or sign == "\n")]
    json.dumps(pair().document())


def test_a_long_list_is_cut_in_the_text_and_whole_for_programs(pair, twin):
    change_run(twin, lambda found: found["settings"].update(many={f"k{number}": "x" for number in range(99)}))
    found = pair()
    assert len(found.sections[-1].changes) == 99
    assert f"and {99 - MOST_TOLD} more" in diff_text(found)


def test_trials_of_one_run_are_compared_by_their_numbers(trials, root):
    found = compared(root, f"{trials.name}#0", f"{trials.name}#001")
    assert changes(found)["verdicts"] == [
        ("run", "verdict", "PASS", "FAIL"),
        ("live/L03", "verdict", "PASS", "FAIL"),
        ("live/L04", "verdict", "PASS", "BLOCKED"),
    ]
    assert ("live/L03", "call / step odd / GET /odd") in [each[:2] for each in changes(found)["structure"]]
    assert changes(found)["exchanges"] == [("live/L03 step odd", "got.status", "200", "503")]


def test_a_trial_and_a_whole_run_have_their_scenarios_under_the_same_names(trials, root):
    found = compared(root, f"{trials.name}#0", trials.name)
    assert changes(found)["verdicts"][1] == ("live/L03", "verdict", "PASS", "PASS 2, FAIL 1")
    assert "exchanges" not in changes(found)
    assert not compared(root, trials.name, trials.name).matters


def test_a_trial_that_is_not_there_is_wrong_use(trials, bundle, root):
    with pytest.raises(UsageError, match="has no trial 3") as lacking:
        compared(root, f"{trials.name}#3", trials.name)
    assert lacking.value.hint == "it has 3, counted from 0"
    with pytest.raises(UsageError, match="has no trial 0"):
        compared(root, f"{bundle.name}#0", bundle.name)


def test_a_run_that_is_not_there_or_cannot_be_read_is_an_error(bundle, twin, root):
    with pytest.raises(EvidenceError, match="no run is called"):
        compared(root, "2020-01-01T00:00:00Z", bundle.name)
    (twin / layout.RUN).write_text("{")
    with pytest.raises(EvidenceError, match=r"run\.json"):
        compared(root, bundle.name, twin.name)


def test_the_command_ends_with_0_1_or_2(bundle, twin, root):
    same = ladder("diff", bundle.name, twin.name, "--out", root)
    assert (same.returncode, same.stdout.splitlines()[-1]) == (0, "nothing that matters changed")
    change_scenario(twin, 1, verdict="FAIL")
    other = ladder("diff", bundle.name, twin.name, "--out", root, "--json")
    told = json.loads(other.stdout)
    assert (other.returncode, told["changed"]) == (1, True)
    assert [section["name"] for section in told["sections"]] == [
        "verdicts",
        "checks",
        "structure",
        "exchanges",
        "files",
        "timings",
        "environment",
    ]
    assert ladder("diff", bundle.name, "--out", root).returncode == 2
    assert ladder("diff", "x", bundle.name, "--out", root).returncode == 2
