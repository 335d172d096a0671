"""The checks of one step judged once more, each beside what was stored. Pure.

A check of the ladder is judged on the stored observation. What follows from more than that, such as the check that
every scenario has on secrets, or the container that did a job, is made again where the record holds all it takes, and
otherwise taken as stored, which is said. What was taken out of the record is not judged: ``why`` says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from harness.judging.checks import CHECK_ERROR, evaluate, implied, result_of
from harness.judging.documents import view
from harness.judging.judge_prompts import Question, asked_key, question_of
from harness.judging.liveness import LiveJob, ran_live
from harness.judging.needs import Needs, lacks, needs_of
from harness.judging.observation import Judgement
from harness.judging.results import CheckResult, Finding, Outcome, plain
from harness.language.model import CheckKind, Severity
from harness.language.variables import Scope, UnknownVariableError, fill_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.judging.observation import Observation
    from harness.language.model import Check, Step
    from harness.replaying.played import PlayedStep

IMPLIED: Final = "implied"
LIVE: Final = "implied: a container did the work"
CAPTURE: Final = "capture "


class Source(StrEnum):
    """Where an outcome comes from."""

    RECOMPUTED = "recomputed"
    STORED = "stored"
    """It follows from more than was stored, so that it is what the run itself came to."""
    SKIPPED = "skipped"
    """It cannot be judged: what it looks at was not kept."""
    GONE = "gone"
    """The ladder does not ask for it any more."""


@dataclass(frozen=True, slots=True)
class Again:
    """One check, before and now.

    Attributes:
        old: As stored; ``None`` when it was not asked for at the run.
        new: As judged now; ``None`` when it was skipped, or is not asked for any more.
        severity: Of the check as it is asked for now.
    """

    old: CheckResult | None
    new: CheckResult | None
    source: Source
    severity: Severity
    why: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether another outcome was made than was stored, or one is there that was not."""
        if self.source is not Source.RECOMPUTED or self.new is None:
            return False
        return (
            self.old is None or self.old.outcome is not self.new.outcome or self.old.severity is not self.new.severity
        )


Ask = Callable[[Mapping[str, Any], Question], Judgement]
"""Asks the question of a ``judge`` check, whose argument goes along for votes and model."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What checks of a run are judged under, besides the observations.

    Attributes:
        keeps_contents: Whether the run kept contents (``full``), or the skeleton only.
        worker_image: Id of the image that workers must have; ``None`` when nobody knew.
        has_own_stack: Whether the harness had started the stack.
        witness: What was asked about the second witness: ``auto``, ``required`` or ``off``.
        skips: Whether a check that lacks contents is skipped and counted; if not, it is taken as stored.
        schemas: JSON Schemas of another ladder, by name; ``None`` for those that were stored.
        judges_errors: Whether what ended as ERROR is judged by its checks.
        ask: Asks a model anew; ``None`` where its stored votes are counted.
    """

    keeps_contents: bool = True
    worker_image: str | None = None
    has_own_stack: bool = True
    witness: str = "auto"
    skips: bool = False
    schemas: Mapping[str, Any] | None = None
    judges_errors: bool = False
    ask: Ask | None = None

    def needs_witness(self, observation: Observation) -> bool:
        """Whether a check that the engine alone can answer leaves the verdict open when no engine was asked."""
        if self.witness == "off":
            return False
        return self.witness == "required" or self.has_own_stack or observation.witness.available


def judge_again(
    played: PlayedStep, step: Step, scope: Scope, *, conditions: Conditions, task: str = ""
) -> tuple[Again, ...]:
    """Judge the checks of a step that was answered.

    Args:
        played: As it was climbed; it was observed.
        step: What the ladder asks for.
        scope: Where the variables of its checks are looked up.
        conditions: Of the run.
        task: The scenario's text, for a model that is asked anew.
    """
    made = list(_made(played, step, scope, conditions=(conditions, task)))
    stored = _Stored(played.results)
    found = [_beside(each, stored, softens=_Softener(played, step, conditions)) for each in made]
    return (*found, *(_left(each) for each in stored.rest()))


@dataclass(frozen=True, slots=True)
class _Made:
    """A result of now, or why there is none."""

    text: str
    severity: Severity
    result: CheckResult | None
    check: Check | None = None
    why: str = ""
    is_stored: bool = False


def _made(played: PlayedStep, step: Step, scope: Scope, *, conditions: tuple[Conditions, str]) -> Iterator[_Made]:
    if played.seen is None:
        return
    run, task = conditions
    observation = played.seen.observation
    if run.schemas is not None:
        observation = replace(observation, schemas=run.schemas)
    for result in implied(observation.exchange, step.expect, step.mark):
        yield _Made(result.text, result.severity, result)
    for check in step.expect:
        yield _judged(check, scope, observation, under=_Under(run, task, played.seen.is_whole))
    yield from _live(played, step, scope, conditions=run)


@dataclass(frozen=True, slots=True)
class _Under:
    """What the checks of a step are judged under.

    Attributes:
        is_whole: Whether the body was kept whole.
    """

    run: Conditions
    task: str
    is_whole: bool


