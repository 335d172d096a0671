"""Votes of a model: what counts as one, what it scores, and what more than half of them means."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import JSON, answer, opinion, seen

from harness.judging.checks import evaluate
from harness.judging.judge_checks import LONGEST_REPLY, Ballot, ballot_in, spent, tally
from harness.judging.judge_prompts import asked_key
from harness.judging.observation import Judgement, Vote
from harness.judging.results import Outcome
from harness.language.model import Severity

NAMES = ("correct", "short")


def reply(**keys):
    return json.dumps(keys)


def voted(*replies):
    """Votes with these replies; a number is a score of the one criterion, and ``None`` a vote that failed."""
    made = [reply(rubric=each, reasoning="so") if isinstance(each, int | float) else each for each in replies]
    return tuple(Vote("f", "d", error="429") if each is None else Vote("f", "d", each) for each in made)


def judged(*replies, doc="text", check=None):
    check = check or opinion()
    judgements = {asked_key(check.argument): Judgement("m", voted(*replies))}
    return evaluate(check, seen(doc, judgements=judgements))


@pytest.mark.parametrize(
    "said",
    [
        '{"correct": 1, "short": 0.5, "reasoning": "fine"}',
        ' \n{"short": 0.0, "correct": 1e-3}\t\n',
        '{"correct": -0.0, "short": 1.0, "reasoning": ""}',
    ],
)
def test_a_reply_with_a_number_for_every_criterion_counts(said):
    found = ballot_in(said, NAMES)
    assert isinstance(found, Ballot)
    assert set(found.scores) == set(NAMES)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"correct": 95, "short": 1}', "'correct' is 95"),
        ('{"correct": 1e999, "short": 1}', "'correct' is Infinity"),
        ('{"correct": -1e999, "short": 1}', "'correct' is -Infinity"),
        ('{"correct": NaN, "short": 1}', "NaN is no JSON"),
        ('{"correct": Infinity, "short": 1}', "Infinity is no JSON"),
        ('{"correct": "high", "short": 1}', "'correct' is \"high\""),
        ('{"correct": "0.9", "short": 1}', "'correct' is \"0.9\""),
        ('{"correct": true, "short": 1}', "'correct' is true"),
        ('{"correct": null, "short": 1}', "'correct' is null"),
        ('{"correct": [1], "short": 1}', "'correct' is [1]"),
        ('{"correct": 1.0000000000000002, "short": 1}', "not a number from 0 to 1"),
        ('{"correct": -1e-9, "short": 1}', "not a number from 0 to 1"),
        ('{"correct": 1}', "'short' is missing"),
        ('{"Correct": 1, "short": 1}', "'correct' is missing"),
        ("{}", "'correct' is missing"),
        ('{"correct": 0, "short": 1, "correct": 1}', "a key is there twice"),
        ('{"correct": 1, "short": 1, "reasoning": {"a": 1, "a": 2}}', "a key is there twice"),
        ('{"correct": 1, "short": 1, "overall": 1}', "more than was asked for: overall"),
        ('{"correct": 1, "short": 1, "reasoning": ["a"]}', "'reasoning' is no text"),
        ('Sure! {"correct": 1, "short": 1}', "no JSON"),
        ('{"correct": 1, "short": 1} I hope this helps.', "no JSON"),
        ('```json\n{"correct": 1, "short": 1}\n```', "no JSON"),
        ('{"correct": 1, "short": 1}{"correct": 1, "short": 1}', "no JSON"),
        ('[{"correct": 1, "short": 1}]', "no JSON object"),
        ('{"correct": 1, "short": 1', "no JSON"),
        ("\ufeff" + '{"correct": 1, "short": 1}', "no JSON"),
        ("", "no JSON"),
        ("null", "no JSON object"),
        ("1", "no JSON object"),
        ("[" * 100_000, "no JSON"),
        ('{"correct": ' + "9" * 5000 + ', "short": 1}', "no JSON"),
        ('{"correct": ' + "9" * 4000 + ', "short": 1}', "a number of many digits"),
    ],
)
def test_any_other_reply_is_no_vote_and_says_why(said, why):
    found = ballot_in(said, NAMES)
    assert isinstance(found, str)
    assert why in found


@given(st.text() | JSON.map(json.dumps) | st.dictionaries(st.sampled_from([*NAMES, "reasoning"]), JSON).map(json.dumps))
def test_whatever_is_said_only_scores_from_0_to_1_ever_count(said):
    found = ballot_in(said, NAMES)
    if isinstance(found, Ballot):
        assert all(type(score) in {int, float} and 0 <= score <= 1 for score in found.scores.values())
    else:
        assert found.isprintable()


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        ((0.9, 0.8, 0.7), Outcome.HELD),
        ((0.9, 0.8, 0.0), Outcome.HELD),
        ((0.9, 0.8, None), Outcome.HELD),
        ((0.1, 0.2, None), Outcome.MISSED),
        ((0.1, 0.2, 0.9), Outcome.MISSED),
        # One good vote of three does not pass, and what was never heard is held against nobody.
        ((0.9, None, None), Outcome.UNDECIDED),
        ((0.9, "high", '{"rubric": NaN}'), Outcome.UNDECIDED),
        ((0.1, None, None), Outcome.UNDECIDED),
        ((0.9, 0.1, None), Outcome.UNDECIDED),
        ((None, None, None), Outcome.UNDECIDED),
        ((), Outcome.UNDECIDED),
        ((0.9,), Outcome.UNDECIDED),
        ((0.9, 0.9), Outcome.HELD),
    ],
)
def test_more_than_half_of_the_votes_asked_for_decide(replies, outcome):
    assert judged(*replies).outcome is outcome


def test_a_mean_never_rescues_a_missed_majority():
    """The mean of these scores is 0.7 and more; two of three are against."""
    found = judged(1, 0.69, 0.69)
    assert found.outcome is Outcome.MISSED
    assert found.got == "1 in favour, 2 against (1, 0.69, 0.69)"


def test_a_mean_never_sinks_a_majority():
    assert judged(0.7, 0.7, 0).outcome is Outcome.HELD


def test_votes_beyond_those_asked_for_do_not_count():
    assert judged(0.1, 0.1, 0.9, 0.9, 0.9).outcome is Outcome.MISSED


@given(st.lists(st.sampled_from([0.9, 0.1, None]), max_size=9), st.sampled_from([1, 3, 5, 7, 9]))
def test_no_vote_that_could_not_be_had_would_have_changed_what_was_decided(replies, asked):
    argument = opinion(votes=asked).argument
    found = tally(argument, voted(*replies)).outcome
    for instead in (0.9, 0.1):
        filled = [instead if each is None else each for each in replies] + [instead] * asked
        other = tally(argument, voted(*filled[:asked])).outcome
        assert found in {other, Outcome.UNDECIDED}


def weighted(**weights):
    return [{"name": name, "weight": weight, "text": "x"} for name, weight in weights.items()]


@pytest.mark.parametrize(
    ("weights", "scores", "threshold", "holds"),
    [
        ({"a": 2, "b": 1}, {"a": 1, "b": 0.1}, 0.7, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 0.1}, 0.7, False),
        ({"a": 3, "b": 0.5}, {"a": 0.7, "b": 0.7}, 0.7, True),
        ({"a": 0.1, "b": 0.2}, {"a": 0.3, "b": 0.3}, 0.3, True),
        ({"a": 1, "b": 1, "c": 1}, {"a": 0.1, "b": 0.2, "c": 0.6}, 0.3, True),
        ({"a": 1, "b": 1, "c": 1}, {"a": 0, "b": 0, "c": 0.3}, 0.1, True),
        ({"a": 1}, {"a": 0.6999999999999999}, 0.7, False),
        ({"a": 1}, {"a": 0}, 0, True),
        ({"a": 1000, "b": 1e-9}, {"a": 1, "b": 0}, 1, False),
    ],
)
def test_a_vote_is_in_favour_when_its_weighted_mean_reaches_the_threshold_as_written(weights, scores, threshold, holds):
    check = opinion(criteria=weighted(**weights), threshold=threshold, votes=1)
    assert (judged(reply(**scores), check=check).outcome is Outcome.HELD) is holds


def test_stored_replies_are_counted_anew_under_other_weights_and_thresholds():
    """What identifies a judgement is what was asked, not what is made of the answers."""
    asked = opinion(criteria=weighted(a=1, b=1), threshold=0.5)
    judgements = {asked_key(asked.argument): Judgement("m", voted(*[reply(a=1, b=0)] * 3))}
    later = opinion(criteria=weighted(a=1, b=9), threshold=0.5)
    assert evaluate(asked, seen("x", judgements=judgements)).outcome is Outcome.HELD
    assert evaluate(later, seen("x", judgements=judgements)).outcome is Outcome.MISSED


@pytest.mark.parametrize(
    "other",
    [
        {"rubric": "Other."},
        {"of": {"path": "doc.a"}},
        {"of": {"value": "doc"}},
        {"tools": {"path": "doc"}},
        {"context": "scenario"},
        {"model": "m2"},
        {"criteria": [{"name": "rubric", "weight": 1, "text": "Otherwise."}]},
    ],
)
def test_another_question_has_no_use_for_the_replies(other):
    judgements = {asked_key(opinion().argument): Judgement("m", voted(1, 1, 1))}
    found = evaluate(opinion(**other), seen({"a": "x"}, judgements=judgements))
    assert (found.outcome, found.got) == (Outcome.UNDECIDED, "no model was asked")


def test_a_longer_reply_than_is_kept_is_no_vote():
    whole = voted(1, 1, 1)
    cut = tuple(replace(vote, cut_from=LONGEST_REPLY + 1) for vote in whole)
    assert tally(opinion().argument, whole).outcome is Outcome.HELD
    assert tally(opinion().argument, cut).outcome is Outcome.UNDECIDED


def test_the_result_says_what_was_wanted_and_why_votes_do_not_count():
    found = judged(0.9, "high", None)
    assert found.path == "judge doc"
    assert found.wanted == "2 of 3 votes with 0.7 or more"
    assert found.got.startswith("1 in favour, 0 against (0.9, -, -); vote 2: the reply is no JSON")
    assert found.got.isprintable()


def test_votes_that_were_not_asked_for_any_more_are_told():
    assert "2 not asked for any more" in judged(None).got


def test_why_nobody_was_asked_is_told():
    check = opinion()
    judgements = {asked_key(check.argument): Judgement(error="no judge model is set")}
    found = evaluate(check, seen("x", judgements=judgements))
    assert (found.outcome, found.got) == (Outcome.UNDECIDED, "no judge model is set")


def test_what_is_not_there_is_missed_like_every_null():
    found = evaluate(opinion(of={"path": "doc.nowhere"}), seen({"a": 1}))
    assert (found.outcome, found.got) == (Outcome.MISSED, "null")


def test_the_replies_count_where_the_body_was_too_long_to_be_kept():
    assert judged(1, 1, 1, doc=None).outcome is Outcome.HELD


def test_an_opinion_is_undecided_without_any_answer():
    silent = seen(None, exchange=answer(status=None, error="ConnectError"))
    assert evaluate(opinion(of={"value": "text"}), silent).outcome is Outcome.UNDECIDED


def test_severity_is_the_checks_own():
    assert judged(0, 0, 0, check=opinion(severity=Severity.INFO)).severity is Severity.INFO


def test_what_was_spent_is_told_apart():
    votes = [Vote("f", "d", model="m-1", prompt_tokens=100, completion_tokens=7, duration_s=1.25)] * 2
    votes.append(Vote("f", "d", error="429", duration_s=0.5))
    assert spent(Judgement("m", tuple(votes))) == "3 votes of m-1: 200 tokens asked and 14 answered, 3.0 s"
    assert spent(Judgement("m", (Vote("f", "d"),))) == "1 votes of m: tokens not told, 0.0 s"
