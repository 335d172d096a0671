"""When a stop signal may interrupt the work, and when it has to wait.

SIGTERM and SIGINT are noted from the first moment. Only inside ``with stop:`` does a signal raise ``Stopped``, and only
once: cleaning up, looking at the files and writing the result are never torn, not even by a second signal. What a stop
means for the job is decided by whoever catches ``Stopped``.

The doubt that remains: the few milliseconds in which the interpreter itself starts. A signal then ends the process with
143, and no result is written.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType, TracebackType

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


# A BaseException, so that no engine can swallow it with `except Exception`.
class Stopped(BaseException):
    """The job was asked to end before it had ended by itself."""


class StopSignal:
    """Notes a stop signal, and raises ``Stopped`` while the block that it guards is running.

    Attributes:
        requested: True once a stop signal has arrived; it stays true.
    """

    __slots__ = ("_armed", "requested")

    def __init__(self) -> None:
        self.requested = False
        self._armed = False

    def install(self) -> None:
        """Handle the stop signals of this process from now on."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.handle)

    def ignore(self) -> None:
        """Let stop signals pass without effect, also while the interpreter shuts down: the result is out."""
        # Finalisation restores SIG_DFL for Python handlers, but leaves SIG_IGN alone (CPython, signalmodule.c).
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """Note the signal; inside the guarded block, end it.

        Raises:
            Stopped: The guarded block is running and has not been interrupted before.
        """
        self.requested = True
        self._raise_if_armed()

    def __enter__(self) -> None:
        self._armed = True
        if self.requested:
            self._raise_if_armed()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._armed = False

    def _raise_if_armed(self) -> None:
        if self._armed:
            self._armed = False
            raise Stopped
