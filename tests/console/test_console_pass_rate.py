"""The pass rate over time: what counts, in which unit, and that no run's record can spoil the strip of the others."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.console.asked import Filters
from harness.console.listed import Row
from harness.console.pass_rate import pass_rate
from harness.console.time_units import MOST_BARS
from harness.indexing.details import Details
from harness.indexing.facts import Contents, Facts
from harness.judging.trials import wilson

BEGAN = datetime(2025, 3, 3, 10, tzinfo=UTC)


def run(verdict, began=BEGAN, condition="finished"):
    us = (began - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) if isinstance(began, datetime) else began
    facts = Facts("2025-03-03T10:00:00Z", "mark", str(us), condition, "", "", verdict=verdict)
    return Row(facts, Contents(facts.folder, ""), Details(facts.folder, ""))


def rate(*rows, **filters):
    return pass_rate(rows, Filters(**filters))


def test_green_runs_are_counted_among_those_with_an_answer():
    found = rate(run("PASS"), run("LIMITED"), run("FAIL"), run("FLAKY"), run("ERROR"), run("INCONCLUSIVE"))
    assert (found["green"], found["answered"], found["undecided"], found["rate"]) == (2, 4, 2, 0.5)
    low, high = wilson(2, 4)
    assert (found["low"], found["high"]) == (round(low, 4), round(high, 4))


def test_what_is_no_evidence_counts_nowhere():
    found = rate(run("PASS", condition="partial"), run("PASS", condition="damaged"), run("PASS", condition="running"))
    assert (found["bars"], found["rate"], found["words"]) == ([], None, "no answer")
    assert rate()["bars"] == []
    assert rate(run(""))["bars"] == []


@pytest.mark.parametrize(
    ("gap", "unit", "labels"),
    [
        (timedelta(hours=30), "hour", ["2025-03-03 10:00", "2025-03-04 16:00"]),
        (timedelta(days=40), "day", ["2025-03-03", "2025-04-12"]),
        (timedelta(days=300), "week", ["2025 week 10", "2025 week 52"]),
        (timedelta(days=900), "month", ["2025-03", "2027-08"]),
        (timedelta(days=9000), "year", ["2025", "2049"]),
    ],
)
def test_the_unit_is_the_smallest_that_fits_on_the_strip(gap, unit, labels):
    found = rate(run("PASS"), run("FAIL", BEGAN + gap))
    assert found["unit"] == unit
    assert [bar["time"] for bar in found["bars"]] == labels
    assert [bar["words"] for bar in found["bars"]] == ["100 %", "0 %"]


def test_a_bar_leads_to_its_runs_and_keeps_the_other_filters():
    (first, _) = rate(run("PASS"), run("PASS", BEGAN + timedelta(days=300)), ladder="live")["bars"]
    assert first["href"] == "/?ladder=live&from=2025-03-03&to=2025-03-09"


def test_bars_stand_in_the_order_of_time_within_the_strip():
    found = rate(*(run("PASS" if day % 3 else "FAIL", BEGAN + timedelta(days=day)) for day in range(50)))
    places = [bar["x"] for bar in found["bars"]]
    assert places == sorted(places)
    assert all(bar["x"] >= 0 and bar["x"] + bar["width"] <= 100 for bar in found["bars"])
    assert all(bar["y"] + bar["height"] == 100 for bar in found["bars"])


def test_a_rate_is_not_rounded_to_all_or_to_none():
    assert rate(*(run("PASS") for _ in range(5000)), run("FAIL"))["words"] == "99.9 %"
    assert rate(*(run("FAIL") for _ in range(5000)), run("PASS"))["words"] == "0.1 %"


@given(st.lists(st.tuples(st.sampled_from(["PASS", "FAIL", "ERROR"]), st.integers(-(10**20), 10**20)), min_size=1))
def test_whatever_time_a_record_tells_every_run_is_counted_on_a_bounded_strip(told):
    found = rate(*(run(verdict, began) for verdict, began in told))
    assert sum(bar["answered"] + bar["undecided"] for bar in found["bars"]) == len(told)
    years = found["unit"] == "year"
    assert years or len(found["bars"]) <= MOST_BARS
    assert all(0 <= bar["x"] <= 100 for bar in found["bars"])


def test_one_bar_alone_does_not_fill_the_strip():
    found = rate(run("PASS"))
    assert found["is_short"]
    assert found["bars"][0]["width"] < 100 / 11
    assert not rate(run("PASS"), run("PASS", BEGAN + timedelta(hours=11)))["is_short"]
