"""One GET against a Docker engine, with nothing but the standard library, before any of our packages is installed.

usage: ``python3 scripts/engine_api.py version|running HOST`` with HOST as in DOCKER_HOST (``unix://…`` or ``tcp://…``
without TLS). It prints the engine's version, or the names of its running containers one a line. It decides nothing.
Exit codes: 0 answered, 1 no answer, 13 the socket is there and we may not use it.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 5.0
NO_ANSWER = 1
FORBIDDEN = 13


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self._path)


def get(host: str, path: str) -> Any:  # noqa: ANN401  # JSON of a foreign program
    """Ask the engine at ``host`` and parse its answer."""
    url = urlsplit(host)
    connection = (
        UnixConnection(url.path)
        if url.scheme == "unix"
        else http.client.HTTPConnection(url.hostname or "", url.port or 2375, timeout=TIMEOUT_S)
    )
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def main() -> int:
    """Print what was asked for."""
    question, host = sys.argv[1:]
    try:
        if question == "version":
            print(get(host, "/version")["Version"])
        else:
            print("\n".join(container["Names"][0].lstrip("/") for container in get(host, "/containers/json")))
    except PermissionError:
        return FORBIDDEN
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return NO_ANSWER
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
