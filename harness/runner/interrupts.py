"""Ctrl-C and the polite kill, honoured only where nothing is half done.

A signal comes between any two instructions, also in the middle of a line of the journal. So the first one is taken
note of, and ends what the run is waiting for: a request, a pause, the start of the stack. Where a run is not waiting,
the signal ends the next wait before it begins, or keeps the next scenario from starting. A cleanup is no such wait: it
is finished. A second signal ends everything at once, wherever it comes, and the folder stays partial; only while a
bundle is closed both have to wait. The doubt: an answer that is on its way when the signal comes is lost.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final, ParamSpec, TypeVar

from harness.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from types import FrameType

_Given = ParamSpec("_Given")
_Returned = TypeVar("_Returned")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A terminal that is closed is a polite kill, too."""

HOW_TO_FORCE: Final = "interrupted: cleanup and evidence follow; a second Ctrl-C ends at once and leaves them undone"


class ForcedError(BaseException):
    """A second signal; what it has torn apart cannot be gone on with, so nobody but the end of the run catches it."""


class AbandonedError(HarnessError):
    """A second signal has ended the run."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERRUPTED


class Interrupts:
    """What a signal means at present."""

    def __init__(self) -> None:
        self._count = 0
        self._is_new = False
        self._may_end = False
        self._is_waiting = False
        self._is_held = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take the signals over until the block ends; one that the caller has had ignored stays ignored."""
        before = {each: signal.getsignal(each) for each in SIGNALS}
        taken = {each: handler for each, handler in before.items() if handler not in {signal.SIG_IGN, None}}
        try:
            for each in taken:
                signal.signal(each, self.arrive)
            yield
        finally:
            for each, handler in taken.items():
                signal.signal(each, handler)

    def arrive(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """A signal has come.

        Raises:
            KeyboardInterrupt: It ends a wait.
            ForcedError: It is not the first.
        """
        self._count += 1
        self._is_new = True
        if self._is_held:
            return
        if self._count > 1:
            raise ForcedError
        if self._may_end and self._is_waiting:
            self._is_new = False
            raise KeyboardInterrupt

    def take(self) -> bool:
        """Whether a signal has come that has not ended anything yet; whoever asks acts on it."""
        found, self._is_new = self._is_new, False
        return found

    @contextmanager
    def may_end(self) -> Iterator[None]:
        """Within the block a first signal ends waits."""
        self._may_end = True
        try:
            yield
        finally:
            self._may_end = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within the block nothing is half done.

        Raises:
            KeyboardInterrupt: A signal ends it, or has come before it.
        """
        self._is_waiting = True
        try:
            if self._may_end and self.take():
                raise KeyboardInterrupt
            yield
        finally:
            self._is_waiting = False

    def waits(self, call: Callable[_Given, _Returned]) -> Callable[_Given, _Returned]:
        """The same call as a wait."""

        def called(*given: _Given.args, **named: _Given.kwargs) -> _Returned:
            with self.waiting():
                return call(*given, **named)

        return called

    def hold(self) -> None:
        """From now on no signal ends anything, because the folder is being closed."""
        self._is_held = True


class OnThread(Interrupts):
    """What the signal that the main thread got means on another one, which none ever reaches.

    Args:
        stop: Set when waits are to end.
    """

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def take(self) -> bool:
        """Whether this thread is to end."""
        return self._stop.is_set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within the block nothing is half done.

        Raises:
            KeyboardInterrupt: The thread is to end; also when that was said meanwhile, since what broke off then is no
                answer.
        """
        self._end_if_stopped()
        yield
        self._end_if_stopped()

    def _end_if_stopped(self) -> None:
        if self._may_end and self._stop.is_set():
            raise KeyboardInterrupt
