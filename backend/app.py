"""The composition root: settings become parts, parts become an application.

Start: migrate, probe the workspaces, take up what an earlier process left, begin to work. Stop: wake waiting requests,
stop running workers within their grace, record their ends.
"""

from __future__ import annotations

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI

from backend.api import envelope, files, jobs, projects, system, traces
from backend.api.dependencies import Parts
from backend.api.middleware import (
    Bearers,
    BodyLimitMiddleware,
    EnvelopeCORSMiddleware,
    RequestSpanMiddleware,
    RequestTracing,
    TokenMiddleware,
)
from backend.api.openapi import describe
from backend.database import Database, connect, migrate
from backend.dispatcher import Dispatcher
from backend.errors import StartupError
from backend.job_copies import JobCopies
from backend.job_outputs import JobOutputs
from backend.launchers.docker_engine import DockerLauncher
from backend.launchers.docker_settings import DockerSettings
from backend.launchers.dummy import DummyLauncher
from backend.metrics import Metrics
from backend.project_files import ProjectFiles
from backend.recovery import Reaper
from backend.redaction import Redactor
from backend.removal import ProjectRemoval
from backend.run_job import JobRunner
from backend.service import Service
from backend.signals import JobSignals
from backend.status import StatusReport
from backend.tracing.assembly import Tracing, assemble_tracing
from backend.tracing.views import TraceViews
from backend.workspace.writer import owner_for_worker
from worker.contract import SECRET_NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from backend.config import Settings
    from backend.launchers.base import Launcher
    from backend.tracing.recorder import Recorder

    LauncherMaker = Callable[[Settings], Mapping[str, Launcher]]

log = structlog.get_logger(__name__)

VERSION = "0.1.0"

SETTLE_S = 10.0
"""Beyond the stop grace: time for killing, judging and recording at shutdown."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One backend, put together and not yet started."""

    parts: Parts
    database: Database
    reaper: Reaper
    cleanup: ThreadPoolExecutor
    closing: threading.Event
    tracing: Tracing

    def start(self) -> None:
        """Take up what an earlier process left and begin to work."""
        self.tracing.start()
        self.parts.dispatcher.start()
        self.reaper.start()

    def announce_stop(self) -> None:
        """Wake every waiting request, so that none holds up the stop."""
        self.closing.set()
        self.parts.signals.close()

    def stop(self) -> None:
        """Stop running workers, record their ends, let go of everything."""
        self.announce_stop()
        self.parts.dispatcher.close(patience_s=self.parts.settings.job_stop_grace_seconds + SETTLE_S)
        self.cleanup.shutdown(wait=True)
        self.tracing.close()
        self.database.close()


def assemble(settings: Settings, metrics: Metrics, make_launchers: LauncherMaker) -> Backend:
    """Put the parts together and bring the database up to date.

    Raises:
        StartupError: A directory cannot be used, or the migration failed.
    """
    for directory in (settings.workspace_root, settings.state_dir):
        _require_directory(directory)
    database = Database(connect(settings.database_url))
    log.info("database.ready", revision=migrate(database.engine), dialect=database.engine.dialect.name)
    return _wire(settings, database, launchers=make_launchers(settings), metrics=metrics)


def _wire(settings: Settings, database: Database, *, launchers: Mapping[str, Launcher], metrics: Metrics) -> Backend:
    redactor, signals = Redactor(settings.all_secrets), JobSignals()
    copies, closing = JobCopies(settings.state_dir), threading.Event()
    active = "dummy" if settings.use_dummy_worker else "docker"
    tracing = assemble_tracing(settings, redactor, metrics, name=instance_name(settings))
    tracing.watch(database.engine)
    runner = JobRunner(database, settings, launchers, active, copies, redactor, metrics, tracing.jobs)
    cleanup = ThreadPoolExecutor(max_workers=2, thread_name_prefix="cleanup")
    dispatcher = Dispatcher(runner, signals, cleanup, max_concurrent=settings.max_concurrent_jobs)
    service = Service(database, settings, dispatcher, traces=tracing.jobs)
    removal = ProjectRemoval(database, copies)
    parts = Parts(
        settings=settings,
        service=service,
        files=ProjectFiles(service, settings.max_file_bytes),
        dispatcher=dispatcher,
        signals=signals,
        copies=copies,
        metrics=metrics,
        removal=removal,
        status=StatusReport(settings, service, launchers[active], instance_name(settings)),
        outputs=JobOutputs(service, launchers, copies, redactor, settings.max_log_bytes),
        traces=TraceViews(tracing.store, tracing.jobs),
    )
    return Backend(parts, database, Reaper(database, launchers, removal, metrics, closing), cleanup, closing, tracing)


