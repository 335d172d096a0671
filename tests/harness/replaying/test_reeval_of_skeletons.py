"""Runs that kept no contents: what can be judged on them still is, and nothing is judged on what is not there."""

import json

import pytest
from recorded_stage import LIVE, Recorded, as_skeleton, tree
from test_reeval import changes, document, other, say, stored

from harness.judging.needs import EXCLUDED
from harness.replaying.commands import say_replay
from harness.replaying.replay import replay

SECRET_WORDS = ("Write a program", "all is done", "made it")

LIMITS = (
    ("{path: body.note, contains: made}", "{path: body.note, contains: made, severity: limitation}"),
    ("{path: doc.summary, length: {gt: 3}}", "{path: doc.summary, length: {gt: 3}, severity: info}"),
)


@pytest.fixture
def skeleton(bundle):
    """A run that kept its skeleton only."""
    return as_skeleton(bundle)


@pytest.fixture
def lenient(tmp_path, monkeypatch):
    """A run that kept its skeleton only, whose checks on contents are none of severity fail."""
    live = LIVE
    for old, new in LIMITS:
        live = live.replace(old, new)
    return as_skeleton(Recorded(tmp_path, monkeypatch, live=live).run())


def test_no_contents_are_in_any_file_that_was_made_from_events(skeleton):
    paths = ("events.jsonl", "ladders/live.ladder.yaml", "live/L01/one.json", "run.json")
    found = tree(skeleton)
    for path in paths:
        text = found[path].decode()
        assert [word for word in SECRET_WORDS if word in text] == [], path
    assert EXCLUDED in found["events.jsonl"].decode()


def test_c17_checks_on_contents_are_refused_with_their_number(skeleton):
    said = say(skeleton)
    assert (said.text, said.code) == ("", 1)
    assert said.remark.startswith("error[contents-not-kept]: 2 checks look at contents")
    assert stored(skeleton) == []
    assert document(skeleton)["reason"] == "contents-not-kept"


def test_c18_with_the_flag_the_rest_decides_and_a_skipped_required_check_leaves_it_open(skeleton):
    said = say(skeleton, allows_partial=True)
    assert said.code == 4
    assert "2 checks skipped" in said.remark
    assert "error[checks-skipped]" in said.remark
    told = document(skeleton, allows_partial=True)
    assert (told["verdict"], told["checks"]["skipped"]) == ("INCONCLUSIVE", 2)


def test_c18_0_only_if_no_skipped_check_is_of_severity_fail(lenient):
    assert say(lenient).code == 1
    told = document(lenient, allows_partial=True)
    assert (told["verdict"], told["exit_code"], told["checks"]["skipped"]) == ("PASS", 0, 2)


def test_c22_strict_is_the_default(lenient):
    assert say(lenient).code == 1


def test_c22_the_flag_is_needed_to_be_permissive(lenient):
    assert say(lenient, allows_partial=True).code == 0


def test_a_missed_check_on_the_skeleton_decides_whatever_is_skipped(skeleton):
    path = other(skeleton, ("{path: doc.status, eq: success}", "{path: doc.status, eq: error}"))
    told = document(skeleton, file=path, allows_partial=True)
    assert (told["verdict"], told["exit_code"]) == ("FAIL", 1)
    assert changes(told)['{"path": "doc.status", "eq": "error"}'] == (None, "missed")


def test_nothing_left_to_judge_is_exit_1_even_with_the_flag(skeleton):
    text = LIVE[: LIVE.index("  L02:")].replace('{status: 200}, {path: body.id, matches: "^p"}, ', "")
    text = text.replace("{path: doc.status, eq: success}, ", "").replace(
        "until: [{status: 200}]", "until: [{status: 200}]"
    )
    from staged import write_ladder

    path = str(write_ladder(skeleton.parent.parent / "scenarios", text, name="other", mode="live"))
    told = document(skeleton, file=path, allows_partial=True)
    assert (told["exit_code"], told["reason"]) == (1, "nothing-to-judge")


def test_d24_status_timing_counts_and_file_names_are_still_judged(skeleton):
    more = (
        "{status: 200}, {duration: {lt: 9s}}, {headers: {x: {exists: false}}}, {path: doc.status, in: [success]}, "
        "{path: body, exists: true}"
    )
    path = other(skeleton, ("expect: [{path: doc.status, eq: success}", f"expect: [{more}"))
    told = document(skeleton, file=path, allows_partial=True)
    new = {text: pair for text, pair in changes(told).items() if pair[0] is None}
    assert len(new) == 5
    assert {pair[1] for pair in new.values()} == {"held"}


def test_a_run_is_replayed_with_its_skeleton_and_says_that_bodies_were_not_kept(skeleton):
    said = say_replay(skeleton.parent, "", allows_partial=False, as_json=False)
    assert said.code == 0
    assert "the skeleton only; bodies and messages were not kept" in said.text
    assert replay(skeleton.parent, "").mismatches == ()
    assert '{"path": "body.note", "contains": "made"} [stored]' in said.text


def test_an_edited_instruction_is_drift_although_the_older_one_was_not_kept(skeleton):
    path = other(skeleton, ("G: Write a program.", "G: Write a poem."))
    told = document(skeleton, file=path, allows_partial=True)
    assert [each["what"] for each in told["drift"]] == ["differs in contents that were not kept"]
    assert say(skeleton, file=path, is_strict=True).code == 1
    path = other(skeleton)
    assert document(skeleton, file=path, allows_partial=True)["drift"] == []


def test_a_check_whose_variable_was_not_kept_is_skipped(tmp_path, monkeypatch):
    live = LIVE.replace("capture: {pid: body.id}", "capture: {pid: body.id, said: body.note}").replace(
        'get: "/look/${L01.pid}", expect: [{status: 200}, {path: body.id, eq: "${L01.pid}"}',
        'get: "/look/${L01.pid}", expect: [{status: 200}, {path: body.id, ne: "${L01.said}"}',
    )
    folder = as_skeleton(Recorded(tmp_path, monkeypatch, live=live).run())
    told = document(folder, allows_partial=True)
    assert told["checks"]["skipped"] == 3
    captured = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines() if '"capture"' in line]
    assert [(each["name"], each["value"]) for each in captured] == [("pid", "p1"), ("said", EXCLUDED)]
