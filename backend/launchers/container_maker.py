"""Makes the container of an attempt, or finds the one that an earlier try has made.

The container's name is the idempotency key: the engine answers 409 for it, and the container behind it is adopted when
its labels are those of this very attempt, else the launch is refused. The image is created by id, never by tag, and
resolved anew only when the engine has lost that id.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from backend.launchers import container_body
from backend.launchers.base import LaunchRefusedError
from backend.launchers.engine_answers import ENGINE_ERRORS, NOT_FOUND, has_status, launching, unavailable
from backend.launchers.engine_connection import api_version
from backend.launchers.host_path import WorkspaceMap, own_container_id, read_process_texts
from backend.launchers.worker_image import WorkerImage
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backend.launchers.base import Handle, LaunchSpec
    from backend.launchers.docker_settings import DockerSettings
    from backend.launchers.engine_connection import EngineClient
    from backend.launchers.host_path import ProcessTexts

_log = logging.getLogger(__name__)
_OURS: Final = (Label.INSTANCE, Label.PROJECT, Label.JOB, Label.ATTEMPT)


class ContainerMaker:
    """Creates containers for one instance; safe from any thread."""

    def __init__(self, settings: DockerSettings) -> None:
        self._settings = settings
        self._hardening = settings.hardening()
        self._map: WorkspaceMap | None = None
        self.image = WorkerImage(settings.image)

    def make(self, client: EngineClient, spec: LaunchSpec) -> Handle:
        """Create or adopt the container of an attempt; raises as ``Launcher.prepare`` does."""
        mount = self.workspace_map(client).mount(spec.workspace)
        try:
            return self._create(client, spec, mount=mount, image_id=self.image.current(client))
        except LaunchRefusedError as refused:
            if refused.reference == "name-taken":
                return self._adopt(client, spec, refused)
            if refused.reference != "image-missing":
                raise
        # The image was rebuilt or removed since it was resolved; its tag may name another one by now.
        return self._create(client, spec, mount=mount, image_id=self.image.resolve(client))

    def _create(self, client: EngineClient, spec: LaunchSpec, *, mount: Mapping[str, Any], image_id: str) -> Handle:
        labels = container_body.labels(spec, instance=self._settings.instance, image_id=image_id)
        body = container_body.create_body(
            spec, labels=labels, hardening=self._hardening, mount=mount, command=self._settings.command
        )
        with launching():
            made = client.create_container_from_config(body, name=self._name(spec))
        for warning in made.get("Warnings") or ():
            _log.warning("the engine warns about the container of job %s: %s", spec.job_id, warning)
        return container_body.handle(made["Id"], labels)

    def _adopt(self, client: EngineClient, spec: LaunchSpec, refused: LaunchRefusedError) -> Handle:
        with launching():
            found = client.inspect_container(self._name(spec))
        labels = (found.get("Config") or {}).get("Labels") or {}
        ours = container_body.labels(spec, instance=self._settings.instance, image_id="")
        if any(labels.get(name) != ours[name] for name in _OURS):
            raise refused
        _log.info("adopted the container of job %s, attempt %d", spec.job_id, spec.attempt)
        return container_body.handle(found["Id"], labels)

    def _name(self, spec: LaunchSpec) -> str:
        return container_body.container_name(self._settings.instance, spec.job_id, spec.attempt)

    def workspace_map(self, client: EngineClient) -> WorkspaceMap:
        """Return the map of paths, found once; two threads that look at the same time find the same."""
        if self._map is None:
            self._map = self._find_map(client)
            _log.info("workspaces are mounted by rule %s", self._map.rule)
        return self._map

    def _find_map(self, client: EngineClient) -> WorkspaceMap:
        configured = self._settings.host_workspaces_dir
        return WorkspaceMap(
            root=self._settings.workspace_root,
            configured=configured,
            own_mounts=None if configured else own_mounts(client, read_process_texts()),
            api_version=api_version(client),
        )


def own_mounts(client: EngineClient, texts: ProcessTexts) -> Sequence[Mapping[str, Any]] | None:
    """Return the mounts of the container that this process runs in; ``None`` when the engine knows no such one.

    Raises:
        EngineUnavailableError: No answer, so that nothing can be concluded.
    """
    if (own_id := own_container_id(texts)) is None:
        return None
    try:
        found = client.inspect_container(own_id)
    except ENGINE_ERRORS as error:
        if has_status(error, NOT_FOUND):
            return None
        raise unavailable(error) from error
    return found.get("Mounts") or ()
