"""Several trials of one ladder on one stack, a few at a time: each with fresh projects, a folder and a log of its own.

Trials share the stack and nothing else: not a connection, not a witness, not what was captured. A trial that breaks
keeps all that it has recorded. Only the main thread gets signals; it tells the trials on other threads to end, and
breaks off what they wait for. The doubt: trials at the same time compete for one machine, so their times are longer.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

from harness.evidence.journal import Journal
from harness.evidence.trial_records import INTERRUPTED
from harness.judging.trials import Policy, is_out_of_reach
from harness.judging.verdict import Verdict
from harness.redaction.redactor import Redactor
from harness.runner.case_files import write_climbs
from harness.runner.climb import climb
from harness.runner.interrupts import HOW_TO_FORCE, Interrupts, OnThread
from harness.runner.origin import Origin
from harness.runner.surroundings import Records, Subject, Surroundings
from harness.senses.address import Address
from harness.senses.client import Client
from harness.terminal.watching import SilentWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.evidence.journal import Clock
    from harness.evidence.run_record import ScenarioRecord
    from harness.evidence.trial_records import TrialRecord
    from harness.redaction.secret import Secret
    from harness.runner.book import RunBook
    from harness.runner.climb import PartCourse
    from harness.runner.planning import Plan
    from harness.runner.stand import Stand
    from harness.senses.witness import Watch
    from harness.terminal.watching import Watcher


@dataclass(frozen=True, slots=True)
class Ground:
    """What all trials of a run have in common.

    Attributes:
        watch: Opens a witness for one trial; says as well whether verdicts need it.
        token: For the backend; ``None`` where it asks for none.
        sleep: Takes seconds.
        tell: Gets one line for each trial that has ended.
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
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """A trial that has ended.

    Attributes:
        scenarios: As they ended, blocked ones included.
        secret_hits: How often a secret was taken out of what it observed.
    """

    record: TrialRecord
    verdict: Verdict
    scenarios: tuple[ScenarioRecord, ...]
    secret_hits: int
    is_interrupted: bool
    redactor: Redactor


