"""Where a private key lies, and what must be true of its file before anything is signed with it.

``LADDER_SIGNING_KEY`` names it; set and empty it means that nothing is signed; unset, the default file below the
user's configuration is taken if it is there. A key that others can read, or that lies where it could be committed, is
refused before the first request: a seal made with it would be worth nothing.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError, UsageError
from harness.sealing.keys import KeyFormatError, SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.config import Settings

VARIABLE: Final = "LADDER_SIGNING_KEY"
FILE_NAME: Final = "signing-key.pem"
DEFAULT: Final = "default"
"""What stands for the default file on the command line; a file of that name is ``./default``."""

MAX_BYTES: Final = 64 << 10
_OTHERS: Final = 0o077
_MAKE: Final = "make one: ladder key new"


def signing_key(settings: Settings, evidence: Path) -> SigningKey | None:
    """The key that a run signs with; ``None`` when it signs nothing.

    Args:
        settings: Name the key and the checkout.
        evidence: The evidence root.

    Raises:
        PrerequisiteError: As ``load``.
    """
    named = settings.environ.get(VARIABLE)
    if named is not None:
        return load(Path(named), _forbidden(settings, evidence)) if named else None
    path = default_path(settings)
    return load(path, _forbidden(settings, evidence)) if path and os.path.lexists(path) else None


def default_path(settings: Settings) -> Path | None:
    """The default file; ``None`` where there is no home."""
    folder = settings.get("XDG_CONFIG_HOME")
    home = settings.get("HOME")
    if folder and Path(folder).is_absolute():
        return Path(folder) / "ladder" / FILE_NAME
    return Path(home) / ".config/ladder" / FILE_NAME if home else None


def load(path: Path, forbidden: Iterable[Path]) -> SigningKey:
    """Read a private key.

    Args:
        path: Its file.
        forbidden: Folders that it may not lie below.

    Raises:
        PrerequisiteError: ``signing-key-unreadable``, ``signing-key-exposed``, ``signing-key-misplaced`` or
            ``signing-key-invalid``.
    """
    if why := _misplaced(path, forbidden):
        raise PrerequisiteError("signing-key-misplaced", f"the private key {path} {why}", _move(path))
    data = _private_bytes(path)
    try:
        return SigningKey.parse(data)
    except KeyFormatError as error:
        raise PrerequisiteError("signing-key-invalid", f"nothing can be signed with {path}: {error}", _MAKE) from None


def _private_bytes(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it has no such name"
        hint = f"{_MAKE}, name another with {VARIABLE}, or sign nothing: {VARIABLE}="
        raise PrerequisiteError("signing-key-unreadable", f"the signing key {path}: {why}", hint) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise PrerequisiteError("signing-key-unreadable", f"the signing key {path} is no regular file", _MAKE)
        if mode & _OTHERS:
            message = f"the private key {path} has mode {stat.S_IMODE(mode):04o}, so others can use it"
            raise PrerequisiteError("signing-key-exposed", message, f"chmod 600 {path}")
        return os.read(descriptor, MAX_BYTES)
    finally:
        os.close(descriptor)


def write_new(key: SigningKey, path: Path, settings: Settings, *, evidence: Path) -> None:
    """Write a private key to a file of its own, mode 0600; folders are made, nothing is overwritten.

    Raises:
        UsageError: ``signing-key-misplaced``, or ``signing-key-exists``.
        PrerequisiteError: ``signing-key-unwritable``.
    """
    if why := _misplaced(path, _forbidden(settings, evidence)):
        hint = "name a place outside with --out; what is shared is the public key: ladder key pin"
        raise UsageError("signing-key-misplaced", f"{path} {why}, and a private key is never kept there", hint)
    if os.path.lexists(path):
        hint = f"pin it: ladder key pin {path}; or name another file with --out"
        raise UsageError("signing-key-exists", f"{path} is there, and a key is never overwritten", hint)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It fails as well where something has appeared since the look above.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.pem)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        # Half a key is of no use to anybody, and would be in the way of the next attempt.
        with suppress(OSError):
            path.unlink()
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> PrerequisiteError:
    why = error.strerror if isinstance(error, OSError) else "it has no such name"
    return PrerequisiteError("signing-key-unwritable", f"{path} cannot be written: {why}", "choose another --out")


def _forbidden(settings: Settings, evidence: Path) -> tuple[Path, ...]:
    return (settings.root, evidence)


def _misplaced(path: Path, forbidden: Iterable[Path]) -> str:
    """Why a private key may not lie there; both the name and what a link leads to are looked at."""
    places = {Path(os.path.abspath(path)), Path(os.path.realpath(path))}  # noqa: PTH100  # `..` before links as well
    for folder in forbidden:
        if any(place.is_relative_to(folder) or place.is_relative_to(os.path.realpath(folder)) for place in places):
            return f"lies below {folder}"
    for place in places:
        for above in place.parents:
            if os.path.lexists(above / ".git"):
                return f"lies in the repository {above}"
    return ""


def _move(path: Path) -> str:
    return f"move it out, and make a new one if it was ever committed: ladder key new; rm {path}"
