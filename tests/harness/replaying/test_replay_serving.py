"""``ladder replay --serve``: recorded answers given again, the nearest one named, and nothing but loopback."""

import http.client
import json
import threading
from contextlib import contextmanager

import pytest
from recorded_stage import as_skeleton

from harness.errors import PrerequisiteError
from harness.evidence.faults import EvidenceError
from harness.replaying.serving import LOOPBACK, open_server
from harness.replaying.shelf import Asked, Missing, Served, Shelf


@contextmanager
def serving(folder, text=""):
    said = []
    with open_server(folder.parent, text, 0, note=said.append) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server, said
        finally:
            server.shutdown()
            thread.join()


def ask(server, method, path, body=None):
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=10)
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def test_a_recorded_request_gets_its_answer_again(single):
    with serving(single) as (server, said):
        assert server.server_address[0] == LOOPBACK
        assert ask(server, "POST", "/make", {"instruction": "Write a program."}) == (
            200,
            {"id": "p1", "note": "made it"},
        )
        assert ask(server, "GET", "/look/p1") == (200, {"id": "p1"})
    assert said == ["POST /make: 200", "GET /look/p1: 200"]


def test_a_request_that_was_never_recorded_names_the_nearest(single):
    with serving(single) as (server, said):
        status, told = ask(server, "GET", "/look/p2")
        assert (status, told["error"], told["nearest"]) == (404, "no_recorded_answer", "GET /look/p1")
        assert told["why"] == "another path"
        assert ask(server, "POST", "/make", {"instruction": "else"})[1]["why"] == "another body"
        assert ask(server, "PUT", "/look/p1")[1]["why"] == "another method"
    assert "nearest is GET /look/p1 (another path)" in said[0]


def test_answers_to_one_request_come_in_their_order_and_the_last_for_ever(recorded):
    recorded.whole.service.on("GET /result/p1", {"status": "busy"}, {"status": "success", "summary": "all is done"})
    from harness.evidence.journal import iter_events
    from harness.replaying.played import play

    folder = recorded.run_trials(2)
    logs = sorted((folder / "traces").glob("*.jsonl"))
    shelf = Shelf([each for log in logs for each in play(iter_events(log))])
    asked = Asked("GET", "/result/p1")
    taken = [json.loads(shelf.take(asked).text)["status"] for _ in range(4)]
    assert taken == ["busy", "success", "success", "success"]


def test_an_empty_shelf_has_no_nearest():
    assert Shelf([]).take(Asked("GET", "/")) == Missing(None, "nothing was recorded")


def test_headers_of_the_wire_are_not_given_again(recorded):
    from staged import Reply

    headers = {"content-length": "999", "x-one": "1", "transfer-encoding": "chunked"}
    recorded.whole.service.on("GET /look/p1", Reply({"id": "p1"}, headers=headers))
    with serving(recorded.run()) as (server, _):
        found = server.shelf.take(Asked("GET", "/look/p1"))
    assert found == Served(200, {"x-one": "1"}, '{"id": "p1"}')


def test_a_run_without_contents_and_a_damaged_one_are_not_served(bundle):
    as_skeleton(bundle)
    with pytest.raises(EvidenceError) as caught:
        open_server(bundle.parent, "", 0, note=print)
    assert caught.value.reference == "contents-not-kept"
    (bundle / "events.jsonl").write_text("")
    with pytest.raises(EvidenceError) as caught:
        open_server(bundle.parent, "", 0, note=print)
    assert caught.value.reference == "run-damaged"


def test_a_port_that_is_taken_is_told(single):
    with serving(single) as (server, _), pytest.raises(PrerequisiteError) as caught:
        open_server(single.parent, "", server.server_port, note=print)
    assert caught.value.reference == "port-taken"
