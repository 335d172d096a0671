"""Files of a project as callers may see them.

The result document is special: it is the latest job's, it appears only when that job has ended, and it is served from
the database, where no worker can reach it. So a poll sees nothing, or the final result, and never an older job's.
"""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.errors import NotFoundError
from backend.lifecycle import has_ended
from backend.workspace.errors import FileMissingError
from backend.workspace.files import Encoding, FileContent, list_files, read_file
from worker.contract import RESULT_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend.models import Job
    from backend.service import Service
    from backend.workspace.files import FileEntry


def names_the_result(path: str) -> bool:
    """Whether a path is a plain spelling of the result document's."""
    return posixpath.normpath(path) == RESULT_PATH


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """Listing and reading; each looks up the project first."""

    service: Service
    max_file_bytes: int

    def list(self, project_id: str) -> Sequence[FileEntry]:
        """All files, sorted by path; the result document only when the latest job has ended.

        Raises:
            NotFoundError: There is no such project.
        """
        view = self.service.project(project_id)
        entries = list_files(Path(view.project.workspace_path))
        if has_ended(view.latest.status):
            return entries
        return [entry for entry in entries if entry.path != RESULT_PATH]

    def read(self, project_id: str, path: str) -> FileContent:
        """One file.

        Raises:
            NotFoundError: There is no such project.
            InvalidPathError: The path leads out.
            FileMissingError: No readable regular file is there.
            FileTooLargeError: The file is larger than MAX_FILE_BYTES.
        """
        view = self.service.project(project_id)
        if names_the_result(path):
            return _result_of(view.latest, path)
        content = read_file(Path(view.project.workspace_path), path, max_bytes=self.max_file_bytes)
        if content.real_path == RESULT_PATH:
            # Reached through a link: the same rule holds, whatever the name.
            return _result_of(self.service.project(project_id).latest, path)
        return content


def _result_of(job: Job, path: str) -> FileContent:
    if job.result is None:
        raise FileMissingError("file-missing", "the latest job has not ended")
    data = job.result.encode("utf-8")
    return FileContent(path, RESULT_PATH, data, Encoding.UTF_8, job.result, hashlib.sha256(data).hexdigest())


def require_decodable(raw_path: bytes | None) -> None:
    """Refuse a request path whose percent-decoded bytes are no UTF-8: no name that we list can be meant by it.

    Raises:
        NotFoundError: The bytes cannot be decoded.
    """
    from urllib.parse import unquote_to_bytes

    try:
        unquote_to_bytes(raw_path or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise NotFoundError("path-not-utf8", "File not found") from None
