"""One clock for all times of a run: the wall clock of its beginning, carried on by the monotonic clock.

So no time goes back and every difference is a true duration, also when somebody sets the wall clock meanwhile; the
times are then off by as much as it was set.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Starts when it is made.

    Args:
        wall: Nanoseconds since 1970; asked once.
        monotonic: Nanoseconds since any moment.

    Attributes:
        begun_ns: The moment of its making, in nanoseconds since 1970.
    """

    __slots__ = ("_begun_monotonic", "_monotonic", "begun_ns")

    def __init__(
        self, *, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._monotonic = monotonic
        self.begun_ns, self._begun_monotonic = wall(), monotonic()

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self.begun_ns + self._monotonic() - self._begun_monotonic
