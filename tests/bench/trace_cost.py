"""What recording costs: two backends that differ in TRACE_ENABLED alone, in turns, and single operations in here.

``ours`` is the backend that records and ``bare`` the one that does not; what is measured is the same for both. Single
operations work on a real store on SQLite, whose thread writes meanwhile, as it does in a backend.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from backend.database import connect, migrate
from backend.redaction import Redactor, Secret
from backend.tracecontext import new_trace_id
from backend.tracing.attributes import Cleaner
from backend.tracing.pipeline import Pipeline, Source, StepEnd, StepStatus, Trigger
from backend.tracing.recorder import Limits, Recorder
from backend.tracing.records import DbWrite, Fingerprint, Op, Outcome, RowsSource
from backend.tracing.spans import Layer, Place
from backend.tracing.store import open_store
from tests.bench.figures import AtMost, Comparison, Measure, Unit
from tests.bench.jobs import WARM_UP, in_turns
from tests.bench.subject import BenchError, running_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.removals import Removals
    from tests.bench.subject import Backend

JOB_PAIRS: Final = 120
REQUEST_ROUNDS: Final = 40
REQUESTS: Final = 25
"""In one sample."""
OPERATIONS: Final = 2_000
JOB_GOAL: Final = AtMost(1.03)
REQUEST_GOAL: Final = AtMost(1.0)
OPERATION_GOAL: Final = AtMost(1.0)
_PLACE: Final = Place("docker run", Layer.RUNNER, "docker", "run")
_SETTLE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Recording:
    """A backend that records, one that does not, and the witness that containers are gone."""

    on: Backend
    off: Backend
    removals: Removals


@contextmanager
def running_pair(place: Path, *, image: str, instance: str, removals: Removals) -> Iterator[Recording]:
    """Start both backends below ``place``; their containers carry ``instance`` and ``instance`` with ``-off``."""
    folders = [place / name for name in ("on", "off")]
    for folder in folders:
        folder.mkdir()
    with (
        running_backend(folders[0], image=image, instance=instance) as on,
        running_backend(folders[1], image=image, instance=f"{instance}-off", TRACE_ENABLED="False") as off,
    ):
        yield Recording(on, off, removals)


def measure_job(sides: Recording, *, pairs: int) -> Comparison:
    """Measure POST → result visible with recording and without."""
    ours, bare = _job(sides.on, sides.removals), _job(sides.off, sides.removals)
    in_turns(WARM_UP, ours, bare)
    on, off = in_turns(pairs, ours, bare)
    return Comparison("job, recorded or not", Unit.MILLISECONDS, tuple(on), tuple(off), goal=JOB_GOAL)


def _job(backend: Backend, removals: Removals) -> Callable[[], float]:
    project_id = backend.create_project()

    def sample() -> float:
        begun = time.perf_counter()
        job_id = backend.run_job(project_id)
        took = time.perf_counter() - begun
        removals.await_all([job_id])
        return took * 1000

    return sample


def measure_requests(sides: Recording, *, rounds: int) -> Measure:
    """Measure what recording adds to one request that reads."""
    ours, bare = _requests(sides.on), _requests(sides.off)
    in_turns(WARM_UP, ours, bare)
    on, off = in_turns(rounds, ours, bare)
    added = tuple(with_it - without for with_it, without in zip(on, off, strict=True))
    name = "request, added by recording"
    return Measure(name, Unit.MILLISECONDS, added, REQUEST_GOAL, beside=tuple(off), beside_name="without")


def _requests(backend: Backend) -> Callable[[], float]:
    project_id = backend.create_project()

    def sample() -> float:
        begun = time.perf_counter()
        for _ in range(REQUESTS):
            backend.get(f"projects/{project_id}")
        return (time.perf_counter() - begun) * 1000 / REQUESTS

    return sample


class _NoCounts:
    """Counts nothing: a loss ends the measurement."""

    def trace_dropped(self, stage: str, number: int = 1) -> None:
        msg = f"{number} records were lost at {stage}"
        raise BenchError(msg)


def measure_operations(place: Path, *, count: int) -> tuple[Measure, ...]:
    """Measure single operations of recording, each ``count`` times."""
    url = f"sqlite:///{place / 'operations.db'}"
    engine = connect(url)
    migrate(engine)
    engine.dispose()
    store = open_store(url)
    limits = Limits(queued=count * 4, per_trace=count * 4)
    recorder = Recorder(
        store, Cleaner(Redactor({"S": Secret("bench-canary")})), _NoCounts(), instance="b", limits=limits
    )
    recorder.start()
    try:
        return tuple(_operation(recorder, name, action, count) for name, action in _operations(recorder).items())
    finally:
        recorder.close()
        store.close()


def _operation(recorder: Recorder, name: str, action: Callable[[], object], count: int) -> Measure:
    samples = []
    for _ in range(count):
        begun = time.perf_counter()
        action()
        samples.append((time.perf_counter() - begun) * 1000)
    if not recorder.stored(_SETTLE_S):
        msg = "the records were not stored"
        raise BenchError(msg)
    return Measure(f"trace: {name}", Unit.MILLISECONDS, tuple(samples), OPERATION_GOAL)


def _operations(recorder: Recorder) -> dict[str, Callable[[], object]]:
    span = recorder.open(_PLACE)
    trace_id, span_id = span.context.trace_id, span.context.span_id
    write = DbWrite(
        trace_id=trace_id,
        span_id=span_id,
        system="sqlite",
        txn_id="b" * 16,
        stmt_seq=1,
        fingerprint=Fingerprint(1, "c" * 64),
        outcome=Outcome.COMMITTED,
        error_type=None,
        sqlstate=None,
        started_ns=time.time_ns(),
        duration_ns=1,
        op=Op.INSERT,
        tables=("jobs",),
        batch_size=1,
        rows=1,
        rows_source=RowsSource.CURSOR,
    )

    def one_span() -> None:
        with recorder.span(_PLACE, span.context) as inner:
            inner.set({"evidence.attempt": 1, "evidence.launcher": "docker"})

    def one_step() -> None:
        pipeline = Pipeline(new_trace_id(), trace_id, Trigger(Source.API, "edit"), "template: edit")
        pipeline.add_step("template", "edit")
        pipeline.update_step(1, StepEnd(StepStatus.SUCCESS))
        pipeline.complete()
        recorder.pipeline(pipeline)

    return {
        "begin and end a span": one_span,
        "note an event": lambda: recorder.event("job.started", {"evidence.step.number": 1}, span.context),
        "take a database write": lambda: recorder.db_write(write),
        "run a pipeline of one step": one_step,
    }
