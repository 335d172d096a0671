"""What is wrong with stored evidence. Exit code 1: the answer to the question is no, nothing of ours broke."""

from __future__ import annotations

from typing import ClassVar

from harness.errors import ExitCode, HarnessError


class EvidenceError(HarnessError):
    """Evidence that was asked for is missing, damaged or not what it says."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
