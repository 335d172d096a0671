"""The backend as an operator starts it: a process, a folder with the example settings, its log (§1.5, F24 to F26)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from support.api_calls import get_job, new_job, new_project
from support.http_server import settings_below

from backend.config import load_settings

ROOT = Path(__file__).parents[3]
TOKENS = ("operators-token-1", "operators-token-2")


@pytest.fixture
def folder(tmp_path):
    """A working folder with the example copied, as the guide says."""
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    return tmp_path


@contextmanager
def process(folder: Path, **environment: str):
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    known = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "backend"],
            cwd=folder,
            env=known | {"PYTHONPATH": str(ROOT), "PORT": str(port)} | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield child, f"http://127.0.0.1:{port}"
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)


def connected(child: subprocess.Popen, url: str) -> httpx.Client:
    """Wait for the process to answer; it gives up when the process has ended."""
    client = httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)
    while child.poll() is None:
        try:
            client.get("/health")
        except httpx.ConnectError:
            continue
        return client
    msg = "the backend ended at its start"
    raise AssertionError(msg)


def log_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log").read_text().splitlines()]


def test_the_example_copied_as_env_starts_on_an_empty_database_and_does_a_job(folder):
    with process(folder) as (child, url), closing(connected(child, url)) as client:
        assert client.get("/ready").json()["mode"] == "mocked"
        project = new_project(client)
        assert project["status"] == "completed"
    assert child.returncode == 0
    events = log_of(folder)
    assert any("dummy worker" in event["event"].lower() for event in events)
    assert {"backend.started", "backend.stopped"} <= {event["event"] for event in events}
    assert {path.name for path in folder.iterdir()} <= {".env", "log", "codex.db", "workspaces", "state"}


def test_tokens_come_from_env_live_and_never_reach_the_log(folder):
    (folder / ".env.live").write_text(f"API_TOKENS={','.join(TOKENS)}\n")
    with process(folder) as (child, url), closing(connected(child, url)) as client:
        assert client.get("/projects/").status_code == 401
        for token in TOKENS:
            assert client.get("/projects/", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert client.get(f"/projects/{TOKENS[0]}").status_code == 401
        wrong = client.get(f"/projects/{TOKENS[0]}", headers={"Authorization": f"Bearer {TOKENS[1]}"})
        assert wrong.status_code == 404
    text = (folder / "log").read_text()
    assert not any(token in text for token in TOKENS)
    assert "[REDACTED]" in text


def test_a_bad_setting_stops_the_start_with_one_clear_line(folder):
    with process(folder, MAX_BODY_BYTES="many", OPENAI_API_KEY="never-to-be-shown-1234") as (child, _):
        assert child.wait(60) == 3
    [line] = (folder / "log").read_text().splitlines()
    assert "settings-invalid" in line
    assert "MAX_BODY_BYTES" in line
    assert "never-to-be-shown" not in line


def test_the_example_holds_the_defaults(folder):
    isolated = {"openai_api_key": "", "api_tokens": ()}
    assert load_settings(_env_file=folder / ".env", **isolated) == load_settings(_env_file=None, **isolated)


@pytest.mark.parametrize("form", ["https://a.example,https://b.example", '["https://a.example", "https://b.example"]'])
@pytest.mark.parametrize("source", ["file", "environment"])
def test_lists_are_read_as_csv_and_json_from_file_and_environment(tmp_path, monkeypatch, form, source):
    if source == "file":
        (tmp_path / ".env").write_text(f"ALLOW_ORIGINS={form}\nUNKNOWN_KEY=1\n")
    else:
        monkeypatch.setenv("ALLOW_ORIGINS", form)
        monkeypatch.setenv("UNKNOWN_KEY", "1")
    found = load_settings(_env_file=tmp_path / ".env")
    assert found.allow_origins == ("https://a.example", "https://b.example")


def test_the_environment_outranks_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("MAX_QUEUED_JOBS=7\nMAX_FILE_BYTES=2048\n")
    monkeypatch.setenv("MAX_QUEUED_JOBS", "8")
    monkeypatch.setenv("MAX_FILE_BYTES", "")
    found = load_settings(_env_file=tmp_path / ".env")
    assert (found.max_queued_jobs, found.max_file_bytes) == (8, 2048)


def test_settings_never_show_a_secret(tmp_path):
    secrets = {"openai_api_key": "key-0123456789", "database_url": "postgresql://me:pass-0123456789@host/db"}
    settings = settings_below(tmp_path, api_tokens="token-0123456789", **secrets)
    assert "0123456789" not in repr(settings) + str(settings)


def test_dummy_mode_edits_what_is_there_and_makes_nothing_anew(client, finished):
    """F24: job type, instruction and force_error are honoured without a container."""
    project = new_project(client)
    app = Path(project["workspace_path"], "app.py")
    app.write_text("# mine\n" + app.read_text())
    job = new_job(client, project, "Modify the CLI to print the first 15 Fibonacci numbers.")
    result = get_job(client, project, job["id"])["result"]
    assert (result["created_files"], result["modified_files"]) == ([], ["app.py"])
    assert app.read_text().startswith("# mine\n")
    assert "15" in app.read_text()
    before = app.read_text()
    failed = new_job(client, project, "force_error please")
    assert (failed["status"], failed["failure_kind"]) == ("error", None)
    assert get_job(client, project, failed["id"])["result"]["errors"] == ["forced_error"]
    assert app.read_text() == before
