"""What can go wrong in the harness, as one tree, and the exit codes of ``ladder``; importing nothing of ours.

::

    HarnessError(reference, message, hint)                            exit code
    ├── UsageError          a flag, path or setting is wrong              2
    ├── ScenarioError       invalid YAML; carries file, line and column   2
    ├── PrerequisiteError   no Docker engine, backend or image            3
    ├── EvidenceError       stored evidence is missing or damaged         1
    ├── InconclusiveError   deadline passed, evidence lost                4
    └── LeakError           a secret was found in what we wrote           5
        a failed check is a verdict, never an exception                   1

``reference`` is kebab-case and stable, ``message`` says what and where, ``hint`` is a command or a sentence that
repairs it. No error carries a secret value.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of ``ladder``. A red verdict and a broken harness never share one."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PREREQUISITE = 3
    INCONCLUSIVE = 4
    LEAK = 5
    INTERRUPTED = 130
    """128 + SIGINT, as shells report it."""


class HarnessError(Exception):
    """An error that ends a command with ``exit_code`` and three things to read."""

    exit_code: ClassVar[ExitCode] = ExitCode.PREREQUISITE

    def __init__(self, reference: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.reference = reference
        self.message = message
        self.hint = hint

    def render(self) -> str:
        """The text for a terminal; the set-up scripts print their errors in the same form."""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"error[{self.reference}]: {self.message}{hint}"


class UsageError(HarnessError):
    """The command cannot be carried out as it was asked."""

    exit_code = ExitCode.USAGE


class ScenarioError(HarnessError):
    """A scenario file is invalid.

    Attributes:
        source: Path of the file.
        line: Counted from 1.
        column: Counted from 1.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, reference: str, message: str, hint: str = "", *, place: tuple[str, int, int]) -> None:
        self.source, self.line, self.column = place
        super().__init__(reference, f"{self.source}:{self.line}:{self.column}: {message}", hint)


class PrerequisiteError(HarnessError):
    """Something that must be there before a scenario can be judged is missing or broken."""


class InconclusiveError(HarnessError):
    """A deadline passed or evidence was lost, so that nothing can be said either way."""

    exit_code = ExitCode.INCONCLUSIVE


class LeakError(HarnessError):
    """A secret value was found in something that we wrote."""

    exit_code = ExitCode.LEAK
