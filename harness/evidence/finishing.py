"""The end of a run: from a staged folder to a bundle that verifies, in an order that a kill at any point survives.

Files are listed, described, signed where a key is given, flushed, made read-only, and only then does the folder get its
final name. So a reader finds either no final folder or one that is whole. A lock on the evidence root is held from the
first look at the ledger to the last line in it, so that no two runs continue from the same one.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError
from harness.evidence.bundle import encoded
from harness.evidence.chaining import continued, entered
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import open_root, translated, try_lock
from harness.evidence.layout import ENVELOPE, MANIFEST, PARTIAL_NOTE, SUMS
from harness.evidence.manifest import FileRecord, canonical, manifest_of, sha256, sums
from harness.sealing.envelope import envelope
from harness.sealing.ledger import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.evidence.bundle import Staging
    from harness.evidence.guarded import Found
    from harness.evidence.manifest import CaseSeals
    from harness.evidence.redacting import Redacts
    from harness.evidence.run_record import RunRecord
    from harness.sealing.envelope import Signs

LOCK_DEADLINE_S: Final = 30.0
"""Far more than an end takes; a holder that was stopped must not hold up everyone for ever."""

_LOCK_EVERY_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Finished:
    """A bundle, and the head to publish elsewhere.

    Attributes:
        signed_by: Id of the key; ``None`` when it is unsigned.
        notes: What was found amiss about the chain, or mended; one line each.
    """

    folder: Path
    manifest_sha256: str
    signed_by: str | None = None
    notes: tuple[str, ...] = ()


def finish(  # noqa: PLR0917  # what was run, who passes it, and what it is sealed with
    staging: Staging, record: RunRecord, redactor: Redacts, seals: CaseSeals, *, signer: Signs | None = None
) -> Finished:
    """Turn the staged folder into a bundle.

    Args:
        staging: Everything is written; nothing else writes there any more.
        record: The run as ``run.json`` tells it.
        redactor: Passes the files that are written here.
        seals: Digests of its cases.
        signer: The key that the run is signed with.

    Raises:
        EvidenceError: ``evidence-foreign-file``; something lies there that this run did not write.
        PrerequisiteError: ``evidence-unwritable``, ``evidence-locked`` or ``evidence-folder-taken``.
    """
    staging.close_logs()
    with locked(staging.root) as root:
        final, chain = _final_folder(staging), continued(root)
        listed = _listed(staging)
        text = canonical(manifest_of(record, listed, seals, prev=chain.head))
        manifest = encoded(redactor.json(text, source=MANIFEST))
        staging.files.create(MANIFEST, manifest)
        staging.files.create(SUMS, encoded(redactor.text(sums(listed, manifest), source=SUMS)))
        if signer:
            staging.files.create(ENVELOPE, encoded(redactor.line(envelope(manifest, signer), source=ENVELOPE)))
        staging.files.remove(PARTIAL_NOTE)
        staging.files.flush()
        staging.files.make_read_only()
        with translated(final):
            staging.folder.rename(final)
            os.fsync(root)
        noted = entered(root, Line(final.name, sha256(manifest), chain.head))
    staging.close()
    return Finished(final, sha256(manifest), signer.public.keyid if signer else None, (*chain.notes, *noted))


@contextmanager
def locked(
    root: Path, *, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> Iterator[int]:
    """Hold the lock of an evidence root; gives its descriptor.

    Raises:
        PrerequisiteError: ``evidence-locked``; another process held it for 30 seconds.
    """
    with translated(root):
        descriptor = open_root(root)
    try:
        deadline = monotonic() + LOCK_DEADLINE_S
        while not try_lock(descriptor):
            if monotonic() >= deadline:
                message = f"{root}: another run has been ending for {LOCK_DEADLINE_S:.0f} seconds"
                raise PrerequisiteError("evidence-locked", message, f"see who holds it: fuser -v {root}")
            sleep(_LOCK_EVERY_S)
        yield descriptor
    finally:
        os.close(descriptor)


def _listed(staging: Staging) -> tuple[FileRecord, ...]:
    found = {each.path: each for each in staging.files.walk() if each.path != PARTIAL_NOTE}
    odd = sorted(found.keys() ^ staging.written) + [path for path, each in found.items() if not each.is_file]
    if odd:
        message = f"{staging.folder}: {odd[0]} is not as this run wrote it, or not there"
        raise EvidenceError("evidence-foreign-file", message, "find out what else writes there; then run again")
    return tuple(_described(staging, found[path]) for path in sorted(found))


def _described(staging: Staging, found: Found) -> FileRecord:
    data = staging.files.read(found.path)
    is_executable = bool(found.mode & stat.S_IXUSR)
    return FileRecord(found.path, len(data), sha256(data), is_executable, staging.derived.get(found.path))


def _final_folder(staging: Staging) -> Path:
    final = staging.root / staging.name
    if os.path.lexists(final):
        message = f"{final} appeared while the run was going on"
        raise PrerequisiteError("evidence-folder-taken", message, "move it away; the run stays .partial")
    return final
