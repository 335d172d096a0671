"""A server that is faster than every client: whatever is asked for, the same answer from memory, over kept connections.

It runs in a process of its own, on loopback, and reads no more of a request than it takes to see its end, so that what
is measured is the client. ``python -m tests.bench.local_server`` prints its port and serves until it is stopped.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.bench.subject import ROOT, BenchError, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY: Final = (
    b'{"id":"0b8b6a4e-6c0e-4a53-9f0a-3f5f2f1f7f11","status":"completed","summary":"prints ten numbers",'
    b'"files":["app.py","tests/test_app.py"],"count":2}'
)
_HEAD: Final = b"HTTP/1.1 200 OK\r\nserver: local\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_ANSWER: Final = _HEAD % len(BODY) + BODY
_END: Final = b"\r\n\r\n"


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._held = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._held = (self._held + data).split(_END)
        for _ in requests:
            self._transport.write(_ANSWER)


@contextmanager
def serving() -> Iterator[str]:
    """Serve until the end of the block; gives the address.

    Raises:
        BenchError: It does not start.
    """
    environ = {"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", os.defpath)}
    command = [sys.executable, "-m", "tests.bench.local_server"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().strip()
        if not port:
            msg = "the local server did not start"
            raise BenchError(msg)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)
        process.stdout.close()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Answers, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # how the parent learns the port
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
