"""The create request of one attempt's container: name, labels, environment, command.

The name is made of instance, job and attempt, so a launch that is tried twice meets its own container instead of
making a second one, and two backends on one engine never meet. Labels are public to everybody who may list
containers and hold nothing secret; secret values go into the environment of the request body and nowhere else.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from backend.launchers.base import Handle
from backend.launchers.hardening import WORKSPACE_TARGET
from worker.contract import EnvName, Label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backend.launchers.base import LaunchSpec
    from backend.launchers.hardening import Hardening

LAUNCHER_NAME: Final = "docker"
_MAX_INSTANCE_CHARS: Final = 40


def container_name(instance: str, job_id: str, attempt: int) -> str:
    """Name the container of an attempt; Docker allows ``[a-zA-Z0-9][a-zA-Z0-9_.-]+``."""
    return f"ladder-{_name_part(instance)}-{_name_part(job_id)}-{attempt}"


def _name_part(text: str) -> str:
    clean = re.sub(r"[^a-zA-Z0-9_.-]", "-", text)[:_MAX_INSTANCE_CHARS]
    # Two texts that differ only in what was replaced must not share a name.
    return clean if clean == text else f"{clean}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def labels(spec: LaunchSpec, *, instance: str, image_id: str) -> dict[str, str]:
    """Return the labels by which a restarted backend, a reaper or a witness recognises the container."""
    deadline = spec.deadline_at.astimezone(UTC).isoformat(timespec="microseconds")
    return {
        Label.PROJECT: spec.project_id,
        Label.JOB: spec.job_id,
        Label.ATTEMPT: str(spec.attempt),
        Label.INSTANCE: instance,
        Label.DEADLINE: deadline.replace("+00:00", "Z"),
        Label.IMAGE: image_id,
    }


def handle(ref: str, found: Mapping[str, str]) -> Handle:
    """Rebuild the handle of a container from its labels.

    A container of ours with damaged labels still gets a handle, with an empty job or attempt 0, so that it is
    reaped as unknown instead of being overlooked.
    """
    attempt = found.get(Label.ATTEMPT, "")
    return Handle(
        launcher=LAUNCHER_NAME,
        ref=ref,
        project_id=found.get(Label.PROJECT, ""),
        job_id=found.get(Label.JOB, ""),
        attempt=int(attempt) if attempt.isdecimal() else 0,
        deadline_at=_instant(found.get(Label.DEADLINE, "")),
    )


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def create_body(
    spec: LaunchSpec,
    *,
    labels: Mapping[str, str],
    hardening: Hardening,
    mount: Mapping[str, Any],
    command: tuple[str, ...] | None,
) -> dict[str, Any]:
    """Return the body of ``POST /containers/create``; the image is the id that the labels record.

    Args:
        spec: The attempt.
        labels: From ``labels``.
        hardening: Limits, user and network.
        mount: The one mount, from ``backend.launchers.host_path``.
        command: Replaces the image's own program; ``None`` keeps it.
    """
    body: dict[str, Any] = {
        "Image": labels[Label.IMAGE],
        "Labels": dict(labels),
        "User": hardening.user,
        "Env": [f"{name}={value}" for name, value in _environment(spec).items()],
        "Tty": False,
        "OpenStdin": False,
        "HostConfig": hardening.host_config(mount),
    }
    # With an entrypoint of our own the engine drops the image's command as well.
    return body if command is None else body | {"Entrypoint": list(command)}


def _environment(spec: LaunchSpec) -> dict[str, str]:
    # An empty secret counts as absent, and an absent one is not set at all.
    secrets = {name: secret.reveal() for name, secret in spec.secrets.items() if secret}
    fixed: dict[str, str] = {
        EnvName.WORKSPACE_DIR: WORKSPACE_TARGET,
        EnvName.JOB_ID: spec.job_id,
        EnvName.PROJECT_ID: spec.project_id,
    }
    return {**spec.environment, **secrets, **fixed}
