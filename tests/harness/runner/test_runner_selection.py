"""Which scenarios are climbed and what they build on, decided before anything is sent."""

import pytest
from recorded_runs import run_record
from staged import ladder_of

from harness.errors import UsageError
from harness.evidence.state import RunState
from harness.runner.selection import Earlier, Wish, select

STEPS = "{steps: [{get: /docs, capture: {pid: status}}], title: A rung, needs: "
CHAIN = f"scenarios: {{L01: {STEPS}[]}}, L02: {STEPS}[L01]}}, L03: {STEPS}[L02]}}, L04: {STEPS}[]}}}}"


@pytest.fixture
def ladder(tmp_path):
    return ladder_of(tmp_path, CHAIN, name="live", mode="live")


def earlier(ladder, *green, digest=None):
    state = RunState("019a83c1", digest or ladder.digest, {name: {"pid": name.lower()} for name in green})
    return Earlier("2025-11-14T17:14:05Z", run_record(ladder, run_id="019a83c1"), state)


def ids(selection):
    return [each.id for each in selection.scenarios]


def refusal(ladder, wish, found):
    with pytest.raises(UsageError) as refused:
        select(ladder, wish, found)
    return refused.value


def test_without_a_wish_the_whole_ladder_is_climbed_on_its_own(ladder):
    found = select(ladder, Wish(), earlier(ladder, "L01"))
    assert ids(found) == ["L01", "L02", "L03", "L04"]
    assert (found.captures, found.rerun_of) == ({}, None)


def test_one_scenario_builds_on_the_captures_of_an_earlier_run(ladder):
    found = select(ladder, Wish(("L03",)), earlier(ladder, "L01", "L02", "L03", "L04"))
    assert ids(found) == ["L03"]
    assert found.captures == {"L01": {"pid": "l01"}, "L02": {"pid": "l02"}}
    assert found.rerun_of == "019a83c1"


def test_a_scenario_that_needs_nothing_builds_on_nothing(ladder):
    found = select(ladder, Wish(("L04",)), earlier(ladder, "L01"))
    assert (ids(found), found.captures, found.rerun_of) == (["L04"], {}, None)


def test_a_scenario_that_needs_nothing_may_be_climbed_although_the_ladder_has_changed(ladder):
    assert ids(select(ladder, Wish(("L04",)), earlier(ladder, digest="other"))) == ["L04"]


def test_with_needs_the_whole_chain_is_climbed_in_the_order_of_the_ladder(ladder):
    found = select(ladder, Wish(("L03",), with_needs=True), None)
    assert (ids(found), found.rerun_of) == (["L01", "L02", "L03"], None)


def test_several_scenarios_are_climbed_in_the_order_of_the_ladder_whatever_the_order_of_the_wish(ladder):
    assert ids(select(ladder, Wish(("L04", "L01")), None)) == ["L01", "L04"]


def test_what_is_climbed_now_is_not_taken_from_the_earlier_run(ladder):
    found = select(ladder, Wish(("L02", "L03")), earlier(ladder, "L01", "L02"))
    assert found.captures == {"L01": {"pid": "l01"}}


def test_an_unknown_scenario_is_refused_and_the_nearest_named(ladder):
    refused = refusal(ladder, Wish(("L01", "L33")), None)
    assert refused.reference == "scenario-unknown"
    assert "no scenario 'L33' (did you mean 'L03'?)" in refused.message
    assert refused.hint == f"ladder list {ladder.file}"


def test_without_an_earlier_run_the_scenario_to_climb_first_is_named(ladder):
    refused = refusal(ladder, Wish(("L03",)), None)
    assert refused.reference == "prerequisite-missing"
    assert refused.message == "L03 builds on L01, L02, and there is no earlier run"
    assert f"run L02 first: ladder run {ladder.file} --only L02 --with-needs" in refused.hint


def test_an_earlier_run_that_did_not_come_so_far_names_the_scenario_to_climb_first(ladder):
    refused = refusal(ladder, Wish(("L03",)), earlier(ladder, "L01"))
    assert refused.message == "L03 builds on L02, and run 2025-11-14T17:14:05Z has none of it"


def test_the_scenario_that_lacks_something_is_the_one_that_is_named(ladder):
    assert refusal(ladder, Wish(("L01", "L03")), earlier(ladder)).message.startswith("L03 builds on L02")


def test_the_hint_brings_all_that_is_missing_where_no_scenario_needs_all_of_it(tmp_path):
    text = f"scenarios: {{L01: {STEPS}[]}}, L02: {STEPS}[]}}, L03: {STEPS}[L01, L02]}}}}"
    refused = refusal(ladder_of(tmp_path, text, name="live", mode="live"), Wish(("L03",)), None)
    assert ".ladder.yaml --only L01 --only L02 --with-needs" in refused.hint


@pytest.mark.parametrize(
    ("wish", "green"),
    [(Wish(("L03",)), ["L01", "L02"]), (Wish(resume=True), ["L01", "L02"]), (Wish(resume=True), [])],
)
def test_a_ladder_that_has_changed_since_is_refused(ladder, wish, green):
    refused = refusal(ladder, wish, earlier(ladder, *green, digest="other"))
    assert refused.reference == "ladder-changed"
    assert "run 2025-11-14T17:14:05Z" in refused.message


def test_a_resumed_run_goes_on_at_the_first_scenario_that_was_not_green(ladder):
    found = select(ladder, Wish(resume=True), earlier(ladder, "L01", "L02"))
    assert ids(found) == ["L03", "L04"]
    assert found.captures == {"L01": {"pid": "l01"}, "L02": {"pid": "l02"}}
    assert found.rerun_of == "019a83c1"


def test_a_run_that_was_red_at_once_is_resumed_from_the_beginning(ladder):
    assert ids(select(ladder, Wish(resume=True), earlier(ladder))) == ["L01", "L02", "L03", "L04"]


def test_a_resumed_run_takes_over_all_that_was_green_so_that_it_can_be_resumed_itself(ladder):
    found = select(ladder, Wish(resume=True), earlier(ladder, "L01", "L02", "L03"))
    assert ids(found) == ["L04"]
    assert list(found.captures) == ["L01", "L02", "L03"]
    assert found.rerun_of == "019a83c1"


def test_a_run_that_was_all_green_leaves_nothing_to_resume(ladder):
    refused = refusal(ladder, Wish(resume=True), earlier(ladder, "L01", "L02", "L03", "L04"))
    assert refused.reference == "nothing-to-resume"
    assert "every scenario of live was green" in refused.message


def test_without_any_run_there_is_nothing_to_resume(ladder):
    refused = refusal(ladder, Wish(resume=True), None)
    assert refused.reference == "nothing-to-resume"
    assert refused.hint == f"ladder run {ladder.file}"


@pytest.mark.parametrize(
    ("wish", "builds"),
    [
        (Wish(), False),
        (Wish(("L03",)), True),
        (Wish(("L03",), with_needs=True), False),
        (Wish(resume=True), True),
    ],
)
def test_an_earlier_run_is_looked_for_only_where_it_is_of_use(wish, builds):
    assert wish.builds_on_earlier is builds
