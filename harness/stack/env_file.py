"""Reads and edits ``.env`` files.

An edit changes one line and nothing else: comments, order, unknown keys and the permission bits stay as they are, and
the file is replaced in one rename, so that a crash leaves the old file or the new one. No error shows a value, because
any value may be a secret. The dialect is the part that Compose 1 and 2 and the backend read alike: ``NAME=value``, one
pair of quotes around it, and `` #`` before a comment; a value over several lines is not supported.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import PrerequisiteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PRIVATE = 0o600
MOST_BYTES = 1 << 20
"""Of a file; the whole environment of a process is rarely a tenth of it."""

_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)$")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_PLAIN = re.compile(r"[A-Za-z0-9_./:,@%+=?&;~!*()\[\]{}^|<>-]*")


def parse(text: str) -> dict[str, str]:
    """Decide what each name is set to; the last line of a name wins, lines that assign nothing are skipped."""
    found = (_ASSIGNMENT.match(line) for line in text.split("\n"))
    return {match["name"]: _unquote(match["value"]) for match in found if match}


def _unquote(written: str) -> str:
    value = written.strip()
    if quoted := re.match(r"'([^']*)'", value):
        return quoted[1]
    if quoted := re.match(r'"((?:[^"\\]|\\.)*)"', value):
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), quoted[1])
    return re.sub(r"(^|\s)#.*$", "", value).strip()


def render(values: Mapping[str, str]) -> str:
    """Write the values as a file of its own, quoted so that every reader takes them literally."""
    return "".join(f"{name}={_quote(name, value)}\n" for name, value in values.items())


def _quote(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    # Compose 1 puts the environment in place of ${NAME} even between single quotes.
    if any(part in value for part in ("'", "\n", "\r", "${")):
        raise UsageError(
            "setting-unwritable",
            f"the value of {name} holds a single quote, a line break or ${{, which no environment file carries safely",
            f"choose another value for {name}",
        )
    return f"'{value}'"


def edit(text: str, name: str, value: str) -> str:
    """Set one name. The last assignment is changed where it stands; a missing one is appended.

    Raises:
        UsageError: ``setting-unwritable``; the value holds a single quote, a line break or ``${``.
    """
    lines = text.split("\n")
    assignment = f"{name}={_quote(name, value)}"
    places = [n for n, line in enumerate(lines) if (match := _ASSIGNMENT.match(line)) and match["name"] == name]
    if places:
        old = lines[places[-1]]
        lines[places[-1]] = assignment + _comment_of(old) + ("\r" if old.endswith("\r") else "")
        return "\n".join(lines)
    gap = "" if text.endswith("\n") or not text else "\n"
    return f"{text}{gap}{assignment}\n"


def _comment_of(line: str) -> str:
    # Only an unquoted value may be followed by a comment that we can tell from the value without doubt.
    found = re.match(r"[^='\"#]*=[^'\"#]*?(\s+#.*)$", line.rstrip("\r"))
    return found[1] if found else ""


def read(path: Path) -> dict[str, str]:
    """Read and parse a file; a missing one is empty.

    Raises:
        PrerequisiteError: ``env-file-unreadable``.
    """
    return parse(_text(path))


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {type(error).__name__}"
        raise PrerequisiteError(
            "env-file-unreadable", message, f"make {path} a UTF-8 file that you may read"
        ) from error


def _bytes(path: Path) -> bytes:
    """A whole file; a pipe or device in its place is never waited for, nor read without end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) and not path.samefile(os.devnull):
            raise _unfit(path, "is no regular file", "name a file, not a pipe or device")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _unfit(path, f"has more than {MOST_BYTES} bytes", "keep settings in it, one NAME=value a line")
    return data


def _unfit(path: Path, why: str, hint: str) -> PrerequisiteError:
    return PrerequisiteError("env-file-unreadable", f"{path} {why}", hint)


def change(path: Path, name: str, value: str) -> bool:
    """Set one name in a file, atomically; ``False`` when it had that value and the file was left alone.

    Raises:
        PrerequisiteError: ``env-file-unreadable`` or ``env-file-unwritable``.
        UsageError: ``setting-unwritable``.
    """
    text = _text(path)
    if parse(text).get(name) == value:
        return False
    write(path, edit(text, name, value))
    return True


def create(path: Path, example: Path) -> bool:
    """Copy the example to ``path``, readable by its owner only; ``False`` when ``path`` was there already."""
    if path.exists():
        return False
    write(path, _text(example))
    return True


def write(path: Path, text: str) -> None:
    """Replace a file's text: temporary file beside it, flushed to disk, same permission bits (new: 0600), rename."""
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise PrerequisiteError("env-file-unwritable", message, f"make {path.parent} writable") from error


def _replace(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            _take_over_owner_and_mode(path, file.fileno())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _take_over_owner_and_mode(path: Path, descriptor: int) -> None:
    try:
        old = path.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, PRIVATE)
        return
    # Root may edit a user's file with sudo, and it must stay that user's.
    if os.geteuid() == 0:
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o7777)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
