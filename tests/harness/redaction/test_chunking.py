"""Any way of cutting a stream gives the bytes of one shot: 4,000 random splits, in windows of all views."""

import random
from itertools import pairwise

import pytest

from harness.redaction import searching
from harness.redaction.needles import Needles
from harness.redaction.redacted import replaced
from harness.redaction.searching import AllViews
from harness.redaction.stream import Stream

SPLITS = 8


def _one_shot(finder, data):
    stream = Stream(finder, lambda _: None)
    return stream.feed(data) + stream.close()


def _in_pieces(finder, data, cuts):
    stream = Stream(finder, lambda _: None)
    edges = [0, *sorted(cuts), len(data)]
    pieces = [stream.feed(data[start:end]) for start, end in pairwise(edges)]
    return b"".join([*pieces, stream.close()])


def _text(chosen, needles, size):
    """Mostly needles, whole and cut, so that nearly every cut lies inside one."""
    parts = []
    while sum(map(len, parts)) < size:
        needle = chosen.choice(needles)
        start = chosen.choice([0, 0, chosen.randrange(len(needle))])
        parts.append(needle[start : chosen.choice([len(needle), chosen.randrange(len(needle) + 1)])])
        parts.append(bytes(chosen.choices(b"abcd \n", k=chosen.randrange(3))))
    return b"".join(parts)


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(searching, "WINDOW_STEP", 96)
    monkeypatch.setattr(searching, "WINDOW_SHARED", 64)


@pytest.mark.usefixtures("small_windows")
def test_windows_are_cut_by_offset_and_never_by_write():
    chosen = random.Random(1)
    for _ in range(500):
        needles = ["".join(chosen.choices("abcdXYZ19-", k=chosen.randrange(12, 30))).encode() for _ in range(3)]
        spelt = [needle.hex().encode() for needle in needles] + [
            b" ".join(needle[at : at + 1] for at in range(len(needle))) for needle in needles
        ]
        finder = AllViews(Needles(frozenset(needles), frozenset(needles)))
        data = _text(chosen, needles + spelt, 700)
        whole = _one_shot(finder, data)
        for _ in range(SPLITS):
            cuts = [chosen.randrange(len(data) + 1) for _ in range(chosen.randrange(1, 12))]
            assert _in_pieces(finder, data, cuts) == whole
        assert replaced(data, finder.spans(data)) == whole


@pytest.mark.usefixtures("small_windows")
def test_a_secret_across_the_edge_of_a_window_is_one_marker():
    value = "Vx7-pQ2.mN9+kL4/hJ1"
    finder = AllViews(Needles(frozenset({value.encode()}), frozenset({value.encode()})))
    for before in range(60, 200):
        filler = b"=" * before
        assert _one_shot(finder, filler + value.encode() + b" rest" * 40) == filler + b"[REDACTED]" + b" rest" * 40


@pytest.mark.usefixtures("small_windows")
def test_an_endless_run_of_overlapping_hits_is_not_held_in_memory():
    finder = AllViews(Needles(frozenset({b"abababab"}), frozenset()))
    stream = Stream(finder, lambda _: None)
    written = [stream.feed(b"ab" * 2048) for _ in range(50)]
    assert len(stream._held) < 4096
    assert b"".join([*written, stream.close()]) == b"[REDACTED]"
