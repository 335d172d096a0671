"""Runs all tests in two processes side by side: those that mostly wait, above all for Docker, and all others.

usage: ``python3 scripts/run_tests.py [PYTEST_ARGUMENT...]``; with arguments one process runs what they name.

Marks alone tell which half a test belongs to, so that none is in both and none in neither; tests marked ``processes``
are with the first half only to make both of one length. Either half being red makes the whole red, also one in which no
test was found. Each half prints for itself: the first as it goes, the second behind it. Ctrl-C, SIGTERM and SIGHUP
interrupt both, and their fixtures tidy up before this ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

PYTEST: Final = (sys.executable, "-m", "pytest")
HALVES: Final = ("docker or processes", "not (docker or processes)")
"""Marks that are selected, in the order in which the halves are shown."""
STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_S: Final = 0.2
"""So long is what the second half prints held back at most."""


class Half:
    """One process of pytest, in a process group of its own: an interrupt comes from us, and to all that it started."""

    def __init__(self, marks: str, output: Path | None) -> None:
        self.marks = marks
        self.interrupted = False
        # What is kept in a file comes to a terminal in the end, which pytest cannot know.
        color = ("--color=yes",) if output and sys.stdout.isatty() else ()
        with ExitStack() as stack:
            written = stack.enter_context(output.open("wb")) if output else None
            self._output = output.open("rb") if output else None
            self.process = subprocess.Popen(
                [*PYTEST, "-m", marks, *color], stdout=written, stderr=written, process_group=0
            )

    def interrupt(self) -> None:
        """Do what Ctrl-C does on a terminal."""
        self.interrupted = True
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        """Interrupt it if it runs, and wait until it has tidied up."""
        if not self.interrupted:
            self.interrupt()
        self.process.wait()
        if self._output:
            self._output.close()

    def show(self) -> int:
        """Print what it prints until it ends; gives its exit code, in the form of a shell."""
        print(f"== tests: {self.marks} ==", flush=True)
        for _ in self._looks():
            if self._output:
                shutil.copyfileobj(self._output, sys.stdout.buffer)
                sys.stdout.flush()
        code = self.process.returncode
        return 128 - code if code < 0 else code

    def _looks(self) -> Iterator[None]:
        """One look after another, the last of them when it has ended."""
        while self.process.poll() is None:
            yield
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(LOOK_S)
        yield


def run_halves() -> int:
    """Run both halves to their end; gives the exit code of the first one that is red."""
    running: list[Half] = []
    stopped_by: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped_by.append(number)
        for half in running:
            half.interrupt()

    for number in STOPPING:
        signal.signal(number, stop)
    with ExitStack() as stack:
        for half in _started(stack):
            running.append(half)
            # A signal that came while it was started did not know it yet; a second one would break its tidying up.
            if stopped_by and not half.interrupted:
                half.interrupt()
        codes = {half.marks: half.show() for half in running}
    for marks, code in codes.items():
        print(f"== {marks}: {_told(code)} ==", flush=True)
    return 128 + stopped_by[0] if stopped_by else next(filter(None, codes.values()), 0)


def _started(stack: ExitStack) -> Iterator[Half]:
    """The halves, each ended with the stack; only the first prints for itself at once."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ladder-tests-")))
    for number, marks in enumerate(HALVES):
        half = Half(marks, folder / str(number) if number else None)
        stack.callback(half.end)
        yield half


def _told(code: int) -> str:
    return {0: "green", 5: "red, since no test was found"}.get(code, f"red, exit code {code}")


def main() -> int:
    """Run what is asked for."""
    if arguments := sys.argv[1:]:
        os.execv(sys.executable, [*PYTEST, *arguments])  # noqa: S606  # no shell is wanted
    return run_halves()


if __name__ == "__main__":
    raise SystemExit(main())
