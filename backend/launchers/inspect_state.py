"""Read one inspect answer of a worker container into facts that agree with one another.

The phase is decided by meaning, not by the engine's word for it: running is what the engine calls running, a container
with a zero ``StartedAt`` was never started, and everything else has ended (Docker says ``exited``, Podman
``stopped``). One that is being removed after a SIGKILL counts as gone already: a forced removal kills first, so its 137
says nothing about the worker. One parser reads API 1.41 to 1.5x, so every field may be absent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from backend.launchers.base import Phase, WorkerState
from backend.launchers.hardening import granted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backend.launchers.hardening import Hardening

_STILL_THERE: Final = {"running", "paused", "restarting", "stopping"}
_BEING_REMOVED: Final = {"removing", "dead"}
_KILLED: Final = 137
_ZERO_YEAR: Final = 1


def worker_state(inspect: Mapping[str, Any], asked: Hardening) -> WorkerState:
    """Translate the answer of ``GET /containers/{id}/json``.

    Args:
        inspect: The whole answer; only allow-listed fields are kept.
        asked: The hardening that this launcher asks for, to name what was not granted.
    """
    state = inspect.get("State") or {}
    phase = _phase(state)
    facts = granted(inspect)
    return WorkerState(
        phase=phase,
        exit_code=_exit_code(state, phase),
        oom_killed=bool(state.get("OOMKilled")),
        problem=str(state.get("Error") or ""),
        started_at=engine_time(state.get("StartedAt")),
        finished_at=engine_time(state.get("FinishedAt")) if phase is Phase.EXITED else None,
        container_id=inspect.get("Id"),
        image_digest=_digest(inspect.get("Image")),
        granted=facts,
        missing=asked.missing(facts),
    )


def engine_time(text: str | None) -> datetime | None:
    """Read an engine's RFC 3339 time, to the microsecond; the zero time of year 1 means never.

    Nanoseconds are cut off, so two events within one microsecond compare as equal.
    """
    if not text:
        return None
    instant = datetime.fromisoformat(text)
    return instant.astimezone(UTC) if instant.year > _ZERO_YEAR else None


def _phase(state: Mapping[str, Any]) -> Phase:
    if state.get("Running") or state.get("Status") in _STILL_THERE:
        return Phase.RUNNING
    if state.get("Status") in _BEING_REMOVED and state.get("ExitCode") == _KILLED:
        return Phase.GONE
    return Phase.EXITED if engine_time(state.get("StartedAt")) else Phase.CREATED


def _exit_code(state: Mapping[str, Any], phase: Phase) -> int | None:
    code = int(state.get("ExitCode") or 0)
    if phase is Phase.EXITED:
        return code
    # A fresh container shows 0 and means nothing by it; 126, 127 and 128 tell of a start that failed.
    return code or None if phase is Phase.CREATED else None


def _digest(image: object) -> str | None:
    if not isinstance(image, str) or not image:
        return None
    # Podman leaves out the name of the algorithm.
    return image if ":" in image else f"sha256:{image}"
