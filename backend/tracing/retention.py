"""Forgets old traces, by count and by age, on the thread that stores: never while a job waits for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from backend.tracing.recorder import Recorder, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from backend.tracing.stores import Record, TraceStore

INTERVAL_S: Final = 60.0
_DAY_NS: Final = 86_400 * 1_000_000_000


@dataclass(slots=True)
class Retention:
    """Prunes a store at its first batch, and then no more often than once a minute.

    Attributes:
        keep: Traces with a job, and as many without: polls push no job out.
        max_age_days: What is older goes, unless its job still runs.
    """

    store: TraceStore
    keep: int
    max_age_days: float
    recorder: Recorder
    clock: Callable[[], float] = time.monotonic
    _due_at: float = field(default=float("-inf"))

    def heard(self, records: Sequence[Record]) -> None:
        """Look whether it is time; called with each stored batch."""
        del records
        if self.clock() >= self._due_at:
            self._due_at = self.clock() + INTERVAL_S
            self.prune()

    def lose(self, stage: str, trace_id: str | None = None, number: int = 1) -> None:
        """Count a failure."""
        self.recorder.lose(stage, trace_id, number)

    @guarded("retention")
    def prune(self) -> None:
        """Forget now what is too old or too much."""
        before_ns = time.time_ns() - int(self.max_age_days * _DAY_NS)
        self.store.prune(keep=self.keep, before_ns=before_ns)
