"""A workspace as a worker may leave it, things outside that must never be seen, and a user whom file modes bind."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.workspace.writer import remove_workspace
from worker.contract import WORKER_UID

SECRET = b"outside: never to be read"


@dataclass(frozen=True)
class Place:
    root: Path
    outside: Path


@pytest.fixture
def place(tmp_path: Path):
    return make_place(tmp_path)


def make_place(base: Path) -> Place:
    root, outside = base / "projects" / "p1", base / "outside"
    for directory in (root / "sub" / "deep", root / ".codex", root / "with space", outside / "folder"):
        directory.mkdir(parents=True)
    for name in (
        "app.py",
        "sub/inner.txt",
        "sub/deep/deepest.txt",
        ".codex/request.json",
        "with space/a b.txt",
        "grüße ✓.txt",
    ):
        (root / name).write_text(f"content of {name}")
    for name in ("secret", "folder/secret"):
        (outside / name).write_bytes(SECRET)
    return Place(root, outside)


@pytest.fixture
def bound_by_modes():
    """A directory of a user whom file modes bind, who is in effect: root's own checks would prove nothing."""
    base = Path(tempfile.mkdtemp(prefix="ladder-workspace-"))
    privileged = os.geteuid() == 0
    if privileged:
        os.chown(base, WORKER_UID, WORKER_UID)
        os.setegid(WORKER_UID)
        os.seteuid(WORKER_UID)
    try:
        yield base
    finally:
        if privileged:
            os.seteuid(0)
            os.setegid(0)
        remove_workspace(base.parent, base.name)


@pytest.fixture
def scratch():
    """A directory for trees that are too deep for pytest's own clean-up."""
    base = Path(tempfile.mkdtemp(prefix="ladder-workspace-"))
    yield base
    remove_workspace(base.parent, base.name)


@pytest.fixture
def make_chain():
    """Nests directories deeper than any path can name, with a file at the bottom."""
    return nest


def nest(base: Path, *, name: str, levels: int) -> None:
    fd = os.open(base, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("bottom.txt", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
