"""One request in, one exchange out, against a server that answers down to the byte."""

import hashlib
import json
import socket
import struct
import threading

import pytest
from loopback_server import CLOSE, loopback, reply
from sensing import CANARY, CanaryRedactor, call

from harness.evidence.exchanges import Answer
from harness.redaction.secret import Secret
from harness.senses import client as client_module
from harness.senses.address import Address
from harness.senses.client import Client
from harness.senses.wire import LONGEST_WAIT_S, TimeLeft


def client_of(server, **options):
    return Client(Address.parse(server.url), CanaryRedactor(), **options)


def ask(*replies, sent=None, **options):
    with loopback(*replies) as server, client_of(server, **options) as client:
        return client.exchange(sent or call()), server


def test_an_answer_is_read_with_status_headers_body_text_size_and_digest():
    found, _ = ask(reply(b'{"id": "p"}', status="201 Created", Content_Type="application/json", X_A="1", ETag='"e"'))
    assert (found.status, found.body, found.text, found.bytes, found.error) == (201, {"id": "p"}, '{"id": "p"}', 11, "")
    assert found.headers == {"content-length": "11", "content-type": "application/json", "x-a": "1", "etag": '"e"'}
    assert found.sha256 == hashlib.sha256(b'{"id": "p"}').hexdigest()
    assert found.duration_s > 0


@pytest.mark.parametrize(
    "path", ["/api/v1/p/files/%2e%2e%2Fetc%2Fpasswd", "/p/files/../../etc/passwd", "//etc/passwd", "/a?b=%20#c"]
)
def test_a_path_arrives_as_it_was_written(path):
    _, server = ask(reply(), sent=call(path))
    assert server.asked[0].target == path


def test_a_body_a_header_and_a_trace_context_arrive():
    sent = call(
        "/p",
        method="POST",
        json={"instruction": "é\u2028\ud800"},
        headers={"Prefer": "respond-async"},
        traceparent="00-a",
    )
    _, server = ask(reply(), sent=sent)
    asked = server.asked[0]
    assert (asked.method, json.loads(asked.body)) == ("POST", {"instruction": "é\u2028\ud800"})
    assert asked.headers["content-type"] == "application/json"
    assert (asked.headers["prefer"], asked.headers["traceparent"]) == ("respond-async", "00-a")
    assert asked.headers["accept-encoding"] == "identity"


def test_a_header_of_the_step_replaces_ours():
    sent = call(method="POST", json=1, headers={"Content-Type": "text/plain", "Authorization": "Basic x"})
    _, server = ask(reply(), sent=sent, token=Secret(CANARY))
    assert server.asked[0].headers["content-type"] == "text/plain"
    assert server.asked[0].headers["authorization"] == "Basic x"


def test_the_token_is_sent_and_shown_nowhere():
    echo = reply(json.dumps({"got": f"Bearer {CANARY}"}).encode(), X_Echo=CANARY)
    with loopback(echo) as server, client_of(server, token=Secret(CANARY)) as client:
        found = client.exchange(call())
        assert server.asked[0].headers["authorization"] == f"Bearer {CANARY}"
        assert CANARY not in repr(client) + repr(vars(client))
    assert CANARY not in repr(found)
    assert found.body == {"got": "Bearer [REDACTED]"}
    assert found.headers["x-echo"] == "[REDACTED]"


class Names(CanaryRedactor):
    """Also masks by the name of a header, and counts what it is shown."""

    def __init__(self):
        self.shown = []

    def json(self, document, *, source=""):
        self.shown.append(document)
        found = json.loads(super().json(document))
        return json.dumps({name: "[REDACTED]" if name == "x-token" else value for name, value in found.items()})


def test_a_secret_in_a_header_is_redacted_and_counted_every_time_and_harmless_ones_are_searched_once():
    redactor = Names()
    with (
        loopback(reply(X_Echo=CANARY, X_Token="other", X_Plain="1")) as server,
        Client(Address.parse(server.url), redactor) as client,
    ):
        found = [client.exchange(call()).headers for _ in range(3)]
    expected = {"content-length": "2", "x-echo": "[REDACTED]", "x-token": "[REDACTED]", "x-plain": "1"}
    assert found == [expected] * 3
    headers = [json.loads(document) for document in redactor.shown if "x-echo" in document]
    assert headers[1:] == [{"x-echo": CANARY, "x-token": "other"}] * 2


