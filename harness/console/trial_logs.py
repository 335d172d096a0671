"""All logs of a run followed as one: the run's own, and one for each of several trials, each line once.

``traces/manifest.json`` says which trials there are and which have ended; it is read again when it was replaced. Of
trials that have ended one log is open at a time, and of those that go on as many as do, up to a bound; so following a
thousand of them costs what the few cost that run. Within a log lines keep their order; between logs they come as they
are found. The end of a trial is told after the last line of its log.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from harness.console.following import Follower
from harness.console.log_lines import line_of, of_trial, trial_line
from harness.console.progress import Progress, tally_of
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import EVENTS, TRACE_MANIFEST
from harness.evidence.records import DamagedRecordError
from harness.evidence.trial_records import RUNNING, decode_traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from harness.console.following import Place
    from harness.console.position import Position
    from harness.console.rendering import Json
    from harness.evidence.trial_records import TrialRecord

MOST_OPEN: Final = 64
"""Logs of trials at a time; what goes on beyond that is told when one of these has ended."""

MOST_BYTES: Final = 8 << 20
"""Of the list of trials; that of a thousand has half a megabyte."""


class TrialList:
    """The trials of a run as its manifest has them; a list that cannot be read has none."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._stamp: tuple[int, ...] = ()
        self._records: tuple[TrialRecord, ...] = ()

    def records(self) -> tuple[TrialRecord, ...]:
        """All that were begun or taken over, in the order of their starts."""
        file = self._place.opened(TRACE_MANIFEST)
        if file < 0:
            return self._records
        with os.fdopen(file, "rb") as opened:
            found = os.fstat(file)
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp != self._stamp:
                self._stamp, self._records = stamp, _decoded(opened.read(MOST_BYTES + 1))
        return self._records


def _decoded(data: bytes) -> tuple[TrialRecord, ...]:
    try:
        records = decode_traces(data[:MOST_BYTES].decode()).trials
    except (DamagedRecordError, UnicodeDecodeError, OverflowError):
        return ()
    # A single climb has no log and no end of its own: it is the run.
    return records if any(each.log != EVENTS or each.run_id for each in records) else ()


class RunLogs:
    """The logs of one run; what was told moves ``position`` on.

    Attributes:
        position: Where it stands; a line's is that behind it.
        progress: How far the trials have come whose logs are open.
        is_over: Whether everything has been told and nobody writes any more.
    """

    def __init__(self, place: Place, position: Position, *, wanted: int) -> None:
        self.position = position
        self.progress: dict[int, Progress] = {}
        self.is_over = False
        self._place, self._wanted = place, wanted
        self._trials = TrialList(place)
        self._own = Follower(place, EVENTS)
        self._own_from = position.own
        self._open: dict[int, Follower] = {}
        self._from = dict(position.at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._own, *self._open.values()):
            each.close()

    def trials(self) -> tuple[TrialRecord, ...]:
        """As listed by now."""
        return self._trials.records()

    def turn(self, tell: Callable[[Json], None]) -> bool:
        """Tell what has come since the last turn, a bounded part of it; whether there was anything.

        Args:
            tell: Gets each line; ``position`` is that behind it.

        Raises:
            EvidenceError: ``events-damaged``, of the run's own log.
        """
        # Whoever writes is asked before anything is read, and ends are looked up before the logs that they end.
        is_running = self._place.is_running()
        records = self.trials()
        is_anything = self._tell_own(tell)
        for trial in self._followed(records, is_running=is_running):
            is_over = not is_running or records[trial].status != RUNNING
            is_anything |= self._tell_trial(trial, records, tell, is_over=is_over)
        self.is_over = not is_running and not is_anything
        return is_anything

    def _tell_own(self, tell: Callable[[Json], None]) -> bool:
        found = self._own.read()
        for each in found:
            self.position.own = max(each.seq, self.position.own)
            if each.seq > self._own_from and (line := line_of(each)):
                tell(line)
        return bool(found)

    def _followed(self, records: tuple[TrialRecord, ...], *, is_running: bool) -> list[int]:
        """Trials that are looked at in this turn: all that go on, and the first that has ended and is not told."""
        left = [at for at in range(len(records)) if not self.position.is_told(at)]
        going = [at for at in left if is_running and records[at].status == RUNNING]
        ended = next((at for at in left if at not in self._open and at not in going), None)
        held = [at for at in left if at in self._open]
        is_one_ended = any(at not in going for at in held)
        more = [*going[:MOST_OPEN], *([] if ended is None or is_one_ended else [ended])]
        return list(dict.fromkeys([*held, *more]))[: MOST_OPEN + 1]

    def _tell_trial(
        self, trial: int, records: tuple[TrialRecord, ...], tell: Callable[[Json], None], *, is_over: bool
    ) -> bool:
        """Tell what came of one trial, and its end once nothing more comes; whether there was anything."""
        record, why = records[trial], ""
        is_there = record.log != EVENTS
        self.position.at.setdefault(trial, 0)
        try:
            is_any = is_there and self._tell_lines(trial, record, tell)
        except EvidenceError as error:
            is_any, is_over, why = False, True, error.message
        if is_any or not is_over:
            return is_any
        self._end(trial)
        tell({**trial_line(trial, record, why), "tally": tally_of(self._wanted, records)})
        return True

    def _tell_lines(self, trial: int, record: TrialRecord, tell: Callable[[Json], None]) -> bool:
        log = self._open.setdefault(trial, Follower(self._place, record.log))
        progress = self.progress.setdefault(trial, Progress())
        found = log.read()
        for each in found:
            progress.add(each.event)
            self.position.at[trial] = max(each.seq, self.position.at[trial])
            if each.seq > self._from.get(trial, 0) and (line := line_of(each)):
                tell({**of_trial(line, trial), "far": progress.text})
        return bool(found)

    def _end(self, trial: int) -> None:
        self.progress.pop(trial, None)
        self.position.end(trial)
        if log := self._open.pop(trial, None):
            log.close()
