"""One whole run for all tests, made by the runner itself; each test gets a copy that it may break."""

import shutil
import sys
from pathlib import Path

import pytest

# The stage on which runs are made without a network belongs to the runner's tests, and processes to those of runs.
sys.path += [str(Path(__file__).parents[1] / name) for name in ("runner", "runs")]

from sealed_run import make_run


@pytest.fixture(scope="session")
def sealed(tmp_path_factory):
    """A finished run that nobody touches."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return make_run(tmp_path_factory.mktemp("sealed"), monkeypatch)


@pytest.fixture
def bundle(sealed, tmp_path):
    """A copy of it, below an evidence root of its own."""
    folder = tmp_path / "evidence" / sealed.name
    shutil.copytree(sealed, folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700)
    return folder
