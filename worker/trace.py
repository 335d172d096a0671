"""What a run did, as spans in ``.codex/trace.jsonl``: below the launcher's span, one for each step.

Each span is written when it begins and again when it ends, so a killed worker leaves a readable trace in which the
spans without an end are those that were open. Where the run belongs is known when its request is read; until then the
lines wait.
A run whose request and launcher name no trace writes none and never starts one of its own.

Recording never influences the job: an error in it is swallowed and counted. A stop signal may still raise within it, as
it may anywhere in the work; a span that it caught between its beginning and its block ends with its parent.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Final

from worker import otlp
from worker.contract import ContractError
from worker.otlp import SpanRecord
from worker.trace_file import TraceFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from worker.clock import Clock
    from worker.otlp import Origin, Value
    from worker.workspace import Workspace

MAX_SPANS: Final = 128
LAUNCH: Final = "launch"
"""What sets off the root: its parent belongs to the launcher, whose words for it are not known here."""


class Step(Enum):
    """All spans that there are: name, component and operation."""

    RUN = ("worker run", "job", "run")
    READ_REQUEST = ("read request", "job", "read_request")
    LOAD_ENGINE = ("load engine", "engines", "load_engine")
    WAIT = ("wait", "pace", "wait")
    LOOK_BEFORE = ("snapshot before", "snapshot", "look_before")
    ENGINE = ("engine", "engines", "run_engine")
    PLAN = ("plan", "rules", "plan")
    WRITE_FILES = ("write files", "workspace", "write_files")
    LOOK_AFTER = ("snapshot after", "snapshot", "look_after")
    WRITE_RESULT = ("write result", "workspace", "write_result")

    def __init__(self, title: str, component: str, operation: str) -> None:
        self.title = title
        self.component = component
        self.operation = operation


class Span:
    """A step while it runs; as a context manager it ends with its block, with an error when that raises.

    Attributes:
        attributes: What was noted; what may not be told is left out when it is written.
        record: ``None`` as long as it is not recorded.
        children: How many spans have begun directly below it.
    """

    __slots__ = ("_recorder", "attributes", "children", "error_type", "record", "step")

    def __init__(self, step: Step, recorder: Recorder | None) -> None:
        self.step = step
        self.attributes: dict[str, Value] = {}
        self.error_type: str | None = None
        self.record: SpanRecord | None = None
        self.children = 0
        self._recorder = recorder

    def note(self, name: str, value: Value) -> None:
        """Keep a fact under a name of ``worker.otlp.ALLOWED``."""
        self.attributes[name] = value

    def fail(self, *errors: str) -> None:
        """Let it end with an error when there is one: the first code counts."""
        if errors:
            self.error_type = errors[0]

    def __enter__(self) -> Self:
        if self._recorder is not None:
            self._recorder.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self.error_type is None:
            self.error_type = kind.__name__
        if isinstance(error, ContractError):
            self.note("evidence.reference", error.reference)
        if self._recorder is not None:
            self._recorder.end(self)


class Recorder:
    """Writes the spans of one run.

    Attributes:
        lost_lines: Lines that could not be written, because of an error or for want of room.
        lost_spans: Spans beyond ``MAX_SPANS``.
    """

    def __init__(self, file: TraceFile, clock: Clock) -> None:
        self.lost_lines = 0
        self.lost_spans = 0
        self._file = file
        self._clock = clock
        self._instance = os.urandom(16).hex()
        self._origin: Origin | None = None
        # None once it is known where the run belongs, or that it belongs nowhere.
        self._waiting: list[SpanRecord] | None = []
        self._open: list[Span] = []
        self._begun = 0

    @property
    def lost(self) -> int:
        """Everything that is missing from the file."""
        return self.lost_lines + self.lost_spans

    def clear(self) -> None:
        """Remove the trace of an earlier job."""
        try:
            self._file.clear()
        except Exception:  # noqa: BLE001  # recording never influences the recorded
            self.lost_lines += 1

    def belong_to(self, origin: Origin | None) -> None:
        """Say to which trace the run belongs, once; ``None`` ends the recording."""
        waiting, self._waiting = self._waiting or (), None
        if origin is None:
            return
        self._origin = origin
        try:
            self._file.create()
        except Exception:  # noqa: BLE001  # as above; each line is then lost and counted
            self.lost_lines += 1
        for record in waiting:
            self._write(record)

    def begin(self, span: Span) -> None:
        """Open a span below the one that was opened last."""
        try:
            self._begin(span)
        except Exception:  # noqa: BLE001  # as above
            self.lost_lines += 1

    def end(self, span: Span) -> None:
        """End a span, and whatever is still open below it."""
        try:
            while span in self._open:
                self._end(self._open[-1], span.error_type)
                self._open.pop()
        except Exception:  # noqa: BLE001  # as above
            self.lost_lines += 1

    def _begin(self, span: Span) -> None:
        if self._begun >= MAX_SPANS:
            self.lost_spans += 1
            return
        self._begun += 1
        parent = self._open[-1] if self._open else None
        step = span.step
        place = {"layer": otlp.LAYER, "component": step.component, "operation": step.operation}
        span.attributes |= {f"evidence.{name}": word for name, word in place.items()}
        span.attributes["evidence.trigger"] = parent.step.operation if parent else LAUNCH
        if parent is not None:
            span.attributes["evidence.ordinal"] = parent.children
            parent.children += 1
        start_ns = self._clock.now_ns() if parent else self._clock.begun_ns
        parent_span_id = parent.record.span_id if parent and parent.record else None
        span.record = SpanRecord(_span_id(), parent_span_id, step.title, start_ns)
        self._open.append(span)
        self._tell(span, None)

    def _end(self, span: Span, error_type: str | None) -> None:
        span.error_type = span.error_type or error_type
        self._tell(span, self._clock.now_ns())

    def _tell(self, span: Span, end_ns: int | None) -> None:
        if (begun := span.record) is None:
            return
        if span is self._open[0] and end_ns is not None:
            for what, count in (("spans", self.lost_spans), ("lines", self.lost_lines)):
                span.attributes |= {f"evidence.dropped.{what}": count} if count else {}
        record = SpanRecord(begun.span_id, begun.parent_span_id, begun.name, begun.start_ns, end_ns)
        record.error_type, record.attributes = span.error_type, dict(span.attributes)
        if self._waiting is not None:
            self._waiting.append(record)
        elif self._origin is not None:
            self._write(record)

    def _write(self, record: SpanRecord) -> None:
        assert self._origin is not None  # noqa: S101  # the callers know
        last = record.parent_span_id is None and record.end_ns is not None
        try:
            self._file.append(otlp.line(record, self._origin, instance=self._instance), last=last)
        except Exception:  # noqa: BLE001  # as above
            self.lost_lines += 1


_CURRENT: ContextVar[Recorder | None] = ContextVar("worker_trace", default=None)


@contextmanager
def recorded(workspace: Workspace, clock: Clock) -> Iterator[Recorder]:
    """Record the spans of the block in the workspace's trace file, in place of those of an earlier job."""
    file = TraceFile(workspace)
    recorder = Recorder(file, clock)
    recorder.clear()
    token = _CURRENT.set(recorder)
    try:
        yield recorder
    finally:
        _CURRENT.reset(token)
        file.close()


def span(step: Step) -> Span:
    """Make a span of that step; outside of ``recorded`` it records nothing."""
    return Span(step, _CURRENT.get())


def belong_to(origin: Origin | None) -> None:
    """Say to which trace the present run belongs; see ``Recorder.belong_to``."""
    if (recorder := _CURRENT.get()) is not None:
        recorder.belong_to(origin)


def _span_id() -> str:
    # Zero is no valid span id.
    while not any(drawn := os.urandom(8)):
        pass
    return drawn.hex()
