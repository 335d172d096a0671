"""Removes workers that belong to no running job: leftovers of a killed backend, or of a removal that failed.

Workers are found by the label of this instance only, so a second backend on the same engine is never touched. The
list of workers is taken before the list of running attempts: a worker that is launched in between is in neither way
mistaken for an orphan.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from backend import repository
from backend.launchers.base import LauncherError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from backend.database import Database
    from backend.launchers.base import Handle, Launcher
    from backend.metrics import Metrics
    from backend.removal import ProjectRemoval

log = structlog.get_logger(__name__)

INTERVAL_S: Final = 60.0


def orphans(found: Iterable[Handle], running: set[tuple[str, int]]) -> list[Handle]:
    """Those of the workers that are not the current attempt of a running job."""
    return [handle for handle in found if (handle.job_id, handle.attempt) not in running]


@dataclass(frozen=True, slots=True)
class Reaper:
    """Looks for leftovers at start and then on a timer."""

    database: Database
    launchers: Mapping[str, Launcher]
    removal: ProjectRemoval
    metrics: Metrics
    closing: threading.Event

    def start(self) -> None:
        """Begin in the background; the first round runs at once."""
        threading.Thread(target=self._rounds, name="reaper", daemon=True).start()

    def _rounds(self) -> None:
        while True:
            try:
                self.reap()
                self.removal.finish_all()
            except Exception:
                # The reaper must outlive a database that is locked or full.
                log.exception("reaper.failed")
            if self.closing.wait(INTERVAL_S):
                return

    def reap(self) -> int:
        """Remove all present orphans; returns how many."""
        removed = 0
        for launcher in self.launchers.values():
            try:
                found = launcher.list()
            except LauncherError as error:
                log.info("reaper.engine_unavailable", launcher=launcher.name, error=error.reference)
                continue
            with self.database.read() as session:
                running = repository.unfinished_attempts(session)
            removed += sum(self._remove(launcher, handle) for handle in orphans(found, running))
        return removed

    def _remove(self, launcher: Launcher, handle: Handle) -> bool:
        try:
            launcher.remove(handle)
        except LauncherError as error:
            log.warning("reaper.not_removed", ref=handle.ref, error=error.reference)
            return False
        log.info("worker.reaped", ref=handle.ref, job_id=handle.job_id)
        self.metrics.worker_reaped()
        return True
