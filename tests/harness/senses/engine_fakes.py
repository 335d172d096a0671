"""An engine that tells what a test says, and the events that a real one told.

``captured_events.json`` was captured on Docker Engine 20.10.24 (API 1.41): two containers with the label
``ladder.project=captest-p``, one that exited with 3 and one that was killed for memory.
"""

import json
import queue
from dataclasses import replace
from pathlib import Path

from harness.senses.engine import EngineLostError
from harness.senses.engine_events import EngineEvent, Inspected, read_event

CAPTURED = json.loads(Path(__file__).with_name("captured_events.json").read_text("utf-8"))
EVENTS = [read_event(raw) for raw in CAPTURED]
FIRST, SECOND = EVENTS[0].id, EVENTS[-1].id
IMAGE = EVENTS[0].image
LABEL = "ladder.project"

_END = object()


def event(time_s, action, container="c1", **fields):
    labels = {"ladder.project": "p", "ladder.job": "j"}
    return EngineEvent(int(time_s * 1e9), container, action, labels, "codex-worker:latest", **fields)


def as_older_engines_name_images(events):
    """The same events where the containers were made by name: then they hold no image id."""
    return [replace(one, image="codex-worker:latest") for one in events]


class FakeStream:
    def __init__(self):
        self.events, self.closed, self.error = queue.Queue(), False, None

    def tell(self, *events):
        for one in events:
            self.events.put(one)

    def wait_until_read(self):
        self.events.join()

    def break_off(self, error=None):
        self.error = error
        self.events.put(_END)

    def close(self):
        self.closed = True
        self.events.put(_END)

    def __iter__(self):
        while (one := self.events.get()) is not _END:
            yield one
            self.events.task_done()
        if self.error:
            raise self.error


class FakeEngine:
    """Keeps the last events like a real one; time passes only when the test says so."""

    def __init__(self, *, remembers=256):
        self.time = 100.0
        self.kept, self.remembers = [], remembers
        self.streams, self.inspections, self.inspected = [], {}, []
        self.containers, self.outputs = [], {}
        self.lost = self.deaf = self.closed = False

    def _answer(self):
        if self.lost:
            raise EngineLostError("ConnectionError: connection refused")

    def happen(self, *events, told=True):
        """Let something happen; a stream that is open tells it."""
        for one in events:
            self.time = max(self.time, one.time_ns / 1e9)
            self.kept = [*self.kept, one][-self.remembers :]
            if told and self.streams:
                self.streams[-1].tell(one)

    def restart(self):
        """Start the engine anew: streams end, and what was kept is forgotten."""
        self.kept = []
        self.streams[-1].break_off()

    def now(self):
        return self.time + 0.001

    def follow(self, label):
        self._answer()
        if self.deaf:
            raise EngineLostError("events: 500")
        assert label == LABEL
        self.streams.append(FakeStream())
        return self.streams[-1]

    def replay(self, since, until, label):
        self._answer()
        return [one for one in self.kept if since * 1e9 <= one.time_ns <= until * 1e9 and label in one.labels]

    def oldest_kept(self, until):
        self._answer()
        return min((one.time_ns / 1e9 for one in self.kept), default=None)

    def inspect(self, container_id):
        self._answer()
        self.inspected.append(container_id)
        return self.inspections.get(container_id)

    def named(self, label):
        self._answer()
        return self.containers

    def output(self, container_id, lines):
        self._answer()
        yield from self.outputs.get(container_id, ())

    def close(self):
        self.closed = True


def seen_by_inspect(image=IMAGE, *, oom_killed=False):
    return Inspected(image, oom_killed)
