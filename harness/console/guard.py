"""What every request passes before anything is looked up: host, credentials, method; and what every answer carries.

A page of another site can make a browser send requests here under a name of its own (DNS rebinding), so ``Host`` must
be this machine and this port. With a token set, nothing is told without it, not even what exists. There is one kind of
token, so a caller who has it may see everything, and one who has another is not known at all.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Final

from harness.console.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]
    Refuse = Callable[[Scope, Refusal, dict[str, str]], App]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FILE_POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'self'"
"""Of an artifact as it is: it may run, load and open nothing, wherever it is opened."""

NAMES: Final = ("127.0.0.1", "localhost")

_METHODS: Final = ("GET", "HEAD")
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Guard:
    """Stands before the console.

    Args:
        app: What is guarded.
        port: On which it is served.
        token: That callers must send; empty when none is asked for.
        refuse: Makes the answer to a request that does not pass.
    """

    def __init__(self, app: App, *, port: int, token: str, refuse: Refuse) -> None:
        self._app, self._refuse = app, refuse
        self._hosts = frozenset(f"{name}:{port}" for name in NAMES) | (frozenset(NAMES) if port == 80 else frozenset())  # noqa: PLR2004  # the port that browsers leave out
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                missing = [(name, text) for name, text in _HEADERS.items() if name.encode() not in there]
                message["headers"] = [*message["headers"], *((n.encode(), t.encode()) for n, t in missing)]
            await send(message)

        refused = self._refused(scope)
        answer = self._app if refused is None else self._refuse(scope, *refused)
        return await answer(scope, receive, guarded)

    def _refused(self, scope: Scope) -> tuple[Refusal, dict[str, str]] | None:
        if not self._is_ours(scope):
            message = "this console answers as 127.0.0.1 or localhost with its own port only"
            return Refusal(421, "host-unknown", message, "open the address that `ladder console` printed"), {}
        if not self._knows(scope):
            message = "no known token was sent"
            hint = "send Authorization: Bearer TOKEN, or give the token as password to a browser that asks"
            asked = {"www-authenticate": 'Basic realm="Ladder console", charset="UTF-8"'}
            return Refusal(401, "unauthorized", message, hint), asked
        if scope["method"] not in _METHODS:
            message = "the console changes nothing, so it answers GET and HEAD only"
            return Refusal(405, "method-not-allowed", message), {"allow": ", ".join(_METHODS)}
        return None

    def _is_ours(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        return len(hosts) == 1 and hosts[0] in self._hosts

    def _knows(self, scope: Scope) -> bool:
        if not self._token:
            return True
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(sent) == 1 and hmac.compare_digest(_offered(sent[0]), self._token)


def _offered(header: bytes) -> bytes:
    """The token of a bearer, or the password of a browser that asked its user."""
    scheme, _, rest = header.partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.strip()
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
