"""Ctrl-C and the polite kill, honoured only where nothing is half done.

A signal comes between any two instructions, also in the middle of a line of the journal. So the first one is taken
note of, and ends what the run is waiting for: a request, a pause, the start of the stack. Where a run is not waiting,
the signal ends the next wait before it begins, or keeps the next scenario from starting. A cleanup is no such wait: it
is finished. A second signal ends everything at once, wherever it comes, and the folder stays partial; only while a
bundle is closed both have to wait. The doubt: an answer that is on its way when the signal comes is lost.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final, ParamSpec, TypeVar

from harness.errors import ExitCode, HarnessError

if TYPE_CHECKING:
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
    """What the signals that the main thread got mean on another one, which none ever reaches.

    What the thread waits for is broken off only while it may be: never in the middle of a cleanup.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stop, self._force = threading.Event(), threading.Event()
        self._changing = threading.Lock()
        self._break_off: Callable[[], None] = _nothing

    def breaks_off_by(self, call: Callable[[], None]) -> None:
        """Say how a request that is under way is made to fail at once."""
        self._break_off = call

    def stop(self, *, by_force: bool = False) -> None:
        """Tell the thread to end; called from another one, and again until it has ended.

        Args:
            by_force: Whether cleanups end as well.
        """
        self._stop.set()
        if by_force:
            self._force.set()
        with self._changing:
            if self._may_end or by_force:
                self._break_off()

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until that is to end; the pauses of a cleanup are not cut short by a first signal."""
        (self._stop if self._may_end else self._force).wait(seconds)

    def take(self) -> bool:
        """Whether this thread is to end."""
        return self._stop.is_set()

    @contextmanager
    def may_end(self) -> Iterator[None]:
        """Within the block a first signal ends waits."""
        with self._changing:
            self._may_end = True
        try:
            yield
        finally:
            with self._changing:
                self._may_end = False

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within the block nothing is half done.

        Raises:
            KeyboardInterrupt: The thread is to end; also when that was said meanwhile, since what broke off then is no
                answer.
            ForcedError: Its cleanup is to end as well.
        """
        self._end_if_stopped()
        yield
        self._end_if_stopped()

    def _end_if_stopped(self) -> None:
        if self._force.is_set():
            raise ForcedError
        if self._may_end and self._stop.is_set():
            raise KeyboardInterrupt


def _nothing() -> None:
    """No request is under way."""
