"""Builds the images of the stack, without network and through the classic builder, which every engine has.

The engine's layer cache decides what is built anew; nothing here keeps a second record of that. Images are named by tag
while they are built and by id ever after, so that a tag that moves changes no running stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.errors import PrerequisiteError
from harness.stack import base_image
from harness.stack.plan import OWN_WORKER_IMAGE
from harness.stack.scripts import run_script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.stack.base_image import BaseImage
    from harness.stack.engine import Site
    from harness.stack.plan import Plan
    from harness.stack.progress import Progress

BACKEND_IMAGE: Final = "ladder-backend:latest"


@dataclass(frozen=True, slots=True)
class Images:
    """Ids (``sha256:…``) of the images that a stack is started from.

    Attributes:
        worker: ``None`` when it is not there and the stack is mocked, which needs none.
    """

    backend: str
    worker: str | None

    def by_role(self) -> dict[str, str]:
        """For comparing and reporting."""
        return {"backend": self.backend} | ({"worker": self.worker} if self.worker else {})


def build_images(site: Site, plan: Plan) -> Images:
    """Bring all images up to date. A worker image of a foreign name is looked up, never built over.

    Raises:
        PrerequisiteError: ``image-build-failed``, ``worker-image-missing`` or a reference of the base image or wheels.
    """
    wanted = plan.settings.get("LADDER_BASE_IMAGE") or base_image.DEFAULT_IMAGE
    base = base_image.provide(site, wanted=wanted)
    with site.progress.stage("checking the wheels"):
        _fetch_wheels(site, base)
    with site.progress.stage("building the worker image"):
        worker = _build(site, _Recipe("worker/Dockerfile", OWN_WORKER_IMAGE, base))
    with site.progress.stage("building the backend image"):
        backend = _build(site, _Recipe("backend/Dockerfile", BACKEND_IMAGE, base))
    return Images(backend=backend, worker=worker if plan.worker_image == OWN_WORKER_IMAGE else _foreign(site, plan))


@dataclass(frozen=True, slots=True)
class _Recipe:
    dockerfile: str
    tag: str
    base: BaseImage


def _fetch_wheels(site: Site, base: BaseImage) -> None:
    import sys

    # This very Python has a pip, which reads the host's pip settings; a bare machine's own may be a stub.
    environ = {**site.settings.environ, "PYTHON": sys.executable}
    run_script(site.settings.root / "scripts/wheels", base.python, environ=environ, on_line=site.progress.note)


def _build(site: Site, recipe: _Recipe) -> str:
    events = site.client.api.build(
        path=str(site.settings.root),
        dockerfile=recipe.dockerfile,
        tag=recipe.tag,
        buildargs={"BASE_IMAGE": recipe.base.tag},
        network_mode="none",
        rm=True,
        forcerm=True,
        decode=True,
    )
    _follow(events, site.progress, recipe)
    return str(site.client.images.get(recipe.tag).id)


def _follow(events: Iterable[dict[str, Any]], progress: Progress, recipe: _Recipe) -> None:
    lines: list[str] = []
    for event in events:
        lines += str(event.get("stream", "")).splitlines()
        if lines and lines[-1].startswith("Step "):
            progress.detail(lines[-1])
        if "error" in event:
            tail = " / ".join([*(line for line in lines if line.strip()), str(event["error"])][-6:])
            raise PrerequisiteError(
                "image-build-failed",
                f"{recipe.tag} could not be built from {recipe.dockerfile}: {tail}",
                "repair what the last lines name, then run the same command again",
            )


def _foreign(site: Site, plan: Plan) -> str | None:
    from docker.errors import ImageNotFound

    try:
        return str(site.client.images.get(plan.worker_image).id)
    except ImageNotFound as error:
        if plan.mode == "mocked":
            # A worker image that is gone must not stand in the way of rolling back from it.
            site.progress.note(f"CODEX_WORKER_IMAGE={plan.worker_image} is not on this engine; mocked needs none")
            return None
        raise PrerequisiteError(
            "worker-image-missing",
            f"CODEX_WORKER_IMAGE={plan.worker_image} is not on this engine",
            f"docker pull {plan.worker_image}, or remove CODEX_WORKER_IMAGE to use our own",
        ) from error
