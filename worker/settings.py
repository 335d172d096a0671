"""What the launcher tells a worker through its environment; the only reader of it.

A variable that is empty or blank counts as absent. Of a secret only the presence is kept, so no later fault can print
its value. Nothing here says what the job is: that stands in the request alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from worker.contract import SECRET_NAMES, EngineName, EnvName, TraceContext

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SLEEP_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of one worker.

    Attributes:
        job_id: The job that the launcher named; a request for another one is refused.
        engine: What the launcher asked for; used only to label the result of a job whose request cannot be read.
        sleep_seconds: As written; ``sleep_duration`` reads it.
        traceparent: As given; empty when there is none.
        present: For each name in ``SECRET_NAMES`` whether it has a value.
    """

    workspace_dir: str | None
    job_id: str | None
    project_id: str | None
    engine: EngineName
    sleep_seconds: str | None
    traceparent: str
    present: tuple[bool, ...]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables of ``EnvName`` and the presence of ``SECRET_NAMES``; never fails."""
        values = {name: _value(environ, name) for name in EnvName}
        return cls(
            workspace_dir=values[EnvName.WORKSPACE_DIR],
            job_id=values[EnvName.JOB_ID],
            project_id=values[EnvName.PROJECT_ID],
            engine=_engine(values[EnvName.WORKER_ENGINE]),
            sleep_seconds=values[EnvName.SLEEP_SECONDS],
            traceparent=values[EnvName.TRACEPARENT] or "",
            present=tuple(_value(environ, name) is not None for name in SECRET_NAMES),
        )

    @property
    def trace_id(self) -> str | None:
        """The trace that the launcher named, if it named one."""
        return TraceContext(self.traceparent).trace_id

    def presence_lines(self) -> tuple[str, ...]:
        """Say for each secret ``NAME=present`` or ``NAME=absent``, in the contract's order."""
        states = ("present" if there else "absent" for there in self.present)
        return tuple(f"{name}={state}" for name, state in zip(SECRET_NAMES, states, strict=True))


def sleep_duration(text: str) -> float | None:
    """Read SLEEP_SECONDS: a number from 0 to 3600, or ``None`` when it is anything else."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= MAX_SLEEP_SECONDS else None


def _value(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name, "")
    return value if value.strip() else None


def _engine(word: str | None) -> EngineName:
    return EngineName(word) if word in set(EngineName) else EngineName.TEMPLATE
