"""Runs the set-up scripts of ``scripts/`` and turns their errors into ours.

A script speaks on stderr, one fact a line, and answers on stdout. When a prerequisite is missing it exits 3 after a
line ``error[reference]: message`` and a line with the hint; both arrive here as a ``PrerequisiteError``.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from harness.errors import PrerequisiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_ERROR = re.compile(r"^error\[(?P<reference>[a-z-]+)\]: (?P<message>.*)$")
_HINT = re.compile(r"^  hint: (?P<hint>.*)$")


def run_script(script: Path, *arguments: str, environ: Mapping[str, str], on_line: Callable[[str], None]) -> str:
    """Run a script to its end and return what it answered.

    Args:
        script: The file to run.
        arguments: Its arguments.
        environ: Its whole environment.
        on_line: Called with each line of its progress.

    Raises:
        PrerequisiteError: With the script's own reference, or ``script-failed``.
    """
    lines: list[str] = []
    command = [str(script), *arguments]
    with subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            lines.append(line.rstrip("\n"))
            if not (_ERROR.match(line) or _HINT.match(line)):
                on_line(lines[-1])
        answer = process.stdout.read() if process.stdout else ""
    if process.returncode != 0:
        raise _error_of(script, process.returncode, lines)
    return answer.strip()


def _error_of(script: Path, code: int, lines: list[str]) -> PrerequisiteError:
    errors = [found for line in lines if (found := _ERROR.match(line))]
    hints = [found["hint"] for line in lines if (found := _HINT.match(line))]
    if not errors:
        tail = " / ".join(lines[-3:])
        return PrerequisiteError(
            "script-failed", f"{script.name} ended with code {code}: {tail}", f"run {script} yourself"
        )
    return PrerequisiteError(errors[-1]["reference"], errors[-1]["message"], hints[-1] if hints else "")
