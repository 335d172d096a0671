"""The thread that stores records, and the bounded queue in front of it.

Handing over a record takes a lock for about a microsecond and never waits for the store. A full queue refuses. The
thread lingers a moment after the first record, so that the records of one step go into one transaction; whoever needs
them stored sooner says so by ``flush``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")


class BackgroundWriter(Generic[Item]):
    """Collects items and writes them in batches on a thread of its own.

    Args:
        name: Of the thread.
        write: Writes one batch; must not raise.
        max_items: How many may wait.
        linger_s: How long the first item of a batch waits for others.
    """

    def __init__(
        self, name: str, write: Callable[[Sequence[Item]], None], *, max_items: int, linger_s: float = 0.1
    ) -> None:
        self._write = write
        self._max_items = max_items
        self._linger_s = linger_s
        lock = threading.Lock()
        self._arrived = threading.Condition(lock)
        self._settled = threading.Condition(lock)
        self._waiting: list[Item] = []
        self._accepted = self._written = self._urgent = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, item: Item) -> bool:
        """Hand over an item; ``False`` when the queue is full or closed."""
        with self._arrived:
            if self._closing or len(self._waiting) >= self._max_items:
                return False
            self._waiting.append(item)
            self._accepted += 1
            if len(self._waiting) in {1, self._max_items // 2}:
                self._arrived.notify()
        return True

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything that was handed over before has been written; ``False`` when that took too long."""
        with self._arrived:
            target = self._accepted
            if self._written < target:
                self._urgent = max(self._urgent, target)
                self._arrived.notify()
            return self._settled.wait_for(lambda: self._written >= target, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Accept nothing more and write what waits; ``False`` when that took too long."""
        with self._arrived:
            self._closing = True
            self._arrived.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._waiting and not self._thread.is_alive()

    def _run(self) -> None:
        while batch := self._next_batch():
            self._write(batch)
            with self._settled:
                self._written += len(batch)
                self._settled.notify_all()

    def _next_batch(self) -> list[Item]:
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting or self._closing)
            self._arrived.wait_for(self._is_due, self._linger_s)
            batch, self._waiting = self._waiting, []
            return batch

    def _is_due(self) -> bool:
        return self._closing or self._urgent > self._written or len(self._waiting) >= self._max_items // 2
