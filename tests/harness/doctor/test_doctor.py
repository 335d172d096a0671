"""`ladder doctor` as a whole, on a checkout of its own and a fake engine that answers on a real socket."""

from __future__ import annotations

import json
import os
import re
import socket
import socketserver
import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.config import Settings
from harness.doctor import machine as doctor_machine
from harness.doctor import view as doctor_view
from harness.doctor.examination import diagnose
from harness.doctor.findings import Level, as_json, exit_code_of, render
from harness.errors import ExitCode, PrerequisiteError
from harness.stack.up import read_plan

ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary-4f7a9b21c3d8"
OF_ENGINE = {"images", "disk-engine", "project", "leftover-workers", "leftover-judges", "leftover-networks"}
OURS = ("ladder-base:latest", "ladder-backend:latest", "codex-worker:latest")


class FakeEngine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers as Docker Engine 20.10.24 does, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, path):
        self.asked = []
        self.images, self.containers, self.networks = set(OURS), [], []
        self.api, self.broken = "1.41", None
        super().__init__(str(path), Answer)

    def answer(self, path, query):
        if path == self.broken:
            return 500, {"message": "no space left on device"}
        if image := re.fullmatch(r"/images/(.+)/json", path):
            return (200, {"Id": "sha256:1"}) if image[1] in self.images else (404, {"message": "No such image"})
        if container := re.fullmatch(r"/containers/(.+)/json", path):
            return 200, next(found["Inspect"] for found in self.containers if found["Id"] == container[1])
        answers = {
            "/version": {"Version": "20.10.24", "ApiVersion": self.api},
            "/info": {"DockerRootDir": str(ROOT)},
            "/containers/json": self.labelled(self.containers, query),
            "/networks": self.labelled(self.networks, query),
        }
        return 200, answers[path]

    def labelled(self, things, query):
        wanted = json.loads(query.get("filters", ["{}"])[0]).get("label", [])
        return [thing for thing in things if all(pair in self.pairs(thing) for pair in wanted)]

    def pairs(self, thing):
        return {f"{name}={value}" for name, value in thing["Labels"].items()} | set(thing["Labels"])


class Answer(BaseHTTPRequestHandler):
    def address_string(self):
        return "socket"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        url = urlsplit(self.path)
        path = re.sub(r"^/v1\.\d+", "", url.path)
        self.server.asked.append(f"{self.command} {path}")
        status, body = self.server.answer(path, parse_qs(url.query))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_DELETE = do_PUT = do_HEAD = do_GET  # noqa: N815  # named by http.server


@pytest.fixture
def engine(tmp_path):
    server = FakeEngine(tmp_path / "engine.sock")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(tmp_path, monkeypatch):
    # Room enough, whatever this machine has, and a port that is free now.
    monkeypatch.setattr(doctor_machine, "LITTLE_BYTES", 0)
    monkeypatch.setattr(doctor_machine, "MIN_FREE_BYTES", 0)
    checkout, tools = tmp_path / "checkout", tmp_path / "bin"
    for folder in (checkout, tools):
        folder.mkdir()
    (checkout / ".env.example").write_text((ROOT / ".env.example").read_text())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        (checkout / ".env").write_text(f"PORT={probe.getsockname()[1]}\nMIN_FREE_BYTES=0\n")
    (checkout / ".env").chmod(0o600)
    for name, script in {"docker-compose": "echo 1.29.2", "git": "echo 'not a git repository' >&2; exit 128"}.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    environ = {
        "DOCKER_HOST": f"unix://{tmp_path / 'engine.sock'}",
        "PATH": str(tools),
        "LADDER_RUN_DIR": str(tmp_path / "run"),
    }
    return Settings(root=checkout, env_file=checkout / ".env", environ=environ)


def by_check(findings):
    return {found.check: found for found in findings}


def container(name, status="running", **labels):
    labels = {name.replace("_", "."): value for name, value in labels.items()}
    state = {"Status": status, "ExitCode": 0}
    inspect = {"Id": name, "Config": {"Labels": labels}, "State": state}
    return {"Id": name, "Names": [f"/{name}"], "Labels": labels, "State": status, "Ports": [], "Inspect": inspect}


def backend_of(home, **changes):
    labels = {
        "com.docker.compose.project": "ladder",
        "com.docker.compose.service": "backend",
        "com.docker.compose.project.working_dir": str(home),
    }
    made = container("ladder_backend_1", **changes)
    made["Labels"] |= labels
    return made


