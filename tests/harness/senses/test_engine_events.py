"""What captured events say about containers."""

import json

import pytest
from engine_fakes import CAPTURED, EVENTS, FIRST, IMAGE, SECOND, as_older_engines_name_images, event, seen_by_inspect
from hypothesis import given
from hypothesis import strategies as st

from harness.senses.engine_events import facts, read_event


def test_captured_events_add_up_to_the_two_containers():
    first, second = facts(EVENTS, {})
    assert (first.id, first.running, first.exit_code, first.oom_killed) == (FIRST, False, 3, False)
    assert (second.id, second.running, second.exit_code, second.oom_killed) == (SECOND, False, 137, True)
    assert first.started_at < first.ended_at < second.started_at < second.ended_at
    assert first.labels == {
        "ladder.project": "captest-p",
        "ladder.job": "captest-j",
        "ladder.attempt": "1",
        "ladder.component": "worker",
        "ladder.contract": "1",
        "ladder.python": "3.11",
        "ladder.test": "cap",
    }


def test_a_container_made_by_id_tells_its_image_even_when_it_was_never_inspected():
    assert [fact.image for fact in facts(EVENTS, {})] == [IMAGE, IMAGE]


def test_a_name_is_no_image_id_so_it_takes_an_inspect():
    named = as_older_engines_name_images(EVENTS)
    assert [fact.image for fact in facts(named, {FIRST: seen_by_inspect("sha256:1")})] == ["sha256:1", None]


@pytest.mark.parametrize(
    "image", ["sha256:d3", "x@sha256:" + "d" * 64, "sha256:" + "d" * 64 + "0", "SHA256:" + "d" * 64]
)
def test_what_only_looks_like_an_image_id_is_none(image):
    one = read_event({**CAPTURED[0], "Actor": {"ID": "c", "Attributes": {"image": image}}})
    assert facts([one], {})[0].image is None


def test_an_event_of_a_newer_engine_without_the_old_fields_reads_the_same():
    newer = [{key: one[key] for key in ("Type", "Action", "Actor", "timeNano")} for one in CAPTURED]
    assert [read_event(one) for one in newer] == EVENTS


@pytest.mark.parametrize(
    "raw",
    [
        {"Type": "network", "Action": "connect", "Actor": {"ID": "n"}, "timeNano": 1},
        {"Type": "container", "Action": "start", "Actor": {"ID": ""}, "timeNano": 1},
        {"Type": "container", "Action": "start", "timeNano": 1},
        {"Type": "container", "Action": "start", "Actor": {"ID": "c"}},
        {},
    ],
)
def test_what_is_no_event_of_a_container_is_left_out(raw):
    assert read_event(raw) is None


def test_only_labels_of_ours_are_kept_and_never_a_command():
    raw = {
        "Type": "container",
        "Action": "exec_create: sh -c 'echo secret'",
        "Actor": {"ID": "c", "Attributes": {"org.other": "secret", "ladder.job": "j", "execID": "secret"}},
        "timeNano": 1,
    }
    found = read_event(raw)
    assert (found.action, found.labels) == ("exec_create", {"ladder.job": "j"})
    assert "secret" not in repr(found)


def test_a_container_that_only_exists_was_never_started():
    (fact,) = facts([event(1, "create")], {})
    assert (fact.running, fact.started_at, fact.exit_code) == (False, None, None)


def test_a_container_between_start_and_die_runs():
    (fact,) = facts([event(1, "create"), event(2, "start")], {})
    assert (fact.running, fact.started_at, fact.ended_at) == (True, 2.0, None)


def test_a_container_that_was_started_again_runs_again():
    again = [event(1, "start"), event(2, "die", exit_code=1), event(3, "start")]
    assert facts(again, {})[0].running
    (fact,) = facts([*again, event(4, "die", exit_code=0)], {})
    assert (fact.running, fact.exit_code, fact.started_at) == (False, 0, 3.0)


def test_what_was_removed_does_not_run_even_if_its_end_was_not_seen():
    (fact,) = facts([event(1, "start"), event(2, "destroy")], {})
    assert (fact.running, fact.exit_code) == (False, None)


def test_the_removal_of_an_earlier_leftover_is_no_container_of_this_run():
    assert facts([event(1, "destroy")], {}) == ()


def test_a_memory_kill_is_seen_by_event_or_by_inspect():
    ended = [event(1, "start"), event(3, "die", exit_code=0)]
    assert not facts(ended, {"c1": seen_by_inspect()})[0].oom_killed
    assert facts(ended, {"c1": seen_by_inspect(oom_killed=True)})[0].oom_killed
    assert facts([*ended, event(2, "oom")], {})[0].oom_killed


@given(st.permutations(EVENTS))
def test_the_order_in_which_events_arrive_does_not_matter(events):
    assert facts(events, {}) == facts(EVENTS, {})


def test_the_captured_file_holds_no_variable_of_an_environment():
    assert "Env" not in json.dumps(CAPTURED)
