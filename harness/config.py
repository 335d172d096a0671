"""Where things are and what this shell asks for: the only reader of the environment.

It takes one snapshot and decides nothing about it. Values of ``.env`` belong to ``harness.stack``, which lays this
snapshot over them, so that the environment outranks the file here as it does in the backend.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """One snapshot of the surroundings.

    Attributes:
        root: The checkout, which holds docker-compose.yml and scripts/.
        env_file: ``.env``, or the file that LADDER_ENV_FILE names; its neighbour ``….live`` holds secrets.
        environ: The environment; masked in the representation, because secrets may be in it.
    """

    root: Path
    env_file: Path
    environ: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Take the snapshot; tests pass their own ``environ``."""
        found = dict(os.environ if environ is None else environ)
        root = Path(__file__).resolve().parent.parent
        return cls(root=root, env_file=Path(found.get("LADDER_ENV_FILE") or root / ".env").absolute(), environ=found)

    @property
    def live_env_file(self) -> Path:
        """``.env.live``: secret values, optional, never created by us."""
        return self.env_file.with_name(f"{self.env_file.name}.live")

    def evidence_root(self, out: Path | None = None) -> Path:
        """Where runs are recorded: what was asked for, else OUTROOT, else ``docs/evidence`` of the checkout."""
        return (out or Path(self.get("OUTROOT") or self.root / "docs/evidence")).absolute()

    def get(self, name: str, default: str = "") -> str:
        """A variable's value; an empty one counts as unset."""
        return self.environ.get(name) or default
