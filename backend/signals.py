"""Tells waiting requests that a job has ended.

Workers end on threads, requests wait on the event loop; this is the bridge. A waiter subscribes *before* it looks at
the database, so an end between the look and the wait is never missed. A signal carries no state: who is woken looks
again.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """One waiter's place; compared by identity, since two requests may wait for the same job."""

    job_id: str
    _loop: asyncio.AbstractEventLoop
    _event: asyncio.Event

    async def wait(self, timeout_s: float) -> bool:
        """Wait until the job has ended or the process closes; ``False`` when ``timeout_s`` passed first."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def wake(self) -> None:
        """Wake the waiter, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            # The loop was closed between the signal and this call: nobody waits any more.
            return


class JobSignals:
    """All present waiters, by job."""

    def __init__(self) -> None:
        # Re-entrant, because the handler of a stop signal interrupts whatever the event loop's thread holds.
        self._lock = threading.RLock()
        self._waiting: dict[str, set[Subscription]] = {}
        self._closed = False

    @contextmanager
    def subscribe(self, job_id: str) -> Iterator[Subscription]:
        """Take a place among the waiters of a job; must be called on the event loop."""
        subscription = Subscription(job_id, asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.setdefault(job_id, set()).add(subscription)
            closed = self._closed
        if closed:
            subscription.wake()
        try:
            yield subscription
        finally:
            self._leave(subscription)

    def _leave(self, subscription: Subscription) -> None:
        with self._lock:
            waiting = self._waiting.get(subscription.job_id, set())
            waiting.discard(subscription)
            if not waiting:
                self._waiting.pop(subscription.job_id, None)

    def ended(self, job_id: str) -> None:
        """Wake everybody who waits for this job."""
        with self._lock:
            waiting = tuple(self._waiting.get(job_id, ()))
        for subscription in waiting:
            subscription.wake()

    def close(self) -> None:
        """Wake everybody, now and from now on: the process is about to stop."""
        with self._lock:
            self._closed = True
            waiting = [subscription for group in self._waiting.values() for subscription in group]
        for subscription in waiting:
            subscription.wake()
