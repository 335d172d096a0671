"""A running backend on a fake engine, on each database."""

import threading

import pytest
from support.fake_launcher import KilledError
from support.job_bench import Bench


@pytest.fixture
def make_bench(database_url, tmp_path, monkeypatch):
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
