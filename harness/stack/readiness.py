"""Waits until the backend says that it is ready, and says it about the stack that was asked for.

An answer is not enough: a backend in the wrong mode, or one that would launch another worker image than the one just
built, is not the wanted stack, however healthy. ``missing`` decides that from one answer; ``wait_ready`` asks, bounded,
and gives up at once when the backend's container has ended. Which doubt remains: what happens after the last answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.errors import InconclusiveError, PrerequisiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

POLL_S: Final = 0.1
DEADLINE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request to ``/ready`` brought; ``status_code`` is ``None`` when no answer came."""

    status_code: int | None
    body: Mapping[str, Any]

    def describe(self) -> str:
        """The last state seen, for an error's text."""
        if self.status_code is None:
            return "no answer yet"
        words = {
            name: self.body.get(name) for name in ("status", "mode", "launcher", "engine_reachable", "problem", "hint")
        }
        told = ", ".join(f"{name}={value}" for name, value in words.items() if value not in (None, ""))
        return f"HTTP {self.status_code} ({told})" if told else f"HTTP {self.status_code}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The stack that was asked for.

    Attributes:
        worker_image_id: Must be the image that the backend launches; checked in live mode only.
    """

    mode: str
    worker_image_id: str | None


def missing(answer: Answer, wanted: Wanted) -> str:
    """Say what an answer lacks; empty when it describes the wanted stack, ready."""
    if answer.status_code != 200:  # noqa: PLR2004  # HTTP OK
        return answer.describe()
    if answer.body.get("mode") != wanted.mode:
        return f"mode is {answer.body.get('mode')}, expected {wanted.mode}"
    if wanted.mode == "live" and answer.body.get("worker_image_digest") != wanted.worker_image_id:
        return f"worker image is {answer.body.get('worker_image_digest')}, expected {wanted.worker_image_id}"
    return ""


@dataclass(frozen=True, slots=True)
class Watch:
    """What waiting needs from outside.

    Attributes:
        ask: One request to ``/ready``.
        ended: Why the backend's container no longer runs; empty while it does.
        log: The masked end of the backend's log.
    """

    ask: Callable[[], Answer]
    ended: Callable[[], str]
    log: Callable[[], str]
    clock: Callable[[], float]
    sleep: Callable[[float], None]


def wait_ready(watch: Watch, wanted: Wanted, *, timeout_s: float = DEADLINE_S) -> Answer:
    """Ask until the answer describes the wanted stack.

    Raises:
        PrerequisiteError: ``backend-ended``; the container stopped, so waiting is pointless.
        InconclusiveError: ``backend-not-ready``; the last state seen and the log's end are in the message.
    """
    deadline = watch.clock() + timeout_s
    while lack := missing(answer := watch.ask(), wanted):
        if reason := watch.ended():
            raise PrerequisiteError(
                "backend-ended", f"{reason}; its log ends:\n{watch.log()}", "repair what the log names"
            )
        if watch.clock() >= deadline:
            raise InconclusiveError(
                "backend-not-ready",
                f"the backend was not ready within {timeout_s:g} s: {lack}; its log ends:\n{watch.log()}",
                str(answer.body.get("hint") or "repair what the log names, then run the same command again"),
            )
        watch.sleep(POLL_S)
    return answer
