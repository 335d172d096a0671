"""``ladder replay`` and ``ladder reeval`` from outside: streams, exit codes, and that no backend is asked."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def command(root, *arguments):
    return [sys.executable, "-m", "harness", *arguments, "--out", str(root)]


def environ(**more):
    return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LADDER_ENV_FILE": "/nonexistent/.env", **more}


def ladder(root, *arguments, **more):
    return subprocess.run(
        command(root, *arguments),
        cwd=ROOT,
        env=environ(**more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_c05_an_empty_folder_is_no_error(tmp_path):
    done = ladder(tmp_path, "replay")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing recorded\n", "")
    assert json.loads(ladder(tmp_path, "replay", "--json").stdout)["trials"] == []


def test_c15_an_unknown_name(tmp_path):
    done = ladder(tmp_path, "replay", "UNKNOWN")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error[run-unknown]")
    done = ladder(tmp_path, "replay", "UNKNOWN", "--allow-partial")
    assert done.returncode == 0
    assert done.stderr.startswith("warning[run-unknown]")
    done = ladder(tmp_path, "reeval", "UNKNOWN", "--json")
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (1, "run-unknown")


@pytest.mark.parametrize("name", ["../../etc", "..%2f.."])
def test_d20_names_that_lead_elsewhere_are_usage_errors(tmp_path, name):
    assert ladder(tmp_path, "replay", name).returncode == 2
    assert ladder(tmp_path, "reeval", name).returncode == 2


def test_d02_a_folder_in_the_place_of_evidence_or_a_file_is_told_without_a_stack_trace(tmp_path):
    (tmp_path / "file").write_text("")
    for arguments in (("replay",), ("reeval", "2026-01-01T00:00:00Z")):
        done = ladder(tmp_path / "file", *arguments)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("error[")


def test_exit_codes_and_json_are_those_of_the_text(bundle):
    for arguments in (("replay",), ("reeval", bundle.name)):
        text, programs = ladder(bundle.parent, *arguments), ladder(bundle.parent, *arguments, "--json")
        assert (text.returncode, programs.returncode) == (0, 0)
        assert json.loads(programs.stdout)["exit_code"] == 0
    (bundle / "events.jsonl").write_text("{}\n")
    for arguments, reason in ((("replay",), "run-damaged"), (("reeval", bundle.name), "run-damaged")):
        text, programs = ladder(bundle.parent, *arguments), ladder(bundle.parent, *arguments, "--json")
        assert (text.returncode, programs.returncode) == (1, 1)
        assert f"error[{reason}]" in text.stderr
        assert json.loads(programs.stdout)["reason"] == reason


def test_c21_a_backend_that_is_there_is_not_asked(bundle):
    asked = []

    class Backend(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)

        do_POST = do_GET  # noqa: N815  # names of the library

    with HTTPServer(("127.0.0.1", 0), Backend) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        surroundings = {"BASE_URL": url, "DOCKER_HOST": f"tcp://127.0.0.1:{server.server_port}", "OPENAI_BASE_URL": url}
        try:
            assert ladder(bundle.parent, "replay", **surroundings).returncode == 0
            assert ladder(bundle.parent, "reeval", bundle.name, **surroundings).returncode == 0
        finally:
            server.shutdown()
            thread.join()
    assert asked == []


def test_a_recording_is_served_until_ctrl_c(bundle):
    arguments = command(bundle.parent, "replay", "--serve")
    with subprocess.Popen(arguments, cwd=ROOT, env=environ(), stdout=subprocess.PIPE, text=True) as served:
        try:
            first = served.stdout.readline()
            url = first.partition(" at ")[2].partition(";")[0]
            with urllib.request.urlopen(f"{url}/look/p1", timeout=10) as answer:
                assert json.loads(answer.read()) == {"id": "p1"}
            assert served.stdout.readline() == "GET /look/p1: 200\n"
            os.kill(served.pid, signal.SIGINT)
            assert served.wait(timeout=30) == 0
        finally:
            served.kill()
