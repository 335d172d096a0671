"""Launches each attempt in one hardened container of the Docker engine, and reports what became of it.

It refuses to judge: facts come from one inspect answer, which has the last word over every wait, because a wait answers
at once for a container that was never started, breaks off when the engine restarts, and times out as a broken
connection. Nothing is pulled, and nothing but containers of this instance is ever touched.

Doubt: while the engine is away nothing is known, and the errors say so; the worker may run on meanwhile.
"""

from __future__ import annotations

import math
import time
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from backend.launchers import container_body, workspace_probe
from backend.launchers.base import (
    EngineUnavailableError,
    LauncherError,
    LauncherStatus,
    Phase,
    WorkerLog,
    WorkerState,
)
from backend.launchers.container_maker import ContainerMaker
from backend.launchers.engine_answers import (
    CONFLICT,
    ENGINE_ERRORS,
    NOT_FOUND,
    has_status,
    launching,
    looking_after,
    unavailable,
)
from backend.launchers.engine_connection import CHUNK_BYTES, EngineConnection, connect, open_logs
from backend.launchers.inspect_state import worker_state
from backend.launchers.worker_output import LogStream
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from backend.launchers.base import Handle, LaunchSpec
    from backend.launchers.docker_settings import DockerSettings
    from backend.launchers.engine_connection import EngineClient
    from backend.launchers.workspace_probe import Finding

CALL_TIMEOUT_S: Final = 30.0
"""Bound of one call; a start took 0.15 s alone, and 2.3 s beside fifteen others on two busy cores."""
STATUS_TIMEOUT_S: Final = 3.0
CONFIRM_TIMEOUT_S: Final = 5.0
"""How long a killed worker may take to be gone; 0.1 s is usual."""
COLLECT_TIMEOUT_S: Final = 20.0
"""Bound of reading one log, of which the engine keeps at most 6 MB."""


class DockerLauncher:
    """The launcher named ``docker``.

    Args:
        settings: Plain values; ``ValueError`` when one of them would weaken the hardening.
        client_factory: Makes a client whose calls are bounded by the given seconds; connects at the first call.
    """

    def __init__(self, settings: DockerSettings, *, client_factory: Callable[[float], EngineClient] = connect) -> None:
        self._settings = settings
        self._hardening = settings.hardening()
        self._maker = ContainerMaker(settings)
        self._client_factory = client_factory
        self._calls = EngineConnection(client_factory, timeout_s=CALL_TIMEOUT_S)
        self._looks = EngineConnection(client_factory, timeout_s=STATUS_TIMEOUT_S)
        self._finding: Finding | None = None

    @property
    def name(self) -> str:
        """``docker``."""
        return container_body.LAUNCHER_NAME

    def status(self) -> LauncherStatus:
        """Look at the engine and the worker image now; a workspace that workers cannot use is told, too."""
        image = self._maker.image
        status = LauncherStatus(self.name, engine_reachable=False, worker_image=image.tag)
        try:
            with looking_after():
                version = self._looks.client().version()
            status = replace(status, engine_reachable=True, engine_version=version.get("Version"))
            status = replace(status, worker_image_digest=image.resolve(self._looks.client()))
        except LauncherError as error:
            return replace(status, problem=f"{error.reference}: {error}", hint=error.hint)
        return _told(status, self._finding)

    def probe_workspace(self, workspace_root: Path) -> LauncherStatus:
        """Prove that workers see the workspace root and may write there; run once at start.

        One container does it in about 0.2 s and is removed. What only a change of the deployment can repair stays
        in ``status`` from now on; an engine or image that is missing is seen by ``status`` itself. Never raises.
        """
        settings = replace(self._settings, command=workspace_probe.COMMAND)
        with closing(DockerLauncher(settings, client_factory=self._client_factory)) as prober:
            finding = workspace_probe.probe(prober, workspace_root)
        self._finding = finding if finding and finding.lasting else None
        return _told(self.status(), finding)

    def prepare(self, spec: LaunchSpec) -> Handle:
        """Create the attempt's container, or adopt the one that an earlier try has made."""
        with launching():
            client = self._calls.client()
        return self._maker.make(client, spec)

    def launch(self, handle: Handle) -> None:
        """Start the container; the engine says 304 when it runs already, which is no error."""
        with launching():
            self._calls.client().start(handle.ref)

    def observe(self, handle: Handle, *, timeout_s: float) -> WorkerState:
        """Wait for the end, at most ``timeout_s`` seconds, then look once."""
        if timeout_s > 0:
            # However a wait ends, it proves nothing; only the look after it does.
            with suppress(*ENGINE_ERRORS):
                self._calls.client().wait(handle.ref, timeout=timeout_s)
        try:
            inspect = self._calls.client().inspect_container(handle.ref)
        except ENGINE_ERRORS as error:
            if has_status(error, NOT_FOUND):
                return WorkerState(Phase.GONE, container_id=handle.ref)
            raise unavailable(error) from error
        return worker_state(inspect, self._hardening)

    def stop(self, handle: Handle, *, grace_s: float) -> None:
        """Ask, wait, kill, and see that it worked."""
        # A failed request to stop is no reason to give up: the look, the kill and the second look decide.
        with suppress(*ENGINE_ERRORS):
            self._calls.client().stop(handle.ref, timeout=math.ceil(grace_s))
        if self.observe(handle, timeout_s=0).phase is not Phase.RUNNING:
            return
        with looking_after(NOT_FOUND, CONFLICT):
            self._calls.client().kill(handle.ref)
        if self.observe(handle, timeout_s=CONFIRM_TIMEOUT_S).phase is Phase.RUNNING:
            msg = f"the container of job {handle.job_id} still runs {CONFIRM_TIMEOUT_S:g} s after SIGKILL"
            raise EngineUnavailableError("worker-survived-kill", msg, "look at the engine's log")

    def collect(self, handle: Handle, *, max_bytes: int) -> WorkerLog:
        """Read stdout and stderr as the engine ordered them, keeping the newest bytes."""
        log = LogStream(max_bytes)
        complete = True
        with looking_after(NOT_FOUND), closing(open_logs(self._calls.client(), handle.ref)) as answer:
            give_up_at = time.monotonic() + COLLECT_TIMEOUT_S
            for chunk in answer.iter_content(CHUNK_BYTES):
                log.feed(chunk)
                if not (complete := time.monotonic() < give_up_at):
                    break
        return WorkerLog(log.bytes(), truncated=log.truncated or not complete)

    def remove(self, handle: Handle) -> None:
        """Remove the container and its anonymous volumes; 409 means that another call is doing it."""
        with looking_after(NOT_FOUND, CONFLICT):
            self._calls.client().remove_container(handle.ref, v=True, force=True)

    def list(self) -> tuple[Handle, ...]:
        """List by our instance label; the answer holds the labels, so one that vanishes meanwhile does no harm."""
        ours = f"{Label.INSTANCE}={self._settings.instance}"
        with looking_after():
            found = self._calls.client().containers(all=True, filters={"label": [ours]})
        return tuple(container_body.handle(each["Id"], each.get("Labels") or {}) for each in found)

    def close(self) -> None:
        """Close the connections; containers run on."""
        self._calls.close()
        self._looks.close()


def _told(status: LauncherStatus, finding: Finding | None) -> LauncherStatus:
    if finding is None or status.problem:
        return status
    return replace(status, problem=f"{finding.reference}: {finding.problem}", hint=finding.hint)
