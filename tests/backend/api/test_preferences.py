"""Reading ``Prefer`` (RFC 7240 §2): what counts, what is ignored."""

import pytest

from backend.api.preferences import Preferences, parse


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["wait=5"], 5),
        (["wait=0"], 0),
        (["wait=60"], 60),
        (["wait=61"], 60),
        (["wait=999999999"], 60),
        (["  WAIT = 7 "], 7),
        (['wait="8"'], 8),
        (["wait=9; reason=slow"], 9),
        (["return=minimal, wait=10"], 10),
        (["return=minimal", "wait=11"], 11),
        (["wait=1, wait=2"], 1),
        (["wait=3", "wait=4"], 3),
        (['note="a, wait=20, b", wait=12'], 12),
        (['note="unfinished, wait=20'], None),
        (["wait=1000000000"], None),
        (["wait=+5"], None),
        (["wait=5s"], None),
        (["wait=\N{ARABIC-INDIC DIGIT FIVE}"], None),
        (["await=5"], None),
        ([""], None),
        ([], None),
    ],
)
def test_wait(headers, seconds):
    assert parse(headers) == Preferences(wait_s=seconds)


@pytest.mark.parametrize("headers", [["respond-async"], ["Respond-Async, wait=30"], ["wait=30", "respond-async"]])
def test_respond_async_outranks_wait(headers):
    found = parse(headers)
    assert (found.wait_s, found.applied) == (0, "respond-async")


def test_a_preference_too_long_to_be_one_of_ours_is_not_looked_at():
    assert parse(["wait=5" + " " * 200_000 + "!"]) == Preferences()
    assert parse(["a" * 200_000 + ", wait=6"]) == Preferences(wait_s=6)
    assert parse(['"' * 200_001 + ", wait=6"]) == Preferences()


def test_what_was_followed_is_told_in_the_words_of_the_header():
    assert parse(["wait=100"]).applied == "wait=60"
    assert parse(["other"]).applied is None