def snapshot(folder):
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
        if not path.is_socket()
    }


def test_a_machine_on_which_all_is_well_has_no_repair(settings, engine, tmp_path):
    findings = diagnose(settings, out=tmp_path / "out")
    assert [found for found in findings if found.level is not Level.OK] == []
    assert exit_code_of(findings) is ExitCode.OK


def test_every_check_has_a_name_of_its_own_in_kebab_case(settings, engine, tmp_path):
    names = [found.check for found in diagnose(settings, out=tmp_path / "out")]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_the_same_checks_are_told_whatever_is_broken(settings, engine, tmp_path):
    well = [found.check for found in diagnose(settings, out=tmp_path / "out")]
    settings.env_file.write_text("PORT=eighty\n")
    invalid = [found.check for found in diagnose(settings, out=tmp_path / "out")]
    engine.broken = "/info"
    refused = [found.check for found in diagnose(settings, out=tmp_path / "out")]
    assert sorted(well) == sorted(invalid) == sorted(refused)


def test_it_changes_nothing(settings, engine, tmp_path):
    (tmp_path / "out/2025-01-02T03:04:05Z.partial").mkdir(parents=True)
    engine.containers.append(container("w1", ladder_instance="ladder", ladder_job="j1"))
    before = snapshot(tmp_path)
    diagnose(settings, out=tmp_path / "out")
    assert snapshot(tmp_path) == before
    assert {asked.split()[0] for asked in engine.asked} == {"GET"}


def test_leftovers_on_the_engine_are_found_by_label(settings, engine, tmp_path):
    engine.containers += [
        container("ours", "exited", ladder_instance="ladder", ladder_job="j1"),
        container("another-instance", ladder_instance="second", ladder_job="j2"),
        container("no-worker", ladder_instance="ladder"),
    ]
    engine.networks += [
        {"Name": "ladder_default", "Labels": {"com.docker.compose.project": "ladder"}},
        {"Name": "second_default", "Labels": {"com.docker.compose.project": "second"}},
    ]
    found = by_check(diagnose(settings, out=tmp_path / "out"))
    assert found["leftover-workers"].level is Level.WARNING
    assert found["leftover-workers"].message.startswith("ours of instance ladder")
    assert found["leftover-networks"].message.startswith("ladder_default of project ladder")


def test_our_own_running_stack_is_well(settings, engine, tmp_path):
    backend = backend_of(settings.root)
    backend["Ports"] = [{"IP": "127.0.0.1", "PrivatePort": 8000, "PublicPort": read_plan(settings).port, "Type": "tcp"}]
    engine.containers.append(backend)
    found = by_check(diagnose(settings, out=tmp_path / "out"))
    assert (found["project"].level, found["port"].level) == (Level.OK, Level.OK)
    assert "our own backend" in found["port"].message


def test_a_stack_of_the_same_name_from_another_checkout_is_an_error(settings, engine, tmp_path):
    engine.containers.append(backend_of(tmp_path))
    findings = diagnose(settings, out=tmp_path / "out")
    found = by_check(findings)["project"]
    assert found.level is Level.ERROR
    assert str(tmp_path) in found.message
    assert "LADDER_PROJECT" in found.repair
    assert exit_code_of(findings) is ExitCode.PREREQUISITE


def test_missing_images_are_a_warning(settings, engine, tmp_path):
    engine.images = {"ladder-base:latest"}
    found = by_check(diagnose(settings, out=tmp_path / "out"))["images"]
    assert found.level is Level.WARNING
    assert "ladder-backend:latest, codex-worker:latest" in found.message


def test_an_engine_that_is_too_old_is_an_error_and_the_rest_is_looked_at(settings, engine, tmp_path):
    engine.api = "1.40"
    found = by_check(diagnose(settings, out=tmp_path / "out"))
    assert found["engine"].level is Level.ERROR
    assert found["images"].level is Level.OK


def test_without_an_engine_what_depends_on_it_is_not_checked_and_the_rest_is(settings, tmp_path):
    found = by_check(diagnose(settings, out=tmp_path / "out"))
    assert found["engine-socket"].level is Level.ERROR
    assert {name for name in found if "not checked" in found[name].message} == OF_ENGINE | {"engine"}
    assert found["env-file"].level is Level.OK
    assert found["port"].level is Level.OK


