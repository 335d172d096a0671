"""The worker is a leaf: it imports the standard library and itself, and nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from worker_bench import ROOT

MODULES = sorted((ROOT / "worker").rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_of_the_worker_imports_the_standard_library_only(path):
    roots = {name.partition(".")[0] for name in imported(path)}
    assert roots <= sys.stdlib_module_names | {"worker"}


def test_the_worker_has_modules_at_all():
    assert Path(ROOT / "worker" / "__main__.py") in MODULES
    assert len(MODULES) > 20


def test_the_worker_runs_without_site_packages(bench):
    bench.ask("Generate it.", job_type="initial_project")
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "worker"],
        cwd=ROOT,
        env=bench.environ,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert bench.result()["status"] == "success"


def test_the_heavy_modules_are_not_loaded_to_say_that_an_engine_is_missing(bench):
    bench.ask("Say hello.", engine="codex")
    heavy = {"argparse", "hashlib", "worker.rules.plan"}
    code = f"import sys, worker.__main__ as m; m.main(); print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=bench.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.splitlines()[-1] == "[]"
