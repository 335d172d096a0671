"""A server on loopback that answers as a test says, down to the byte, and remembers what it was asked."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict
    body: bytes
    connection: int


@dataclass
class Loopback:
    """Answers each request with the next reply, and all further ones with the last.

    A reply is bytes to send, or a callable that gets the socket; one that returns ``CLOSE`` ends the connection.
    """

    port: int
    asked: list = field(default_factory=list)
    replies: list = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def next_reply(self):
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


CLOSE = object()


def reply(body=b"{}", *, status="200 OK", **headers):
    """An answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def loopback(*replies):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Loopback(listener.getsockname()[1], replies=list(replies))
        threads = []
        accepting = threading.Thread(target=_accept, args=(listener, server, threads))
        accepting.start()
        try:
            yield server
        finally:
            server.over.set()
            # Wakes the thread that waits for a connection.
            socket.create_connection(("127.0.0.1", server.port)).close()
            accepting.join()
            for thread in threads:
                thread.join()


def _accept(listener, server, threads):
    while True:
        connection, _ = listener.accept()
        if server.over.is_set():
            connection.close()
            return
        server.connections += 1
        thread = threading.Thread(target=_serve, args=(connection, server, server.connections))
        thread.start()
        threads.append(thread)


def _serve(connection, server, number):
    # A connection that nobody closes must not keep the test.
    connection.settimeout(30)
    with connection, connection.makefile("rb") as stream:
        try:
            while (request := _read(stream, number)) is not None:
                server.asked.append(request)
                answer = server.next_reply()
                if (answer(connection) if callable(answer) else connection.sendall(answer)) is CLOSE:
                    return
        except OSError:
            return


def _read(stream, number):
    line = stream.readline().decode()
    if not line:
        return None
    method, target, _ = line.split(" ")
    headers = {}
    while field_line := stream.readline().decode().strip():
        name, _, value = field_line.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(method, target, headers, stream.read(int(headers.get("content-length", 0))), number)
