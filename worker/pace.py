"""Work that takes long on purpose, so that waiting, polling and cancelling can be tried against it.

It sleeps in steps of about a second and says after each how far it is; a long sleep has longer steps, so that no length
floods the log. It does not watch for signals: a stop signal raises through the sleep.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.engines.outcome import Emit

MAX_PROGRESS_LINES: Final = 60


def pause(seconds: float, emit: Emit, *, sleep: Callable[[float], None]) -> None:
    """Sleep for ``seconds``, with at most ``MAX_PROGRESS_LINES`` progress lines."""
    steps = min(MAX_PROGRESS_LINES, math.ceil(seconds))
    for step in range(1, steps + 1):
        sleep(seconds / steps)
        emit(f"progress: {seconds * step / steps:.1f} of {seconds:g} s")
