"""The connection to a model's endpoint, below the library that speaks to it: bounded, and without surprises.

The library reads proxies, organisations, headers and log levels from the environment by itself, and tells about the
machine that it runs on. Here only the request's own headers go out, over one direct connection, with one bound for the
whole request and one for the answer's size. An answer is taken as it is: no redirect is followed, nothing unpacked.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import httpcore
import httpx

from harness.senses.wire import BoundedTransport, TimeLeft

if TYPE_CHECKING:
    from harness.redaction.secret import Secret
    from harness.senses.address import Address

LONGEST_ANSWER: Final = 1 << 20
"""Bytes of a whole answer; the longest reply that counts fits, however it is escaped."""

_CHATTY: Final = ("openai", "httpx")
"""Loggers that OPENAI_LOG can make write requests, prompts included, to stderr."""

_FAILURES: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError)


class ModelWire(httpx.BaseTransport):
    """Sends a library's requests.

    Args:
        address: Where the endpoint is.
        key: Added to each request, and shown nowhere.
        timeout_s: Of one request, from connecting to the last byte.
    """

    def __init__(self, address: Address, key: Secret, *, timeout_s: float) -> None:
        self._address, self._key, self._timeout_s = address, key, timeout_s
        self._time_left = TimeLeft()
        self._transport = BoundedTransport(address, self._time_left)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its answer.

        Raises:
            TimeoutException: It took too long.
            TransportError: It failed, or its answer is too long.
        """
        content = request.read()
        headers = {
            "host": self._address.host_header,
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "ladder",
            "content-type": "application/json",
            "content-length": str(len(content)),
            "authorization": f"Bearer {self._key.reveal()}",
        }
        sent = [(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()]
        self._time_left.start(self._timeout_s)
        try:
            return self._answer(request, sent, content)
        except httpcore.TimeoutException:
            raise httpx.ReadTimeout("too slow", request=request) from None
        except _FAILURES as error:
            raise httpx.TransportError(type(error).__name__) from None

    def _answer(self, request: httpx.Request, headers: list[tuple[bytes, bytes]], content: bytes) -> httpx.Response:
        answer = self._transport.send(request.method, request.url.raw_path, headers=headers, content=content)
        body = bytearray()
        try:
            for part in answer.iter_stream():
                body += part
                if len(body) > LONGEST_ANSWER:
                    msg = f"its answer is longer than {LONGEST_ANSWER} bytes"
                    raise httpx.TransportError(msg)
        finally:
            answer.close()
        # Only the type is of use, and of what else a header says nothing is obeyed.
        kept = [(name, value) for name, value in answer.headers if name.lower() == b"content-type"]
        return httpx.Response(answer.status, headers=kept, content=bytes(body), request=request)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def client_over(wire: ModelWire) -> httpx.Client:
    """A client that knows nothing but this connection."""
    return httpx.Client(transport=wire, trust_env=False, follow_redirects=False)


def keep_quiet() -> None:
    """Let libraries write nothing about requests, whatever OPENAI_LOG says; to be called once they are loaded."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
