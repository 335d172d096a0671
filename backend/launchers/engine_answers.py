"""What an engine's error answers mean: the one place where exceptions of the docker SDK are translated.

An answer is judged by its status code first and by its text last, and a text only where one status has several
causes. Texts are those of Docker Engine 20.10 and Podman 4.3, captured in the tests beside look-alikes. Where no answer
came, the operating system's error number tells why. A doubt remains with 500: the engine uses it for a full disk, for
an unknown user and for its own faults alike, so what is not recognised is called ``engine-failed``.
"""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import docker.errors
import requests.exceptions

from backend.launchers.base import EngineUnavailableError, LauncherError, LaunchRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_FOUND: Final = 404
CONFLICT: Final = 409
_UNAVAILABLE: Final = 503
_MAX_MESSAGE_CHARS: Final = 400
_MAX_CAUSES: Final = 12

ENGINE_ERRORS: Final = (docker.errors.DockerException, requests.exceptions.RequestException)
"""Everything that the SDK raises: refusals, broken connections, answers that are no JSON."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    text: str
    reference: str
    hint: str


_REFUSALS: Final = (
    _Refusal(404, r"(?i)^no such image: ", "image-missing", "`make up` builds the worker image"),
    _Refusal(404, r"^network .* not found", "network-missing", "create the network that WORKER_NETWORK names"),
    _Refusal(404, r"non-overlapping IPv4 address pool", "network-pools-exhausted", "remove unused networks"),
    _Refusal(404, r"(?i)^no such container: ", "worker-removed", "leave the containers of this instance alone"),
    _Refusal(
        400,
        r'^invalid mount config for type "bind": bind source path does not exist: ',
        "workspace-missing",
        "set HOST_WORKSPACES_DIR to where the engine finds WORKSPACE_ROOT, or restore the project's directory",
    ),
    _Refusal(400, r"^invalid mount config", "mount-refused", "check HOST_WORKSPACES_DIR"),
    _Refusal(
        400,
        r"exec: .*: (executable file not found|permission denied|no such file or directory)",
        "command-not-runnable",
        "rebuild the worker image with `make up`",
    ),
    _Refusal(409, r"", "name-taken", "remove the container of that name, or give this backend its own instance id"),
    _Refusal(500, r"no space left on device$", "disk-full", "free space below the engine's data root"),
    _Refusal(500, r"unable to find (user|group) ", "user-unknown", "give the worker's user as uid:gid"),
)


def refusal(error: docker.errors.APIError) -> LauncherError:
    """Say why the engine refused to create or start a container."""
    status, text = error.status_code or 0, _explanation(error)
    if status == _UNAVAILABLE:
        return unavailable(error)
    for known in _REFUSALS:
        if known.status == status and re.search(known.text, text):
            return LaunchRefusedError(known.reference, text, known.hint)
    reference = "engine-failed" if status >= 500 else "engine-refused"  # noqa: PLR2004  # HTTP: server error
    return LaunchRefusedError(reference, f"{text} (HTTP {status})", "`make doctor` checks the engine")


def unavailable(error: Exception) -> EngineUnavailableError:
    """Say why the engine gave no answer of use."""
    reference, message, hint = _reason(error)
    return EngineUnavailableError(reference, message, hint)


_START: Final = "start the engine (`systemctl start docker`, or `make setup` as root)"
_NO_ANSWER: Final = {
    errno.ENOENT: (
        "docker-socket-missing",
        "the engine's socket does not exist",
        f"{_START}, set DOCKER_HOST to its socket, or mount the socket into the backend's container",
    ),
    errno.EACCES: (
        "docker-permission-denied",
        "this user may not use the engine's socket",
        "join the socket's group (`usermod -aG docker USER`, then log in again); in a container: group_add its gid",
    ),
    errno.ECONNREFUSED: ("docker-refused", "the engine's socket exists but nobody listens on it", _START),
}


def _reason(error: Exception) -> tuple[str, str, str]:
    chain = _causes(error)
    for cause in chain:
        if isinstance(cause, OSError) and cause.errno in _NO_ANSWER:
            return _NO_ANSWER[cause.errno]
    if any(isinstance(cause, docker.errors.InvalidVersion) for cause in chain):
        return "engine-too-old", str(error)[:_MAX_MESSAGE_CHARS], "use Docker Engine 20.10 or newer"
    if any(_is_timeout(cause) for cause in chain):
        return "engine-timeout", "the engine did not answer in time", "look at the engine's load and its log"
    if isinstance(error, docker.errors.APIError):
        return "engine-failed", f"{_explanation(error)} (HTTP {error.status_code})", "look at the engine's log"
    return "engine-connection-lost", "the connection to the engine broke", "look at the engine's log"


def _is_timeout(cause: BaseException) -> bool:
    # On a unix socket the SDK reports a read timeout as ConnectionError; only the text tells it from a broken one.
    return isinstance(cause, TimeoutError | requests.exceptions.Timeout) or "Read timed out" in str(cause)


def _causes(error: BaseException) -> list[BaseException]:
    """Collect an error's causes, nearest first; the SDK and urllib3 hide them in arguments, too."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < _MAX_CAUSES:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return found


def _explanation(error: docker.errors.APIError) -> str:
    return " ".join((error.explanation or str(error)).split())[:_MAX_MESSAGE_CHARS]


def has_status(error: Exception, status: int) -> bool:
    """Tell whether the engine answered with this HTTP status."""
    return isinstance(error, docker.errors.APIError) and error.status_code == status


@contextmanager
def launching() -> Iterator[None]:
    """Translate errors of a call that creates or starts a worker.

    Raises:
        LaunchRefusedError: The engine answered, and refused.
        EngineUnavailableError: No answer.
    """
    try:
        yield
    except docker.errors.APIError as error:
        raise refusal(error) from error
    except ENGINE_ERRORS as error:
        raise unavailable(error) from error


@contextmanager
def looking_after(*harmless: int) -> Iterator[None]:
    """Translate errors of a call about an existing worker; an answer with a ``harmless`` status is no error.

    Raises:
        EngineUnavailableError: No answer, or one that makes no sense.
    """
    try:
        yield
    except ENGINE_ERRORS as error:
        if not any(has_status(error, status) for status in harmless):
            raise unavailable(error) from error
