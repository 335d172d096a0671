"""What may happen to a running job from outside: it may be told to stop, once, for a recorded reason."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from backend.classification import RecordedStop, StopReason
from backend.lifecycle import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from backend.launchers.base import Handle, Launcher


class JobControl:
    """The handle on one running job that its thread and the supervisor share.

    Args:
        deadline_at: Instant after which the job is stopped; kept as a monotonic time, so that a stepping clock
            neither kills nor spares it.
        wake: Called when there may be a stop order to take.
    """

    def __init__(self, job_id: str, deadline_at: datetime, wake: Callable[[], None]) -> None:
        self.job_id = job_id
        self._wake = wake
        self.deadline_at = deadline_at
        self.ended = threading.Event()
        self._deadline = time.monotonic() + (deadline_at - now()).total_seconds()
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

    @property
    def worker(self) -> tuple[Launcher, Handle] | None:
        """The worker that a stop has to reach; ``None`` before it exists."""
        with self._lock:
            return self._worker

    def take_stop_order(self) -> bool:
        """Say once that the worker must be stopped now; a deadline that has passed is a stop order too."""
        with self._lock:
            if self._stop is None and self.seconds_left() <= 0:
                self._stop = RecordedStop(StopReason.TIMEOUT, now())
            if self._stop is None or self._worker is None or self._enforced:
                return False
            self._enforced = True
            return True
