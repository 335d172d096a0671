"""A whole run: from what was asked for to sealed evidence and an exit code.

The order is fixed: plan, folder, self-check, stack, climb, rollback, end. What breaks on the way is part of the
evidence: a stack that does not start makes the first scenario an ERROR and blocks the others. A rollback is tried
whatever has happened before, and the exit code still tells the verdict of the ladder.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.errors import ExitCode, HarnessError
from harness.evidence.recording import Mode as Recorded
from harness.evidence.run_record import RunStatus
from harness.evidence.trial_summary import TrialsTold
from harness.judging.trials import aggregate
from harness.judging.trials import exit_code_of as exit_code_of_trials
from harness.judging.verdict import fold
from harness.language.model import Mode
from harness.redaction.redactor import Redactor
from harness.redaction.secret import Secret
from harness.runner import stand as stands
from harness.runner.book import RunBook
from harness.runner.climb import Part, PartCourse, add_remark, climb, climb_nothing
from harness.runner.first_record import first_record
from harness.runner.interrupts import HOW_TO_FORCE, AbandonedError, ForcedError, Interrupts
from harness.runner.origin import Origin
from harness.runner.planning import plan as make_plan
from harness.runner.run_end import exit_code_of
from harness.runner.self_check import self_check
from harness.runner.stand import Stand
from harness.runner.surroundings import Subject, Surroundings
from harness.runner.trials import Ground, Trials, policy_of
from harness.senses.address import Address
from harness.senses.client import Client
from harness.senses.witness import NoWitness

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from harness.config import Settings
    from harness.evidence.finishing import Finished
    from harness.evidence.journal import Clock, Lines
    from harness.evidence.run_record import RunRecord
    from harness.evidence.trial_records import TrialRecord
    from harness.judging.observation import Exchange
    from harness.runner.planning import Order, Plan
    from harness.runner.trials import Climbs
    from harness.senses.calls import Call
    from harness.senses.witness import Watch
    from harness.terminal.watching import Watcher


def _say_nothing(_line: str) -> None:
    """Nobody reads along."""


def _tell_nothing(_record: TrialRecord, _line: str) -> None:
    """Likewise."""


@dataclass(frozen=True, slots=True)
class World:
    """What a run uses from outside.

    Attributes:
        watcher: Made when the redactor is known, since everything it shows passes it.
        follower: Gets every line of the journal as well; ``None`` for nobody.
        interrupts: Takes the signals over while a run has a folder.
        say: Gets the run's id for standard output before anything else happens.
        tell: Gets each of several trials when it begins and when it has ended, and a line about its end.
    """

    settings: Settings
    watcher: Callable[[Redactor], Watcher]
    clock: Clock
    sleep: Callable[[float], None]
    random: Random
    follower: Lines | None = None
    interrupts: Interrupts = field(default_factory=Interrupts)
    say: Callable[[str], None] = _say_nothing
    tell: Callable[[TrialRecord, str], None] = _tell_nothing


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended.

    Attributes:
        finished: Its folder and the head to publish elsewhere.
        told: What several trials add up to besides the verdict.
    """

    record: RunRecord
    finished: Finished
    exit_code: ExitCode
    told: TrialsTold = field(default_factory=TrialsTold)


def execute(order: Order, world: World) -> Ended:
    """Carry out an order.

    Raises:
        HarnessError: Before the first request: an earlier run that cannot be built on (1), a wrong ladder or wish (2),
            a prerequisite (3). Later: evidence that cannot be written, or a fault of ours (3); at the end: a leak (5).
        AbandonedError: Ctrl-C came a second time (130); the folder stays partial.
    """
    plan = make_plan(order, world.settings)
    redactor = Redactor(plan.secrets)
    watcher = world.watcher(redactor)
    mode = Recorded(order.record.value)
    book = RunBook.open(order.out, redactor, world.clock, follower=world.follower, mode=mode)
    with world.interrupts.installed():
        try:
            record = first_record(order, plan, world.settings, book=book)
            with watcher.stage("checking that no secret can get out"):
                self_check(record)
            book.begin(record, plan.taken.records if plan.taken else ())
            book.keep_ladders([plan.climbed, *([plan.rollback] if plan.rollback else [])])
            world.say(f"run {record.run_id}")
            return _Run(world, plan, book, watcher=watcher).carry_out()
        except BaseException as error:  # noqa: BLE001  # a signal is none of the others' kind
            world.interrupts.hold()
            raise _ended_early(error, book) from None


