"""Proof that a worker sees the directory that we mean, and may write to it.

The mapping of paths is concluded from texts; wrong mounts, virtual machines, SELinux, foreign user ids and ignored
subpaths all look right on paper. So a random word is written below the workspace root, a container made exactly like a
worker's answers it backwards, and the answer is compared. What it cannot tell: whether a *later* project directory is
given to the worker's user properly.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from backend.launchers.base import LauncherError, LaunchRefusedError, LaunchSpec, Phase

if TYPE_CHECKING:
    from pathlib import Path

    from backend.launchers.base import Handle, Launcher, WorkerState

PROBE_PROJECT: Final = "workspace-probe"
COMMAND: Final = (
    "python3",
    "-I",
    "-c",
    "from pathlib import Path; w = Path('/workspace'); (w / 'answer').write_text((w / 'question').read_text()[::-1])",
)
_PASSING: Final = {"image-missing", "disk-full", "network-pools-exhausted", "engine-failed"}
_TIMEOUT_S: Final = 20.0
_LOG_BYTES: Final = 2000
_HINT: Final = (
    "set HOST_WORKSPACES_DIR to the directory on the engine's machine that is WORKSPACE_ROOT here, "
    "and let the worker's user write there"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Why workers cannot use the workspace.

    Attributes:
        lasting: Jobs will fail for it until the deployment is changed; nothing that may pass or that others will see.
    """

    reference: str
    problem: str
    hint: str
    lasting: bool = True


def probe(launcher: Launcher, root: Path) -> Finding | None:
    """Run one container through the whole mapping; ``None`` means that it works.

    Args:
        launcher: One whose containers run ``COMMAND`` instead of the worker.
        root: WORKSPACE_ROOT; a directory of random name is made in it and removed again.
    """
    word = secrets.token_hex(16)
    place = root / f".probe-{word[:8]}"
    try:
        place.mkdir(parents=True)
        # Open to everybody: what is tested here is the way to the directory. It holds one random word for a moment.
        place.chmod(0o777)
        (place / "question").write_text(word)
        return _run(launcher, place, word)
    except OSError as error:
        return Finding(
            "workspace-root-unusable", f"{root} cannot be written: {error.strerror}", "repair WORKSPACE_ROOT"
        )
    except LauncherError as error:
        lasting = isinstance(error, LaunchRefusedError) and error.reference not in _PASSING
        return Finding(error.reference, str(error), error.hint, lasting)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run(launcher: Launcher, place: Path, word: str) -> Finding | None:
    handle = launcher.prepare(
        LaunchSpec(
            project_id=PROBE_PROJECT,
            job_id=f"probe-{word[:8]}",
            attempt=1,
            workspace=place,
            environment={},
            secrets={},
            deadline_at=datetime.now(UTC) + timedelta(seconds=_TIMEOUT_S),
        )
    )
    try:
        launcher.launch(handle)
        state = launcher.observe(handle, timeout_s=_TIMEOUT_S)
        return _judge(launcher, handle, state) or _compare(place, word)
    finally:
        launcher.remove(handle)


def _judge(launcher: Launcher, handle: Handle, state: WorkerState) -> Finding | None:
    if state.phase is Phase.EXITED and state.exit_code == 0:
        return None
    if state.phase is not Phase.EXITED:
        return Finding("workspace-probe-stuck", f"the probe container is {state.phase} after {_TIMEOUT_S:g} s", _HINT)
    lines = launcher.collect(handle, max_bytes=_LOG_BYTES).data.decode(errors="replace").strip().splitlines()
    said = lines[-1] if lines else "it said nothing"
    return Finding("workspace-unreachable", f"a worker cannot use the workspace: {said}", _HINT)


def _compare(place: Path, word: str) -> Finding | None:
    try:
        answer = (place / "answer").read_text()
    except FileNotFoundError:
        return Finding("workspace-elsewhere", "a worker wrote its answer to another directory than ours", _HINT)
    if answer != word[::-1]:
        return Finding("workspace-elsewhere", "a worker read another question than ours", _HINT)
    return None
