"""The worker image: a tag, resolved to an id once, so that every job of a run uses the same image.

It is never pulled: a missing image is a fault of the set-up, to be seen before a job fails for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.launchers.base import EngineUnavailableError
from backend.launchers.engine_answers import launching

if TYPE_CHECKING:
    from backend.launchers.engine_connection import EngineClient


class WorkerImage:
    """Knows the id behind the configured tag."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._id: str | None = None

    def current(self, client: EngineClient) -> str:
        """Return the id found last; ask the engine when there is none yet. Raises as ``resolve`` does."""
        return self._id or self.resolve(client)

    def resolve(self, client: EngineClient) -> str:
        """Ask the engine for the id behind the tag now, and remember it.

        Raises:
            LaunchRefusedError: ``image-missing``.
            EngineUnavailableError: No answer.
        """
        self._id = None
        with launching():
            found = str(client.inspect_image(self.tag).get("Id") or "")
        if not found:
            raise EngineUnavailableError("engine-failed", f"the engine gives no id for image {self.tag}")
        self._id = found if ":" in found else f"sha256:{found}"
        return self._id
