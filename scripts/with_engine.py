"""Runs a command while a Docker engine is there, and stops the engine afterwards if it was started for this.

usage: ``python3 scripts/with_engine.py COMMAND [ARGUMENT...]``; exits with the command's code. An engine that answered
before is left as it was. Ctrl-C and SIGTERM end the command first, then the engine; nothing is left running either way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

ENGINE = Path(__file__).with_name("engine")


def run(command: list[str]) -> int:
    """Run the command to its end; what interrupts us is passed on to it and waited for."""
    # A `ladder down` within the command must not take the engine from the rest of it.
    process = subprocess.Popen(command, env={**os.environ, "LADDER_ENGINE_HELD": "1"})

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    # A terminal sends SIGINT to the whole group, so the command has it already; SIGTERM comes to us alone.
    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = process.wait()
    return 128 - code if code < 0 else code


def main() -> int:
    """Ensure, run, tidy up."""
    answered_before = subprocess.run([ENGINE, "status"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    if code := subprocess.run([ENGINE, "ensure"], check=False).returncode:
        return code
    try:
        return run(sys.argv[1:])
    finally:
        if not answered_before:
            subprocess.run([ENGINE, "stop"], check=False)


if __name__ == "__main__":
    raise SystemExit(main())
