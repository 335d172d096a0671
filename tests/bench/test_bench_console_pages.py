"""The bench of the console asks for pages that show what they are to show, and leaves nothing behind."""

import pytest

from tests.bench import console_pages
from tests.bench.subject import BenchError


def test_every_page_is_measured_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(console_pages, "STARTS", 1)
    found = {each.name: each for each in console_pages.measure_console(tmp_path / "runs", rounds=2, count=12)}
    assert {name for name, each in found.items() if each.goal} == {
        *("console: list of runs", f"… {console_pages.FILTERED[2:]}", "console: list of traces"),
        *("console: run", "console: scenario", "console: compare"),
    }
    assert {len(each.samples) for each in found.values() if each.goal} == {2}
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_does_not_show_its_run_is_no_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(console_pages, "_OTHER", "2025-06-01T00:32:00Z")
    monkeypatch.setattr(console_pages, "_lay", lambda _place: None)
    with pytest.raises(BenchError, match="is not in them"):
        console_pages.measure_console(tmp_path / "runs", rounds=1, count=2)
    assert list(tmp_path.iterdir()) == []