def build_launchers(settings: Settings) -> Mapping[str, Launcher]:
    """Make both launchers: in mocked mode the other one still settles and reaps what a live backend left."""
    owner = owner_for_worker()
    docker = DockerLauncher(
        DockerSettings(
            image=settings.codex_worker_image,
            instance=instance_name(settings),
            workspace_root=settings.workspace_root,
            host_workspaces_dir=settings.host_workspaces_dir,
            user=f"{owner.uid}:{owner.gid}",
            memory=settings.worker_memory,
            cpus=settings.worker_cpus,
            pids=settings.worker_pids,
            network=settings.worker_network,
        )
    )
    if not settings.use_dummy_worker:
        status = docker.probe_workspace(settings.workspace_root)
        if status.problem:
            log.warning("launcher.not_ready", problem=status.problem, hint=status.hint)
    return {"docker": docker, "dummy": DummyLauncher()}


def instance_name(settings: Settings) -> str:
    """The name under which this backend's containers are found again.

    It is configured, or made once and kept in STATE_DIR, because a host name changes with each start of a container.
    """
    if settings.ladder_instance:
        return settings.ladder_instance
    path = settings.state_dir / "instance"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.write_text(f"{uuid.uuid4().hex[:12]}\n", encoding="ascii")
        return path.read_text(encoding="ascii").strip()


def _require_directory(path: os.PathLike[str]) -> None:
    try:
        os.makedirs(path, exist_ok=True)  # noqa: PTH103  # any path-like
        usable = os.access(path, os.R_OK | os.W_OK | os.X_OK)
        reason = "it cannot be written"
    except OSError as error:
        usable, reason = False, error.strerror or type(error).__name__
    if not usable:
        msg = f"the directory {os.fspath(path)} cannot be used: {reason}"
        raise StartupError("directory-unusable", msg, f"give user {os.geteuid()} write access to it")


def create_app(settings: Settings, make_launchers: LauncherMaker = build_launchers) -> FastAPI:
    """Build the application; its parts are made when it starts.

    Args:
        settings: All settings of this backend.
        make_launchers: Gives the launchers by name; ``docker`` is used in live mode and ``dummy`` in mocked mode.

    Raises:
        StartupError: From the start of the application, see ``assemble``.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            backend = assemble(settings, metrics, make_launchers)
        except StartupError as error:
            app.state.refusal = error
            raise
        app.state.parts, app.state.backend = backend.parts, backend
        backend.start()
        present = {name: "present" if name in settings.worker_secrets else "absent" for name in SECRET_NAMES}
        log.info("backend.started", mode=settings.mode, engine=settings.worker_engine, **present)
        try:
            yield
        finally:
            backend.stop()
            log.info("backend.stopped")

    app = FastAPI(
        title=settings.app_name,
        version=VERSION,
        lifespan=lifespan,
    )
    prefix = settings.api_v1_str
    # Fixed words first: otherwise `/{project_id}/…` would take them for ids.
    for router in (system.router, projects.router, traces.router, jobs.router, files.router):
        app.include_router(router, prefix=prefix)
    app.include_router(system.metrics_router)
    envelope.install(app)
    _surround(app, settings, metrics)
    describe(app, tokens=bool(settings.api_tokens), health=f"{prefix}/health")
    return app


def _surround(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Put the middleware around the routes; the last one added is the outermost."""

    def recorder() -> Recorder | None:
        backend = getattr(app.state, "backend", None)
        return backend.tracing.recorder if isinstance(backend, Backend) else None

    bearers, prefix = Bearers(settings.api_tokens), settings.api_v1_str
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(TokenMiddleware, open_path=f"{prefix}/health")
    app.add_middleware(RequestSpanMiddleware, metrics=metrics, bearers=bearers, trace=RequestTracing(recorder, prefix))
    app.add_middleware(
        EnvelopeCORSMiddleware,
        allow_origins=settings.allow_origins,
        allow_methods=settings.allow_methods,
        allow_headers=settings.allow_headers,
        allow_credentials=settings.allow_credentials,
    )
