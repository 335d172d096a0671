"""How far a reader has got in all logs of a run, in a few characters: the id of the last event that it was told.

A run has a log of its own, and of several trials one for each. ``7/0-4.6/5:18`` has seven lines of the run's own log
and eighteen of trial 5, and all of trials 0 to 4 and 6. Trials end almost in the order of their starts, so there are
about as many ranges and places as trials at the same time, whatever the number of trials. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Self

LONGEST: Final = 4_096
"""Characters; what is longer was never told by us."""

_RANGE: Final = "[0-9]{1,6}(?:-[0-9]{1,6})?"
_PLACE: Final = "[0-9]{1,6}:[0-9]{1,12}"
_SHAPE: Final = re.compile(rf"([0-9]{{1,12}})(?:/((?:{_RANGE}(?:\.{_RANGE})*)?)/((?:{_PLACE}(?:\.{_PLACE})*)?))?")


@dataclass(slots=True)
class Position:
    """Where a reader is.

    Attributes:
        own: Number of the last line of the run's own log.
        told: Trials of which everything was told, their ends included: first and last of each range, in order.
        at: Trial that goes on → number of the last line of its log.
    """

    own: int = 0
    told: list[tuple[int, int]] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Self:
        """Read an id; what is none begins at the beginning."""
        found = _SHAPE.fullmatch(text) if len(text) <= LONGEST else None
        if found is None:
            return cls()
        own, told, at = found.groups(default="")
        ranges = (piece.partition("-") for piece in told.split(".") if piece)
        places = (piece.partition(":") for piece in at.split(".") if piece)
        return cls(
            int(own),
            _joined([(int(first), int(last or first)) for first, _, last in ranges]),
            {int(trial): int(line) for trial, _, line in places},
        )

    def __str__(self) -> str:
        """As an id; that of a run without trials is a number alone."""
        if not self.told and not self.at:
            return str(self.own)
        told = ".".join(f"{first}-{last}" if first != last else f"{first}" for first, last in self.told)
        return f"{self.own}/{told}/{'.'.join(f'{trial}:{self.at[trial]}' for trial in sorted(self.at))}"

    def is_told(self, trial: int) -> bool:
        """Whether nothing more is to be told of a trial."""
        return any(first <= trial <= last for first, last in self.told)

    def end(self, trial: int) -> None:
        """Everything of a trial has been told."""
        self.at.pop(trial, None)
        self.told = _joined([*self.told, (trial, trial)])


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order, those that touch made one."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined
