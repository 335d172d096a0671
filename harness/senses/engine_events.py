"""What the engine's events say about containers: one event at a time, and the facts that they add up to. Pure.

Only ``Action``, ``Actor`` and ``timeNano`` are read, since newer engines have no other fields (API 1.52), and of the
attributes only labels of ours, image, name and exit code. The image's *id* comes from inspect; where a container was
made by id, the event says it too, and serves when the container was gone before it could be inspected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from harness.judging.container_checks import WITNESSED_LABELS
from harness.judging.observation import ContainerFact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_IMAGE_ID: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NANO: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """One event of a container, without anything that could be secret.

    Attributes:
        time_ns: Nanoseconds since the epoch, by the engine's clock.
        action: ``create``, ``start``, ``oom``, ``kill``, ``die``, ``destroy``, …
        image: As the container was made: a name or an id.
        exit_code: Of ``die``.
    """

    time_ns: int
    id: str
    action: str
    labels: Mapping[str, str]
    image: str = ""
    name: str = ""
    exit_code: int | None = None

    @property
    def key(self) -> tuple[int, str, str]:
        """What tells a repeated event from another one."""
        return self.time_ns, self.id, self.action


@dataclass(frozen=True, slots=True)
class Inspected:
    """The part of one inspect that is looked at; the environment never is."""

    image: str
    oom_killed: bool


def read_event(raw: Mapping[str, Any]) -> EngineEvent | None:
    """Read an event as the engine sends it; ``None`` when it is no event of a container."""
    actor = raw.get("Actor") or {}
    if raw.get("Type", "container") != "container" or "timeNano" not in raw or not actor.get("ID"):
        return None
    attributes = actor.get("Attributes") or {}
    code = str(attributes.get("exitCode", ""))
    return EngineEvent(
        time_ns=int(raw["timeNano"]),
        id=str(actor["ID"]),
        # Some carry their command behind a colon, which is none of our business: "exec_create: sh -c …".
        action=str(raw.get("Action", "")).partition(":")[0],
        labels={name: str(value) for name, value in attributes.items() if name.startswith(WITNESSED_LABELS)},
        image=str(attributes.get("image", "")),
        name=str(attributes.get("name", "")),
        exit_code=int(code) if code.isdecimal() else None,
    )


def facts(events: Iterable[EngineEvent], inspected: Mapping[str, Inspected]) -> tuple[ContainerFact, ...]:
    """The containers of some events, in order of appearance; one of which only the removal was seen is none of them.

    Args:
        events: In any order; each once.
        inspected: By container id.
    """
    lives: dict[str, _Life] = {}
    for event in sorted(events, key=lambda event: event.time_ns):
        lives.setdefault(event.id, _Life(event.id)).take(event)
    return tuple(life.fact(inspected.get(life.id)) for life in lives.values() if life.seen_alive)


@dataclass(slots=True)
class _Life:
    """A container, as far as its events have been read."""

    id: str
    labels: dict[str, str] = field(default_factory=dict)
    image: str = ""
    seen_alive: bool = False
    started_ns: int | None = None
    ended_ns: int | None = None
    exit_code: int | None = None
    oom: bool = False

    def take(self, event: EngineEvent) -> None:
        self.labels.update(event.labels)
        self.image = event.image or self.image
        self.seen_alive |= event.action != "destroy"
        if event.action == "start":
            self.started_ns, self.ended_ns, self.exit_code = event.time_ns, None, None
        elif event.action == "die":
            self.ended_ns, self.exit_code = event.time_ns, event.exit_code
        elif event.action == "oom":
            self.oom = True
        elif event.action == "destroy" and self.ended_ns is None:
            # What is removed does not run, even if its end was not seen.
            self.ended_ns = event.time_ns

    def fact(self, inspected: Inspected | None) -> ContainerFact:
        own = self.image if _IMAGE_ID.fullmatch(self.image) else None
        return ContainerFact(
            id=self.id,
            labels=dict(self.labels),
            image=inspected.image if inspected else own,
            running=self.started_ns is not None and self.ended_ns is None,
            exit_code=self.exit_code,
            oom_killed=self.oom or (inspected is not None and inspected.oom_killed),
            started_at=None if self.started_ns is None else self.started_ns / _NANO,
            ended_at=None if self.ended_ns is None else self.ended_ns / _NANO,
        )
