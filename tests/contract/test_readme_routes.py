"""The README is run: each `curl` it shows is sent by curl itself, and the answer is what the README says."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from support.http_server import serve_backend

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CURLS = [
    re.sub(r"\\\n\s*", "", found)
    for found in re.findall(r"`(curl [^`]*)`", README) + re.findall(r"\$ (curl (?:[^\n]*\\\n)*[^\n]*)", README)
]
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve_backend(tmp_path_factory.mktemp("readme")) as served:
        yield served


@pytest.fixture
def project(server):
    body = {"instruction": "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers."}
    with server.client() as client:
        return client.post("/projects/", json=body).json()


def trace_of(server, project):
    with server.client() as client:
        return client.get(f"/{project['id']}/jobs/{project['job_id']}").json()["trace_id"]


def run_curl(command, server, project):
    words = shlex.split(command.replace(ADDRESS, server.url).replace("PROJECT", project["id"]))
    words = [word.replace("/JOB", f"/{project['job_id']}") for word in words]
    if any(word.endswith("/TRACE") for word in words):
        words = [word.replace("/TRACE", f"/{trace_of(server, project)}") for word in words]
    answer = subprocess.run([*words, "-w", "\n%{http_code}"], capture_output=True, text=True, check=True, timeout=60)
    body, _, status = answer.stdout.rpartition("\n")
    return int(status), body


def test_the_readme_shows_every_route_of_the_backend(server):
    shown = {re.sub(r"[?'\"].*", "", command.split(ADDRESS, 1)[1].split()[0]) for command in CURLS}
    shown = {path.replace("PROJECT", "{project_id}").replace("JOB", "{job_id}") for path in shown}
    shown = {path.replace("TRACE", "{trace_id}") for path in shown}
    shown = {re.sub(r"(/files/).+", r"\1{path}", path) for path in shown}
    published = set(server.app.openapi()["paths"]) | {"/openapi.json"}
    assert shown == published


@pytest.mark.parametrize("command", CURLS, ids=lambda command: command.split(ADDRESS)[1][:60])
def test_a_documented_call_answers_as_documented(command, server, project):
    status, body = run_curl(command, server, project)
    # The job of the README's project has ended before it can be cancelled, and the README says what that gives.
    assert status == (409 if command.endswith("/cancel") else 200)
    assert body


def test_the_documented_answer_has_the_fields_that_the_server_gives(server, project):
    documented = json.loads(re.search(r"```json\n(\{.*?\n\})\n```", README, re.DOTALL)[1])
    create = next(command for command in CURLS if "Prefer: wait=30" in command)
    _, body = run_curl(create, server, project)
    given = json.loads(body)
    assert list(given) == list(documented)
    changing = {"id", "job_id", "workspace_path", "created_at", "updated_at"}
    assert {k: v for k, v in given.items() if k not in changing} == {
        k: v for k, v in documented.items() if k not in changing
    }


def test_each_documented_make_target_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = README + (ROOT / "DEV_GUIDE.md").read_text(encoding="utf-8")
    targets = {target for target in re.findall(r"make ([a-z][a-z-]*)", texts) if target != "alone"}
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_each_document_that_the_readme_links_to_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
