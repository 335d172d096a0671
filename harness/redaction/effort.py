"""What searching one text may cost, counted and not timed, so that the same text always gets the same answer.

A text can be made to cost any time: packed a thousandfold, escaped within escapes, or a secret beside a secret for
megabytes. Whoever searches counts what is done, and when a text has used up its share the search ends: its caller then
takes all that was not searched for a secret. Whatever a program sends in earnest costs a small part of that.
"""

from __future__ import annotations

import math
from typing import Final

MOST: Final = 144 << 20
"""Units for one text: about 3 s. 32 MiB of plain text take a quarter of it, 32 MiB of escapes nearly all, and so do
12 MiB of base64."""

FOR_A_HIT: Final = 32
FOR_A_LOOK: Final = 160
FOR_A_FIND: Final = 160
FOR_AN_ESCAPE: Final = 12
FOR_A_PART: Final = 512
"""Units that compare with reading one byte of a view, measured."""
UNPACKED_FOR_ONE: Final = 8
"""Bytes; reading what was unpacked counts besides."""


class SpentError(Exception):
    """The share is used up; never leaves this package."""


class Effort:
    """What is left of the share of one text.

    Args:
        most: Units; without it there is no bound, as for a stream, of which no part is ever too large.
    """

    __slots__ = ("_left",)

    def __init__(self, most: float = math.inf) -> None:
        self._left = most

    def spend(self, units: int) -> None:
        """Count what is about to be done.

        Raises:
            SpentError: It is more than is left.
        """
        self._left -= units
        if self._left < 0:
            raise SpentError
