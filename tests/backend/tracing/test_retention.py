"""Old traces are forgotten on the writer's thread, once a minute, and a failure to forget is only counted."""

import time

from support.api_calls import new_project
from support.http_server import serve_backend
from support.trace_bench import PATIENCE_S, recording
from support.tracing_records import BEGIN, span

from backend.tracing.retention import INTERVAL_S, Retention
from backend.tracing.stores import Batch

DAY_NS = 86_400 * 10**9


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def kept(store):
    return {head.trace_id for head in store.get_all()}


def test_the_first_batch_forgets_and_then_not_before_a_minute_has_passed():
    clock = Clock()
    with recording() as bench:
        retention = Retention(bench.store, 2, 30, bench.recorder, clock)
        bench.recorder.listeners.append(retention.heard)

        def fill():
            bench.store.store(Batch([span(start_ns=time.time_ns()) for _ in range(5)]))
            bench.recorder.take([span(start_ns=time.time_ns())])
            assert bench.recorder.stored(PATIENCE_S)

        fill()
        assert len(kept(bench.store)) == 2
        fill()
        assert len(kept(bench.store)) == 8
        clock.now = INTERVAL_S
        fill()
        assert len(kept(bench.store)) == 2


def test_what_is_too_old_goes():
    with recording() as bench:
        old, young = span(start_ns=time.time_ns() - 3 * DAY_NS), span(start_ns=time.time_ns() - DAY_NS)
        bench.store.store(Batch([old, young]))
        Retention(bench.store, 99, 2, bench.recorder).prune()
        assert kept(bench.store) == {young.trace_id}


def test_a_store_that_cannot_forget_is_counted():
    class Stubborn:
        def prune(self, **_):
            raise OSError

    with recording() as bench:
        Retention(Stubborn(), 1, 1, bench.recorder).prune()
        assert bench.tally.lost == {"retention": 1}


def test_a_backend_keeps_as_many_traces_as_its_settings_say(tmp_path):
    with serve_backend(tmp_path, trace_max_count=2) as backend, backend.client() as client:
        for _ in range(3):
            new_project(client)
        tracing = backend.backend.tracing
        assert tracing.recorder.stored(PATIENCE_S)
        tracing.recorder.take([span(start_ns=BEGIN)])
        [retention] = [listener.__self__ for listener in tracing.recorder.listeners]
        retention.prune()
        with_jobs = [head for head in tracing.store.get_all() if head.pipelines]
        assert len(with_jobs) == 2
