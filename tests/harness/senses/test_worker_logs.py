"""The output of containers for the notes of a failure."""

import pytest
from engine_fakes import FakeEngine
from sensing import CANARY, CanaryRedactor

from harness.senses.worker_logs import KEPT_BYTES, MOST_CONTAINERS, collect


@pytest.fixture
def engine():
    return FakeEngine()


def collected(engine):
    return collect(engine, "ladder.project=p", CanaryRedactor())


def test_the_output_of_each_container_is_kept_with_its_state_and_redacted(engine):
    engine.containers = [("c425f610663853e2", "Exited (3) 1 second ago"), ("0123456789abcdef", "Up 2 seconds")]
    engine.outputs = {"c425f610663853e2": [b"one\n", f"key={CANARY}\n".encode()], "0123456789abcdef": [b"\xff two"]}
    assert collected(engine) == (
        "== container c425f6106638 (Exited (3) 1 second ago)\none\nkey=[REDACTED]\n\n"
        "== container 0123456789ab (Up 2 seconds)\n\ufffd two"
    )


def test_a_flood_is_cut_to_its_end(engine):
    engine.containers = [("c" * 20, "Up")]
    engine.outputs = {"c" * 20: (b"%07d\n" % number for number in range(100_000))}
    text = collected(engine)
    assert "[the beginning was left out]" in text
    assert text.endswith("0099999\n")
    assert len(text) < KEPT_BYTES + 200


def test_one_endless_line_is_cut_too(engine):
    engine.containers = [("c" * 20, "Up")]
    engine.outputs = {"c" * 20: (b"x" * 65536 for _ in iter(int, 1))}
    assert len(collected(engine)) < KEPT_BYTES + 200


def test_only_the_newest_containers_are_read(engine):
    engine.containers = [(f"{number:020}", "Up") for number in range(50)]
    assert collected(engine).count("== container") == MOST_CONTAINERS


def test_nothing_left_is_said(engine):
    assert "no container with the label ladder.project=p is left" in collected(engine)


def test_an_engine_that_is_away_is_said(engine):
    engine.lost = True
    assert "could not be asked" in collected(engine)
