"""What the bench of the judge hands to the clients, and how it reads what they cost."""

import sys

import pytest

from harness.language.loading import load
from harness.redaction.env_secrets import load_secrets
from tests.bench.figures import Unit
from tests.bench.processes import Ran, recorded_in, run
from tests.bench.step_files import write_ladder, write_secrets
from tests.bench.steps import Steps, measure_steps
from tests.bench.subject import ROOT, BenchError


class ScriptedSteps(Steps):
    """Each side takes 100 ms and so many more for each step."""

    def __init__(self, ours, bare):
        self.order, self._each = [], (ours, bare)

    @property
    def sides(self):
        return (lambda count: self._ran("o", count), lambda count: self._ran("b", count))

    def _ran(self, side, count):
        self.order.append(f"{side}{count}")
        took = 100 + count * self._each[side == "b"]
        return Ran(took, took / 2, 50.0, "")


@pytest.fixture
def without_records(monkeypatch):
    monkeypatch.setattr("tests.bench.steps._climb_ms", lambda ran: ran.wall_ms - 100)


def test_a_step_costs_what_many_cost_more_than_one(without_records):
    ratio, measures = measure_steps(ScriptedSteps(0.6, 0.2), rounds=3)
    assert ratio.ratio == pytest.approx(3)
    assert not ratio.met
    assert [round(each.median, 3) for each in measures] == [0.6, 0.6, 0.3]
    assert {each.unit for each in measures} == {Unit.MILLISECONDS}


def test_neither_side_always_goes_first_and_the_first_round_is_thrown_away(without_records):
    steps = ScriptedSteps(0.6, 0.2)
    ratio, _ = measure_steps(steps, rounds=1)
    assert steps.order == ["b1", "b500", "o1", "o500", "o1", "o500", "b1", "b500"]
    assert len(ratio.ours) == 1


def test_the_ladder_that_is_measured_has_no_fault_and_asks_for_a_path_of_its_own_in_each_step(tmp_path):
    ladder = load(write_ladder(tmp_path, 3, trials=2), {"BASE_URL": "http://127.0.0.1:1"})
    (scenario,) = ladder.scenarios
    assert [step.action.path for step in scenario.steps] == ["/item/0", "/item/1", "/item/2"]
    assert scenario.trials == 2


def test_three_fake_secrets_are_planted_for_the_redactor(tmp_path):
    settings = write_secrets(tmp_path)
    secrets = load_secrets(settings.with_name(f"{settings.name}.live"), settings, {})
    assert len(list(secrets)) == 3


def test_a_process_that_fails_is_no_fast_sample():
    with pytest.raises(BenchError, match=r"ended with 3:\nsorry"):
        run((sys.executable, "-c", "import sys; print('sorry'); sys.exit(3)"), {})


def test_the_folder_of_a_run_is_read_from_its_last_words():
    ran = Ran(1, 1, 1, "live/L01: PASS\nevidence: var/2025-11-14T17:14:05Z/\nmanifest sha256: 00\n")
    assert recorded_in(ran) == ROOT / "var/2025-11-14T17:14:05Z"
