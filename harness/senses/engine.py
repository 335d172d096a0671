"""The Docker engine as a witness reads it: events, inspect, list and logs, and nothing that changes anything.

The only user of the docker SDK among the senses; its exceptions become ``EngineLostError`` here. Two clients are
needed: every call of one is bounded, while the stream of events of the other is silent while nothing happens.
Of an inspect only the image and the memory kill leave this module, never the environment.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from harness.senses.engine_events import EngineEvent, Inspected, read_event
from harness.stack.engine import knock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import APIClient
    from docker.types import CancellableStream

CALL_TIMEOUT_S: Final = 10
_CLOCK_SAMPLES: Final = 3


class EngineLostError(Exception):
    """The engine cannot be reached, or has stopped answering."""


class EventStream(Protocol):
    """Events as they happen; ends when it is closed and when the engine is gone."""

    def __iter__(self) -> Iterator[EngineEvent]:
        """Yield events until the end."""

    def close(self) -> None:
        """End it, from any thread."""


class Engine(Protocol):
    """What a witness asks of an engine. Every method raises ``EngineLostError`` when there is no answer."""

    def now(self) -> float:
        """The engine's clock, in seconds since the epoch; never earlier than it is, and later by some milliseconds."""

    def follow(self, label: str) -> EventStream:
        """Open the stream of events of containers with a label, ``name`` or ``name=value``, from now on."""

    def replay(self, since: float, until: float, label: str) -> list[EngineEvent]:
        """The kept events of containers with a label between two instants."""

    def oldest_kept(self, until: float) -> float | None:
        """When the oldest event that the engine still keeps was; ``None`` when it keeps none."""

    def inspect(self, container_id: str) -> Inspected | None:
        """Look at one container; ``None`` when it is gone."""

    def named(self, label: str) -> list[tuple[str, str]]:
        """Id and state of the containers that have a label ``name=value``, newest first."""

    def output(self, container_id: str, lines: int) -> Iterator[bytes]:
        """The last lines of a container's output, in pieces of any size; nothing when it is gone."""

    def close(self) -> None:
        """Close the connections."""


class DockerEngine:
    """An engine behind a socket."""

    def __init__(self, calls: APIClient, stream: APIClient) -> None:
        self._calls, self._stream = calls, stream
        self._ahead_s = 0.0

    @classmethod
    def connect(cls, environ: Mapping[str, str]) -> Self:
        """Reach the engine that the docker SDK would reach in these surroundings.

        Raises:
            EngineLostError: It does not answer.
        """
        import docker
        from docker.utils import kwargs_from_env

        with _translated(), ExitStack() as opened:
            knock(environ)
            options = kwargs_from_env(environment=dict(environ))
            calls, stream = (
                opened.enter_context(closing(docker.APIClient(timeout=CALL_TIMEOUT_S, **options))) for _ in range(2)
            )
            engine = cls(calls, stream)
            engine.set_clock()
            # From here on they are the engine's to close.
            opened.pop_all()
        return engine

    def set_clock(self) -> None:
        """Compare the engine's clock with ours, since it is the engine's that its events are dated by."""
        with _translated():
            samples = [self._compare_clocks() for _ in range(_CLOCK_SAMPLES)]
        ahead_s, uncertain_s = min(samples, key=lambda sample: sample[1])
        # Rather a little late than too early, or the event of this very moment would be left out.
        self._ahead_s = ahead_s + uncertain_s

    def _compare_clocks(self) -> tuple[float, float]:
        """How far the engine's clock is ahead, and by how much that may be wrong, either way."""
        before = time.time()
        told = datetime.fromisoformat(self._calls.info()["SystemTime"]).timestamp()
        after = time.time()
        return told - (before + after) / 2, (after - before) / 2

    def now(self) -> float:
        """See ``Engine``."""
        return time.time() + self._ahead_s

    def follow(self, label: str) -> EventStream:
        """See ``Engine``."""
        with _translated():
            return _Followed(self._stream.events(filters=_filters(label), decode=True))

    def replay(self, since: float, until: float, label: str) -> list[EngineEvent]:
        """See ``Engine``."""
        found = [read_event(raw) for raw in self._kept(since, until, _filters(label))]
        return [event for event in found if event]

    def oldest_kept(self, until: float) -> float | None:
        """See ``Engine``."""
        return min((raw["timeNano"] / 1e9 for raw in self._kept(0, until, {}) if "timeNano" in raw), default=None)

    def _kept(self, since: float, until: float, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        # The SDK's own call has no timeout, and takes whole seconds only, which hide the events of the present one.
        params = {"since": f"{since:.9f}", "until": f"{until:.9f}", "filters": json.dumps(filters)}
        with _translated():
            answer = self._calls.get(
                f"{self._calls.base_url}/v{self._calls.api_version}/events", params=params, timeout=CALL_TIMEOUT_S
            )
            answer.raise_for_status()
            return [json.loads(line) for line in answer.text.splitlines()]

    def inspect(self, container_id: str) -> Inspected | None:
        """See ``Engine``."""
        import docker

        with _translated():
            try:
                found = self._calls.inspect_container(container_id)
            except docker.errors.NotFound:
                return None
            return Inspected(image=found["Image"], oom_killed=bool(found["State"].get("OOMKilled")))

    def named(self, label: str) -> list[tuple[str, str]]:
        """See ``Engine``."""
        with _translated():
            found = self._calls.containers(all=True, filters={"label": [label]})
            return [(container["Id"], container["Status"]) for container in found]

    def output(self, container_id: str, lines: int) -> Iterator[bytes]:
        """See ``Engine``."""
        import docker

        with _translated():
            try:
                # A stream follows unless told otherwise, and a worker that hangs would be followed without end.
                yield from self._calls.logs(container_id, stream=True, follow=False, timestamps=True, tail=lines)
            except docker.errors.NotFound:
                return

    def close(self) -> None:
        """See ``Engine``."""
        self._calls.close()
        self._stream.close()


class _Followed:
    def __init__(self, stream: CancellableStream[Any]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[EngineEvent]:
        with _translated():
            for raw in self._stream:
                if event := read_event(raw):
                    yield event

    def close(self) -> None:
        # The other side may have closed the socket in the same moment.
        try:
            self._stream.close()
        except (OSError, AttributeError):
            return


def _filters(label: str) -> dict[str, list[str]]:
    return {"type": ["container"], "label": [label]}


@contextmanager
def _translated() -> Iterator[None]:
    import docker
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError, ValueError) as error:
        raise EngineLostError(f"{type(error).__name__}: {error}") from error
