"""Public keys that are trusted because they are pinned: files in ``keys/`` of an evidence root, named by their ids.

Whoever may change that folder decides what counts as signed, so it belongs into the repository, where a change to it
is seen. A file whose name is not the id of the key in it is no pinned key. A reader who got runs and keys from the same
stranger pins nothing by that, and names a folder of their own.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError, UsageError
from harness.sealing.keys import KeyFormatError, PublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUFFIX: Final = ".pub.pem"
MAX_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Pinned:
    """What lies in a folder of keys.

    Attributes:
        keys: By id.
        odd: Names of files that are no pinned keys, with why.
    """

    keys: Mapping[str, PublicKey]
    odd: Mapping[str, str]


def read_pinned(folder: Path) -> Pinned:
    """Read every pinned key; a folder that is not there has none.

    Raises:
        PrerequisiteError: ``keys-unreadable``; an outage never looks like no keys.
    """
    keys: dict[str, PublicKey] = {}
    odd: dict[str, str] = {}
    for path in _files(folder):
        try:
            key = PublicKey.parse(_data(path))
        except (KeyFormatError, OSError) as error:
            odd[path.name] = (error.strerror or "") if isinstance(error, OSError) else str(error)
            continue
        if path.name == f"{key.keyid}{SUFFIX}":
            keys[key.keyid] = key
        else:
            odd[path.name] = "its name is not the id of the key in it"
    return Pinned(keys, odd)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except FileNotFoundError:
        return []
    except OSError as error:
        message = f"the pinned keys in {folder} cannot be read: {error.strerror}"
        raise PrerequisiteError("keys-unreadable", message, f"ls -l {folder}") from None


def _data(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise KeyFormatError("it is no regular file")
        return file.read(MAX_BYTES)


def pin(key: PublicKey, folder: Path) -> tuple[Path, bool]:
    """Put a public key among the pinned ones.

    Returns:
        Its file, and whether it was made now.

    Raises:
        UsageError: ``key-clash``; another key, or none, lies under its name.
        PrerequisiteError: ``keys-unwritable``.
    """
    path = folder / f"{key.keyid}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="ascii") as file:
            file.write(key.pem)
    except FileExistsError:
        if key.keyid in read_pinned(folder).keys:
            return path, False
        raise UsageError("key-clash", f"{path} does not hold the key that it is named after", f"rm {path}") from None
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise PrerequisiteError(
            "keys-unwritable", message, "make the folder writable, or name one with --out"
        ) from None
    return path, True
