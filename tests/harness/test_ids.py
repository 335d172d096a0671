"""Ids of runs."""

import uuid

import pytest

from harness.ids import is_id, new_id


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front():
    made = uuid.UUID(new_id(now_ms=lambda: 0x0123456789AB))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 0x0123456789AB


def test_ids_sort_by_time_and_no_two_of_one_millisecond_are_equal():
    ids = [new_id(now_ms=lambda at=at: at) for at in range(1000, 1100)]
    assert ids == sorted(ids)
    assert len({new_id(now_ms=lambda: 1) for _ in range(1000)}) == 1000


def test_all_random_bits_are_used():
    seen = [uuid.UUID(new_id(now_ms=lambda: 0)).int for _ in range(200)]
    fixed = ~0
    for one in seen:
        fixed &= ~(one ^ seen[0])
    varying = (~fixed & (1 << 128) - 1).bit_count()
    assert varying == 74


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../x",
        str(uuid.UUID(int=1)),
        str(uuid.uuid4()),
        "019A83C1-6E10-7ABC-8DEF-0123456789AB",
        "019a83c16e107abc8def0123456789ab",
    ],
)
def test_what_is_not_an_id_of_ours_is_told_apart(text):
    assert not is_id(text)
    assert is_id(new_id())
