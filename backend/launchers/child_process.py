"""One worker as a child process: started, watched by a thread of its own, and never left behind.

The watcher waits for the end by a process descriptor and keeps the newest output. When the first process has ended,
everything that it left in its group is killed *before* it is reaped, because only an unreaped process keeps its number
from being used again. This is what the end of PID 1 does to a container.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

from backend.launchers.worker_output import NewestBytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_READ_BYTES: Final = 64 * 1024
_SIGNAL_BASE: Final = 128
MAX_OUTPUT_BYTES: Final = 4 * 1024 * 1024
"""Kept of a worker's output; a container's log is capped at about the same size."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: the command, where, and with which environment and inherited descriptor."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    lifeline: int


class ChildProcess:
    """A started process and what is known about it; safe from any thread.

    Raises:
        OSError: The program or its directory is missing, or the process limit is reached.
    """

    def __init__(self, program: Program) -> None:
        self._ended = Event()
        self._lock = Lock()
        self._output = NewestBytes(MAX_OUTPUT_BYTES)
        self.exit_code: int | None = None
        self.started_at = datetime.now(UTC)
        self.finished_at: datetime | None = None
        self._process, output = _spawn(program)
        self._descriptor = os.pidfd_open(self._process.pid)
        self._watcher = Thread(target=self._watch, args=(output,), name=f"dummy-{self._process.pid}", daemon=True)
        self._watcher.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; tell whether it came."""
        return self._ended.wait(timeout_s)

    def terminate(self) -> None:
        """Ask the first process to end, as ``docker stop`` does."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the first process; the watcher kills what it left."""
        self._signal(signal.SIGKILL)

    def output(self, max_bytes: int) -> tuple[bytes, bool]:
        """Return the newest output so far, and whether older output is left out."""
        with self._lock:
            data, dropped = self._output.bytes(), self._output.dropped
        return data[-max_bytes:], dropped or len(data) > max_bytes

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if not self._ended.is_set():
                signal.pidfd_send_signal(self._descriptor, number)

    def _watch(self, output: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(self._descriptor, selectors.EVENT_READ)
            while not any(key.fd == self._descriptor for key, _ in selector.select()):
                if not self._read(output):
                    selector.unregister(output)
        self._bury(output)

    def _bury(self, output: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        # Nobody of the group can write any more, and a pipe holds no more than one reading takes.
        self._read(output)
        os.close(output)
        with self._lock:
            code = self._process.wait()
            self.exit_code = _SIGNAL_BASE - code if code < 0 else code
            self.finished_at = datetime.now(UTC)
            os.close(self._descriptor)
            self._ended.set()

    def _read(self, output: int) -> bool:
        """Read once; tell whether more may come."""
        try:
            data = os.read(output, _READ_BYTES)
        except BlockingIOError:
            return True
        with self._lock:
            self._output.feed(data)
        return bool(data)


def _spawn(program: Program) -> tuple[subprocess.Popen[bytes], int]:
    """Start the program; return it and the descriptor of its output, which never blocks."""
    output, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    # Only our end shall not block: the worker expects an ordinary standard output.
    os.set_blocking(write_end, True)
    try:
        process = subprocess.Popen(
            program.argv,
            cwd=program.directory,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            start_new_session=True,
            pass_fds=(program.lifeline,),
        )
    except OSError:
        os.close(output)
        raise
    finally:
        os.close(write_end)
    return process, output
