"""The second witness: what the engine itself tells about the containers of projects, while the judge is at work.

A thread reads the engine's events from before the first job on; each observation first reads again what the engine has
kept up to that moment, so that nothing depends on how quickly the thread was served. A stream that broke is opened
again, and what was missed is read from the engine's memory of its last 256 events. Where that does not reach back, or
the engine was started anew and has forgotten, the witness has a gap for the rest of the run, and whoever asks about
containers gets no answer instead of a wrong one. A container that was made before the watch began is not seen.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

from harness.judging.observation import Witness
from harness.senses.engine import DockerEngine, EngineLostError
from harness.senses.engine_events import facts
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.senses.engine import Engine
    from harness.senses.engine_events import EngineEvent, Inspected

OVERLAP_S: Final = 2.0
"""Events are dated before they are kept, so each replay begins a little before the end of the last one."""

REOPEN_WAITS_S: Final = (0.1, 0.2, 0.5, *([1.0] * 60))
"""An engine that is started anew was away for up to 24 s."""

MOST_EVENTS: Final = 50_000
_TELLING: Final = frozenset({"start", "die"})
"""When a container is inspected: for its image, and for a memory kill that no event told of."""

_JOIN_S: Final = 5.0


class Watch(Protocol):
    """A witness, or the place where one would stand."""

    def observe(self) -> Witness:
        """Everything that was seen up to this moment."""

    def events(self) -> tuple[EngineEvent, ...]:
        """The events behind it, in order of time, for the evidence."""

    def close(self) -> None:
        """Stop watching."""


class NoWitness:
    """Stands where no engine could be reached, and says why."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def observe(self) -> Witness:
        """See ``Watch``."""
        return Witness(available=False, gap=self._reason)

    def events(self) -> tuple[EngineEvent, ...]:
        """See ``Watch``."""
        return ()

    def close(self) -> None:
        """See ``Watch``."""


def open_witness(environ: Mapping[str, str], label: str = Label.PROJECT) -> Watch:
    """Begin to watch, if an engine answers.

    Args:
        environ: Says where the engine is, as for the docker SDK.
        label: Which containers: ``name``, or ``name=value``.
    """
    try:
        engine = DockerEngine.connect(environ)
    except EngineLostError as error:
        return NoWitness(str(error))
    try:
        return EngineWitness(engine, label)
    except EngineLostError as error:
        engine.close()
        return NoWitness(str(error))


class EngineWitness:
    """Watches from its making until it is closed.

    Args:
        engine: Closed together with the witness.
        label: Which containers.
        pause: Waits so many seconds or until the witness is closed; by default the real thing.

    Raises:
        EngineLostError: The engine does not answer.
    """

    def __init__(self, engine: Engine, label: str, *, pause: Callable[[float], object] | None = None) -> None:
        self._engine, self._label = engine, label
        self._closing = threading.Event()
        self._pause = pause or self._closing.wait
        self._lock = threading.Lock()
        self._events: dict[tuple[int, str, str], EngineEvent] = {}
        self._inspected: dict[str, Inspected] = {}
        self._gap = ""
        self._covered_until = engine.now()
        self._stream = engine.follow(label)
        self._connected = True
        self._thread = threading.Thread(target=self._watch, name="engine-witness", daemon=True)
        self._thread.start()

    def observe(self) -> Witness:
        """See ``Watch``."""
        with self._lock:
            silence = self._catch_up()
            seen = facts(self._events.values(), self._inspected)
            return Witness(available=True, containers=seen, gap=self._gap or silence)

    def events(self) -> tuple[EngineEvent, ...]:
        """See ``Watch``."""
        with self._lock:
            return tuple(sorted(self._events.values(), key=lambda event: event.time_ns))

    def close(self) -> None:
        """See ``Watch``; returns when the thread has ended."""
        self._closing.set()
        with self._lock:
            self._stream.close()
        self._thread.join(_JOIN_S)
        self._engine.close()

    def _watch(self) -> None:
        while not self._closing.is_set():
            try:
                for event in self._stream:
                    with self._lock:
                        self._absorb([event])
                        # Events come in order, so all before this one have come.
                        self._covered_until = max(self._covered_until, event.time_ns / 1e9)
            except EngineLostError:
                self._stream.close()
            if not self._closing.is_set():
                self._connected = False
                self._reopen()
            if not self._connected:
                return

    def _reopen(self) -> None:
        for wait_s in REOPEN_WAITS_S:
            if self._try_to_reopen() or self._closing.is_set():
                return
            self._pause(wait_s)
        with self._lock:
            self._gap = self._gap or "the stream of the engine's events broke and could not be opened again"

    def _try_to_reopen(self) -> bool:
        try:
            stream = self._engine.follow(self._label)
        except EngineLostError:
            return False
        # The stream is open before the memory is read, so that nothing falls between the two.
        with self._lock:
            self._stream = stream
            if self._closing.is_set() or self._catch_up():
                stream.close()
                return False
            self._connected = True
            return True

    def _catch_up(self) -> str:
        """Read what the engine has kept up to now; returns why it could not be read."""
        try:
            now = self._engine.now()
            if not self._connected:
                self._note_gap(self._engine.oldest_kept(now))
            self._absorb(self._engine.replay(self._covered_until - OVERLAP_S, now, self._label))
        except EngineLostError as error:
            return f"the engine does not answer ({error})"
        self._covered_until = now
        return ""

    def _note_gap(self, oldest_kept: float | None) -> None:
        if oldest_kept is None or oldest_kept > self._covered_until:
            self._gap = self._gap or (
                "the stream of the engine's events broke, and the engine no longer knows what happened meanwhile"
            )

    def _absorb(self, events: Iterable[EngineEvent]) -> None:
        for event in events:
            if event.key in self._events:
                continue
            if len(self._events) >= MOST_EVENTS:
                self._gap = self._gap or f"there were more than {MOST_EVENTS} events"
                return
            self._events[event.key] = event
            if event.action in _TELLING and (found := self._engine.inspect(event.id)):
                self._inspected[event.id] = found
