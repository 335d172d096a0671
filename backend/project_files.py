"""Files of a project as callers may see them.

The result document is special: it is the latest job's, it appears only when that job has ended, and it is served from
the database, where no worker can reach it. So a poll sees nothing, or the final result, and never an older job's. It is
listed exactly when it is served, with the size that is served. Doubt: a copy or hard link that a worker made of its
result is a project file like any other.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.workspace.errors import FileMissingError
from backend.workspace.files import Encoding, FileContent, FileEntry, list_files, read_file
from backend.workspace.paths import MAX_PATH_BYTES, decode_path, refuse_escapes
from worker.contract import RESULT_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend.models import Job
    from backend.service import Service


def names_the_result(path: str) -> bool:
    """Whether a path is a spelling of the result document's; it may hold dots, doubled slashes and a final one.

    Raises:
        InvalidPathError: The text alone shows that the path leads out.
    """
    refuse_escapes(path)
    file = path.removesuffix("/")
    spelled = posixpath.normpath(file) == RESULT_PATH and file.endswith("/result.json")
    return spelled and len(file.encode()) <= MAX_PATH_BYTES


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
        workspace = Path(self.service.project(project_id).project.workspace_path)
        entries = [entry for entry in list_files(workspace) if entry.path != RESULT_PATH]
        # Looked up behind the walk: what the walk saw may already be the file of a job that came in meanwhile.
        result = self.service.project(project_id).latest.result
        if result is None:
            return [entry for entry in entries if not _leads_to_result(workspace, entry.path)]
        if workspace.is_symlink() or not workspace.is_dir():
            return []
        return sorted([*entries, FileEntry(RESULT_PATH, len(result.encode()))], key=lambda entry: entry.path)

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


def _leads_to_result(workspace: Path, path: str) -> bool:
    found = workspace / path
    return found.is_symlink() and os.path.realpath(found) == f"{os.path.realpath(workspace)}/{RESULT_PATH}"


def require_plain(raw_path: bytes) -> None:
    """Refuse a request path that routing would change: bytes that are no UTF-8 are replaced, a last newline is dropped.

    Raises:
        FileMissingError: No name that can be asked for is meant by it.
    """
    if "\n" in decode_path(raw_path):
        raise FileMissingError("path-has-newline", "the path holds a newline")
