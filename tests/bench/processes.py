"""Runs a program to its end and tells what it cost: time by the clock, time of the processor, and memory at most."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from tests.bench.subject import ROOT, BenchError

if TYPE_CHECKING:
    import resource
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TOLD: Final = 2000
_EVIDENCE: Final = "evidence: "
_KIB_IN_A_MB: Final = 1000 / 1.024
"""The kernel counts in units of 1,024 bytes; a MB has 1,000,000."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One process that has ended well.

    Attributes:
        peak_mb: The most memory that it had in use (``ru_maxrss``).
    """

    wall_ms: float
    cpu_ms: float
    peak_mb: float
    output: str


def run(command: Sequence[str | Path], environ: Mapping[str, str], *, place: Path | None = None) -> Ran:
    """Run a program.

    Args:
        command: The program and its arguments.
        environ: All of its environment.
        place: Its working directory; that of the checkout by default.

    Raises:
        BenchError: It failed, so its time would mean nothing.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(command, env=environ, cwd=place or ROOT, stdout=output, stderr=errors)
        try:
            used = _ended(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        took = time.perf_counter() - begun
        told, complaint = _read(output), _read(errors)
    if process.returncode:
        msg = f"{' '.join(map(str, command))} ended with {process.returncode}:\n{(told + complaint)[-_TOLD:]}"
        raise BenchError(msg)
    return Ran(took * 1000, (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / _KIB_IN_A_MB, told)


def recorded_in(ran: Ran) -> Path:
    """The folder of a run, as the last words of its process name it."""
    told = next(line for line in ran.output.splitlines() if line.startswith(_EVIDENCE))
    return ROOT / told.removeprefix(_EVIDENCE)


def peak_mb(process: subprocess.Popen[str]) -> float:
    """Wait for the end of a process that was started elsewhere; the most memory that it had in use.

    Raises:
        BenchError: It failed.
    """
    used = _ended(process)
    if process.returncode:
        msg = f"{process.args} ended with {process.returncode}"
        raise BenchError(msg)
    return used.ru_maxrss / _KIB_IN_A_MB


def _ended(process: subprocess.Popen[Any]) -> resource.struct_rusage:
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def resident_mb(pid: int) -> float:
    """Memory that a running process has in use right now."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123  # a file of the kernel
        line = next(line for line in file if line.startswith("VmRSS:"))
    return int(line.split()[1]) / _KIB_IN_A_MB
