"""The connection to the engine: made when first needed, shared by all threads, and bounded in every call.

A wait is a plain request with its own read timeout, because the SDK's other streams switch timeouts off. A timeout of
``wait`` says nothing about the container, which runs on; only an inspect answer counts.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

POOL_SIZE: Final = 32
"""Idle connections kept; more calls at once still work, each on a connection of its own."""


LOG_SILENCE_S: Final = 10.0
"""How long the engine may say nothing while it sends a log."""
CHUNK_BYTES: Final = 64 * 1024


class Answer(Protocol):
    """An answer whose body is read piece by piece (``requests.Response``)."""

    def raise_for_status(self) -> None:
        """Raise ``requests.HTTPError`` for a status from 400."""

    def iter_content(self, chunk_size: int) -> Iterator[bytes]:
        """Yield the body as it arrives."""

    def close(self) -> None:
        """Give the connection back."""


class EngineClient(Protocol):
    """The part of ``docker.APIClient`` that launchers use; names, arguments and answers are the SDK's."""

    base_url: str

    @property
    def api_version(self) -> str:
        """As negotiated when the client was made."""

    def version(self) -> dict[str, Any]:
        """``GET /version``."""

    def inspect_image(self, image: str) -> dict[str, Any]:
        """``GET /images/{name}/json``."""

    def inspect_container(self, container: str) -> dict[str, Any]:
        """``GET /containers/{id}/json``."""

    def create_container_from_config(self, config: Mapping[str, Any], name: str) -> dict[str, Any]:
        """``POST /containers/create``."""

    def start(self, container: str) -> None:
        """``POST /containers/{id}/start``."""

    def wait(self, container: str, timeout: float) -> Mapping[str, Any]:
        """``POST /containers/{id}/wait``; the timeout is that of the reading, in seconds."""

    def stop(self, container: str, timeout: int) -> None:
        """``POST /containers/{id}/stop``; the timeout is the grace, in whole seconds."""

    def kill(self, container: str) -> None:
        """``POST /containers/{id}/kill``."""

    def remove_container(self, container: str, *, v: bool, force: bool) -> None:
        """``DELETE /containers/{id}``."""

    def containers(self, *, all: bool, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:  # noqa: A002  # the SDK's word
        """``GET /containers/json``."""

    def get(self, url: str, *, params: Mapping[str, Any], stream: bool, timeout: float) -> Answer:
        """Any GET (``requests.Session``)."""

    def close(self) -> None:
        """Close idle connections."""


def connect(timeout_s: float) -> EngineClient:
    """Connect to the engine that DOCKER_HOST names, or to the local socket; the API version is negotiated.

    Args:
        timeout_s: Bound of each call that sets none of its own.

    Raises:
        docker.errors.DockerException: No engine answers.
    """
    from docker.utils import kwargs_from_env

    from backend.launchers.kept_connections import KeepingClient

    # The SDK's stubs want whole seconds; requests takes fractions.
    client = KeepingClient(timeout=cast("int", timeout_s), max_pool_size=POOL_SIZE, **kwargs_from_env())
    return cast("EngineClient", client)


class EngineConnection:
    """One client, made at the first call that needs it and again after each failure to make it."""

    def __init__(self, factory: Callable[[float], EngineClient], *, timeout_s: float) -> None:
        self._factory = factory
        self._timeout_s = timeout_s
        self._lock = Lock()
        self._client: EngineClient | None = None

    def client(self) -> EngineClient:
        """Return the client, connecting when there is none yet; raises whatever the SDK raises."""
        with self._lock:
            if self._client is None:
                self._client = self._factory(self._timeout_s)
            return self._client

    def close(self) -> None:
        """Close the idle connections; a later call connects anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


def api_version(client: EngineClient) -> tuple[int, ...]:
    """Return the negotiated version as a tuple, so that 1.9 is older than 1.41."""
    return tuple(int(part) for part in client.api_version.split("."))


def open_logs(client: EngineClient, container: str) -> Answer:
    """Ask for all output of a container so far, as the engine's multiplexed stream.

    The SDK's own ``logs`` switches the read timeout off and inspects the container first; this does neither.

    Raises:
        docker.errors.APIError: The engine refused, for example because there is no such container.
    """
    from docker.errors import create_api_error_from_http_exception
    from requests.exceptions import HTTPError

    url = f"{client.base_url}/v{client.api_version}/containers/{container}/logs"
    answer = client.get(url, params={"stdout": 1, "stderr": 1}, stream=True, timeout=LOG_SILENCE_S)
    try:
        answer.raise_for_status()
    except HTTPError as error:
        create_api_error_from_http_exception(error)
    return answer
