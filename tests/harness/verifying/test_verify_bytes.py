"""No byte of a bundle changes unnoticed, and a change that still parses is named by the part that it is in."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sealed_run import failures, reseal

from harness.evidence import layout
from harness.traces.case_parts import LISTS, digest
from harness.verifying.verify import BY_CASE, Checks

CASE = "cases/live-L01.json"

ONLY_VIEWS = Checks({}, {}, {"views": BY_CASE["views"]})

# What is broken is put back after each example, so that they may share one copy.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def flipped(data, position, mask):
    at = position % len(data)
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def parsed(data):
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def changed_parts(before, after):
    """The parts that a reader of both would name."""
    words = {"execution_trace": "event", "db_writes": "write", "api_calls_used": "call"}
    if any(not isinstance(after.get(name), list) for name in LISTS):
        return {"summary"}
    names = set()
    for name, word in words.items():
        pairs = enumerate(zip(before[name], after[name], strict=True), start=1)
        names |= {f"{word} {number}" for number, (one, other) in pairs if digest(one) != digest(other)}
    one, other = ({key: value for key, value in each.items() if key not in LISTS} for each in (before, after))
    return names | ({"summary"} if digest(one) != digest(other) else set())


@shared
@given(position=st.integers(0, 10**9), mask=st.integers(1, 255), data=st.data())
def test_a_byte_of_any_file_that_is_changed_is_told_with_the_name_of_the_file(bundle, position, mask, data):
    files = sorted(str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file())
    name = data.draw(st.sampled_from(files))
    before = (bundle / name).read_bytes()
    (bundle / name).write_bytes(flipped(before, position, mask))
    try:
        found = failures(bundle, strict=False)
        assert any(name in line for lines in found.values() for line in lines), found
    finally:
        (bundle / name).write_bytes(before)


@shared
@given(position=st.integers(0, 10**9), mask=st.integers(1, 255))
def test_a_byte_of_a_case_is_told_with_its_part_even_if_every_sum_was_made_to_fit(bundle, position, mask):
    before = (bundle / CASE).read_bytes()
    after = flipped(before, position, mask)
    (bundle / CASE).write_bytes(after)
    reseal(bundle)
    try:
        found = failures(bundle)
        assert any(CASE in line for line in found["run-digest"]), found
        if parsed(after) is not None:
            for part in changed_parts(parsed(before), parsed(after)):
                assert any(f"part-changed {CASE}: {part}:" in line for line in found["parts"]), found
    finally:
        (bundle / CASE).write_bytes(before)
        reseal(bundle)


@pytest.mark.parametrize(("name", "word"), [(layout.EXECUTION_TRACE, "event"), (layout.DB_WRITES, "write")])
def test_every_key_and_every_event_and_write_is_told_by_its_number(bundle, name, word):
    path = f"live/L01/{name}"
    rows = json.loads((bundle / path).read_text())
    for number, row in enumerate(rows, start=1):
        for key in list(row) if number == 1 else [list(row)[number % len(row)]]:
            changed = [dict(each) for each in rows]
            changed[number - 1][key] = "another"
            (bundle / path).write_text(json.dumps(changed))
            told = failures(bundle, checks=ONLY_VIEWS)["views"]
            assert any(f"{path}: {word} {number} {key}" in line for line in told), (number, key, told)


@pytest.mark.parametrize("place", ["uc_id", "status", "api_calls_used", "assertions", "observed_output", "db_writes"])
def test_a_part_that_was_taken_away_is_missed(bundle, place):
    found = json.loads((bundle / CASE).read_text())
    if isinstance(found[place], list):
        found[place].pop()
    else:
        del found[place]
    (bundle / CASE).write_text(json.dumps(found))
    reseal(bundle)
    told = failures(bundle)
    assert {"parts", "run-digest"} <= set(told)
    assert any(CASE in line for line in told["parts"])
