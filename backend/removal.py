"""Deletes what is left of a project whose jobs have ended: its workspace, the copies of its jobs, its rows.

The rows go last, so that a deletion that was interrupted is found again and finished by the next start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import NoResultFound

from backend import repository
from backend.workspace.errors import WorkspaceError
from backend.workspace.writer import remove_workspace

if TYPE_CHECKING:
    from backend.database import Database
    from backend.job_copies import JobCopies

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProjectRemoval:
    """Removes projects that were marked for deletion."""

    database: Database
    copies: JobCopies

    def finish(self, project_id: str) -> bool:
        """Remove a marked project; ``False`` when a job of it still runs, or its workspace or copies resist."""
        try:
            with self.database.read() as session:
                if repository.unfinished_jobs(session, project_id):
                    return False
                workspace = Path(repository.workspace_path(session, project_id))
        except NoResultFound:
            # The request and the reaper may finish the same deletion; the second one comes too late.
            return True
        if not self._remove_files(project_id, workspace):
            return False
        with self.database.write() as session:
            repository.remove_project(session, project_id)
        log.info("project.removed", project_id=project_id)
        return True

    def _remove_files(self, project_id: str, workspace: Path) -> bool:
        try:
            remove_workspace(workspace.parent, workspace.name)
            self.copies.remove_project(project_id)
        except WorkspaceError as error:
            log.warning("project.workspace_not_removed", project_id=project_id, error=error.reference)
            return False
        except OSError as error:
            log.warning("project.copies_not_removed", project_id=project_id, error=type(error).__name__)
            return False
        return True

    def finish_all(self) -> None:
        """Finish every deletion that was begun and not ended."""
        with self.database.read() as session:
            marked = repository.projects_to_delete(session)
        for project_id in marked:
            self.finish(project_id)
