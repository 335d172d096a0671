"""Connections to a local engine that are used again, and closed when nobody answers them.

The SDK keeps its pools by whole address and every call of a job has another one, so it opens a connection for each call
(docker-py 7.1 and 7.2) and asks the environment for proxies each time, of which a socket has none. Together that is two
fifths of the processor time of a call (0.41 instead of 0.70 ms), six times for each job. A connection that the engine
has closed meanwhile is noticed before it is used (urllib3, ``is_connection_dropped``), and a new one is made.

A socket whose ``connect`` failed the SDK leaves to the garbage collector, one for each try while the engine is away.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, cast

import docker
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

LOCAL_SCHEME: Final = "http+docker://"


class LocalConnection(UnixHTTPConnection):
    """The SDK's connection, which leaves nothing open when it fails."""

    def connect(self) -> None:
        """Connect to the engine's socket."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(self.timeout)
            made.connect(self.unix_socket)
        except BaseException:
            made.close()
            raise
        self.sock = made


class LocalPool(UnixHTTPConnectionPool):
    """The SDK's pool, of such connections."""

    def _new_conn(self) -> LocalConnection:  # type: ignore[override]  # as the SDK's own, which no stub mentions
        return LocalConnection(self.base_url, self.socket_path, cast("int", self.timeout))


class OnePoolAdapter(UnixHTTPAdapter):
    """The SDK's adapter for a socket, with one pool for all addresses."""

    def get_connection(self, url: str | bytes | None, proxies: object = None) -> UnixHTTPConnectionPool:
        """Return the one pool, whatever the address."""
        del url, proxies
        with self.pools.lock:
            found: UnixHTTPConnectionPool | None = self.pools.get(LOCAL_SCHEME)
            if found is None:
                found = LocalPool(LOCAL_SCHEME, self.socket_path, self.timeout, self.max_pool_size)
                self.pools[LOCAL_SCHEME] = found
        return found


class KeepingClient(docker.APIClient):
    """The SDK's client, which reaches a socket in this way from its first call on, and anything else as it always did.

    Its first call is made while it is being built, so what it is built with has to be replaced right there.
    """

    def mount(self, prefix: str | bytes, adapter: BaseAdapter) -> None:
        """Use an adapter for the addresses that begin with the prefix."""
        if isinstance(adapter, UnixHTTPAdapter):
            address = f"http+unix://{adapter.socket_path}"
            adapter = OnePoolAdapter(address, adapter.timeout, max_pool_size=adapter.max_pool_size)
            self.trust_env = False
        super().mount(prefix, adapter)
