"""Who may import whom: the contracts of pyproject.toml, as one test."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lint_imports(directory):
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_keeps_to_the_contracts():
    found = lint_imports(ROOT)
    assert found.returncode == 0, found.stdout
    assert "0 broken" in found.stdout


def test_an_import_in_the_wrong_direction_is_noticed(tmp_path):
    """The contracts can fail: a copy in which the worker imports the backend is broken."""
    for package in ("backend", "harness", "worker"):
        for path in (ROOT / package).rglob("*.py"):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    with (tmp_path / "worker/job.py").open("a") as file:
        file.write("\nimport backend.config\n")
    found = lint_imports(tmp_path)
    assert found.returncode == 1
    assert "the worker is a leaf BROKEN" in found.stdout
