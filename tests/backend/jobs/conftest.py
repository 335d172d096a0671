"""A running backend on a fake engine, on each database."""

import threading

import pytest
import structlog
from support.fake_launcher import KilledError
from support.job_bench import CANARY, Bench


@pytest.fixture
def logged():
    """Every log line of the test, and the certainty that none of them holds the secret."""
    before, capture = structlog.get_config(), structlog.testing.LogCapture()
    structlog.configure(
        [structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info, capture],
        cache_logger_on_first_use=False,
    )
    yield capture.entries
    structlog.configure(**before)
    assert CANARY not in repr(capture.entries)


@pytest.fixture
def make_bench(database_url, tmp_path, monkeypatch, logged):
    """Makes benches that are stopped at the end; they are not started yet."""
    report = threading.excepthook
    monkeypatch.setattr(threading, "excepthook", lambda args: args.exc_type is KilledError or report(args))
    made = []

    def make(**settings):
        made.append(Bench(database_url, tmp_path, **settings))
        return made[-1]

    yield make
    for bench in made:
        bench.stop()


@pytest.fixture
def bench(make_bench):
    """A bench that works."""
    bench = make_bench()
    bench.start()
    return bench
