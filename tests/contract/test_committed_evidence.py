"""The run that lies beside the code: whole, green, without a secret, and of these very ladders."""

import hashlib
import json
from pathlib import Path

import pytest

from harness.evidence.checking import faults_of
from harness.evidence.journal import iter_events
from harness.evidence.reading import RunCondition, list_runs, load_run
from harness.evidence.rebuilding import observations
from harness.redaction.scan import scan
from harness.redaction.secret import SecretSet

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = ROOT / "docs/evidence"


@pytest.fixture(scope="module")
def run():
    (entry,) = list_runs(EVIDENCE)
    return load_run(entry)


def test_it_is_one_finished_run_and_every_byte_is_as_recorded(run):
    assert run.entry.condition is RunCondition.FINISHED
    assert run.faults == faults_of(run.entry.folder) == ()


def test_it_is_green_from_the_first_scenario_to_the_end_of_the_rollback(run):
    verdicts = {each.folder: each.verdict.value for each in run.record.scenarios}
    live = [f"live/L0{number}" for number in range(1, 9)]
    smoke = [f"mocked/RERUN/M0{number}" for number in range(1, 5)]
    assert verdicts == dict.fromkeys([*live, *smoke], "PASS")
    assert (run.record.exit_code, run.record.git.dirty) == (0, False)


def test_it_climbed_the_ladders_that_are_here_now(run):
    climbed = {ladder.file: ladder.digest for ladder in run.record.ladders}
    assert climbed == {file: hashlib.sha256((ROOT / file).read_bytes()).hexdigest() for file in climbed}


def test_it_holds_nothing_that_looks_like_a_secret_and_nothing_of_the_machine_it_was_made_on(run):
    assert scan(run.entry.folder, SecretSet()) == ()
    everything = b"".join(path.read_bytes() for path in run.entry.folder.rglob("*") if path.is_file())
    assert str(ROOT).encode() not in everything
    assert f"{Path.home()}/".encode() not in everything


def test_everything_that_was_judged_in_it_can_be_judged_again(run):
    entries = list(iter_events(run.events))
    seen = list(observations(entries))
    assert {each.scenario for each in seen} >= {"L01", "L08", "M01", "M04"}
    assert all(each.is_whole for each in seen)
    assert json.loads((run.entry.folder / "reports/redaction.json").read_text()) == {"hits": {}}
