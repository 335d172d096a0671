"""Each job's own copies of its result and output, below STATE_DIR, where no worker can reach them.

Layout: ``<STATE_DIR>/jobs/<project>/<job>/`` with ``result.json``, ``worker.log``, ``verdict.json`` and, when the
worker left something that was not its valid result, ``left-result``. A copy is written to a temporary name and renamed,
so a reader never sees half of it.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class JobCopies:
    """The copies of all jobs of one backend."""

    def __init__(self, state_dir: Path) -> None:
        self._root = state_dir / "jobs"

    def result_path(self, project_id: str, job_id: str) -> Path:
        """Where the job's result document lies once the job has ended."""
        return self._root / project_id / job_id / "result.json"

    def log_path(self, project_id: str, job_id: str) -> Path:
        """Where the worker's redacted output lies once the job has ended."""
        return self._root / project_id / job_id / "worker.log"

    def left_path(self, project_id: str, job_id: str) -> Path:
        """Where a worker's invalid or overruled result is kept."""
        return self._root / project_id / job_id / "left-result"

    def verdict_path(self, project_id: str, job_id: str) -> Path:
        """Where the verdict on the job is kept; written last of all copies."""
        return self._root / project_id / job_id / "verdict.json"

    def save(self, path: Path, text: str) -> None:
        """Write one copy, readable for the backend's user only.

        Raises:
            OSError: The state directory cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:  # noqa: PTH123  # a descriptor
                file.write(text)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    @staticmethod
    def read(path: Path) -> str:
        """One copy, exactly as it was saved; empty when there is none."""
        try:
            return path.read_bytes().decode("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def read_log(self, project_id: str, job_id: str) -> str:
        """The kept output of a job; empty when there is none."""
        return self.read(self.log_path(project_id, job_id))

    def remove_project(self, project_id: str) -> None:
        """Forget all copies of a project's jobs; harmless when there are none.

        Raises:
            OSError: Some of them cannot be removed.
        """
        with suppress(FileNotFoundError):
            shutil.rmtree(self._root / project_id)
