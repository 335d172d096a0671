"""What is wrong with stored evidence, and what keeps new evidence from being stored."""

from __future__ import annotations

from typing import ClassVar

from harness.errors import ExitCode, HarnessError, PrerequisiteError


class EvidenceError(HarnessError):
    """Evidence that was asked for is missing, damaged or not what it says: the answer is no, nothing of ours broke."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class UnwritableError(PrerequisiteError):
    """A disk is full or refuses. Whatever could not be written would be missing, so no run goes on after it."""
