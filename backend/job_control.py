"""What may happen to a running job from outside: it may be told to stop, once, for a recorded reason.

It also keeps the job's time: the deadline, and for how long the job has been overdue. Both are monotonic, so a stepping
clock neither kills nor spares a worker.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.classification import RecordedStop, StopReason
from backend.lifecycle import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from backend.launchers.base import Handle, Launcher


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait for what, in seconds.

    Attributes:
        observe_s: One look at a worker waits at most this long, so that a connection that died silently is noticed.
        patience_s: How long a worker that is overdue may be out of sight, or survive its kill, until it counts as lost;
            a killed engine was back after 24 s at the most.
        retry_s: Between two calls to an engine that did not answer.
        fault_pause_s: After a fault of ours (the database cannot be written) the same thing is tried no sooner.
        idle_s: The supervisor looks at the queue at least this often, should a wake-up ever be lost.
    """

    observe_s: float = 30.0
    patience_s: float = 60.0
    retry_s: float = 0.5
    fault_pause_s: float = 2.0
    idle_s: float = 5.0


class JobControl:
    """The handle on one running job that its thread and the supervisor share.

    Args:
        deadline_at: Instant after which the job is stopped.
        wake: Called when there may be a stop order to take.
    """

    def __init__(self, job_id: str, deadline_at: datetime, wake: Callable[[], None]) -> None:
        self.job_id = job_id
        self._wake = wake
        self.ended = threading.Event()
        self._taken_up = time.monotonic()
        self._deadline = self._taken_up + (deadline_at - now()).total_seconds()
        self._lock = threading.Lock()
        self._stop: RecordedStop | None = None
        self._worker: tuple[Launcher, Handle] | None = None
        self._enforced = False

    @property
    def stop(self) -> RecordedStop | None:
        """The stop that was asked for, if any."""
        with self._lock:
            return self._stop

    def restore_stop(self, stop: RecordedStop) -> None:
        """Take over a stop that an earlier process recorded."""
        with self._lock:
            self._stop = stop

    def request_stop(self, reason: StopReason) -> None:
        """Ask for a stop; the first reason stays."""
        with self._lock:
            if self._stop is None:
                self._stop = RecordedStop(reason, now())
        self._wake()

    def attach(self, launcher: Launcher, handle: Handle) -> None:
        """Say which worker a stop has to reach."""
        with self._lock:
            self._worker = (launcher, handle)
        self._wake()

    def seconds_left(self) -> float:
        """Until the deadline; negative when it has passed."""
        return self._deadline - time.monotonic()

    def overdue_s(self) -> float:
        """Since the deadline, or since this process took up a job that was overdue already: it gets a fair try."""
        return time.monotonic() - max(self._deadline, self._taken_up)

    @property
    def worker(self) -> tuple[Launcher, Handle] | None:
        """The worker that a stop has to reach; ``None`` before it exists."""
        with self._lock:
            return self._worker

    def must_stop(self) -> bool:
        """Whether the job is to end now; a deadline that has passed is noted as a stop order."""
        with self._lock:
            self._note_deadline()
            return self._stop is not None

    def take_stop_order(self) -> bool:
        """Say once that the worker must be stopped now."""
        with self._lock:
            self._note_deadline()
            if self._stop is None or self._worker is None or self._enforced:
                return False
            self._enforced = True
            return True

    def _note_deadline(self) -> None:
        if self._stop is None and self.seconds_left() <= 0:
            self._stop = RecordedStop(StopReason.TIMEOUT, now())
