"""Several trials of one ladder on one stack, a few at a time: each with fresh projects, a folder and a log of its own.

Trials share the stack and nothing else: not a connection, not a witness, not what was captured. A trial that breaks
keeps all that it has recorded. Only the main thread gets signals; it tells the trials on other threads to end, and
breaks off what they wait for. The doubts: trials at the same time compete for one machine, so their times are longer;
and the witness of each sees the containers of all of them, so that checks go by the labels of its own jobs.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Final

from harness.evidence.events import RunStarted
from harness.evidence.journal import Journal
from harness.evidence.printable import one_line, shortened
from harness.evidence.recording import Recording
from harness.evidence.trial_records import INTERRUPTED
from harness.ids import new_id
from harness.judging.trials import Policy, is_out_of_reach
from harness.judging.verdict import Verdict
from harness.redaction.redactor import Redactor
from harness.runner.case_files import write_climbs
from harness.runner.climb import climb
from harness.runner.crew import Crew
from harness.runner.interrupts import HOW_TO_FORCE, Interrupts, OnThread
from harness.runner.origin import Origin
from harness.runner.surroundings import Records, Subject, Surroundings
from harness.senses.address import Address
from harness.senses.client import Client
from harness.terminal.watching import SilentWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.evidence.journal import Clock
    from harness.evidence.run_record import ClimbRecord, ScenarioRecord
    from harness.evidence.trial_records import TrialRecord
    from harness.redaction.secret import Secret
    from harness.runner.book import RunBook
    from harness.runner.climb import PartCourse
    from harness.runner.planning import Plan
    from harness.runner.stand import Stand
    from harness.senses.witness import Watch
    from harness.terminal.watching import Watcher

LONGEST_ERROR: Final = 300
"""Characters of why a trial broke; its scenario's notes have all of it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all trials of a run have in common.

    Attributes:
        watch: Opens a witness for one trial; says as well whether verdicts need it.
        token: For the backend; ``None`` where it asks for none.
        sleep: Takes seconds.
        tell: Gets each trial that begins or has ended, and a line about it; called from several threads.
    """

    plan: Plan
    book: RunBook
    stand: Stand
    watch: Callable[[], tuple[Watch, bool]]
    watcher: Watcher
    clock: Clock
    sleep: Callable[[float], None]
    interrupts: Interrupts
    environ: Mapping[str, str]
    token: Secret | None
    tell: Callable[[TrialRecord, str], None]


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """A trial that has ended.

    Attributes:
        scenarios: As they ended, blocked ones included.
        secret_hits: How often a secret was taken out of what it observed.
        hits: What its redactor has replaced, by source and class.
        climbs: What its log tells.
    """

    record: TrialRecord
    verdict: Verdict
    scenarios: tuple[ScenarioRecord, ...] = ()
    secret_hits: int = 0
    is_interrupted: bool = False
    hits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    climbs: tuple[ClimbRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Climbs:
    """What has become of all trials.

    Attributes:
        ends: Of those that were begun here, in the order of their starts.
        verdicts: Of all that have an end, those that were taken over included.
        is_interrupted: Whether Ctrl-C ended them.
    """

    ends: tuple[TrialEnd, ...]
    verdicts: tuple[Verdict, ...]
    is_interrupted: bool


class Trials:
    """The trials of one run on their way."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._wanted = ground, ground.plan.trials
        self._policy = policy_of(ground.plan)
        self._ended: list[TrialEnd] = []
        self._verdicts: list[Verdict] = []
        self._is_interrupted = False
        self._crew: Crew[TrialEnd] = Crew()
        self._starting = threading.Lock()
        self._latest_ms = 0

    def climb_all(self) -> Climbs:
        """Take over what was climbed before, and climb the others.

        Raises:
            ForcedError: Ctrl-C came a second time.
            PrerequisiteError: ``evidence-unwritable``.
        """
        wanted = self._wanted
        text = f"{wanted.count} trials of {self._ground.plan.climbed.ladder.name}, {wanted.concurrency} at a time"
        with self._ground.watcher.stage(text):
            for record in self._ground.book.trials.records:
                self._note(record, Verdict(record.status), f", of run {record.run_id}")
            if wanted.concurrency == 1:
                self._one_by_one()
            else:
                with self._crew.at_work():
                    self._side_by_side()
        ends = sorted(self._ended, key=lambda end: end.record.trial_index)
        return Climbs(tuple(ends), tuple(self._verdicts), self._is_interrupted)

    @property
    def _left(self) -> int:
        return self._wanted.count - len(self._verdicts) - len(self._crew)

    def _one_by_one(self) -> None:
        interrupts = self._ground.interrupts
        while self._left > 0 and not self._is_over():
            self._take(self._climb(interrupts, interrupts.waits(self._ground.sleep)))

    def _side_by_side(self) -> None:
        while True:
            while self._left > 0 and len(self._crew) < self._wanted.concurrency and not self._is_over():
                self._crew.start(self._climb_on_thread, name="trial")
                self._show()
            if not self._crew:
                return
            for end in self._wait():
                self._take(end)

    def _wait(self) -> list[TrialEnd]:
        interrupts = self._ground.interrupts
        try:
            with interrupts.may_end(), interrupts.waiting():
                return self._crew.wait()
        except KeyboardInterrupt:
            self._is_interrupted = True
            self._ground.watcher.note(HOW_TO_FORCE)
            return self._crew.end()

    def _climb_on_thread(self, interrupts: OnThread) -> TrialEnd:
        return self._climb(interrupts, interrupts.waits(interrupts.sleep))

    def _is_over(self) -> bool:
        # One that came between two trials keeps the next from beginning.
        self._is_interrupted |= self._ground.interrupts.take()
        if self._is_interrupted:
            return True
        return self._wanted.ends_early and is_out_of_reach(self._verdicts, self._wanted.count, self._policy)

    def _take(self, end: TrialEnd) -> None:
        self._ended.append(end)
        self._is_interrupted |= end.is_interrupted
        self._note(end.record, None if end.record.status == INTERRUPTED else end.verdict)

    def _note(self, record: TrialRecord, verdict: Verdict | None, origin: str = "") -> None:
        """Count a trial in that has ended; one that was interrupted has no verdict."""
        if verdict is not None:
            self._verdicts.append(verdict)
        state = f"{self._green}/{len(self._verdicts)} green"
        line = (
            f"trial {record.trial_index} {record.status} {record.trace_id} ({record.duration_s:.1f} s{origin}; {state})"
        )
        self._ground.tell(record, line)
        self._show()

    @property
    def _green(self) -> int:
        return sum(map(self._policy.is_green, self._verdicts))

    def _show(self) -> None:
        ended, running = f"{len(self._verdicts)} of {self._wanted.count} have ended", len(self._crew)
        self._ground.watcher.detail(f"{ended}, {f'{running} running, ' if running else ''}{self._green} green")

    def _climb(self, interrupts: Interrupts, sleep: Callable[[float], None]) -> TrialEnd:
        ground = self._ground
        redactor = Redactor(ground.plan.secrets)
        origin, record = self._begin(redactor)
        part = replace(ground.plan.climbed, folder=f"{record.folder}/{ground.plan.climbed.folder}")
        with self._around(record, redactor, origin, controls=(interrupts, sleep)) as around:
            course = climb(around, part, keep=_keep_nothing)
        climbs = write_climbs(ground.book.staging, record.log, redactor)
        return replace(self._end(record, course, redactor), climbs=climbs)

    def _begin(self, redactor: Redactor) -> tuple[Origin, TrialRecord]:
        """Enter a new trial; ids sort by start, also within a millisecond, and when the clock was set back."""
        with self._starting:
            self._latest_ms = max(time.time_ns() // 1_000_000, self._latest_ms + 1)
            trace_id = new_id(now_ms=lambda: self._latest_ms)
            origin = replace(Origin.new(self._ground.plan.trigger, redactor.text), trace_id=trace_id)
            record = self._ground.book.trials.begin(origin, is_one_of_several=True)
        self._ground.tell(record, "")
        return origin, record

    def _end(self, record: TrialRecord, course: PartCourse, redactor: Redactor) -> TrialEnd:
        # What was found missing before Ctrl-C came stays found.
        is_open = course.is_interrupted and course.verdict is not Verdict.FAIL
        status = INTERRUPTED if is_open else course.verdict.value
        broken = next((each.reason for each in course.records if each.verdict is Verdict.ERROR), None)
        error = shortened(one_line(broken), LONGEST_ERROR) if broken else None
        ended = self._ground.book.trials.end(record.trial_index, status, error=error)
        return TrialEnd(
            ended, course.verdict, tuple(course.records), course.secret_hits, course.is_interrupted, redactor.hits()
        )

    @contextmanager
    def _around(
        self,
        record: TrialRecord,
        redactor: Redactor,
        origin: Origin,
        *,
        controls: tuple[Interrupts, Callable[[float], None]],
    ) -> Iterator[Surroundings]:
        ground, (interrupts, sleep) = self._ground, controls
        staging, stand = ground.book.staging, ground.stand
        log = staging.log(record.log)
        recording = Recording(ground.book.recording.mode)
        lines = ground.book.lines_of(record, log, redactor)
        journal = Journal(lines, redactor, ground.clock, transform=recording.event)
        run, ladder = ground.book.record, ground.plan.climbed.ladder
        # So that the log tells by itself what it is part of, as that of a single climb does.
        journal.record(RunStarted(run.run_id, ladder.name, ladder.mode))
        watch, is_needed = ground.watch()
        client = Client(Address.parse(stand.base_url), redactor, token=ground.token, clock=time.monotonic)
        if isinstance(interrupts, OnThread):
            interrupts.breaks_off_by(client.break_off)
        try:
            yield Surroundings(
                subject=Subject(
                    interrupts.waits(client.exchange), stand.worker_image, stand.instance, stand.workspaces
                ),
                records=Records(staging, journal, redactor, ground.plan.earlier, run.run_id, record.log, recording),
                watch=watch,
                watcher=SilentWatcher(),
                clock=ground.clock,
                sleep=sleep,
                random=Random(),  # noqa: S311  # for the jitter of polls
                origin=origin,
                is_witness_needed=is_needed,
                environ=ground.environ,
                interrupts=interrupts,
            )
        finally:
            client.close()
            watch.close()
            staging.end_log(log)


def policy_of(plan: Plan) -> Policy:
    """What the trials of a plan must reach."""
    return Policy(plan.trials.min_pass_rate, plan.trials.max_errors, plan.climbed.ladder.proceed_on)


def _keep_nothing(_course: PartCourse) -> None:
    """What a trial has captured is nobody else's; how far it has come stands in its log."""
