"""What the engine itself says about the containers of one instance: its event stream, opened before the first job.

A second witness beside the backend: ids, images and exit codes are read from here, and waiting for a container to start
or to be gone is waiting for an event, not for time to pass.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

import docker
from backend_process import PATIENCE_S

from worker.contract import Label

if TYPE_CHECKING:
    from types import TracebackType

Event = dict[str, Any]


class EngineWitness:
    """Collects the container events of an instance while its block runs."""

    def __init__(self, instance: str) -> None:
        self._client = docker.APIClient()
        self._grew = threading.Condition()
        self._events: list[Event] = []
        filters = {"type": "container", "label": [f"{Label.INSTANCE}={instance}"]}
        # The engine repeats what came in the second before, so nothing falls between request and subscription.
        self._stream = self._client.events(since=int(time.time()) - 1, filters=filters, decode=True)
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._reader.join(PATIENCE_S)
        self._client.close()

    def _read(self) -> None:
        for event in self._stream:
            with self._grew:
                self._events.append(event)
                self._grew.notify_all()

    def seen(self, action: str, job_id: str) -> list[Event]:
        """The events of one kind about one job, so far."""
        with self._grew:
            return [event for event in self._events if _is(event, action, job_id)]

    def wait_for(self, action: str, job_id: str) -> Event:
        """Wait for the first event of one kind about one job."""
        with self._grew:
            found = self._grew.wait_for(
                lambda: next((event for event in self._events if _is(event, action, job_id)), None), PATIENCE_S
            )
        assert found is not None, f"the engine told of no {action} for job {job_id}"
        return found

    def wait_until_gone(self, job_id: str) -> str:
        """Wait until the one container of a job was removed, and return its id."""
        self.wait_for("destroy", job_id)
        (created,) = self.seen("create", job_id)
        return str(created["Actor"]["ID"])


def _is(event: Event, action: str, job_id: str) -> bool:
    return bool(event["Action"] == action and event["Actor"]["Attributes"].get(Label.JOB) == job_id)
