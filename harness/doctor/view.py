"""One look at the engine: everything that any check of ``ladder doctor`` needs of it, as data.

So an engine that does not answer costs one timeout, not one for each check. The look reads; it creates, pulls and
removes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from harness.stack import base_image, containers, engine, judge_containers
from harness.stack.images import BACKEND_IMAGE
from harness.stack.plan import OWN_WORKER_IMAGE
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker import DockerClient

    from harness.config import Settings
    from harness.stack.plan import Plan

CALL_TIMEOUT_S: Final = 5
COMPOSE_LABEL: Final = "com.docker.compose.project"
BASE_IMAGE: Final = f"{base_image.REPOSITORY}:latest"


@dataclass(frozen=True, slots=True)
class Published:
    """A port of this machine that a container holds."""

    container: str
    project: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class View:
    """What one look at the engine showed.

    Attributes:
        api: Newest API version that it speaks, as ``1.41``.
        root_dir: Where it keeps images and containers.
        images: Those of the wanted images that it has.
        published: Ports of running containers.
        backend: Ours, running or not.
        workers: Names of this instance's workers, whatever their state.
        networks: Names of the project's networks.
        of_judges: Names of the containers that killed judges have left behind, of whatever project.
    """

    version: str
    api: str
    root_dir: str
    images: frozenset[str]
    published: tuple[Published, ...] = ()
    backend: containers.Backend | None = None
    workers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    of_judges: tuple[str, ...] = ()


def observe(settings: Settings, wanted: Plan | None, *, timeout_s: int = CALL_TIMEOUT_S) -> View:
    """Ask the engine everything at once; without a plan nothing that belongs to a project.

    Raises:
        PrerequisiteError: ``engine-unreachable`` or ``engine-refused``.
    """
    with engine.connect(settings, timeout_s=timeout_s) as client:
        told = client.version()
        view = View(
            version=str(told.get("Version", "")),
            api=str(told.get("ApiVersion", "")),
            root_dir=str(client.info().get("DockerRootDir", "")),
            images=frozenset(name for name in wanted_images(wanted) if _has(client, name)),
        )
        return view if wanted is None else _with_project(client, view, wanted.project)


def _with_project(client: DockerClient, view: View, project: str) -> View:
    every = client.api.containers(all=True)
    left = frozenset(judge_containers.left_behind(every))
    networks = client.api.networks(filters={"label": [f"{COMPOSE_LABEL}={project}"]})
    return replace(
        view,
        published=tuple(port for container in every for port in _ports(container)),
        backend=containers.find_backend(client, project),
        workers=tuple(_name(container) for container in every if _is_worker(container, project)),
        networks=tuple(str(network.get("Name", "")) for network in networks),
        of_judges=tuple(_name(container) for container in every if container.get("Id") in left),
    )


def _has(client: DockerClient, name: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def _name(container: Mapping[str, Any]) -> str:
    names = container.get("Names") or [str(container.get("Id", ""))[:12]]
    return str(names[0]).lstrip("/")


def _labels(container: Mapping[str, Any]) -> Mapping[str, str]:
    return container.get("Labels") or {}


def _is_worker(container: Mapping[str, Any], instance: str) -> bool:
    labels = _labels(container)
    return labels.get(Label.INSTANCE) == instance and Label.JOB in labels


def _ports(container: Mapping[str, Any]) -> list[Published]:
    project = _labels(container).get(COMPOSE_LABEL, "")
    return [
        Published(_name(container), project, str(port.get("IP", "")), int(port["PublicPort"]))
        for port in container.get("Ports") or ()
        if port.get("PublicPort")
    ]


def wanted_images(wanted: Plan | None) -> tuple[str, ...]:
    """The images that a stack is made of."""
    worker = wanted.worker_image if wanted else OWN_WORKER_IMAGE
    return (BASE_IMAGE, BACKEND_IMAGE, worker)