class Trials:
    """The trials of one run on their way."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._wanted = ground, ground.plan.trials
        self._policy = policy_of(ground.plan)
        self._ended: list[TrialEnd] = []
        self._stop = threading.Event()
        self._clients: set[Client] = set()
        self._starting = threading.Lock()
        self._latest_id = ""

    def climb_all(self) -> tuple[TrialEnd, ...]:
        """Climb them; gives those that were begun, in the order of their starts.

        Raises:
            ForcedError: Ctrl-C came a second time.
            PrerequisiteError: ``evidence-unwritable``.
        """
        wanted = self._wanted
        text = f"{wanted.count} trials of {self._ground.plan.climbed.ladder.name}, {wanted.concurrency} at a time"
        with self._ground.watcher.stage(text):
            if wanted.concurrency == 1:
                self._one_by_one()
            else:
                self._side_by_side()
        return tuple(sorted(self._ended, key=lambda end: end.record.trial_index))

    def _one_by_one(self) -> None:
        for _ in range(self._wanted.count):
            if self._is_over():
                return
            self._take(self._climb(self._ground.interrupts, self._ground.interrupts.waits(self._ground.sleep)))

    def _side_by_side(self) -> None:
        pool = ThreadPoolExecutor(self._wanted.concurrency, thread_name_prefix="trial")
        running: set[Future[TrialEnd]] = set()
        left = self._wanted.count
        try:
            while running or (left and not self._is_over()):
                while left and len(running) < self._wanted.concurrency and not self._is_over():
                    running.add(pool.submit(self._climb_on_thread))
                    left -= 1
                done = self._wait(running)
                running -= done
                for each in done:
                    self._take(each.result())
        finally:
            self._end_threads()
            pool.shutdown(wait=False, cancel_futures=True)

    def _wait(self, running: set[Future[TrialEnd]]) -> set[Future[TrialEnd]]:
        interrupts = self._ground.interrupts
        try:
            with interrupts.may_end(), interrupts.waiting():
                return wait_for(running, return_when=FIRST_COMPLETED).done
        except KeyboardInterrupt:
            self._ground.watcher.note(HOW_TO_FORCE)
            self._end_threads()
            return wait_for(running).done

    def _end_threads(self) -> None:
        self._stop.set()
        for client in list(self._clients):
            client.break_off()

    def _climb_on_thread(self) -> TrialEnd:
        interrupts = OnThread(self._stop)

        def sleep(seconds: float) -> None:
            self._stop.wait(seconds)

        return self._climb(interrupts, interrupts.waits(sleep))

    def _is_over(self) -> bool:
        if self._stop.is_set() or any(end.is_interrupted for end in self._ended):
            return True
        verdicts = [end.verdict for end in self._ended]
        return self._wanted.ends_early and is_out_of_reach(verdicts, self._wanted.count, self._policy)

    def _take(self, end: TrialEnd) -> None:
        self._ended.append(end)
        record, count = end.record, self._wanted.count
        green = sum(self._policy.is_green(each.verdict) for each in self._ended)
        state = f"{green}/{len(self._ended)} green"
        line = f"trial {record.trial_index} {record.status} {record.trace_id} ({record.duration_s:.1f} s; {state})"
        self._ground.tell(line)
        self._ground.watcher.detail(f"{len(self._ended)} of {count} have ended, {state}")

    def _climb(self, interrupts: Interrupts, sleep: Callable[[float], None]) -> TrialEnd:
        ground = self._ground
        redactor = Redactor(ground.plan.secrets)
        origin, record = self._begin(redactor)
        part = replace(ground.plan.climbed, folder=f"{record.folder}/{ground.plan.climbed.folder}")
        with self._around(record, redactor, origin, controls=(interrupts, sleep)) as around:
            course = climb(around, part, keep=_keep_nothing)
        write_climbs(ground.book.staging, record.log, redactor)
        return self._end(record, course, redactor)

    def _begin(self, redactor: Redactor) -> tuple[Origin, TrialRecord]:
        """Enter a new trial; ids sort by start, which those of one millisecond would not."""
        with self._starting:
            origin = Origin.new(self._ground.plan.trigger, redactor.text)
            while origin.trace_id <= self._latest_id:
                origin = Origin.new(self._ground.plan.trigger, redactor.text)
            self._latest_id = origin.trace_id
            return origin, self._ground.book.trials.begin(origin, is_one_of_several=True)

    def _end(self, record: TrialRecord, course: PartCourse, redactor: Redactor) -> TrialEnd:
        verdict = course.verdict
        status = INTERRUPTED if course.is_interrupted else verdict.value
        broken = next((each.reason for each in course.records if each.verdict is Verdict.ERROR), None)
        ended = self._ground.book.trials.end(record.trial_index, status, error=broken)
        return TrialEnd(ended, verdict, tuple(course.records), course.secret_hits, course.is_interrupted, redactor)

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
        journal = Journal(log, redactor, ground.clock)
        watch, is_needed = ground.watch()
        client = Client(Address.parse(stand.base_url), redactor, token=ground.token, clock=monotonic)
        self._clients.add(client)
        try:
            yield Surroundings(
                subject=Subject(
                    interrupts.waits(client.exchange), stand.worker_image, stand.instance, stand.workspaces
                ),
                records=Records(staging, journal, redactor, ground.plan.earlier, ground.book.record.run_id, record.log),
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
            self._clients.discard(client)
            client.close()
            watch.close()
            staging.end_log(log)


def policy_of(plan: Plan) -> Policy:
    """What the trials of a plan must reach."""
    return Policy(plan.trials.min_pass_rate, plan.trials.max_errors, plan.climbed.ladder.proceed_on)


def _keep_nothing(_course: PartCourse) -> None:
    """What a trial has captured is nobody else's; how far it has come stands in its log."""
