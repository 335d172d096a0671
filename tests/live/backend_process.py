"""The backend as its users run it: ``python -m backend`` in a process of its own, in live mode, on loopback.

Everything it keeps lies below one directory, and its containers carry an instance label that nobody else uses. The
process can be killed and started again over the same data. That it is up is read from its log, so nothing is polled.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from docker.errors import NotFound

from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import docker

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE_S: Final = 90.0
"""No single wait is longer; it bounds a hang and decides nothing."""
_UP = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:[0-9]+)")


def new_instance() -> str:
    """A name that no other backend has."""
    return f"live-test-{secrets.token_hex(5)}"


class BackendProcess:
    """One backend over one directory; it may be started, ended and started again.

    Attributes:
        log: Every line that any of its processes has printed.
        client: Begins at the prefix of the API; of the process that was started last.
    """

    def __init__(self, home: Path, *, image: str, python: Sequence[str] = (sys.executable,), **settings: str) -> None:
        self.home = home
        self.instance = settings.get("LADDER_INSTANCE") or new_instance()
        self.log: list[str] = []
        self._grew = threading.Condition()
        self._python = python
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._settings = {"USE_DUMMY_WORKER": "False", "CODEX_WORKER_IMAGE": image} | settings

    @property
    def workspaces(self) -> Path:
        return self.home / "workspaces"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def port(self) -> int:
        found = self.client.base_url.port
        assert found is not None
        return found

    def start(self, **changes: str) -> None:
        """Start the process and wait until it listens.

        Args:
            changes: Settings that differ from now on.
        """
        self._settings |= changes
        since = len(self.log)
        self._process = subprocess.Popen(
            [*self._python, "-m", "backend"],
            cwd=self.home, env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        line = self.wait_for_log(lambda line: _UP.search(line) is not None, since=since)
        found = _UP.search(line)
        assert found is not None
        self.client = httpx.Client(base_url=f"{found[1]}/api/v1", timeout=PATIENCE_S, trust_env=False)

    def _environment(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
        own = {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PORT": "0",
            "LADDER_INSTANCE": self.instance,
            "DATABASE_URL": f"sqlite:///{self.home}/backend.db",
            "WORKSPACE_ROOT": str(self.workspaces),
            "STATE_DIR": str(self.home / "state"),
            "JOB_STOP_GRACE_SECONDS": "1",
        }
        return passed | own | self._settings

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._grew:
                self.log.append(line)
                self._grew.notify_all()
        # Its output may end a moment before it does, and who waits for a line looks only when woken.
        process.wait()
        with self._grew:
            self._grew.notify_all()

    def wait_for_log(self, matches: Callable[[str], bool], *, since: int = 0) -> str:
        """Wait for a line behind the first ``since`` ones, and return it."""

        def found() -> str | None:
            return next((line for line in self.log[since:] if matches(line)), None)

        with self._grew:
            self._grew.wait_for(lambda: found() or self._ended(), PATIENCE_S)
            line = found()
        assert line is not None, "it was not logged; the end of the log:\n" + "".join(self.log[-5:])
        return line

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def events(self, name: str) -> list[dict[str, Any]]:
        """Every log event of a name so far."""
        found = [json.loads(line) for line in tuple(self.log) if f'"{name}"' in line]
        return [event for event in found if event["event"] == name]

    def kill(self) -> None:
        """End the process as ``kill -9`` does; harmless when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._settle()

    def terminate(self) -> int:
        """Ask the process to end, and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._settle()

    def _settle(self) -> int:
        assert self._process is not None
        assert self._reader is not None
        with suppress(AttributeError):
            self.client.close()
        try:
            code = self._process.wait(PATIENCE_S)
        finally:
            # A process that does not end must not outlive its test.
            self._process.kill()
            self._process.wait()
            self._reader.join()
            self._process.stdout.close()  # type: ignore[union-attr]  # it is a pipe
        self._process = None
        return code

    def stop(self) -> None:
        """End whatever still runs."""
        if self._process is not None:
            assert self.terminate() == 0


@contextmanager
def running_backend(
    home: Path, engine: docker.APIClient, *, image: str, python: Sequence[str] = (sys.executable,), **settings: str
) -> Iterator[BackendProcess]:
    """Run a backend until the block ends; then none of its containers may be left.

    Args:
        home: Its directory.
        engine: Looks for what is left.
        image: The worker image.
        python: How to call the interpreter, for example another one or as another user.
        settings: By the names of the environment.
    """
    backend = BackendProcess(home, image=image, python=python, **settings)
    try:
        backend.start()
        yield backend
        backend.stop()
        assert containers_of(engine, backend.instance) == []
    finally:
        backend.kill()
        for container in containers_of(engine, backend.instance):
            with suppress(NotFound):
                engine.remove_container(container, force=True, v=True)


def containers_of(engine: docker.APIClient, instance: str) -> list[str]:
    """Ids of all containers of an instance, whatever their state."""
    found = engine.containers(all=True, filters={"label": [f"{Label.INSTANCE}={instance}"]})
    return [container["Id"] for container in found]
