"""Polls through the real client: against a server that misbehaves, and against the backend itself."""

import json
import threading
import time
from random import Random

import pytest
from loopback_server import CLOSE, loopback, reply
from sensing import CanaryRedactor, call
from support.api_calls import COMMENT, Waiters, new_job, new_project, serve_held
from support.held_launcher import HeldLauncher

from harness.judging.freshness import Age, Wanted, baseline_of
from harness.judging.readiness import Conditions
from harness.language.model import Check, CheckKind, Mark, Pace, Poll
from harness.senses.address import Address
from harness.senses.client import Client
from harness.senses.polling import End, PollSurroundings, poll
from harness.senses.snapshots import Snapshot, changes, take

MARK = Mark("live.ladder.yaml", 20, 5)
UNTIL = (Check(CheckKind.STATUS, MARK, argument=(200,), text="status 200"),)
RESULT = "/p/files/.codex/result.json"


def polled(client, fresh, *, path=RESULT, deadline_s=30.0, timeout_s=20.0):
    attempts = []
    around = PollSurroundings(
        client.exchange, time.monotonic, lambda _s: None, Random(1), attempts.append, lambda _waiting: None
    )
    asked = Poll(UNTIL, (), "body.contents", None, deadline_s, Pace(0.01, 1.0, 0.01, 0.0))
    found = poll(call(path, timeout_s=timeout_s), Conditions(asked, fresh, MARK), around)
    return found, attempts


def wrapped(document):
    text = document if isinstance(document, str) else json.dumps(document)
    return reply(json.dumps({"path": ".codex/result.json", "contents": text}).encode())


@pytest.fixture
def ask():
    def asked(*replies, **options):
        with loopback(*replies) as server, Client(Address.parse(server.url), CanaryRedactor()) as client:
            found, attempts = polled(client, Wanted("two", 0.0, baseline_of(client.exchange(call()), None)), **options)
            return found, attempts, server

    return asked


NOT_FOUND = reply(b'{"error": "not_found"}', status="404 Not Found")
FRESH = {"job_id": "two", "status": "success"}


def drop(_connection):
    return CLOSE


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    pause = threading.Event()
    while not pause.wait(0.01):
        connection.sendall(b"x")


def test_a_poll_outlasts_all_that_can_go_wrong_and_accepts_only_the_fresh_document(ask):
    stale, torn, late = wrapped({"job_id": "one"}), wrapped('{"job_id": "two", "st'), reply(b"{not json")
    found, attempts, server = ask(NOT_FOUND, NOT_FOUND, drop, stale, torn, late, wrapped(FRESH))
    assert (found.end, found.age, found.doc) == (End.READY, Age.FRESH, FRESH)
    assert [attempt.status for attempt in attempts] == [404, None, 200, 200, 200, 200]
    reasons = [attempt.why_not_ready for attempt in attempts]
    assert reasons == [
        "not ready: status in [200], got 404",
        "no answer (RemoteProtocolError)",
        'stale: job_id is "one", wanted "two"',
        "there is no document that can be read",
        "there is no document that can be read",
        "",
    ]
    assert server.connections == 2


def test_an_answer_that_drips_costs_one_attempt_and_not_the_deadline(ask):
    found, attempts, _ = ask(NOT_FOUND, drip, wrapped(FRESH), timeout_s=0.2)
    assert [attempt.status for attempt in attempts] == [None, 200]
    assert found.end is End.READY


def test_a_redirect_ends_a_poll_and_is_not_followed(ask):
    found, _, server = ask(reply(b"", status="307 Temporary Redirect", Location="/elsewhere"))
    assert (found.end, found.exchange.status) == (End.STOPPED, 307)
    assert {asked.target for asked in server.asked} == {"/x", RESULT}


@pytest.fixture
def held():
    return HeldLauncher()


@pytest.fixture
def backend(tmp_path, held):
    with serve_held(tmp_path, held) as served:
        yield served


@pytest.fixture
def judge(backend):
    with Client(Address.parse(backend.url), CanaryRedactor()) as client:
        yield client


def of(backend, project, rest):
    return f"{backend.settings.api_v1_str}/{project['id']}{rest}"


