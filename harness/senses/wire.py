"""The transport under the client: one connection, kept alive, on which no request outlives its bound.

A library's timeout bounds each read, so that a peer which sends a byte now and then is never cut off. Here every read,
write and connect gets what is left of the request's own time, headers and body alike. TLS is set up only when it is
used, because loading the certificates takes longer than all else. There is nothing between it and ``httpcore``, which
takes half the processor time of a client on top of it. It decides nothing about answers.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from harness.senses.address import Address

KEPT_ALIVE_S: Final = 3.0
"""Idle time after which a connection is not used again; servers commonly close theirs after 5 s, and a request that
meets a closing connection is lost without an answer."""


Headers = list[tuple[bytes, bytes]]
"""Names and values in the order in which they are sent; a name may occur twice."""


LONGEST_WAIT_S: Final = 86_400.0
"""Of one read, write or connect; what a ladder may write can be more than a socket can be told."""


class TimeLeft:
    """How long the present request may still take; shared by the client and its connection.

    Args:
        clock: Monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = 0.0

    def start(self, timeout_s: float) -> None:
        """Begin the time of one request."""
        self._ends = self._clock() + timeout_s

    def left(self, exceeded: type[Exception]) -> float:
        """Seconds that are left.

        Raises:
            exceeded: None are.
        """
        left = self._ends - self._clock()
        if left <= 0:
            raise exceeded
        return min(left, LONGEST_WAIT_S)


class BoundedTransport:
    """Sends requests to one address over one connection, as they are: no header is added and no target changed.

    Args:
        address: Where they go.
        time_left: Of the present request.
    """

    def __init__(self, address: Address, time_left: TimeLeft) -> None:
        secure = address.scheme == "https"
        self._origin = (address.scheme.encode(), address.host.encode("idna"), address.port)
        self._network = _BoundedNetwork(time_left)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls() if secure else None,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=KEPT_ALIVE_S,
            network_backend=self._network,
        )

    def send(self, method: str, target: bytes, *, headers: Headers, content: bytes = b"") -> httpcore.Response:
        """Send one request; the body of the answer is read later, within the same bound.

        Args:
            method: Upper case.
            target: Goes out as it is.
            headers: All that are sent; ``Host`` and the body's length belong to them.
            content: The body.
        """
        scheme, host, port = self._origin
        url = httpcore.URL(scheme=scheme, host=host, port=port, target=target)
        return self._pool.handle_request(httpcore.Request(method, url, headers=headers, content=content))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def break_off(self) -> None:
        """End what another thread is waiting for; its request fails as if the connection had been lost."""
        stream = self._network.latest
        if stream is not None:
            # Closing a socket does not wake who reads from it; shutting it down does.
            with suppress(OSError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class _BoundedNetwork(httpcore.NetworkBackend):
    def __init__(self, time_left: TimeLeft) -> None:
        self.latest: httpcore.NetworkStream | None = None
        self._time_left = time_left
        self._network = httpcore.SyncBackend()

    def connect_tcp(  # noqa: PLR0917  # the library's signature
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  # our bound replaces it, here and below
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._time_left.left(httpcore.ConnectTimeout)
        self.latest = self._network.connect_tcp(host, port, left, local_address, socket_options)
        return _BoundedStream(self.latest, self._time_left)


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, time_left: TimeLeft) -> None:
        self._stream = stream
        self._time_left = time_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  # likewise
        return self._stream.read(max_bytes, timeout=self._time_left.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  # likewise
        self._stream.write(buffer, timeout=self._time_left.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  # likewise
    ) -> httpcore.NetworkStream:
        left = self._time_left.left(httpcore.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, timeout=left), self._time_left)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  # the library's signature
        return self._stream.get_extra_info(info)


def _tls() -> ssl.SSLContext:
    # The roots of ``certifi``, or what SSL_CERT_FILE or SSL_CERT_DIR name instead: nobody's to spell out twice.
    import httpx

    return httpx.create_ssl_context()
