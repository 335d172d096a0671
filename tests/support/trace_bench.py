"""A recorder on a store in memory, and stores that break when they are told to."""

from contextlib import contextmanager

from backend.redaction import Redactor, Secret
from backend.tracing.attributes import Cleaner
from backend.tracing.memory_store import MemoryTraceStore
from backend.tracing.recorder import Limits, Recorder
from support.tracing_records import PLACE

CANARY = "canary-6Qw8Er2Ty4"
PATIENCE_S = 60.0

__all__ = ["CANARY", "PATIENCE_S", "PLACE", "BrokenStore", "Tally", "recording"]


class Tally:
    """Counts losses as the metrics would."""

    def __init__(self):
        self.lost = {}

    def trace_dropped(self, stage, number=1):
        self.lost[stage] = self.lost.get(stage, 0) + number


class BrokenStore(MemoryTraceStore):
    """Keeps nothing while it is broken."""

    def __init__(self):
        super().__init__()
        self.broken = True

    def store(self, batch):
        if self.broken:
            msg = f"no space left for {CANARY}"
            raise OSError(msg)
        super().store(batch)


class Recording:
    """A recorder that runs, with what it has kept and lost."""

    def __init__(self, store, limits):
        self.store, self.tally = store, Tally()
        self.recorder = Recorder(
            store, Cleaner(Redactor({"S": Secret(CANARY)})), self.tally, instance="ours:1", limits=limits
        )

    def kept(self, span):
        """The trace of a span, after everything so far was stored."""
        assert self.recorder.stored(PATIENCE_S)
        return self.store.get(span.context.trace_id)


@contextmanager
def recording(store=None, limits=None):
    found = Recording(store or MemoryTraceStore(), limits or Limits())
    found.recorder.start()
    try:
        yield found
    finally:
        found.recorder.close()
