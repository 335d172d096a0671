"""What was asked of ``ladder verify``, and the report that answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.verifying.choosing import choose
from harness.verifying.surroundings import Believed
from harness.verifying.verify import Checks, for_release, verify

if TYPE_CHECKING:
    from pathlib import Path

    from harness.verifying.findings import Report

_HEAD: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Asked:
    """Flags of the command.

    Attributes:
        run: A folder, an id, or the beginning of one; empty for the newest.
        release: Ask for all that a release needs; of no named run, of the newest.
        keys: Folder of pinned keys; ``None`` for that of the evidence root.
        head: SHA-256 of the newest manifest, as it was published; empty when none is known.
    """

    run: str = ""
    latest: bool = False
    strict: bool = False
    release: bool = False
    keys: Path | None = None
    head: str = ""


def look(root: Path, asked: Asked) -> Report:
    """Choose the run and verify it.

    Raises:
        UsageError: ``head-invalid`` or ``keys-unknown``; or as ``choose``.
        EvidenceError: As ``choose``.
    """
    head = asked.head.strip().lower()
    if head and not _HEAD.fullmatch(head):
        message = f"{asked.head[:80]!r} is no head: a head is a SHA-256, in 64 hexadecimal digits"
        raise UsageError("head-invalid", message, "copy it from where it was published; a run prints it at its end")
    if asked.keys is not None and not asked.keys.is_dir():
        raise UsageError("keys-unknown", f"{asked.keys} is no folder of keys", "name the folder with *.pub.pem")
    entry = choose(root, asked.run, latest=asked.latest or (asked.release and not asked.run))
    tables = for_release() if asked.release else Checks()
    believed = Believed(asked.keys, head)
    return verify(entry.folder, strict=asked.strict or asked.release, checks=tables, believed=believed)
