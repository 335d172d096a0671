"""The launcher's connections to an engine behind a socket, counted by a server that stands in for the engine."""

import gc
import socket
import threading
import warnings
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest
from docker.errors import DockerException

from backend.launchers.engine_connection import POOL_SIZE, connect, open_logs
from backend.launchers.kept_connections import LOCAL_SCHEME, KeepingClient, OnePoolAdapter


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections += 1

    def do_GET(self):
        body = b"" if "/logs" in self.path else b'{"ApiVersion": "1.41"}' if "/version" in self.path else b"{}"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        # Said by nobody: this is how an engine that restarts ends a connection that is idle.
        self.close_connection = "last" in self.path

    def log_message(self, *_):
        """Keep quiet."""


class Engine(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    connections = 0

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.closed_one = threading.Event()

    def shutdown_request(self, request):
        super().shutdown_request(request)
        self.closed_one.set()

    def get_request(self):
        request, _ = super().get_request()
        return request, ("", 0)


@pytest.fixture
def engine(tmp_path):
    with Engine(str(tmp_path / "engine.sock"), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(engine):
    with closing(KeepingClient(base_url=f"unix://{engine.server_address}", version="1.41")) as client:
        yield client


def test_calls_of_different_addresses_share_a_connection(engine, client):
    client.inspect_container("one")
    client.inspect_container("two")
    with closing(open_logs(client, "two")) as answer:
        assert list(answer.iter_content(10)) == []
    client.inspect_image("three")
    assert engine.connections == 1


def test_a_connection_that_the_engine_has_closed_is_made_anew(engine, client):
    client.inspect_container("last")
    assert engine.closed_one.wait(10)
    assert client.inspect_container("next") == {}
    assert engine.connections == 2


def test_the_launcher_s_own_client_keeps_its_connections_from_the_first_call_on(engine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{engine.server_address}")
    with closing(connect(5.0)) as client:
        adapter = client.adapters[LOCAL_SCHEME]
        assert isinstance(adapter, OnePoolAdapter)
        assert (adapter.timeout, adapter.max_pool_size, client.trust_env) == (5.0, POOL_SIZE, False)
        client.inspect_container("one")
        assert (client.api_version, engine.connections) == ("1.41", 1)


def test_a_client_that_reaches_its_engine_over_tcp_is_left_alone():
    with closing(KeepingClient(base_url="tcp://127.0.0.1:1", version="1.41")) as client:
        assert LOCAL_SCHEME not in client.adapters
        assert client.trust_env is True


def no_socket(path):
    """What an engine leaves that was stopped."""


def dead_socket(path):
    """What an engine leaves that was killed."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


@pytest.mark.parametrize("leave", [no_socket, dead_socket])
def test_a_try_to_reach_an_engine_that_is_away_leaves_no_socket_open(leave, tmp_path, monkeypatch):
    leave(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'engine.sock'}")
    gc.collect()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(DockerException):
            connect(5.0)
        gc.collect()
    assert seen == []
