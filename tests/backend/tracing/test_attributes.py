"""What may be an attribute: listed names, short values, no secrets (trace model §7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.redaction import MARKER, Redactor, Secret
from backend.tracing.attributes import MAX_ATTRIBUTES, MAX_VALUE_CHARS, Cleaner

CANARY = "canary-4Kd8sLq2Vx"
cleaner = Cleaner(Redactor({"S": Secret(CANARY), "N": Secret("123456789012")}))


def test_names_that_are_not_listed_are_dropped_and_counted():
    kept, dropped = cleaner.attributes({"url.path": "/a", "http.request.body": "secret", "evidence.anything": 1})
    assert (kept, dropped) == ({"url.path": "/a"}, 2)


@pytest.mark.parametrize("value", [[1], {"a": 1}, object(), float("nan"), float("inf"), 1 << 63, -(1 << 63) - 1, b"x"])
def test_what_is_no_plain_value_is_dropped(value):
    assert cleaner.attributes({"url.path": value}) == ({}, 1)


@pytest.mark.parametrize("value", ["x", 1, -(1 << 63), (1 << 63) - 1, 1.5, True, None])
def test_plain_values_stay_what_they_are(value):
    (kept,) = cleaner.attributes({"url.path": value})[0].values()
    assert kept == value
    assert type(kept) is type(value)


def test_there_is_a_limit_to_their_number_and_length():
    assert len(cleaner.text("x" * 9999)) == MAX_VALUE_CHARS
    assert MAX_ATTRIBUTES >= 32


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        f"/files/{CANARY}/x",
        CANARY.encode().hex(),
        "x" * (MAX_VALUE_CHARS - 5) + CANARY,
        "sk-proj-abcdefghijklmnop1234",
        "Bearer abcdef.ghijkl",
        "ghp_abcdefghijklmnopqrstuv",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    ],
)
def test_a_secret_is_taken_out_also_where_the_cut_goes_through_it(text):
    clean = cleaner.text(text)
    assert "[RED" in clean
    assert CANARY[:5] not in clean
    assert CANARY not in repr(cleaner.attributes({"url.path": text}))


def test_a_secret_number_is_taken_out_as_well():
    assert cleaner.attributes({"process.pid": 123456789012}) == ({"process.pid": MARKER}, 0)


@given(st.text(st.characters(exclude_categories=())))
def test_every_text_can_be_stored(text):
    clean = cleaner.text(text)
    assert "\0" not in clean
    clean.encode()