def test_one_connection_serves_all_requests():
    with loopback(reply()) as server, client_of(server) as client:
        assert [client.exchange(call()).status for _ in range(50)] == [200] * 50
        assert server.connections == 1


def test_a_connection_that_the_server_has_closed_is_replaced():
    closed = threading.Event()

    def and_close(connection):
        connection.sendall(reply())
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()
        return CLOSE

    with loopback(and_close) as server, client_of(server) as client:
        for _ in range(3):
            assert client.exchange(call()).error == ""
            closed.wait()
            closed.clear()
        assert server.connections == 3


def test_a_redirect_is_not_followed():
    found, server = ask(reply(b"", status="307 Temporary Redirect", Location="/elsewhere"))
    assert (found.status, found.headers["location"], found.body, found.text) == (307, "/elsewhere", None, "")
    assert len(server.asked) == 1


def test_no_cookie_is_kept():
    with loopback(reply(Set_Cookie="a=b; Path=/")) as server, client_of(server) as client:
        found = [client.exchange(call()) for _ in range(2)]
        assert [asked.headers.get("cookie") for asked in server.asked] == [None, None]
    assert [each.headers["set-cookie"] for each in found] == ["a=b; Path=/"] * 2


def test_the_host_is_named_with_its_port_unless_the_step_names_another():
    _, server = ask(reply())
    assert server.asked[0].headers["host"] == f"127.0.0.1:{server.port}"
    _, server = ask(reply(), sent=call(headers={"Host": "elsewhere.example"}))
    assert server.asked[0].headers["host"] == "elsewhere.example"


@pytest.mark.parametrize(
    ("sent", "length"),
    [
        (call(), None),
        (call(method="DELETE"), None),
        (call(method="POST"), "0"),
        (call(method="PUT"), "0"),
        (call(method="PATCH"), "0"),
        (call(method="POST", json={}), "2"),
        (call(method="DELETE", json=None), "4"),
    ],
    ids=lambda each: f"{each.request.method} {each.request.has_json}" if hasattr(each, "request") else None,
)
def test_a_length_is_told_where_there_is_a_body_or_the_method_promises_one(sent, length):
    _, server = ask(reply(), sent=sent)
    assert server.asked[0].headers.get("content-length") == length


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"X-A: 1\r\nx-a: 2\r\nX-B: 3\r\nX-A: 4\r\n", {"x-a": "1, 2, 4", "x-b": "3"}),
        ("X-A: é\r\n".encode(), {"x-a": "é"}),
        (b"X-A: \xe9\r\n", {"x-a": "é"}),
        ("X-A: é\r\n".encode() + b"X-B: \xe9\r\n", {"x-a": "Ã©", "x-b": "é"}),
    ],
)
def test_headers_of_one_name_are_joined_and_read_as_utf8_or_byte_by_byte(lines, expected):
    found, _ = ask(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n")
    assert found.headers == {**expected, "content-length": "0"}


def test_the_surroundings_cannot_send_it_elsewhere(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(reply())[0].status == 200


@pytest.mark.parametrize(
    ("body", "text", "undecoded"),
    [
        (b'{"id": "a\xffb"}', '{"id": "a\ufffdb"}', 1),
        (b'{"id": "\xed\xa0\x80\xc3"}', '{"id": "\ufffd\ufffd\ufffd\ufffd"}', 4),
        ('{"id": "Zürich"}'.encode("latin-1"), '{"id": "Z\ufffdrich"}', 1),
        ("[1]".encode("utf-16"), "\ufffd\ufffd[\x001\x00]\x00", 2),
    ],
)
def test_what_is_no_utf8_is_counted_and_is_no_json(body, text, undecoded):
    found, _ = ask(reply(body))
    assert (found.text, found.undecoded, found.body, found.bytes) == (text, undecoded, None, len(body))
    assert Answer.of(found).exchange() == found


def test_a_replacement_that_the_subject_wrote_is_its_own():
    found, _ = ask(reply('{"id": "\ufffd"}'.encode()))
    assert (found.undecoded, found.body) == (0, {"id": "\ufffd"})


@pytest.mark.parametrize("body", [b"<html>", b'{"half": ', b"", b"NaN", b"\xff\xfe"])
def test_what_is_no_json_is_a_text_without_a_body(body):
    found, _ = ask(reply(body))
    assert (found.status, found.body, found.bytes) == (200, None, len(body))


def test_a_head_request_has_headers_and_no_body():
    found, _ = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n", sent=call(method="HEAD"))
    assert (found.status, found.headers["content-length"], found.text) == (200, "17", "")


def test_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = Client(Address.parse(f"http://127.0.0.1:{port}"), CanaryRedactor()).exchange(call())
    assert (found.status, found.error, found.answered) == (None, "ConnectError", False)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return CLOSE


def half(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    return CLOSE


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reset, "ReadError"),
        (lambda _connection: CLOSE, "RemoteProtocolError"),
        (half, "RemoteProtocolError"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000 + b"\r\n\r\n", "RemoteProtocolError"),
    ],
)
def test_a_failure_on_the_way_is_an_exchange_and_the_request_is_sent_once(answer, error):
    found, server = ask(answer)
    assert (found.status, found.error) == (None, error)
    assert len(server.asked) == 1


