"""Tells when containers are really gone, on both sides by the same witness: the engine's event stream.

Polling the list of containers would cost the engine time in the middle of a measurement; one stream costs nothing.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.bench.subject import BenchError
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import docker

GONE_S: Final = 30.0


class Removals:
    """Jobs whose containers were destroyed since the stream was opened."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._destroyed: set[str] = set()

    def note(self, events: Iterable[dict[str, Any]]) -> None:
        """Read destroy events until the stream is closed."""
        for event in events:
            job_id = event["Actor"]["Attributes"].get(Label.JOB)
            with self._changed:
                self._destroyed.add(job_id)
                self._changed.notify_all()

    def await_all(self, job_ids: Iterable[str]) -> None:
        """Wait until the containers of all these jobs are gone.

        Raises:
            BenchError: One of them stays.
        """
        wanted = set(job_ids)
        with self._changed:
            if not self._changed.wait_for(lambda: wanted <= self._destroyed, timeout=GONE_S):
                msg = f"{len(wanted - self._destroyed)} containers are still there after {GONE_S:g} s"
                raise BenchError(msg)


@contextmanager
def watched_removals(client: docker.APIClient) -> Iterator[Removals]:
    """Follow the engine's destroy events during the block."""
    removals = Removals()
    stream = client.events(decode=True, filters={"type": "container", "event": "destroy"})
    thread = threading.Thread(target=removals.note, args=(stream,), name="destroy-events", daemon=True)
    thread.start()
    try:
        yield removals
    finally:
        stream.close()
        thread.join(timeout=GONE_S)
