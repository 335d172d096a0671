"""Benches for the tests of the worker; ``worker_bench`` says what a bench is."""

import pytest
from worker_bench import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "project")


@pytest.fixture
def project(bench):
    """A bench on which L01 has run."""
    assert bench.create().result["status"] == "success"
    return bench
