"""The folders that the bench of the list makes are runs as ``ladder`` makes them, and it measures whole lists."""

import pytest

from harness.evidence.reading import RunCondition, list_runs
from tests.bench import many_runs
from tests.bench.subject import BenchError


def test_the_runs_that_are_listed_have_no_fault_and_some_are_red(tmp_path):
    many_runs.make_runs(tmp_path / "runs", 20)
    entries = list_runs(tmp_path / "runs")
    assert {entry.condition for entry in entries} == {RunCondition.FINISHED}
    assert [entry.record.verdict for entry in entries].count("FAIL") == 2


def test_a_list_that_is_not_whole_is_no_figure(tmp_path):
    many_runs.make_runs(tmp_path / "runs", 3)
    with pytest.raises(BenchError, match="listed 3 runs"):
        many_runs._listed(tmp_path / "runs", 4)


def test_list_question_and_first_listing_are_measured_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(many_runs, "ASKED", ("--status", "FAIL"))
    known, asked, unknown = many_runs.measure_many_runs(tmp_path / "runs", rounds=2, count=3)
    assert (len(known.samples), len(asked.samples), len(unknown.samples)) == (2, 2, 2)
    assert known.goal == asked.goal == many_runs.GOAL
    assert list(tmp_path.iterdir()) == []
