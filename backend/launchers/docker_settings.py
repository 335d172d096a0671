"""What a deployment decides about its worker containers, as plain values; everything else is fixed in ``hardening``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  # the values are part of the interface

from backend.launchers.hardening import Hardening, parse_memory


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """Settings of the Docker launcher, in the words of the backend's settings.

    Attributes:
        image: Tag of the worker image.
        instance: This backend's own name on the engine; two backends never share one.
        workspace_root: Absolute; nothing outside it is mounted.
        host_workspaces_dir: The same directory on the engine's machine, or empty to find out.
        user: ``uid:gid`` of the worker, in digits.
        memory: A size such as ``512m``; swap is not added to it.
        network: ``none``, or a network made for workers.
        command: Replaces the image's own program, for the probe and for tests.
    """

    image: str
    instance: str
    workspace_root: Path
    host_workspaces_dir: str = ""
    user: str = "10001:10001"
    memory: str = "512m"
    cpus: float = 1.0
    pids: int = 128
    network: str = "none"
    command: tuple[str, ...] | None = None

    def hardening(self) -> Hardening:
        """Return the limits to ask for.

        Raises:
            ValueError: A value that no worker may have, named.
        """
        return Hardening(
            user=self.user,
            network=self.network,
            memory_bytes=parse_memory(self.memory),
            nano_cpus=round(self.cpus * 1_000_000_000),
            pids=self.pids,
        )
