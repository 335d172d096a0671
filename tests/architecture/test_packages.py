"""What set-up takes for a package: folders with an ``__init__.py`` and no others."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("harness", "backend", "worker")


def test_no_folder_without_an_init_is_walked():
    """Workspaces below var/data hold links to one another; a walk that follows them does not end."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert settings["namespaces"] is False


def test_every_folder_with_modules_is_a_package():
    folders = {path.parent for name in OURS for path in (ROOT / name).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
