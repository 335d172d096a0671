"""A symbolic link in a project's workspace, made before a request asks for what lies behind it.

The project's id comes from the subject, which is not trusted: it is one plain name or it is refused, and every folder
on the way is opened from the one before without following a link, so nothing is written outside the workspace. Where
the link leads is never looked at. Whatever keeps it from being made is said in one line and raises nothing, because it
makes the step's misses limitations.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from harness.language.model import Link

_ROOT: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW: Final = _ROOT | os.O_NOFOLLOW


def make_link(workspaces: Path | None, link: Link) -> str:
    """Make a link, unless the same one is there already; returns why it is not there now, or an empty text.

    Args:
        workspaces: The folder that holds one workspace for each project; ``None`` when it cannot be reached from here.
        link: With its variables filled in.
    """
    if workspaces is None:
        return "the link was not made: the workspaces cannot be reached from here"
    folders, name = [link.project, *link.path.split("/")[:-1]], link.path.split("/")[-1]
    unsafe = next((part for part in (*folders, name) if not _is_plain(part)), None)
    if unsafe is not None:
        return f"the link was not made: {unsafe!a} is not a plain name"
    if not link.target or "\0" in link.target:
        return f"the link was not made: no link can lead to {link.target!a}"
    try:
        return _made(workspaces, folders, name=name, target=link.target)
    except (OSError, UnicodeEncodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error.reason
        return f"the link {link.path!a} could not be made in the workspace of {link.project!a}: {why}"


def _is_plain(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name


def _made(workspaces: Path, folders: list[str], *, name: str, target: str) -> str:
    with ExitStack() as stack:
        folder = os.open(workspaces, _ROOT)
        stack.callback(os.close, folder)
        for below in folders:
            folder = os.open(below, _BELOW, dir_fd=folder)
            stack.callback(os.close, folder)
        try:
            os.symlink(target, name, dir_fd=folder)
        except FileExistsError:
            return (
                ""
                if _leads_to(target, name, dir_fd=folder)
                else f"the link was not made: something else lies at {name!a}"
            )
    return ""


def _leads_to(target: str, name: str, *, dir_fd: int) -> bool:
    try:
        return os.readlink(name, dir_fd=dir_fd) == target
    except OSError:  # no link
        return False
