"""Measures listing and reading in a workspace of 10,000 files, against the bare system calls.

Ours is the time inside the server, as its own log tells it: routing, the look at the project's row, the walk that
trusts nothing, and the answer as JSON. Bare is ``os.walk`` with one ``lstat`` for each file (a listing tells sizes),
and ``open().read()``. The ratio is what safety, database and JSON cost together; it has no goal.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.bench.figures import Comparison, Unit
from tests.bench.jobs import in_turns
from tests.bench.subject import BenchError

if TYPE_CHECKING:
    from tests.bench.subject import Backend

DIRECTORIES: Final = 100
FILES_IN_EACH: Final = 100
CONTENT: Final = "def answer() -> int:\n    return 42\n" * 30
WARM_UP: Final = 3


class BigWorkspace:
    """A project whose workspace has 10,000 files more than its worker made."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.project_id = backend.create_project()
        self.path = Path(backend.get(f"projects/{self.project_id}")["workspace_path"])
        self.wanted = "package_042/module_042.py"
        for directory in range(DIRECTORIES):
            package = self.path / f"package_{directory:03}"
            package.mkdir()
            for number in range(FILES_IN_EACH):
                (package / f"module_{number:03}.py").write_text(CONTENT)

    def list_bare(self) -> float:
        """Walk and take sizes; milliseconds."""
        begun = time.perf_counter()
        sizes = {
            path: os.lstat(path).st_size
            for directory, _, names in os.walk(self.path)
            for name in names
            for path in (f"{directory}/{name}",)
        }
        took = time.perf_counter() - begun
        return took * 1000 * _whole(len(sizes))

    def read_bare(self) -> float:
        """Open and read one file; milliseconds."""
        begun = time.perf_counter()
        with open(f"{self.path}/{self.wanted}", encoding="utf-8") as file:  # noqa: PTH123  # the barest way
            text = file.read()
        took = time.perf_counter() - begun
        return took * 1000 * (text == CONTENT)

    def list_ours(self) -> float:
        """Ask for the listing; milliseconds as the caller sees them."""
        begun = time.perf_counter()
        files = self._backend.get(f"{self.project_id}/files")["files"]
        took = time.perf_counter() - begun
        return took * 1000 * _whole(len(files))

    def read_ours(self) -> float:
        """Ask for one file; milliseconds as the caller sees them."""
        begun = time.perf_counter()
        found = self._backend.get(f"{self.project_id}/files/{self.wanted}")["contents"]
        took = time.perf_counter() - begun
        return took * 1000 * (found == CONTENT)

    def server_times(self, path: str, *, count: int) -> tuple[float, ...]:
        """What the server logged for the newest requests."""
        return self._backend.server_times(f"/{self.project_id}/{path}", count=count)


def _whole(count: int) -> bool:
    if count < DIRECTORIES * FILES_IN_EACH:
        msg = f"a listing of the big workspace has only {count} files"
        raise BenchError(msg)
    return True


def measure_files(backend: Backend, *, listings: int, reads: int) -> tuple[Comparison, ...]:
    """Measure listing and reading."""
    big = BigWorkspace(backend)
    in_turns(WARM_UP, big.list_ours, big.list_bare)
    _, walks = in_turns(listings, big.list_ours, big.list_bare)
    in_turns(WARM_UP, big.read_ours, big.read_bare)
    _, plain = in_turns(reads, big.read_ours, big.read_bare)
    listed = big.server_times("files", count=WARM_UP + listings)[WARM_UP:]
    read = big.server_times(f"files/{big.wanted}", count=WARM_UP + reads)[WARM_UP:]
    return (
        Comparison("GET files, 10,000 files (server time)", Unit.MILLISECONDS, listed, tuple(walks)),
        Comparison("GET one of 10,000 files (server time)", Unit.MILLISECONDS, read, tuple(plain)),
    )
