"""Where requests go: a base URL, and paths that are sent exactly as a ladder writes them. Pure.

A path such as ``/files/%2e%2e%2Fetc%2Fpasswd`` is a question to the subject, so nothing in it is decoded, collapsed or
normalised. Only what HTTP cannot carry in a request line is percent-encoded: blanks, controls and what is not ASCII,
so that a captured value can never end the line and begin a request of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from harness.errors import UsageError

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_UNSENDABLE: Final = re.compile(rb"[^\x21-\x7e]")


@dataclass(frozen=True, slots=True)
class Address:
    """The service that is judged.

    Attributes:
        host: Without brackets; lower case.
        prefix: What stands before every path, without a final slash; may be empty.
    """

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, base_url: str) -> Self:
        """Read a base URL such as ``http://localhost:8000`` or ``https://example.org/stack/``.

        Raises:
            UsageError: ``bad-base-url``; it is no such URL, or holds a password, query or fragment.
        """
        try:
            parts = urlsplit(base_url)
            host, port = parts.hostname or "", parts.port
            host.encode("idna")
        except ValueError:
            raise _bad("is no URL") from None
        if reason := _refused(parts, host):
            raise _bad(reason)
        return cls(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"))

    @property
    def host_header(self) -> str:
        """What ``Host`` says: the port only where it is not the scheme's own (RFC 9110, 4.2.3 and 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host.encode("idna").decode("ascii")
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def target(self, path: str) -> bytes:
        """The request target of a path: the prefix, a slash unless the path begins with one, and the path as written.

        A fragment is part of it too, since nothing is taken off.
        """
        joined = f"{self.prefix}{'' if path.startswith('/') else '/'}{path}"
        return _UNSENDABLE.sub(lambda found: b"%%%02X" % found[0][0], joined.encode("utf-8", "surrogatepass"))


def _refused(parts: SplitResult, host: str) -> str:
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return "is no http or https URL with a host"
    if parts.port == 0 or _UNSENDABLE.search(host.encode("idna")):
        return "names no host and port that a request can be sent to"
    if "@" in parts.netloc:
        return "holds a user name or password, which would be written wherever the URL is"
    return "has a query or fragment, to which no path can be joined" if parts.query or parts.fragment else ""


def _bad(what: str) -> UsageError:
    # The URL itself is not repeated: it may be the one with the password.
    return UsageError("bad-base-url", f"base_url {what}", "set it to a form such as http://localhost:8000")
