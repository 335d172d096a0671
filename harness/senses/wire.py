"""The transport under the client: one connection, kept alive, on which no request outlives its bound.

A library's timeout bounds each read, so that a peer which sends a byte now and then is never cut off. Here every read,
write and connect gets what is left of the request's own time, headers and body alike. TLS is set up only when it is
used, because loading the certificates takes longer than all else. It decides nothing about answers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, cast

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

    from harness.senses.address import Address

KEPT_ALIVE_S: Final = 3.0
"""Idle time after which a connection is not used again; servers commonly close theirs after 5 s, and a request that
meets a closing connection is lost without an answer."""


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
        return left


class BoundedTransport(httpx.BaseTransport):
    """Sends requests to one address over one connection.

    A request's ``target`` extension goes out as it is.
    """

    def __init__(self, address: Address, time_left: TimeLeft) -> None:
        secure = address.scheme == "https"
        self._origin = (address.scheme.encode(), address.host.encode("idna"), address.port)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context() if secure else None,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=KEPT_ALIVE_S,
            network_backend=_BoundedNetwork(time_left),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of the answer is read later, within the same bound."""
        scheme, host, port = self._origin
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method.encode("ascii"),
                url=httpcore.URL(scheme=scheme, host=host, port=port, target=request.extensions["target"]),
                headers=request.headers.raw,
                content=cast("httpx.SyncByteStream", request.stream),
            )
        )
        return httpx.Response(status_code=answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _BoundedNetwork(httpcore.NetworkBackend):
    def __init__(self, time_left: TimeLeft) -> None:
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
        stream = self._network.connect_tcp(host, port, left, local_address, socket_options)
        return _BoundedStream(stream, self._time_left)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        raise NotImplementedError


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
