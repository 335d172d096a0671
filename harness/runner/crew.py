"""Trials on threads of their own, and the main thread that waits for them and tells them to end.

The threads are daemons: where a second Ctrl-C ends everything, nothing waits for what one of them is stuck in. The
doubt: then a line that one of them was about to write is lost.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from harness.runner.interrupts import ForcedError, OnThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Done = TypeVar("_Done")

AGAIN_S: Final = 0.05
"""Between two times of telling: who was between two requests had none that could be broken off."""

FORCED_S: Final = 2.0
"""So long is waited for threads that are ended by force; the folder is closed after that."""


class Crew(Generic[_Done]):
    """Works that go on at the same time."""

    def __init__(self) -> None:
        self._running: dict[Future[_Done], OnThread] = {}

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Callable[[OnThread], _Done], *, name: str) -> None:
        """Begin a work on a thread of its own."""
        future: Future[_Done] = Future()
        interrupts = OnThread()
        self._running[future] = interrupts
        arguments = (future, work, interrupts)
        threading.Thread(target=_carry_out, args=arguments, name=name, daemon=True).start()

    def wait(self) -> list[_Done]:
        """Wait until one has ended, or more.

        Raises:
            BaseException: What a work has raised.
        """
        return self._taken(wait_for(self._running, return_when=FIRST_COMPLETED).done)

    def end(self) -> list[_Done]:
        """Tell all to end, and wait until they have.

        Raises:
            BaseException: What a work has raised.
        """
        self._tell_until_ended()
        return self._taken(set(self._running))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Leave no thread behind that still writes, whatever ends the block."""
        try:
            yield
        except ForcedError:
            self._force()
            raise
        except BaseException:
            try:
                self._tell_until_ended()
            except ForcedError:
                self._force()
                raise
            raise

    def _tell_until_ended(self) -> None:
        left = set(self._running)
        while left:
            for future in left:
                self._running[future].stop()
            left = wait_for(left, AGAIN_S).not_done

    def _force(self) -> None:
        left = set(self._running)
        for _ in range(int(FORCED_S / AGAIN_S)):
            for future in left:
                self._running[future].stop(by_force=True)
            left = wait_for(left, AGAIN_S).not_done
            if not left:
                return

    def _taken(self, done: set[Future[_Done]]) -> list[_Done]:
        for future in done:
            del self._running[future]
        return [future.result() for future in done]


def _carry_out(future: Future[_Done], work: Callable[[OnThread], _Done], interrupts: OnThread) -> None:
    try:
        future.set_result(work(interrupts))
    except BaseException as error:  # noqa: BLE001  # whoever waits gets it
        future.set_exception(error)
