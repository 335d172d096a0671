"""Tavern, a runner of the same kind, in a virtual environment of its own below ``var/bench/``.

It is made when it is missing and when ``requirements/bench.txt`` has changed. Where it cannot be made, such as without
any package index, the figures of the peer are left out, and the report says why; no budget depends on them.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.bench.subject import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS: Final = ROOT / "requirements/bench.txt"
HOME: Final = ROOT / "var/bench/venv"
INSTALL_S: Final = 300


class NoPeerError(Exception):
    """The peer cannot be installed here; the message says what stood in the way."""


def installed_peer() -> Path:
    """The interpreter that has the peer.

    Raises:
        NoPeerError: The virtual environment cannot be made.
    """
    python, stamp = HOME / "bin/python", HOME / ".made-of"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    _carry_out(sys.executable, "-m", "venv", "--clear", HOME)
    _carry_out(
        *(python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"),
        *("--requirement", REQUIREMENTS),
    )
    stamp.write_text(wanted)
    return python


def _carry_out(*command: str | Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPeerError(type(error).__name__) from error
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        raise NoPeerError(told[-1] if told else f"{command[0]} ended with {done.returncode}")


def peer_environ() -> dict[str, str]:
    """What the peer's processes see; nothing that this machine says about proxies or plugins."""
    return {"PATH": os.environ.get("PATH", os.defpath)}