def test_an_engine_behind_a_network_is_never_asked(settings, tmp_path, monkeypatch):
    def asked(*arguments, **options):
        raise AssertionError

    monkeypatch.setattr(doctor_view, "observe", asked)
    elsewhere = Settings(settings.root, settings.env_file, dict(settings.environ) | {"DOCKER_HOST": "ssh://x"})
    found = by_check(diagnose(elsewhere, out=tmp_path / "out"))
    assert "DOCKER_HOST" in found["engine-socket"].message
    assert "not checked" in found["engine"].message


def test_an_engine_that_refuses_one_question_is_asked_no_other(settings, engine, tmp_path):
    engine.broken = "/info"
    found = by_check(diagnose(settings, out=tmp_path / "out"))
    assert found["engine"].level is Level.ERROR
    assert "no space left on device" in found["engine"].message
    assert {name for name in found if "not checked" in found[name].message} == OF_ENGINE
    assert engine.asked[-1] == "GET /info"


def test_an_engine_that_never_answers_costs_one_timeout(settings, tmp_path):
    release = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def handle(self):
            release.wait()

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(str(tmp_path / "engine.sock"), Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with pytest.raises(PrerequisiteError) as caught:
            doctor_view.observe(settings, read_plan(settings), timeout_s=1)
        release.set()
        server.shutdown()
        thread.join()
    assert caught.value.reference == "engine-unreachable"


def test_no_question_has_more_than_five_seconds(settings, engine, tmp_path, monkeypatch):
    given = []
    connect, run = doctor_view.engine.connect, subprocess.run
    monkeypatch.setattr(
        doctor_view.engine, "connect", lambda settings, timeout_s: given.append(timeout_s) or connect(settings)
    )
    monkeypatch.setattr(
        subprocess, "run", lambda *words, **options: given.append(options["timeout"]) or run(*words, **options)
    )
    diagnose(settings, out=tmp_path / "out")
    assert len(given) >= 3
    assert max(given) <= 5


def test_an_invalid_setting_is_told_and_what_depends_on_it_is_not_checked(settings, engine, tmp_path):
    settings.env_file.write_text("PORT=eighty\n")
    found = by_check(diagnose(settings, out=tmp_path / "out"))
    assert found["env-values"].level is Level.ERROR
    assert "not checked" in found["port"].message
    assert "not checked" in found["project"].message
    assert found["images"].level is Level.OK


@pytest.mark.parametrize(
    "broken",
    ["engine.check_compose", "env.load_secrets", "machine.shutil.disk_usage", "examination.read_plan"],
)
def test_a_check_that_breaks_is_an_error_of_its_own_and_the_others_go_on(
    settings, engine, tmp_path, broken, monkeypatch
):
    whole = len(diagnose(settings, out=tmp_path / "out"))

    def breaks(*arguments, **options):
        raise ValueError(CANARY)

    monkeypatch.setattr(f"harness.doctor.{broken}", breaks)
    findings = diagnose(settings, out=tmp_path / "out")
    assert len(findings) == whole
    assert any(found.level is not Level.OK for found in findings)
    assert CANARY not in render(findings) + as_json(findings)


def test_no_secret_is_in_anything_it_tells(settings, engine, tmp_path):
    settings.env_file.write_text(
        f"PORT='{CANARY}0'\nOPENAI_API_KEY={CANARY}1\nDATABASE_URL=postgresql://u:{CANARY}2@h/d\nCOLOR={CANARY}3\n"
        f"{CANARY}4\nUSE_DUMMY_WORKER={CANARY}5\nLADDER_PROJECT={CANARY}+6\n"
    )
    settings.live_env_file.write_text(f"OPENAI_APIKEY={CANARY}7\nAPI_TOKENS=short\n")
    environ = dict(settings.environ) | {"http_proxy": f"http://u:{CANARY}8@p", "OPENAI_ORG_ID": f"{CANARY}9"}
    findings = diagnose(Settings(settings.root, settings.env_file, environ), out=tmp_path / "out")
    assert CANARY not in render(findings) + as_json(findings)
    assert "short," not in render(findings)
    assert exit_code_of(findings) is ExitCode.PREREQUISITE


def test_the_fake_engine_is_told_apart_from_this_machines(settings, engine, tmp_path):
    found = by_check(diagnose(settings, out=tmp_path / "out"))
    assert f"{os.sep}engine.sock" in found["engine-socket"].message
    assert "20.10.24, API 1.41" in found["engine"].message
