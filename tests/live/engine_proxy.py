"""A socket between a backend and the engine that can hold a call back, lose its answer, or go away altogether.

It passes bytes on and reads nothing but the first line of each request, which the SDK sends in one piece. With it a
backend can be caught between two engine calls, every time at the same place.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from backend_process import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK: Final = 65536
START: Final = b"/start "
CREATE: Final = b"/containers/create?"


def engine_socket() -> str:
    """Where the engine listens that the SDK would use."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    assert host.startswith("unix://"), "the proxy knows engines on a local socket only"
    return host.removeprefix("unix://")


class EngineProxy:
    """Listens on a socket of its own and relays to the engine.

    Attributes:
        reached: Set when the request that was named last was held back, or lost its answer.
    """

    def __init__(self, path: Path) -> None:
        self.host = f"unix://{path}"
        self.reached = threading.Event()
        self._held = b""
        self._answerless = b""
        self._away = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def hold_back(self, request: bytes) -> None:
        """Pass no request on whose first line holds these bytes, from now on."""
        self.reached.clear()
        self._held = request

    def lose_answer(self, request: bytes) -> None:
        """Pass the next such request on, and nothing back."""
        self.reached.clear()
        self._answerless = request

    def wait_until_reached(self) -> None:
        assert self.reached.wait(PATIENCE_S), "the backend made no such call"

    def go_away(self) -> None:
        """Break every connection and take no new one."""
        self._away = True
        self._break_all()

    def come_back(self) -> None:
        self._away = False

    def close(self) -> None:
        self.go_away()
        # A blocked accept is woken by a shutdown, not by a close.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self._away:
                    connection.close()
                    continue
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(engine_socket())
            ends = {client, engine}
            with self._lock:
                self._open |= ends
            mute = threading.Event()
            back = threading.Thread(target=self._answer, args=(engine, client, mute), daemon=True)
            back.start()
            self._relay(client, engine, mute)
            _shut(engine)
            back.join(PATIENCE_S)
            with self._lock:
                self._open -= ends

    def _relay(self, client: socket.socket, engine: socket.socket, mute: threading.Event) -> None:
        with suppress(OSError):
            while chunk := client.recv(CHUNK):
                line = chunk.partition(b"\r\n")[0]
                if self._held and self._held in line:
                    self.reached.set()
                    continue
                if self._answerless and self._answerless in line:
                    self._answerless = b""
                    mute.set()
                engine.sendall(chunk)

    def _answer(self, engine: socket.socket, client: socket.socket, mute: threading.Event) -> None:
        with suppress(OSError):
            while chunk := engine.recv(CHUNK):
                # What a muted connection brings is the lost answer: requests on one connection take turns.
                if mute.is_set():
                    self.reached.set()
                else:
                    client.sendall(chunk)
        _shut(client)

    def _break_all(self) -> None:
        with self._lock:
            for end in self._open:
                _shut(end)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def engine_proxy() -> Iterator[EngineProxy]:
    """Run a proxy until the block ends."""
    # A socket's path has at most 108 bytes, and the directories of tests have long names.
    with TemporaryDirectory() as directory:
        proxy = EngineProxy(Path(directory) / "engine.sock")
        try:
            yield proxy
        finally:
            proxy.close()