def test_an_illegal_header_is_an_error_and_nothing_is_sent():
    found, server = ask(reply(), sent=call(headers={"x": "a\r\nB: c"}))
    assert (found.error, server.asked) == ("LocalProtocolError", [])


def test_the_client_is_usable_after_a_failure():
    with loopback(half, reset, reply()) as server, client_of(server) as client:
        assert [client.exchange(call()).error for _ in range(3)] == ["RemoteProtocolError", "ReadError", ""]


def test_silence_ends_at_the_timeout():
    hold = threading.Event()
    with loopback(lambda _connection: hold.wait(30)) as server, client_of(server) as client:
        found = client.exchange(call(timeout_s=0.1))
        hold.set()
    assert (found.status, found.error) == (None, "ReadTimeout")


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
def test_an_answer_that_drips_for_ever_ends_at_the_timeout_in_its_head_and_in_its_body(beginning):
    piece = b"1\r\nx\r\n" if beginning.endswith(b"\r\n\r\n") else b"a: b\r\n"
    over = threading.Event()

    def drip(connection):
        connection.sendall(beginning)
        while not over.wait(0.005):
            connection.sendall(piece)
        return CLOSE

    with loopback(drip) as server, client_of(server) as client:
        found = client.exchange(call(timeout_s=0.2))
        over.set()
    assert (found.status, found.error) == (None, "ReadTimeout")


def test_a_body_beyond_the_bound_is_an_error_and_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(client_module, "LONGEST_BODY", 1000)
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    def flood(connection):
        connection.sendall(endless)
        while True:
            connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")

    found, _ = ask(flood)
    assert (found.status, found.error, found.text) == (200, "BodyTooLarge", "")
    assert ask(reply(b"x" * 1000))[0].error == ""


def test_ctrl_c_passes_and_the_client_is_usable_afterwards():
    class Interrupted(CanaryRedactor):
        interrupt = True

        def json(self, document, *, source=""):
            if self.interrupt:
                raise KeyboardInterrupt
            return document

    redactor = Interrupted()
    with loopback(reply()) as server, Client(Address.parse(server.url), redactor) as client:
        with pytest.raises(KeyboardInterrupt):
            client.exchange(call())
        redactor.interrupt = False
        assert client.exchange(call()).status == 200


def test_a_read_waits_no_longer_than_a_socket_can_be_told():
    time_left = TimeLeft(lambda: 0.0)
    time_left.start(1e12)
    assert time_left.left(TimeoutError) == LONGEST_WAIT_S
