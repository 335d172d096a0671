"""The self-check: a run may begin only where every way out keeps fake secrets in."""

import pytest
from recorded_runs import run_record, scenario_record
from staged import OK_STEP, ladder_of, one_scenario

from harness.errors import PrerequisiteError
from harness.runner import self_check as checks
from harness.runner.self_check import self_check

WAYS_OUT = {
    "an evidence file": "_through_a_file",
    "the journal": "_through_the_journal",
    "the reports": "_through_the_reports",
    "the terminal": "_through_the_terminal",
}


@pytest.fixture
def record(tmp_path):
    ladder = ladder_of(tmp_path, one_scenario(OK_STEP), name="live", mode="live")
    return run_record(ladder, scenarios=(scenario_record("L01"),))


def refusal(record):
    with pytest.raises(PrerequisiteError) as refused:
        self_check(record)
    return refused.value


def test_what_this_version_writes_with_keeps_fake_secrets_in(record):
    self_check(record)


@pytest.mark.parametrize(("name", "way"), WAYS_OUT.items())
def test_a_way_out_that_redacts_nothing_is_named(record, monkeypatch, name, way):
    monkeypatch.setattr(checks, way, lambda *given: given[-1].encode())
    refused = refusal(record)
    assert refused.reference == "canary-leaked"
    assert f"through {name} unredacted" in refused.message


@pytest.mark.parametrize(("name", "way"), WAYS_OUT.items())
def test_a_way_out_behind_which_nothing_is_ever_found_proves_nothing(record, monkeypatch, name, way):
    monkeypatch.setattr(checks, way, lambda *_given: b"nothing")
    refused = refusal(record)
    assert refused.reference == "canary-blind"
    assert name in refused.message


def test_the_check_leaves_nothing_behind(record, tmp_path, monkeypatch):
    monkeypatch.setattr(checks.tempfile, "tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    self_check(record)
    assert sorted(tmp_path.iterdir()) == before
