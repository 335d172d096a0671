"""The base image: Python on a small Debian, pulled when a registry answers, otherwise built on this machine.

Its tag holds a hash of the recipe, so a second run finds it at once, and a changed recipe never meets an old image.
Both ways are looked for before anything is fetched. ``LADDER_BASE_IMAGE=local`` never asks a registry; any other name
than the default is taken as it is and never replaced by a local build, because whoever sets it wants that image.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.errors import PrerequisiteError
from harness.stack import engine
from harness.stack.scripts import run_script

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

    from harness.stack.engine import Site

SCRIPT: Final = "scripts/base-image"
REPOSITORY: Final = "ladder-base"
DEFAULT_IMAGE: Final = "python:3.11-slim-bookworm"
LOCAL: Final = "local"
PYTHON_LABEL: Final = "ladder.python"
DEFAULT_PYTHON: Final = "3.11"
PULL_SILENCE_S: Final = 10
"""A registry that answers reports progress many times a second; after this silence none does."""


@dataclass(frozen=True, slots=True)
class BaseImage:
    """A base image that the engine has: its tag, and the Python in it as ``3.11``."""

    tag: str
    python: str


def provide(site: Site, *, wanted: str) -> BaseImage:
    """Find, pull or build the base image, and tag it ``ladder-base:latest`` too, for a plain compose build.

    Raises:
        PrerequisiteError: ``base-image-unavailable``, or the reference of scripts/base-image.
    """
    local_tag = _tag((site.settings.root / SCRIPT).read_bytes())
    pulled_tag = _tag(wanted.encode())
    image = _first_present(site.client, _candidates(wanted, pulled_tag, local_tag))
    if image is None and wanted != LOCAL:
        image = _pull(site, wanted=wanted, tag=pulled_tag)
    if image is None:
        image = _build(site, tag=local_tag)
    image.tag(REPOSITORY, "latest")
    return BaseImage(next(tag for tag in image.tags if tag in {local_tag, pulled_tag}), _python_of(image))


def _candidates(wanted: str, pulled_tag: str, local_tag: str) -> list[str]:
    if wanted == LOCAL:
        return [local_tag]
    return [pulled_tag, local_tag] if wanted == DEFAULT_IMAGE else [pulled_tag]


def _tag(recipe: bytes) -> str:
    return f"{REPOSITORY}:{hashlib.sha256(recipe).hexdigest()[:16]}"


def _first_present(client: DockerClient, tags: list[str]) -> Image | None:
    from docker.errors import ImageNotFound

    for tag in tags:
        try:
            return client.images.get(tag)
        except ImageNotFound:
            continue
    return None


def _pull(site: Site, *, wanted: str, tag: str) -> Image | None:
    image = _first_present(site.client, [wanted]) or _fetch(site, wanted)
    if image is not None:
        image.tag(*tag.split(":"))
        return site.client.images.get(tag)
    if wanted != DEFAULT_IMAGE:
        raise PrerequisiteError(
            "base-image-unavailable",
            f"LADDER_BASE_IMAGE={wanted} is neither on this engine nor could it be pulled from a registry",
            "set LADDER_BASE_IMAGE=local to build one from the distribution's packages",
        )
    return None


def _fetch(site: Site, wanted: str) -> Image | None:
    import requests
    from docker.errors import APIError

    progress = site.progress
    with progress.stage(f"pulling {wanted}"), engine.connect(site.settings, timeout_s=PULL_SILENCE_S) as client:
        try:
            for event in client.api.pull(wanted, stream=True, decode=True):
                progress.detail(str(event.get("status", "")))
        except (APIError, requests.exceptions.RequestException):
            progress.note("no image registry answers; building from the distribution's packages instead")
            return None
    return _first_present(site.client, [wanted])


def _build(site: Site, *, tag: str) -> Image:
    progress = site.progress
    with tempfile.TemporaryDirectory(prefix="ladder-base-") as folder, progress.stage("building the base image"):
        archive = Path(folder) / "root.tar"
        script = site.settings.root / SCRIPT
        python = run_script(script, str(archive), environ=site.settings.environ, on_line=progress.detail)
        progress.detail("importing")
        changes = ['CMD ["python3"]', f"LABEL {PYTHON_LABEL}={python} ladder.component=base"]
        repository, name = tag.split(":")
        site.client.api.import_image_from_file(str(archive), repository=repository, tag=name, changes=changes)
    return site.client.images.get(tag)


def _python_of(image: Image) -> str:
    configuration: dict[str, Any] = image.attrs.get("Config") or {}
    if label := (configuration.get("Labels") or {}).get(PYTHON_LABEL):
        return str(label)
    # The official images state their version in the environment.
    stated = [
        entry.partition("=")[2] for entry in configuration.get("Env") or () if entry.startswith("PYTHON_VERSION=")
    ]
    return ".".join(stated[0].split(".")[:2]) if stated else DEFAULT_PYTHON
