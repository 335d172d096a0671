"""What the engine told of containers, and the proof that a job ran live."""

import pytest
from observed import MARK, check, container, seen, witnessed

from harness.judging.checks import evaluate
from harness.judging.liveness import LiveJob, ran_live
from harness.judging.observation import Witness
from harness.judging.results import Outcome
from harness.judging.verdict import Verdict

IMAGE = container().image
OTHER = "sha256:" + "00" * 32


def judged(witness, label="ladder.project=p", **options):
    return evaluate(check("container", {"label": label, **options}), seen(witness=witness))


def test_a_removed_container_still_counts():
    assert judged(witnessed(container()), count={"eq": 1}, running={"eq": 0}).outcome is Outcome.HELD


def test_only_containers_with_the_label_count():
    others = witnessed(container(labels={"ladder.project": "q"}), container(labels={"ladder.job": "p"}))
    assert judged(others, count={"eq": 0}).outcome is Outcome.HELD
    assert judged(others, label="ladder.job=p", count={"eq": 1}).outcome is Outcome.HELD


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"count": {"eq": 0}}, "container.count"),
        ({"count": {"gte": 3}}, "container.count"),
        ({"running": {"eq": 0}}, "container.running"),
        ({"exit_code": {"eq": 0}}, "container.exit_code"),
        ({"oom_killed": {"eq": False}}, "container.oom_killed"),
        ({"image": {"eq": IMAGE}}, "container.image"),
    ],
)
def test_each_fact_can_make_the_check_fail(options, path):
    crowd = witnessed(container(), container(running=True, exit_code=None, oom_killed=True, image=OTHER))
    found = judged(crowd, **options)
    assert (found.outcome, found.path) == (Outcome.MISSED, path)


@pytest.mark.parametrize(
    "options", [{"exit_code": {"eq": 0}}, {"image": {"eq": IMAGE}}, {"oom_killed": {"eq": False}}, {}]
)
def test_an_absent_container_never_passes_for_a_well_behaved_one(options):
    assert judged(witnessed(), **options).outcome is Outcome.MISSED


@pytest.mark.parametrize("options", [{"exit_code": {"eq": 0}}, {"image": {"eq": IMAGE}}, {"oom_killed": {"eq": False}}])
def test_nothing_can_be_said_of_the_containers_of_a_job_that_had_none_to_have(options):
    assert judged(witnessed(), count={"eq": 0}, **options).outcome is Outcome.MISSED


@pytest.mark.parametrize(
    "witness",
    [
        Witness(available=False),
        Witness(available=False, gap="ConnectionError"),
        witnessed(gap="the engine was started anew"),
        witnessed(container(), gap="the engine was started anew"),
    ],
)
@pytest.mark.parametrize("count", [{"eq": 0}, {"gte": 1}])
def test_a_blind_witness_decides_nothing(witness, count):
    assert judged(witness, count=count).outcome is Outcome.UNDECIDED


def test_a_label_that_the_witness_does_not_keep_cannot_be_counted():
    assert judged(witnessed(), label="com.example=p", count={"eq": 0}).outcome is Outcome.UNDECIDED


def test_an_image_that_nobody_saw_is_undecided_unless_another_one_is_wrong():
    unseen = container(image=None)
    assert judged(witnessed(unseen), image={"eq": IMAGE}).outcome is Outcome.UNDECIDED
    assert judged(witnessed(unseen, container(image=OTHER)), image={"eq": IMAGE}).outcome is Outcome.MISSED


DOC = {"timestamp": "1970-01-01T00:01:40.500000Z"}


def live(witness, *, job_id="j", image=IMAGE, doc=DOC):
    return ran_live(LiveJob(job_id, image, doc), witness, MARK)


def test_a_container_of_the_image_that_ran_for_the_job_proves_it_live():
    assert live(witnessed(container())).outcome is Outcome.HELD


def test_the_document_need_not_be_dated_and_the_image_need_not_be_known():
    assert live(witnessed(container()), image=None, doc={}).outcome is Outcome.HELD


@pytest.mark.parametrize(
    "fact",
    [
        {"labels": {"ladder.project": "p", "ladder.job": "another"}},
        {"image": OTHER},
        {"started_at": None, "ended_at": None, "exit_code": None},
        {"running": True, "ended_at": None, "exit_code": None},
        {"exit_code": 1},
        {"started_at": 102.0, "ended_at": 103.0},
        {"started_at": 99.0, "ended_at": 100.2},
    ],
)
def test_each_fact_can_disprove_it(fact):
    assert live(witnessed(container(**fact))).outcome is Outcome.MISSED


def test_no_container_at_all_disproves_it():
    assert live(witnessed()).outcome is Outcome.MISSED


@pytest.mark.parametrize(
    "witness", [Witness(available=False), witnessed(container(), gap="x"), witnessed(container(image=None))]
)
def test_what_could_not_be_seen_neither_proves_nor_disproves_it(witness):
    assert live(witness).outcome is Outcome.UNDECIDED


def test_the_last_container_of_a_job_that_was_launched_again_is_the_one_that_counts():
    first = container(id="first", exit_code=137, started_at=90.0, ended_at=95.0)
    assert live(witnessed(first, container())).outcome is Outcome.HELD


def test_a_timestamp_in_whole_seconds_lies_within_the_second_before_the_start():
    late = container(started_at=100.7, ended_at=101.4)
    assert live(witnessed(late), doc={"timestamp": "1970-01-01T00:01:40Z"}).outcome is Outcome.HELD


def test_an_unproven_live_job_is_no_pass():
    from harness.judging.checks import verdict_of

    assert verdict_of([live(witnessed())]) is Verdict.FAIL
    assert verdict_of([live(Witness(available=False))]) is Verdict.INCONCLUSIVE