def test_the_backend_holds_the_answer_back_and_the_second_jobs_result_is_the_one(backend, held, judge):
    with backend.client() as caller:
        project = new_project(caller)
        held.wait_until_running(project["job_id"])
        held.finish(project["job_id"], summary="the first")
        path = of(backend, project, "/files/.codex/result.json")
        first, _ = polled(
            judge, Wanted(project["job_id"], 0.0, baseline_of(judge.exchange(call(path)), None)), path=path
        )
        assert first.doc["summary"] == "the first"

        job = new_job(caller, project, COMMENT)
        held.wait_until_running(job["id"])
        waiters = Waiters(backend)
        ended = threading.Thread(target=lambda: (waiters.wait_for(1), held.finish(job["id"], summary="the second")))
        ended.start()
        wanted = Wanted(job["id"], 0.0, baseline_of(first.exchange, first.doc))
        second, attempts = polled(judge, wanted, path=path)
        ended.join()
    assert (second.end, second.age, second.doc["summary"]) == (End.READY, Age.FRESH, "the second")
    # The one attempt was held back until the result was there, so nothing was waited for in vain.
    assert len(attempts) == 1
    assert second.exchange.headers["preference-applied"] == "wait=19"


def test_a_first_wait_that_ends_in_vain_is_followed_by_another_one(backend, held, judge):
    with backend.client() as caller:
        project = new_project(caller)
        held.wait_until_running(project["job_id"])
        path = of(backend, project, "/files/.codex/result.json")
        waiters = Waiters(backend)
        ended = threading.Thread(target=lambda: (waiters.wait_for(2), held.finish(project["job_id"])))
        ended.start()
        wanted = Wanted(project["job_id"], 0.0, baseline_of(judge.exchange(call(path)), None))
        found, attempts = polled(judge, wanted, path=path, timeout_s=2.5)
        ended.join()
    assert found.end is End.READY
    assert [attempt.status for attempt in attempts] == [404, 200]


def test_a_path_that_climbs_out_reaches_the_backend_as_written(backend, judge):
    with backend.client() as caller:
        project = new_project(caller)
    for path in ("%2e%2e%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", "../../etc/passwd", "/etc/passwd"):
        assert judge.exchange(call(of(backend, project, f"/files/{path}"))).status == 400
    assert judge.exchange(call(of(backend, project, "/files/does-not-exist.txt"))).status == 404
    moved = judge.exchange(
        call(f"{backend.settings.api_v1_str}/projects", method="POST", json={"instruction": COMMENT})
    )
    assert (moved.status, moved.text) == (307, "")


def test_an_edit_is_seen_in_the_hashes_and_unchanged_files_are_spared(backend, held, judge):
    sent = []

    def send(one):
        answer = judge.exchange(one)
        sent.append((one.request.path.rpartition("/files")[2], answer.status))
        return answer

    with backend.client() as caller:
        project = new_project(caller)
        workspace = held.wait_until_running(project["job_id"]).workspace
        (workspace / "app.py").write_text("print(1)\n")
        (workspace / "same.bin").write_bytes(b"\xff\x00")
        held.finish(project["job_id"])
        listing = of(backend, project, "/files")
        before = take(send, listing, Snapshot())
        job = new_job(caller, project, COMMENT)
        held.wait_until_running(job["id"])
        (workspace / "app.py").write_text("print(2)\n")
        (workspace / "new é.txt").write_text("")
        held.finish(job["id"])
        caller.get(f"/{project['id']}/jobs/{job['id']}", headers={"Prefer": "wait=60"})
    sent.clear()
    after = take(send, listing, before)
    found = changes("submit", before, after)
    assert (found.created, found.modified, found.deleted, found.doubt) == (("new é.txt",), ("app.py",), (), "")
    assert sent == [("", 200), ("/app.py", 200), ("/new%20%C3%A9.txt", 200), ("/same.bin", 304)]


def test_a_deadline_passes_on_the_real_clock_too(ask):
    found, attempts, _ = ask(NOT_FOUND, deadline_s=0.3)
    assert found.end is End.DEADLINE
    assert attempts
