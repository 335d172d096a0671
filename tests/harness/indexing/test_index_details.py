"""What the index holds of a run for those who look at many: mode, trigger, stages, what is searched, and its climbs."""

import json
import sqlite3
from dataclasses import replace

import pytest
from indexed_runs import FUTURE_NS, add_run, record_of, without_index
from sample_run import scenarios

from harness.evidence.reading import read_entry
from harness.evidence.run_record import ClimbRecord, TriggerRecord, encode_run
from harness.indexing.details import MAX_WORDS, details_of, stages_of
from harness.indexing.listing import list_facts
from harness.indexing.place import FILE, HIDDEN
from harness.indexing.store import Index
from harness.judging.trials import Policy, aggregate
from harness.judging.verdict import Verdict

CLIMB = ClimbRecord("live", "live", "0190aaaa-bbbb-7ccc-8ddd-0123456789ab", "PARTIAL", "2025-11-14T17:14:05.000000Z")


def listed(root):
    return list_facts(root, Index(root), with_contents=True, with_details=True, now_ns=lambda: FUTURE_NS)


def told(root, **fields):
    folder = add_run(root, 0, Verdict.FAIL, **fields)
    listed(root)
    return listed(root).details[folder.name]


def test_details_come_from_the_index_as_they_came_from_the_run(tmp_path):
    folder = add_run(tmp_path, 0, Verdict.FAIL, trigger=TriggerRecord("ci", "LAD-7"), climbs=(CLIMB,))
    fresh = details_of(read_entry(folder), "")
    for _ in range(2):
        assert listed(tmp_path).details[folder.name]._replace(mark="") == fresh
    assert Index(tmp_path).details()[folder.name]._replace(mark="") == fresh
    assert (fresh.mode, fresh.trigger) == ("live", "ci")
    assert "lad-7" in fresh.words.split("\n")


def test_a_run_says_its_ladders_modes_and_types_of_jobs(tmp_path):
    jobs = tuple(replace(each, job_types=("edit",)) for each in scenarios())
    found = told(tmp_path, scenarios=jobs)
    assert "\nedit\n" in found.intents
    assert "\nlive\n" in found.ladders


def test_a_climb_has_its_steps_and_the_first_that_was_not_green(tmp_path):
    (climb,) = json.loads(told(tmp_path, climbs=(CLIMB,)).climbs)
    begun = [each for each in scenarios() if each.folder.startswith("live/") and each.started_at]
    assert climb["steps"] == [[each.id, each.verdict.value] for each in begun]
    red = next(each for each in begun if each.verdict is Verdict.FAIL)
    assert (climb["failing"], climb["status"]) == (red.id, "PARTIAL")
    assert climb["reason"] == red.reason


@pytest.mark.parametrize("text", ["a\nb", "\x1f\x00", "\ud800", "\u2028line", "\x85"])
def test_whatever_a_record_says_comes_back_as_it_was_told(tmp_path, text):
    odd = tuple(replace(each, title=text, reason=text, id=text) for each in scenarios())
    climb = replace(CLIMB, part=text, ladder=text)
    folder = add_run(tmp_path, 0)
    record = record_of(0, scenarios=odd, climbs=(climb,), trigger=TriggerRecord(text))
    (folder / "run.json").write_text(json.dumps(json.loads(encode_run(record))))
    fresh = details_of(read_entry(folder), "")
    listed(tmp_path)
    assert Index(tmp_path).details()[folder.name]._replace(mark="") == fresh
    assert json.loads(fresh.climbs)[0]["part"] == text


def test_what_is_searched_is_lower_case_once_each_and_bounded(tmp_path):
    long = tuple(
        replace(scenarios()[0], id=f"L{place}", title="Straße " + "x" * 1000, reason=f"{place} " * 400)
        for place in range(200)
    )
    words = details_of(read_entry(add_run(tmp_path, 0, scenarios=long)), "").words
    assert len(words) == MAX_WORDS
    assert words.count("strasse") == 1


def test_stages_are_scenarios_of_the_first_part_or_trials():
    record = record_of(0)
    first = [each for each in record.scenarios if each.folder.startswith("live/")]
    assert stages_of(record).endswith(f"/{len(first)}")
    several = aggregate([Verdict.PASS, Verdict.FAIL, Verdict.PASS], Policy())
    assert stages_of(replace(record, aggregation=several)) == "2/3 trials"
    assert stages_of(replace(record, trials=5)) == "of 5 trials"


def test_an_index_of_the_version_before_is_made_anew_without_a_word(tmp_path):
    add_run(tmp_path, 0)
    listed(tmp_path)
    with sqlite3.connect(tmp_path / HIDDEN / FILE) as old:
        old.execute("DROP TABLE details")
        old.execute("PRAGMA user_version = 1")
    old.close()
    index = Index(tmp_path)
    assert index.facts() == {}
    found = list_facts(tmp_path, index, with_details=True, now_ns=lambda: FUTURE_NS)
    assert [each._replace(mark="") for each in found.runs] == without_index(tmp_path)
    assert index.warnings == []
    assert set(Index(tmp_path).details()) == {found.runs[0].folder}


def test_a_byte_that_makes_a_text_unreadable_is_damage_and_no_crash(tmp_path):
    add_run(tmp_path, 0, trigger=TriggerRecord("zzzzzzzz"))
    listed(tmp_path)
    file = tmp_path / HIDDEN / FILE
    data = file.read_bytes()
    assert b"zzzzzzzz" in data
    file.write_bytes(data.replace(b"zzzzzzzz", b"zzzz\xcezzz"))
    index = Index(tmp_path)
    assert index.details() == {}
    assert "damaged" in index.warnings[0]


def test_only_what_is_asked_for_is_read(tmp_path, monkeypatch):
    add_run(tmp_path, 0)
    listed(tmp_path)
    monkeypatch.setattr(Index, "details", lambda _self: pytest.fail("nobody asked"))
    assert list_facts(tmp_path, Index(tmp_path), now_ns=lambda: FUTURE_NS).details == {}
