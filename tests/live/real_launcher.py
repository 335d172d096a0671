"""What tests of the Docker launcher at a real engine share: limits, and looking at how a program ended."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from backend.classification import Attempt, NoResult, classify
from backend.launchers.base import Phase

IMAGE = os.environ.get("CODEX_WORKER_IMAGE", "codex-worker:latest")
PATIENCE_S = 60.0
MEMORY = 192 << 20
PIDS = 32
CANARY = "canary-value-of-a-key"
DEADLINE = datetime(2036, 1, 1, tzinfo=UTC)


def ended(launcher, handle):
    state = launcher.observe(handle, timeout_s=PATIENCE_S)
    assert state.phase is Phase.EXITED
    return state


def output(launcher, handle):
    ended(launcher, handle)
    return launcher.collect(handle, max_bytes=1_000_000).data.decode()


def wait_until_ready(launcher, handle):
    while b"ready" not in launcher.collect(handle, max_bytes=1000).data:
        assert launcher.observe(handle, timeout_s=0.05).phase is Phase.RUNNING


def kind(state, recorded=None):
    return classify(Attempt(state, NoResult.MISSING, recorded)).failure_kind


FOREVER = "import signal\nprint('ready', flush=True)\nwhile True: signal.pause()"
DEAF = "import signal\nsignal.signal(15, signal.SIG_IGN)\n" + FOREVER
