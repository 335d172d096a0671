"""How many trials a run is asked for, and what they must reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.errors import UsageError

MOST_TRIALS: Final = 1000


@dataclass(frozen=True, slots=True)
class WantedTrials:
    """What was asked for.

    Attributes:
        count: Complete climbs on fresh projects.
        concurrency: How many of them at a time.
        min_pass_rate: Of the trials with an answer.
        max_errors: How many may end as ERROR.
        ends_early: Whether to begin no more when the wanted rate cannot be reached any more.
    """

    count: int = 1
    concurrency: int = 1
    min_pass_rate: float = 1.0
    max_errors: int = 0
    ends_early: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: ``trials-out-of-range``, with the flag and its range.
        """
        ranges = (
            ("--trials", self.count, 1, MOST_TRIALS),
            ("--concurrency", self.concurrency, 1, self.count),
            ("--min-pass-rate", self.min_pass_rate, 0, 1),
            ("--max-errors", self.max_errors, 0, self.count),
        )
        for flag, given, least, most in ranges:
            # Written so that NaN is out of range.
            if not least <= given <= most:
                message = f"{flag} {given:g} is not from {least} to {most}"
                raise UsageError("trials-out-of-range", message, f"give {flag} a number from {least} to {most}")

    @property
    def is_several(self) -> bool:
        """Whether the trials are taken together at the end."""
        return self.count > 1
