"""What every engine is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from worker.contract import JobRequest
    from worker.workspace import Workspace

Emit = Callable[[str], None]
"""Takes one line for the job's log."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work went; a job with errors has failed.

    Attributes:
        summary: One sentence for a person.
        errors: Codes, such as ``missing:app.py``; never the text of an exception.
    """

    summary: str
    errors: tuple[str, ...] = ()


class Engine(Protocol):
    """A way of working."""

    def __call__(self, request: JobRequest, workspace: Workspace, *, deadline: datetime, emit: Emit) -> Outcome:
        """Do the job before ``deadline``; whatever it raises is reported as a failed job."""
