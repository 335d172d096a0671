"""How long a poll waits between two attempts where the server does not wait by itself. Pure but for its dice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from harness.language.model import Pace


def next_wait(pace: Pace, waits_before: int, random: Random) -> float:
    """Seconds to wait: ``every`` times a power of ``backoff``, at most ``max_every``, give or take ``jitter``.

    Args:
        pace: As the ladder has it.
        waits_before: How many waits there were; 0 gives the first.
        random: Where the jitter comes from; seed it to repeat a run.
    """
    try:
        grown = pace.every_s * pace.backoff**waits_before
    except OverflowError:
        grown = pace.max_every_s
    return min(grown, pace.max_every_s) * (1 + pace.jitter * random.uniform(-1, 1))
