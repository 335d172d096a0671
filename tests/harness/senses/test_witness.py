"""The witness: what it saw, what it may have missed, and that it says so."""

import socket
import threading

import pytest
from engine_fakes import LABEL, FakeEngine, event, seen_by_inspect

from harness.senses import witness as witness_module
from harness.senses.engine import EngineLostError
from harness.senses.witness import EngineWitness, NoWitness, open_witness


class Pauses:
    """Waits of a witness: each is announced, and lasts until the test lets it go on."""

    def __init__(self):
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, _seconds):
        self.begun.release()
        self.go_on.acquire()


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def pauses():
    return Pauses()


@pytest.fixture
def witness(engine, pauses):
    made = EngineWitness(engine, LABEL, pause=pauses)
    yield made
    closing = threading.Thread(target=made.close)
    closing.start()
    pauses.go_on.release(200)
    closing.join()
    assert engine.closed
    assert not made._thread.is_alive()


def life(start, container="c1", exit_code=0):
    return [
        event(start, "create", container),
        event(start + 0.1, "start", container),
        event(start + 0.2, "die", container, exit_code=exit_code),
        event(start + 0.3, "destroy", container),
    ]


def test_the_stream_is_open_before_anything_is_observed(engine, witness):
    assert len(engine.streams) == 1
    assert witness.observe().containers == ()


def test_a_container_is_seen_even_if_the_stream_has_not_told_of_it_yet(engine, witness):
    engine.happen(*life(101), told=False)
    (fact,) = witness.observe().containers
    assert (fact.id, fact.running, fact.exit_code) == ("c1", False, 0)


def test_what_stream_and_memory_both_tell_counts_once(engine, witness):
    engine.happen(*life(101), *life(102, "c2"))
    engine.streams[0].tell(*engine.kept)
    engine.streams[0].wait_until_read()
    assert [fact.id for fact in witness.observe().containers] == ["c1", "c2"]
    assert len(witness.events()) == 8
    assert sorted(engine.inspected) == ["c1", "c1", "c2", "c2"]
    assert [one.time_ns for one in witness.events()] == sorted(one.time_ns for one in witness.events())


def test_an_event_that_is_kept_later_than_it_is_dated_is_not_lost(engine, witness):
    witness.observe()
    engine.time = 101.0
    witness.observe()
    engine.happen(event(100.5, "create"), told=False)
    assert len(witness.observe().containers) == 1


def test_a_container_is_inspected_for_its_image_when_it_starts_and_for_a_kill_when_it_ends(engine, witness):
    engine.inspections["c1"] = seen_by_inspect("sha256:worker", oom_killed=True)
    engine.happen(*life(101), told=False)
    (fact,) = witness.observe().containers
    assert (fact.image, fact.oom_killed) == ("sha256:worker", True)
    assert engine.inspected == ["c1", "c1"]


def test_a_container_that_was_gone_before_the_inspect_has_an_unknown_image(engine, witness):
    engine.happen(*life(101), told=False)
    assert witness.observe().containers[0].image is None


def test_an_engine_that_stops_answering_is_a_gap_while_it_lasts(engine, witness):
    engine.happen(*life(101), told=False)
    witness.observe()
    engine.lost = True
    blind = witness.observe()
    assert "does not answer" in blind.gap
    assert len(blind.containers) == 1
    engine.lost = False
    assert witness.observe().gap == ""


def broken(engine, pauses, meanwhile):
    """The stream breaks; something happens while nobody listens; then the witness may try again."""
    engine.lost = True
    engine.streams[-1].break_off()
    pauses.begun.acquire()
    engine.lost = False
    meanwhile()
    pauses.go_on.release()


def opened_again(engine, witness):
    done = threading.Event()

    def look():
        while len(engine.streams) < 2:
            witness.observe()
        done.set()

    threading.Thread(target=look).start()
    assert done.wait(30)


def test_a_short_gap_is_closed_from_the_memory_of_the_engine(engine, witness, pauses):
    engine.happen(*life(101))
    witness.observe()
    broken(engine, pauses, lambda: engine.happen(*life(110, "c2"), told=False))
    opened_again(engine, witness)
    seen = witness.observe()
    assert [fact.id for fact in seen.containers] == ["c1", "c2"]
    assert seen.gap == ""


def test_after_a_closed_gap_the_stream_tells_again(engine, witness, pauses):
    engine.happen(*life(101))
    broken(engine, pauses, lambda: None)
    opened_again(engine, witness)
    engine.happen(*life(120, "c3"))
    assert [fact.id for fact in witness.observe().containers] == ["c1", "c3"]
    assert witness.observe().gap == ""


def test_a_gap_beyond_the_memory_of_the_engine_stays(engine, witness, pauses):
    engine.remembers = 8
    engine.happen(*life(101))
    witness.observe()

    def flood():
        for number in range(3):
            engine.happen(*life(110 + number, f"d{number}"), told=False)

    broken(engine, pauses, flood)
    opened_again(engine, witness)
    assert "no longer knows" in witness.observe().gap
    engine.happen(*life(130, "later"))
    assert "no longer knows" in witness.observe().gap


def test_an_engine_that_was_started_anew_has_forgotten_and_that_is_a_gap(engine, witness, pauses):
    engine.happen(*life(101))
    witness.observe()
    broken(engine, pauses, engine.kept.clear)
    opened_again(engine, witness)
    assert "no longer knows" in witness.observe().gap


def test_an_engine_started_anew_with_new_events_only_is_a_gap_too(engine, witness, pauses):
    engine.happen(*life(101))
    witness.observe()

    def restart():
        engine.kept = []
        engine.happen(*life(110, "c2"), told=False)

    broken(engine, pauses, restart)
    opened_again(engine, witness)
    assert "no longer knows" in witness.observe().gap


def test_a_stream_that_cannot_be_opened_again_is_a_gap(engine, monkeypatch):
    monkeypatch.setattr(witness_module, "REOPEN_WAITS_S", (0.0, 0.0))
    engine.happen(*life(99))
    made = EngineWitness(engine, LABEL, pause=lambda _seconds: None)
    engine.deaf = True
    engine.streams[0].break_off(EngineLostError("ChunkedEncodingError"))
    made._thread.join(30)
    assert "could not be opened again" in made.observe().gap
    made.close()


def test_too_many_events_are_a_gap_not_a_flood(engine, witness, monkeypatch):
    monkeypatch.setattr(witness_module, "MOST_EVENTS", 6)
    engine.happen(*life(101), *life(102, "c2"), told=False)
    assert "more than 6 events" in witness.observe().gap
    assert len(witness.events()) == 6


def test_closing_twice_does_no_harm(engine):
    made = EngineWitness(engine, LABEL)
    made.close()
    made.close()
    assert not made._thread.is_alive()


def test_closing_while_the_engine_is_away_ends_at_once(engine, pauses):
    made = EngineWitness(engine, LABEL)
    engine.lost = True
    engine.streams[0].break_off()
    made.close()
    assert not made._thread.is_alive()


def test_an_engine_that_cannot_be_reached_is_said_to_be_away():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    # Over TCP, because the SDK leaves a local socket open that it could not connect.
    watch = open_witness({"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
    assert isinstance(watch, NoWitness)
    seen = watch.observe()
    assert not seen.available
    assert "refused" in seen.gap
    assert watch.events() == ()
    watch.close()
