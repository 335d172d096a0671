"""What the benchmark concludes from samples."""

import json

from tests.bench.figures import AtLeast, AtMost, Comparison, Measure, Unit, percentile
from tests.bench.jobs import in_turns
from tests.bench.report import Machine, Report


def latency(ours, bare, limit=1.25):
    return Comparison("job", Unit.MILLISECONDS, tuple(ours), tuple(bare), goal=AtMost(limit))


def report(*comparisons):
    return Report(Machine(2, 0.5, "20.10.24", "image (sha256:0)"), comparisons, None, seconds=1.0)


def test_the_ratio_is_the_median_of_pairs_so_that_drifting_load_and_outliers_do_not_decide():
    assert latency([100, 120, 900], [100, 100, 100]).ratio == 1.2
    assert latency([110, 220, 440, 880], [100, 200, 400, 100]).ratio == 1.1


def test_a_goal_is_met_at_its_limit_and_missed_beyond_it():
    assert latency([125.0], [100.0] * 1).goal.met_by(1.25)
    assert latency([125, 125], [100, 100]).met
    assert not latency([126, 126], [100, 100]).met
    assert AtLeast(0.9).met_by(0.9)
    assert not AtLeast(0.9).met_by(0.899)


def test_the_spread_comes_from_the_pairs():
    assert latency([1, 2, 3, 4, 5], [1, 1, 1, 1, 1]).spread == (2, 4)


def test_what_has_no_goal_cannot_be_missed():
    assert Comparison("files", Unit.MILLISECONDS, (9.0, 9.0), (1.0, 1.0)).met


def test_one_missed_goal_makes_the_report_red_in_words_and_in_json():
    red = report(latency([1, 1], [1, 1]), latency([2, 2], [1, 1]))
    assert not red.met
    assert "MISSED" in red.as_text()
    assert json.loads(red.as_json())["met"] is False


def test_the_95th_percentile_is_a_sample_that_was_taken():
    assert percentile(range(1, 101), 95) == 95
    assert percentile([7.0], 95) == 7.0
    assert percentile([3, 1, 2], 5) == 1


def test_the_slow_end_of_a_rate_is_its_low_one():
    rate = Comparison("rate", Unit.JOBS_PER_SECOND, (1.0, 5.0, 9.0), (1.0, 5.0, 9.0))
    assert json.loads(report(rate).as_json())["comparisons"][0]["ours"]["slow_end"] == 1.0


def test_samples_are_taken_in_turns_and_neither_always_goes_first():
    order = []
    ours, bare = in_turns(3, lambda: order.append("o") or 1.0, lambda: order.append("b") or 2.0)
    assert "".join(order) == "boobbo"
    assert (ours, bare) == ([1.0] * 3, [2.0] * 3)


def memory(*samples, limit=40):
    return Measure("memory", Unit.MEGABYTES, samples, AtMost(limit))


def test_the_median_of_a_measure_decides_and_its_spread_is_told():
    assert memory(30, 40, 90).met
    assert not memory(30, 41, 41).met
    assert memory(10, 20, 30, 40, 50).spread == (20, 40)
    assert memory(7.0).spread == (7.0, 7.0)


def test_a_measure_beyond_its_goal_makes_the_report_red_and_is_named():
    red = Report(Machine(2, 0.5, "20.10.24", "image"), (), None, seconds=1.0, measures=(memory(41.0),))
    assert not red.met
    assert red.as_text().splitlines()[-1] == "missed: memory"
    assert json.loads(red.as_json())["measures"][0]["met"] is False


def test_what_could_not_be_measured_is_said_and_is_no_miss():
    told = Report(Machine(2, 0.5, "20.10.24", "image"), (), None, seconds=1.0, remarks=("no peer: no index",))
    assert told.met
    assert "note: no peer: no index" in told.as_text()


def test_what_stands_beside_a_measure_is_named_with_its_median():
    cold = Measure("ladder list", Unit.MILLISECONDS, (140.0,), AtMost(150), beside=(20.0, 22.0), beside_name="python")
    report = Report(Machine(2, 0.5, "20.10.24", "image"), (), None, seconds=1.0, measures=(cold,))
    assert "python 21" in report.as_text()
