"""``ladder up``: from whatever is there to a stack that is ready in the wanted mode.

Every step is safe to repeat. A backend that runs what is wanted, from the same images, is left alone; any other is
taken down first and started anew, because recreating in place fails on some pairs of compose and engine.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import PrerequisiteError
from harness.stack import containers, engine, env_file, plan
from harness.stack.compose import Compose, open_compose
from harness.stack.images import Images, build_images
from harness.stack.readiness import Answer, Wanted, Watch, wait_ready
from harness.stack.secrets import Secrets, read_secrets

if TYPE_CHECKING:
    from docker import DockerClient

    from harness.config import Settings
    from harness.stack.plan import Plan
    from harness.stack.progress import Progress


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that is ready; ``digest`` sums up what it was started from."""

    plan: Plan
    images: Images
    backend_id: str
    digest: str


def up(settings: Settings, progress: Progress, *, mode: str | None = None) -> Stack:
    """Bring the stack up and wait until it is ready.

    Args:
        settings: The snapshot of the environment.
        progress: Told what is going on.
        mode: ``live`` or ``mocked`` to write to ``.env`` first; ``None`` leaves the file's word.

    Raises:
        HarnessError: A prerequisite is missing (3), a setting is wrong (2), or the backend did not get ready (4).
    """
    if env_file.create(settings.env_file, settings.root / ".env.example"):
        progress.note(f"created {settings.env_file.name} from .env.example")
    if mode is not None and set_mode(settings, mode):
        progress.note(f"wrote {plan.MODE_SETTING} for mode {mode} to {settings.env_file.name}")
    wanted = read_plan(settings, mode=mode)
    secrets = read_secrets(settings)
    plan.refuse_exposure(wanted, secrets)
    engine.ensure(settings, progress)
    with engine.connect(settings) as client:
        site = engine.Site(client, settings, progress)
        containers.require_own(
            containers.find_backend(client, wanted.project), root=settings.root, project=wanted.project
        )
        images = build_images(site, wanted)
        label = plan.digest(wanted, secrets, images=images.by_role(), files=_times(settings))
        backend = _start(site, wanted, compose=open_compose(settings, wanted, secrets, label=label))
        with progress.stage("waiting until the backend is ready"):
            answer = _wait(client, _Started(wanted, secrets, backend), images)
    progress.note(f"ready: {wanted.base_url} (mode {answer.body['mode']}, project {wanted.project})")
    return Stack(plan=wanted, images=images, backend_id=backend.id, digest=label)


def set_mode(settings: Settings, mode: str) -> bool:
    """Write the mode to ``.env``; ``False`` when it stood there already."""
    return env_file.change(settings.env_file, plan.MODE_SETTING, str(mode == "mocked"))


def read_plan(settings: Settings, *, mode: str | None = None) -> Plan:
    """Read ``.env`` and decide what the stack shall be; a mode asked for outranks the environment's."""
    if mode is not None:
        settings = replace(settings, environ={k: v for k, v in settings.environ.items() if k != plan.MODE_SETTING})
    known = frozenset(env_file.read(settings.root / ".env.example"))
    values = env_file.read(settings.env_file)
    return plan.make_plan(settings, values, known=known, uid=os.geteuid(), gid=os.getegid())


def _times(settings: Settings) -> dict[str, int]:
    files = (settings.env_file, settings.live_env_file, settings.root / "docker-compose.yml")
    return {file.name: file.stat().st_mtime_ns for file in files if file.exists()}


def _start(site: engine.Site, wanted: Plan, *, compose: Compose) -> containers.Backend:
    found = containers.find_backend(site.client, wanted.project)
    if found is not None and found.status == "running" and found.digest == compose.environ["LADDER_CONFIG_DIGEST"]:
        site.progress.note("the running backend is what is wanted; left alone")
        return found
    with site.progress.stage("starting the stack"):
        if found is not None:
            compose.run("down", "--remove-orphans")
        _prepare_folders(wanted)
        compose.run("up", "-d", "--no-build")
    started = containers.find_backend(site.client, wanted.project)
    if started is None:
        raise PrerequisiteError(
            "backend-ended", "compose started the backend, and its container is gone", "docker events"
        )
    return started


def _prepare_folders(wanted: Plan) -> None:
    # Compose would create a missing folder as root's, and the backend could not write to it.
    for folder in (wanted.data_dir, wanted.data_dir / "workspaces", wanted.data_dir / "state"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        if os.geteuid() == 0:
            os.chown(folder, wanted.uid, wanted.gid)


@dataclass(frozen=True, slots=True)
class _Started:
    plan: Plan
    secrets: Secrets
    backend: containers.Backend


def _wait(client: DockerClient, started: _Started, images: Images) -> Answer:
    import httpx

    token = started.secrets.bearer_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=started.plan.api_url, headers=headers, timeout=10, trust_env=False) as http:

        def ask() -> Answer:
            try:
                response = http.get("/ready")
                body = response.json()
            except (httpx.TransportError, ValueError):
                return Answer(None, {})
            return Answer(response.status_code, body if isinstance(body, dict) else {})

        def ended() -> str:
            now = containers.find_backend(client, started.plan.project)
            if now is None:
                return "the backend's container is gone"
            return "" if now.status == "running" else f"the backend's container {now.status} with code {now.exit_code}"

        def log() -> str:
            return started.secrets.mask(containers.log_tail(client, started.backend))

        watch = Watch(ask=ask, ended=ended, log=log, clock=time.monotonic, sleep=time.sleep)
        return wait_ready(watch, Wanted(mode=started.plan.mode, worker_image_id=images.worker))
