"""Ports for servers that cannot choose one for themselves, or must have the same one again.

Whoever asks the system for any port, or connects to somewhere, gets one of its own range. Many do while the tests run,
and a port from there may be gone before the server that it was meant for has started. So these lie below that range;
where it leaves no room, as some machines have set it, they are as good as any.
"""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

GIVEN_AWAY: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST: Final = 10_000
ROOM: Final = 1_000
TRIES: Final = 100


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has."""
    below = max(int(GIVEN_AWAY.read_text().split()[0]), LOWEST + ROOM)
    dice = random.SystemRandom()
    for _ in range(TRIES):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", dice.randrange(LOWEST, below)))
            return int(probe.getsockname()[1])
    msg = f"none of {TRIES} ports from {LOWEST} to {below} is free"
    raise AssertionError(msg)
