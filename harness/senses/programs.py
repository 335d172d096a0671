"""Runs a fetched project once, as ``python3 ARGS`` in a fresh container without network, and reports what came out.

It refuses to judge, to pull an image, and to believe a run that was cut short: one that took too long or printed too
much has no exit code, and says so. Whatever the engine does, a ``ProgramRun`` comes back and the container is removed,
after an interruption, too. The doubt: contents pass the redactor, so what runs is not always what the project has; and
a judge that is killed leaves its container, in which nothing computes for long. It is labelled with its process:
``ladder doctor`` names it then, and ``ladder down`` removes it.
"""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from harness.judging.observation import ProgramRun
from harness.senses.program_container import NOT_UNPACKED, VOLUME, UnsafeNameError, archive_of, create_body
from harness.stack.engine import knock
from harness.stack.judge_containers import labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CALL_TIMEOUT_S: Final = 30
LONGEST_RUN_S: Final = 20.0

MOST_OUTPUT_BYTES: Final = 64 << 10
"""Of stdout and stderr together. The engine keeps up to 80 bytes for each byte of output, so whatever stays within
this bound is in the log from its beginning; see ``LOG_FILE_BYTES``."""


class NotRunError(Exception):
    """There is nothing to judge; the message says why, in one line."""


class Containers(Protocol):
    """The part of ``docker.APIClient`` that a run uses; names, arguments and answers are the SDK's."""

    def create_container_from_config(self, config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """``POST /containers/create``."""

    def put_archive(self, container: str, path: str, data: bytes) -> bool:
        """``PUT /containers/{id}/archive``."""

    def start(self, container: str) -> None:
        """``POST /containers/{id}/start``."""

    def wait(self, container: str, timeout: float) -> Mapping[str, Any]:
        """``POST /containers/{id}/wait``; the timeout is that of the reading, in seconds."""

    def inspect_container(self, container: str) -> Mapping[str, Any]:
        """``GET /containers/{id}/json``."""

    def logs(self, container: str, *, stdout: bool, stderr: bool) -> bytes:
        """``GET /containers/{id}/logs``."""

    def remove_container(self, container: str, *, v: bool, force: bool) -> None:
        """``DELETE /containers/{id}``."""

    def close(self) -> None:
        """Close idle connections."""


def run_program(
    engine_environ: Mapping[str, str],
    files: Mapping[str, bytes],
    *,
    image: str,
    args: Sequence[str],
    redact: Callable[[str], str],
) -> ProgramRun:
    """Run a project's program once.

    Args:
        engine_environ: Says where the engine is, as for the docker SDK.
        files: Path below the project to content; see ``project_contents.fetch``.
        image: Id or name of an image that the engine has.
        args: Of ``python3``, such as ``["app.py", "-n", "5"]``.
        redact: All texts that are returned have passed it.
    """
    try:
        archive = archive_of(files)
        with _translated(), closing(_connect(engine_environ)) as containers:
            run = run_in(containers, create_body(image, args, labels()), archive)
    except (UnsafeNameError, NotRunError) as error:
        return ProgramRun(None, "", redact(" ".join(str(error).split())))
    return ProgramRun(run.exit_code, redact(run.stdout))


def _connect(environ: Mapping[str, str]) -> Containers:
    import docker
    from docker.utils import kwargs_from_env

    knock(environ)
    options = kwargs_from_env(environment=dict(environ))
    return cast("Containers", docker.APIClient(timeout=CALL_TIMEOUT_S, **options))


def run_in(containers: Containers, body: Mapping[str, Any], archive: bytes) -> ProgramRun:
    """Run a container to its end and remove it; what it printed is not redacted yet.

    Args:
        containers: The engine.
        body: The create request.
        archive: See ``program_container.archive_of``.

    Raises:
        NotRunError: It could not be run, or did not end well enough to be judged.
    """
    with _translated(), _container(containers, body) as container:
        containers.put_archive(container, VOLUME, archive)
        containers.start(container)
        exit_code = _ended(containers, container)
        stdout, stderr = _printed(containers, container)
    if exit_code == 1 and stderr.startswith(NOT_UNPACKED):
        raise NotRunError(stderr.strip())
    return ProgramRun(exit_code, stdout)


@contextmanager
def _container(containers: Containers, body: Mapping[str, Any]) -> Iterator[str]:
    # Named before it is made: the answer with its id may never arrive.
    name = f"ladder-judge-{uuid.uuid4()}"
    try:
        # An interruption does not reach a thread, so it cannot leave a container that is only just being made.
        with ThreadPoolExecutor(max_workers=1) as beside:
            beside.submit(containers.create_container_from_config, body, name).result()
        yield name
        containers.remove_container(name, v=True, force=True)
    except BaseException:
        # What went wrong first is what is told, and an interruption stays one.
        with suppress(Exception):
            containers.remove_container(name, v=True, force=True)
        raise


def _ended(containers: Containers, container: str) -> int:
    from requests.exceptions import RequestException

    ends = time.monotonic() + LONGEST_RUN_S
    try:
        containers.wait(container, timeout=LONGEST_RUN_S)
    except RequestException:
        # A read timeout has several names; anything else comes earlier.
        if time.monotonic() < ends:
            raise
    # However a wait ended, only the look after it counts.
    state = containers.inspect_container(container)["State"]
    if state["Running"]:
        msg = f"the program had not ended after {LONGEST_RUN_S:g} s and was killed"
        raise NotRunError(msg)
    return int(state["ExitCode"])


def _printed(containers: Containers, container: str) -> tuple[str, str]:
    """Stdout and stderr."""
    stdout = containers.logs(container, stdout=True, stderr=False)
    stderr = containers.logs(container, stdout=False, stderr=True)
    if len(stdout) + len(stderr) > MOST_OUTPUT_BYTES:
        msg = f"the program printed more than {MOST_OUTPUT_BYTES} bytes"
        raise NotRunError(msg)
    return stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")


@contextmanager
def _translated() -> Iterator[None]:
    import docker
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        msg = f"the engine refused: {error.explanation or error}"
        raise NotRunError(msg) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError, ValueError) as error:
        msg = f"the engine does not answer ({type(error).__name__}: {error})"
        raise NotRunError(msg) from error