def _ended_early(error: BaseException, book: RunBook) -> BaseException:
    """Leave the folder partial, and give what the command line is to tell."""
    if isinstance(error, HarnessError):
        book.abandon(f"This run ended before its time: [{error.reference}] {error.message}")
        return error
    if isinstance(error, (KeyboardInterrupt, ForcedError)):
        book.abandon("This run was interrupted twice: neither its cleanup nor its rollback is complete.")
        return AbandonedError("run-abandoned", f"interrupted twice: {book.staging.folder} stays partial", _ROLL_BACK)
    # Its text must pass the redactor before anybody sees it.
    told = book.redactor.text("".join(traceback.format_exception(error)))
    book.abandon(f"This run ended by a fault of the harness:\n{told}")
    return HarnessError("harness-fault", f"a fault of the harness ended the run:\n{told}", _REPORT)


_REPORT: Final = "report it with the text above; the evidence so far is in the .partial folder"
_ROLL_BACK: Final = "nothing was cleaned up; if the stack is yours it may still be live: make rollback"


class _Run:
    """One run on its way."""

    def __init__(self, world: World, plan: Plan, book: RunBook, *, watcher: Watcher) -> None:
        self._world, self._plan, self._book, self._watcher = world, plan, book, watcher

    def carry_out(self) -> Ended:
        """Climb, roll back, and close the book."""
        if self._plan.trials.is_several:
            return self._carry_out_trials()
        try:
            climbed = self._climb(self._plan.climbed)
        except Exception:
            # Evidence cannot be written, or a fault of ours: there is no book to prove a rollback in.
            self._switch_back()
            raise
        # One that came during the last cleanup must not end the rollback.
        climbed.is_interrupted |= self._world.interrupts.take()
        rolled = self._roll_back(self._plan.rollback, climbed) if self._plan.rollback else None
        return self._close(climbed, rolled)

    def _climb(self, part: Part, *before: PartCourse) -> PartCourse:
        # A trial has its ids, and its place in the record, before anything can fail.
        origin = self._origin()
        if not before:
            self._book.trials.begin(origin, is_one_of_several=False)
        stand = self._provide(part.ladder.mode)
        if not isinstance(stand, Stand):
            return self._end_unclimbed(part, stand, *before, origin=origin)
        if not before:
            self._note_stand(stand)
        return self._climb_at(stand, part, *before, origin=origin)

    def _provide(self, mode: Mode) -> Stand | HarnessError | None:
        """The stack that is ready, or why there is none: an error, or ``None`` for Ctrl-C."""
        interrupts = self._world.interrupts
        try:
            with interrupts.may_end(), interrupts.waiting():
                return stands.provide(self._world.settings, self._watcher, mode)
        except KeyboardInterrupt:
            self._watcher.note(HOW_TO_FORCE)
            return None
        except HarnessError as error:
            return error
        except Exception as error:  # noqa: BLE001  # a fault of ours must not keep the stack from being rolled back
            message = f"a fault of the harness: {type(error).__name__}: {error}"
            return HarnessError("harness-fault", message, _REPORT)

    def _note_stand(self, stand: Stand) -> None:
        self._book.note(
            base_url=stand.base_url,
            images=stand.images,
            engine=stand.engine,
            config_digest=stand.config_digest,
            settings={**self._book.record.settings, "stack": dict(stand.settings)},
        )

    def _carry_out_trials(self) -> Ended:
        stand = self._provide(self._plan.climbed.ladder.mode)
        if stand is None:
            raise _interrupted_before()
        if not isinstance(stand, Stand):
            raise stand
        if self._plan.taken:
            self._plan.taken.refuse_other_subject(stand)
        self._note_stand(stand)
        world = self._world
        ground = Ground(
            plan=self._plan,
            book=self._book,
            stand=stand,
            watch=lambda: stands.watch(stand, self._plan.witness, world.settings.environ),
            watcher=self._watcher,
            clock=world.clock,
            sleep=world.sleep,
            interrupts=world.interrupts,
            environ=world.settings.environ,
            token=self._token(),
            tell=world.tell,
        )
        return self._close_trials(Trials(ground).climb_all())

    def _close_trials(self, climbs: Climbs) -> Ended:
        self._world.interrupts.hold()
        policy = policy_of(self._plan)
        found = aggregate(climbs.verdicts, policy)
        is_interrupted = climbs.is_interrupted or self._world.interrupts.take()
        rules = (
            (any(end.secret_hits for end in climbs.ends), ExitCode.LEAK),
            (is_interrupted, ExitCode.INTERRUPTED),
        )
        code = next((code for applies, code in rules if applies), exit_code_of_trials(found, policy))
        facts = {
            "status": RunStatus.INTERRUPTED if is_interrupted else RunStatus.FINISHED,
            "verdict": found.verdict,
            "exit_code": int(code),
            "aggregation": found,
            "scenarios": tuple(each for end in climbs.ends for each in end.scenarios),
        }
        with self._watcher.stage("searching the evidence once more, and closing it"):
            finished = self._book.close(facts, self._plan.secrets, climbs.ends, signer=self._plan.signer)
        return Ended(self._book.record, finished, code, self._book.told)

    def _origin(self) -> Origin:
        return Origin.new(self._plan.trigger, self._book.redactor.text)

    def _climb_at(self, stand: Stand, part: Part, *before: PartCourse, origin: Origin) -> PartCourse:
        watch, is_needed = stands.watch(stand, self._plan.witness, self._world.settings.environ)
        try:
            with Client(Address.parse(stand.base_url), self._book.redactor, token=self._token()) as client:
                send = self._world.interrupts.waits(client.exchange)
                subject = Subject(send, stand.worker_image, stand.instance, stand.workspaces)
                around = self._surroundings(subject, watch, origin, is_witness_needed=is_needed)
                return climb(around, part, keep=lambda course: self._book.keep(course, *before))
        finally:
            watch.close()

    def _end_unclimbed(self, part: Part, error: HarnessError | None, *before: PartCourse, origin: Origin) -> PartCourse:
        watch = NoWitness("the stack did not start")
        around = self._surroundings(Subject(_never_sent), watch, origin, is_witness_needed=True)
        course = climb_nothing(around, part, error)
        self._book.keep(course, *before)
        return course

    def _surroundings(self, subject: Subject, watch: Watch, origin: Origin, *, is_witness_needed: bool) -> Surroundings:
        return Surroundings(
            subject=subject,
            records=self._book.records(self._plan.earlier),
            watch=watch,
            watcher=self._watcher,
            clock=self._world.clock,
            sleep=self._world.interrupts.waits(self._world.sleep),
            random=self._world.random,
            origin=origin,
            is_witness_needed=is_witness_needed,
            environ=self._world.settings.environ,
            interrupts=self._world.interrupts,
        )

    def _token(self) -> Secret | None:
        from harness.stack.secrets import read_secrets

        token = read_secrets(self._world.settings).bearer_token()
        return Secret(token) if token else None

    def _roll_back(self, part: Part, climbed: PartCourse) -> PartCourse:
        last = climbed.records[-1] if climbed.last is None else climbed.last[1].record
        trigger = "Ctrl-C" if climbed.is_interrupted else f"{last.id} {last.verdict}"
        add_remark(climbed, f"rollback: started after {trigger}; USE_DUMMY_WORKER=True, then {_ids(part)}")
        self._book.keep(climbed)
        self._watcher.note(f"rolling back to the mocked worker (after {trigger})")
        rolled = self._climb(part, climbed)
        verdict = rolled.verdict
        add_remark(climbed, f"rollback: {_ids(part)} ended {verdict}; evidence in {part.folder}/")
        return rolled

    def _switch_back(self) -> None:
        """Leave no live stack behind a run that cannot go on; this rollback proves nothing, and says so."""
        if self._plan.rollback is None:
            return
        self._watcher.note("the run cannot go on; rolling back to the mocked worker without a proof")
        try:
            stands.provide(self._world.settings, self._watcher, Mode.MOCKED)
        except HarnessError as error:
            self._watcher.note(f"the rollback failed, the stack may still be live: [{error.reference}] {error.message}")

    def _close(self, climbed: PartCourse, rolled: PartCourse | None) -> Ended:
        self._world.interrupts.hold()
        courses = [climbed, *([rolled] if rolled else [])]
        if rolled:
            self._book.keep(rolled, climbed)
        is_interrupted = any(each.is_interrupted for each in courses) or self._world.interrupts.take()
        code = exit_code_of(self._plan, climbed, rolled, is_interrupted=is_interrupted)
        facts = {
            "status": RunStatus.INTERRUPTED if is_interrupted else RunStatus.FINISHED,
            "verdict": fold(each.verdict for each in courses),
            "exit_code": int(code),
        }
        with self._watcher.stage("searching the evidence once more, and closing it"):
            finished = self._book.close(facts, self._plan.secrets, signer=self._plan.signer)
        return Ended(self._book.record, finished, code)


def _interrupted_before() -> HarnessError:
    message = "interrupted while the stack was starting; no trial was begun"
    return AbandonedError("run-abandoned", message, "run it again")


def _never_sent(_call: Call) -> Exchange:
    msg = "nothing is sent to a stack that did not start"
    raise ValueError(msg)


def _ids(part: Part) -> str:
    return ", ".join(each.id for each in part.scenarios)
