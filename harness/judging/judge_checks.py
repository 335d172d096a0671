"""The opinion of a model: what counts as a vote, what a vote's score is, and what the votes come to. Pure.

A reply either is exactly what was asked for or is no vote, so that nothing a model says in passing can count. More
than half of the votes that were *asked for* decide: in favour the check holds, against it is missed, and otherwise it
is undecided, because the votes that could not be had might have tipped it. Scores are compared as they are written,
not as binary fractions. The doubt: votes of one model are no independent witnesses, so a majority may err together.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NoReturn

from harness.judging.documents import view
from harness.judging.judge_prompts import REASONING, asked_key, looked_at
from harness.judging.results import Finding, Outcome, plain, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.judging.observation import Judgement, Observation, Vote
    from harness.language.model import Check

LONGEST_REPLY: Final = 50 * 1024
"""Characters; a longer reply is cut where it is stored, and is no vote."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """A reply that counts.

    Attributes:
        scores: Of every criterion, from 0 to 1.
    """

    scores: Mapping[str, float]
    reasoning: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What the votes came to.

    Attributes:
        asked: How many votes were wanted.
        scores: Of each of them; ``None`` of one that does not count.
        in_favour: How many reached the threshold.
        doubts: Why votes do not count.
    """

    asked: int
    scores: tuple[float | None, ...]
    in_favour: int
    doubts: tuple[str, ...]

    @property
    def against(self) -> int:
        """How many counted and stayed below the threshold."""
        return sum(score is not None for score in self.scores) - self.in_favour

    @property
    def outcome(self) -> Outcome:
        """Of the check."""
        if 2 * self.in_favour > self.asked:
            return Outcome.HELD
        return Outcome.MISSED if 2 * self.against > self.asked else Outcome.UNDECIDED


def opinion(check: Check, observation: Observation) -> Finding:
    """Judge a ``judge`` check by the replies that were stored; nobody is asked."""
    argument = check.argument
    path = f"judge {argument['of'].get('path', 'text')}"
    wanted = f"{argument['votes'] // 2 + 1} of {argument['votes']} votes with {argument['threshold']} or more"
    judgement = observation.judgements.get(asked_key(argument))
    # Of a body that was too long to be kept the replies are there all the same.
    if judgement is None and looked_at(argument["of"], view(observation.exchange, observation.doc)) is None:
        return Finding(Outcome.MISSED, path, wanted, "null")
    if judgement is None or judgement.error:
        return Finding(Outcome.UNDECIDED, path, wanted, judgement.error if judgement else "no model was asked")
    counted = tally(argument, judgement.votes)
    return Finding(counted.outcome, path, wanted, _told(counted))


def tally(argument: Mapping[str, Any], votes: Iterable[Vote]) -> Tally:
    """Count votes by the criteria, the threshold and the number of votes of a check.

    Args:
        argument: Of the check.
        votes: As stored. More than the check asks for are left aside, and a vote that is not there is one that could
            not be had.
    """
    asked, threshold = argument["votes"], _exact(argument["threshold"])
    weights = {each["name"]: _exact(each["weight"]) for each in argument["criteria"]}
    scores: list[Fraction | None] = []
    doubts: list[str] = []
    for number, vote in enumerate(list(votes)[:asked], start=1):
        found = ballot_of(vote, weights)
        scores.append(None if isinstance(found, str) else _mean(found, weights))
        doubts += [f"vote {number}: {found}"] if isinstance(found, str) else []
    missing = asked - len(scores)
    doubts += [f"{missing} not asked for any more"] if missing else []
    return Tally(
        asked=asked,
        scores=(*(None if score is None else float(score) for score in scores), *[None] * missing),
        in_favour=sum(score is not None and score >= threshold for score in scores),
        doubts=tuple(doubts),
    )


def ballot_of(vote: Vote, names: Iterable[str]) -> Ballot | str:
    """The scores of a vote, or why it does not count."""
    if vote.error:
        return vote.error
    if vote.cut_from is not None:
        return f"the reply is longer than {LONGEST_REPLY} characters"
    return ballot_in(vote.reply, names)


def ballot_in(reply: str, names: Iterable[str]) -> Ballot | str:
    """The scores in a reply, or why it does not count.

    It counts when it is one JSON object, without a repeated key, with a number from 0 to 1 for every criterion, perhaps
    a text as ``reasoning``, and nothing else.
    """
    wanted = list(names)
    try:
        value = json.loads(reply, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        return plain(f"the reply is no JSON object as asked for: {error}")
    if not isinstance(value, dict):
        return "the reply is no JSON object"
    if faults := [f"{name!r} is {_shown(value, name)}" for name in wanted if not _is_score(value.get(name))]:
        return plain(f"{faults[0]}, not a number from 0 to 1")
    if others := value.keys() - {*wanted, REASONING}:
        return plain(f"the reply says more than was asked for: {', '.join(sorted(others))}")
    reasoning = value.get(REASONING, "")
    if not isinstance(reasoning, str):
        return f"{REASONING!r} is no text"
    return Ballot({name: value[name] for name in wanted}, reasoning)


def _is_score(value: object) -> bool:
    # NaN is between no two numbers, and True is an int to Python.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _shown(value: Mapping[str, Any], name: str) -> str:
    return show(value[name]) if name in value else "missing"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        msg = "a key is there twice"
        raise ValueError(msg)
    return found


def _refuse(word: str) -> NoReturn:
    msg = f"{word} is no JSON"
    raise ValueError(msg)


def _exact(number: float) -> Fraction:
    """A number as it is written: 0.7, and not the binary fraction next to it."""
    return Fraction(str(number))


def _mean(ballot: Ballot, weights: Mapping[str, Fraction]) -> Fraction:
    total = sum(weights.values())
    return sum((weights[name] * _exact(score) for name, score in ballot.scores.items()), Fraction()) / total


def _told(counted: Tally) -> str:
    scores = ", ".join("-" if score is None else f"{score:.3g}" for score in counted.scores)
    doubts = "".join(f"; {doubt}" for doubt in counted.doubts)
    return plain(f"{counted.in_favour} in favour, {counted.against} against ({scores}){doubts}")


def spent(judgement: Judgement) -> str:
    """What the votes cost, in one line; it is nothing that the subject spent."""
    votes = judgement.votes
    told = [(vote.prompt_tokens, vote.completion_tokens) for vote in votes]
    tokens = (
        f"{_sum(prompt for prompt, _ in told)} tokens asked and {_sum(reply for _, reply in told)} answered"
        if any(number is not None for pair in told for number in pair)
        else "tokens not told"
    )
    models = ", ".join(sorted({vote.model for vote in votes if vote.model})) or judgement.model
    return plain(f"{len(votes)} votes of {models}: {tokens}, {sum(vote.duration_s for vote in votes):.1f} s")


def _sum(numbers: Iterable[int | None]) -> int:
    return sum(number or 0 for number in numbers)