def _judged(check: Check, scope: Scope, observation: Observation, *, under: _Under) -> _Made:
    run = under.run
    try:
        filled = fill_check(check, scope)
        if why := _lacking(filled, observation, keeps_contents=run.keeps_contents, is_whole=under.is_whole):
            return _without(check, why, skips=run.skips and not run.keeps_contents)
        asked = {} if run.ask is None else dict(_asked(filled, observation, run.ask, task=under.task))
        seen = replace(observation, judgements={**observation.judgements, **asked}) if asked else observation
        return _Made(check.text, check.severity, evaluate(filled, seen), check)
    except UnknownVariableError as error:
        found = Finding(Outcome.UNDECIDED, check.kind, got=plain(f"this cannot be judged: {error}"))
    except Exception as error:  # noqa: BLE001  # a check that breaks is never blamed on the subject, nor ends the others
        found = Finding(Outcome.UNDECIDED, check.kind, got=plain(f"{CHECK_ERROR}: {type(error).__name__}: {error}"))
    return _Made(check.text, check.severity, result_of(check, found), check)


def _asked(check: Check, observation: Observation, ask: Ask, *, task: str) -> Iterator[tuple[str, Judgement]]:
    """What a model says now to every question of a check."""
    for child in check.children:
        yield from _asked(child, observation, ask, task=task)
    if check.kind is CheckKind.JUDGE:
        document = view(observation.exchange, observation.doc)
        if question := question_of(check.argument, document, task=task):
            yield asked_key(check.argument), ask(check.argument, question)


def _lacking(check: Check, observation: Observation, *, keeps_contents: bool, is_whole: bool) -> str:
    """Why a check cannot be judged on what was kept; empty when it can."""
    if keeps_contents and is_whole:
        return ""
    is_content = needs_of(check) is Needs.CONTENT
    if not keeps_contents and (is_content or lacks(check, observation)):
        return "contents were not kept"
    # Of a body that was cut neither its document nor anything in it is there.
    is_cut = not is_whole and _reads_the_body(check)
    return "the body was too long to be kept whole" if is_cut else ""


def _reads_the_body(check: Check) -> bool:
    if check.kind in {CheckKind.ANY_OF, CheckKind.ALL_OF, CheckKind.NOT}:
        return any(map(_reads_the_body, check.children))
    return check.kind in {CheckKind.PATH, CheckKind.SCHEMA}


def _without(check: Check, why: str, *, skips: bool) -> _Made:
    return _Made(check.text, check.severity, None, check, why, is_stored=not skips)


def _live(played: PlayedStep, step: Step, scope: Scope, *, conditions: Conditions) -> Iterator[_Made]:
    """The proof that a container did the work, where the run has asked for it."""
    fresh = step.poll.fresh_after if step.poll else None
    if played.seen is None or fresh is None or not any(each.text == LIVE for each in played.results):
        return
    observation = played.seen.observation
    try:
        job = LiveJob(str(scope.fill(fresh.job_id)), conditions.worker_image, observation.doc)
    except UnknownVariableError:
        return
    result = ran_live(job, observation.witness, step.mark)
    yield _Made(result.text, result.severity, result)


@dataclass(slots=True)
class _Stored:
    """Stored results by their text, each handed out once."""

    results: Iterable[CheckResult]
    _by_text: dict[str, list[CheckResult]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for each in self.results:
            self._by_text[each.text].append(each)

    def take(self, text: str) -> CheckResult | None:
        """The next one of a text."""
        found = self._by_text.get(text)
        return found.pop(0) if found else None

    def rest(self) -> Iterator[CheckResult]:
        """Those that nobody took."""
        for each in self._by_text.values():
            yield from each


def _beside(made: _Made, stored: _Stored, *, softens: _Softener) -> Again:
    old = stored.take(made.text)
    if made.result is not None:
        return Again(old, softens.soften(made.result, made.check, old), Source.RECOMPUTED, made.severity)
    if made.is_stored and old is not None:
        return Again(old, old, Source.STORED, made.severity, made.why)
    if made.is_stored and made.check is not None:
        undecided = result_of(made.check, Finding(Outcome.UNDECIDED, made.check.kind, got=made.why))
        return Again(None, undecided, Source.RECOMPUTED, made.severity)
    return Again(old, None, Source.SKIPPED, made.severity, made.why)


def _left(old: CheckResult) -> Again:
    """A stored result that nothing of now answers to: implied ones and captures hold, the others are asked no more."""
    if old.text.startswith((IMPLIED, CAPTURE)):
        return Again(old, old, Source.STORED, old.severity, "it follows from more than the step's observation")
    return Again(old, None, Source.GONE, old.severity, "the ladder does not ask for it")


@dataclass(frozen=True, slots=True)
class _Softener:
    """A miss is a limitation where the judge, not the subject, was the reason, as it was at the run."""

    played: PlayedStep
    step: Step
    conditions: Conditions

    def soften(self, result: CheckResult, check: Check | None, old: CheckResult | None) -> CheckResult:
        """The result with the severity that the run would have given it."""
        if result.outcome is Outcome.HELD or result.severity is not Severity.FAIL or self.played.seen is None:
            return result
        asks_engine = check is None or _asks_the_engine(check)
        is_blind = asks_engine and result.outcome is Outcome.UNDECIDED
        is_blind = is_blind and not self.conditions.needs_witness(self.played.seen.observation)
        is_same = old is not None and old.outcome is not Outcome.HELD and old.severity is Severity.LIMITATION
        was_hindered = is_same and self.step.given is not None
        return replace(result, severity=Severity.LIMITATION) if is_blind or was_hindered else result


def _asks_the_engine(check: Check) -> bool:
    return check.kind in {CheckKind.CONTAINER, CheckKind.PRINTS} or any(map(_asks_the_engine, check.children))
