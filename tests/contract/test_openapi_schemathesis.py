"""Schemathesis drives the running server by its own published document, with every check on (issue: no 5xx, no
undocumented answer).

Doubt: its generators are seeded, but ids are the server's own, so two runs differ in detail.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.api_calls import new_project
from support.http_server import serve_backend

SEED = "20251114"
TOKEN = "token-of-the-contract-test"


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    with serve_backend(tmp_path_factory.mktemp("target"), max_queued_jobs=1000) as backend:
        yield backend


def run(backend, folder: Path, *options: str, phases: str, examples: int, config: str = "") -> str:
    (folder / "schemathesis.toml").write_text(config)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
        *("run", f"{backend.url}/openapi.json", "--checks", "all"),
        *("--phases", phases, "--max-examples", str(examples), "--seed", SEED, "--workers", "1"),
        *("--generation-database", "none", "--request-timeout", "30", "--no-color", "--continue-on-failure"),
        *options,
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    faults = [event for event in backend.log if event["event"] == "http.failed"]
    assert not faults, faults[0]["exception"]
    return done.stdout


def passed(report: str) -> int:
    found = re.search(r"(\d+) generated, (\d+) passed", report)
    assert found, report
    assert found[1] == found[2]
    return int(found[2])


def test_every_operation_keeps_to_the_document(target, tmp_path):
    report = run(target, tmp_path, phases="examples,coverage,fuzzing", examples=20)
    assert "17 selected / 17 total" in report
    assert passed(report) > 400


def test_what_is_behind_real_ids_keeps_to_the_document(target, tmp_path):
    with target.client() as client:
        project = new_project(client)
    config = f'[parameters]\n"path.project_id" = "{project["id"]}"\n"path.job_id" = "{project["job_id"]}"\n'
    report = run(
        *(target, tmp_path, "--exclude-operation-id", "delete_project"),
        phases="examples,fuzzing",
        examples=20,
        config=config,
    )
    assert passed(report) > 100


def test_sequences_of_requests_keep_to_the_document(target, tmp_path):
    report = run(target, tmp_path, "--exclude-operation-id", "delete_project", phases="stateful", examples=15)
    assert passed(report) > 50


def test_sequences_with_deletions_keep_to_the_document(target, tmp_path):
    # `DELETE /projects/{id}` also ends what hangs under `/{id}`, as the contract demands. The check left out here knows
    # deletions by the beginning of their path only, so it takes the 404 that follows for a loss. It is on above.
    report = run(
        *(target, tmp_path, "--exclude-checks", "ensure_resource_availability"), phases="stateful", examples=15
    )
    assert passed(report) > 50


def test_every_operation_keeps_to_the_document_when_tokens_are_needed(tmp_path):
    with serve_backend(tmp_path / "guarded", api_tokens=TOKEN, max_queued_jobs=1000) as backend:
        header = f"Authorization: Bearer {TOKEN}"
        report = run(backend, tmp_path, "--header", header, phases="examples,coverage,fuzzing", examples=5)
        assert passed(report) > 200
        assert TOKEN not in repr(backend.log)
