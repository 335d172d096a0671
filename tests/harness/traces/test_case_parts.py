"""Digests of a case's parts name what was changed, and the digest of a run holds all cases together."""

import copy
import hashlib
import json

import pytest
from case_builders import CASE, whole_case

from harness.evidence.records import DamagedRecordError
from harness.traces.case_parts import SCHEMA, digest, digests_document, document_parts, parts_of, run_digest

ROWS = [("live-L01", "PASS", "a" * 64, "b" * 64), ("live-L02", "FAIL", "c" * 64, "d" * 64)]


def stored(case):
    return json.dumps(case, indent=2).encode()


def test_a_part_has_a_digest_of_its_own():
    parts = parts_of(whole_case())
    assert parts == document_parts(CASE)
    assert len(parts.events) == len(CASE["execution_trace"])
    assert (len(parts.writes), len(parts.calls)) == (1, 3)
    assert parts.writes[0] == digest(CASE["db_writes"][0])


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda case: case["execution_trace"][3].update(status="ERROR"), "events"),
        (lambda case: case["db_writes"][0].update(rowcount=2), "writes"),
        (lambda case: case["api_calls_used"][1].update(status=500), "calls"),
        (lambda case: case["assertions"].pop(), "summary"),
        (lambda case: case.update(stage="2"), "summary"),
    ],
)
def test_a_change_is_seen_in_its_own_part_alone(change, part):
    case = copy.deepcopy(CASE)
    change(case)
    one, other = document_parts(CASE), document_parts(case)
    assert [
        name for name in ("summary", "events", "writes", "calls") if getattr(one, name) != getattr(other, name)
    ] == [part]


def test_how_a_value_is_spelt_and_in_which_order_changes_no_digest():
    assert digest({"a": 1, "b": 1.0}) == digest({"b": 1, "a": 1.0})
    assert digest(True) != digest(1)


@pytest.mark.parametrize("value", [10**30, -(10**30), "\ud800", {"\udfff": ["\ud800"]}])
def test_what_canonical_json_cannot_spell_has_a_digest_all_the_same(value):
    assert digest(value) == digest(value)
    assert digest([value]) != digest([1])


def test_the_digest_of_a_run_knows_no_order_and_misses_no_change():
    assert run_digest(ROWS) == run_digest(reversed(ROWS))
    for row in range(2):
        for field in range(4):
            changed = [list(each) for each in ROWS]
            changed[row][field] = "x"
            assert run_digest(map(tuple, changed)) != run_digest(ROWS)
    assert run_digest([]) != run_digest(ROWS[:1])


def test_the_document_holds_the_digests_of_the_bytes_as_they_are_stored():
    data = stored(CASE)
    document = digests_document({"live-L01": data, "live-A": data})
    entry = document["cases"]["live-L01"]
    assert (document["schema"], list(document["cases"])) == (SCHEMA, ["live-A", "live-L01"])
    assert entry["content_digest"] == hashlib.sha256(data).hexdigest()
    assert (entry["status"], entry["structure_digest"]) == ("PASS", CASE["determinism_hash"])
    assert entry["summary"] == document_parts(CASE).summary
    rows = [(name, "PASS", CASE["determinism_hash"], entry["content_digest"]) for name in document["cases"]]
    assert document["run_digest"] == run_digest(rows)


def test_a_case_that_is_none_has_no_digests():
    with pytest.raises(DamagedRecordError):
        digests_document({"live-L01": b"[]"})
