"""A copy of the backend that every user may read: the interpreter, the locked libraries, our packages.

A checkout may lie in a folder that only root may enter, and so may its interpreter. The right to read everything
(CAP_DAC_READ_SEARCH) is no way out: no plain user has it, it would open what a worker has locked, and access(2), with
which Alembic looks for its migrations, does not count it. Copied are only the libraries of the backend's own lock, so
one that is missing there is missing here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backend_process import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK: Final = ROOT / "requirements/backend.txt"
NOT_NEEDED: Final = ("site-packages", "dist-packages", "test", "config-*", "idlelib", "ensurepip", "tkinter")
"""Four fifths of a standard library."""


@dataclass(frozen=True, slots=True)
class InstalledCopy:
    """Where things lie.

    Attributes:
        python: The interpreter; it finds its standard library by itself.
        environment: Leads it to the libraries.
    """

    python: Path
    environment: dict[str, str]


def install_copy(directory: Path) -> InstalledCopy:
    """Copy everything below an existing directory; who may enter it may then read all of it."""
    packages = directory / "packages"
    for name in ("backend", "worker"):
        shutil.copytree(ROOT / name, packages / name)
    for name in locked_names():
        _copy_library(name, packages)
    python, shared = _copy_interpreter(directory / "python")
    # Times are kept, so that compiled modules stay valid; modes are not, because a strict umask made them.
    subprocess.run(["chmod", "-R", "a+rX", directory], check=True)
    return InstalledCopy(python, {"PYTHONPATH": str(packages), "LD_LIBRARY_PATH": str(shared)})


def locked_names() -> list[str]:
    """The distributions that the backend's lock names."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(), re.MULTILINE)


def _copy_library(name: str, packages: Path) -> None:
    for source, inside in _files_of(name):
        target = packages / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _files_of(name: str) -> Iterator[tuple[str, str]]:
    for file in files(name) or ():
        # Scripts lie outside; compiled modules may have been listed and never made.
        if ".." not in file.parts and (source := file.locate()).is_file():
            yield os.fspath(source), os.fspath(file)


def _copy_interpreter(directory: Path) -> tuple[Path, Path]:
    """Copy the program and what it is made of; gives the program, and where its shared library lies if it has one."""
    library = Path(os.__file__).parent
    ignore = shutil.ignore_patterns(*NOT_NEEDED)
    to = directory / library.relative_to(sys.base_prefix)
    shutil.copytree(library, to, ignore=ignore, ignore_dangling_symlinks=True)
    python, shared = directory / "bin" / "python3", directory / "shared"
    for part in (python.parent, shared):
        part.mkdir()
    shutil.copy2(Path(sys._base_executable).resolve(), python)
    # Without it a program that looks for it in a locked folder takes the system's, which may be of another version.
    name = sysconfig.get_config_var("INSTSONAME")
    if (own := Path(sysconfig.get_config_var("LIBDIR"), name)).is_file():
        shutil.copy2(own, shared)
    return python, shared
