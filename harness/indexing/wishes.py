"""What may be asked of the list of runs, as it was typed; ``sieve`` reads it, and only where something is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for; empty texts ask for nothing."""

    status: str = ""
    scenario: str = ""
    ladder: str = ""
    trace: str = ""
    since: str = ""
    until: str = ""
