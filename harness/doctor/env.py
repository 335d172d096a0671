"""The settings files as ``ladder doctor`` sees them: there, private, spelt right, and kept out of version control.

It reports names and places, never a value. A line may hold a pasted secret that looks like a name, so that a name is
shown only where it looks like one of ours; otherwise the line's number stands for it.
"""

from __future__ import annotations

import difflib
import re
import stat
import subprocess
from typing import TYPE_CHECKING, Final

from harness.doctor.findings import error, not_checked, ok, warning
from harness.doctor.values import known_names
from harness.redaction.env_secrets import load_secrets
from harness.stack import env_file, plan
from harness.stack.secrets import API_TOKENS, read_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.config import Settings
    from harness.doctor.findings import Finding
    from harness.stack.plan import Plan

GIT_TIMEOUT_S: Final = 5
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LIKE_A_SETTING: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_LONGEST_NAME: Final = 40
_LIKENESS: Final = 0.75


def check_env_file(settings: Settings) -> Finding:
    """``.env`` is there, readable, and its owner's alone."""
    path = settings.env_file
    if not path.exists():
        return warning("env-file", f"{path} is not there yet; every setting has its default", "make up creates it")
    env_file.read(path)
    if loose := _loose(path):
        return warning("env-file", loose, f"chmod 600 {path}")
    return ok("env-file", f"{path} is readable and private")


def check_live_file(settings: Settings) -> Finding:
    """``.env.live``, which is optional, is readable and its owner's alone."""
    path = settings.live_env_file
    if not path.exists():
        return ok("env-live-file", f"{path.name} is not there, and need not be: its secrets are absent")
    env_file.read(path)
    if loose := _loose(path):
        return error("env-live-file", f"{loose}; others may read its secrets", f"chmod 600 {path}")
    return ok("env-live-file", f"{path.name} is readable and private")


def _loose(path: Path) -> str:
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{path} has mode {mode:04o}, expected 0600" if mode & _OTHERS else ""


def check_names(settings: Settings) -> Finding:
    """Every line of both files sets something that somebody reads."""
    known = known_names(settings)
    odd = [*_odd_lines(settings.env_file, known), *_misspelt(settings.live_env_file, known)]
    if not odd:
        return ok("env-keys", "every name in the settings files is a setting")
    return warning("env-keys", f"ignored: {'; '.join(odd)}", "correct or remove these lines; .env.example lists all")


def _odd_lines(path: Path, known: frozenset[str]) -> Iterator[str]:
    for number, name in _assigned(path):
        if not name:
            yield f"{path.name} line {number} sets nothing"
        elif name not in known:
            yield _unknown(name, known, place=f"{path.name} line {number}")


def _misspelt(path: Path, known: frozenset[str]) -> Iterator[str]:
    """Unknown names in ``.env.live`` are welcome, because their values are kept out of evidence; slips are not."""
    for number, name in _assigned(path):
        if name and name not in known and _nearest(name, known):
            yield _unknown(name, known, place=f"{path.name} line {number}")


def _assigned(path: Path) -> Iterator[tuple[int, str]]:
    """Line numbers from 1, and the name set there; empty when a line that is no comment sets none."""
    env_file.read(path)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, next(iter(env_file.parse(line)), "")


def _unknown(name: str, known: frozenset[str], *, place: str) -> str:
    nearest = _nearest(name, known)
    shown = bool(nearest) or (_LIKE_A_SETTING.fullmatch(name) is not None and len(name) <= _LONGEST_NAME)
    hint = f", did you mean {nearest}?" if nearest else ""
    return f"{name} ({place}){hint}" if shown else f"an unknown name ({place})"


def _nearest(name: str, known: frozenset[str]) -> str:
    return next(iter(difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=_LIKENESS)), "")


def check_secrets(settings: Settings) -> Finding:
    """Which secrets are there; their values are searched for and never told."""
    presence = ", ".join(f"{name} {word}" for name, word in read_secrets(settings).presence().items())
    # Raises what a run would stop at: a value that cannot be told from ordinary text.
    load_secrets(settings.live_env_file, settings.env_file, settings.environ)
    return ok("secrets", presence)


def check_exposure(settings: Settings, wanted: Plan) -> Finding:
    """Nobody else reaches an API that lets everybody in."""
    secrets = read_secrets(settings)
    plan.refuse_exposure(wanted, secrets)
    who = "callers with a token" if API_TOKENS in secrets else "callers on this machine"
    return ok("exposure", f"the API at {wanted.bind_address} lets {who} in")


def check_ignored(settings: Settings) -> Finding:
    """Version control neither holds the settings files nor would take them."""
    files = (settings.env_file, settings.live_env_file)
    if not files[0].parent.is_dir():
        return ok("env-ignored", f"{files[0].parent} is not there, so no repository can hold it")
    try:
        finding = next((found for path in files if (found := _kept_out(path, settings))), None)
    except (FileNotFoundError, subprocess.TimeoutExpired) as silent:
        return not_checked("env-ignored", f"git gives no answer ({type(silent).__name__})")
    return finding or ok("env-ignored", f"{' and '.join(path.name for path in files)} are ignored and not tracked")


def _kept_out(path: Path, settings: Settings) -> Finding | None:
    """What is wrong with one file, or that there is no repository; ``None`` when all is well."""
    asked = _git(path, settings, "rev-parse", "--is-inside-work-tree")
    if asked.returncode != 0 and "not a git repository" in asked.stderr:
        return ok("env-ignored", f"{path.parent} is no git repository, so nothing can be committed")
    if asked.returncode != 0:
        return not_checked("env-ignored", f"git refuses to look at {path.parent}")
    if _git(path, settings, "ls-files", "--error-unmatch", "--", path.name).returncode == 0:
        return error("env-ignored", f"{path} is tracked by git", f"git rm --cached {path}, then change its secrets")
    if _git(path, settings, "check-ignore", "--quiet", "--", path.name).returncode == 0:
        return None
    repair = f"add {path.name} to .gitignore"
    message = f"{path} is not ignored by git"
    return error("env-ignored", message, repair) if path.exists() else warning("env-ignored", message, repair)


def _git(path: Path, settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A caller's GIT_DIR would answer for another repository.
    environ = {name: settings.environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME") if name in settings.environ}
    command = ("git", "--no-optional-locks", "-C", str(path.parent), *arguments)
    return subprocess.run(
        command, env=environ | {"LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=GIT_TIMEOUT_S, check=False,
    )  # fmt: skip
