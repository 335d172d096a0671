"""A running backend on a fake engine, on each database."""

import pytest
from support.job_bench import Bench


@pytest.fixture
def make_bench(database_url, tmp_path):
    """Makes benches that are stopped at the end; they are not started yet."""
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
