"""The list of a bundle's files and what made them: canonical JSON, so that it has one hash, and ``SHA256SUMS``. Pure.

``manifest.json`` (RFC 8785) lists every file but itself, its envelope and ``SHA256SUMS``; that one covers the manifest
too, for a reader with coreutils only. ``prev`` is the hash of the manifest of the run before, 64 zeros for the first.
"""

# Annotations are read at run time by the codec, so they are not deferred here.
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.evidence.layout import MANIFEST
from harness.evidence.printable import one_line
from harness.evidence.records import to_document
from harness.evidence.run_record import Images, Redaction, RunRecord, RunStatus
from harness.judging.verdict import Verdict
from harness.sealing.ledger import NO_PREVIOUS

SCHEMA: Final = "ladder.manifest/1"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a bundle; ``derived`` names the scenario that it was copied from."""

    path: str
    size: int
    sha256: str
    executable: bool
    derived: str | None = None


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """How one scenario ended."""

    folder: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class CaseSeal:
    """One case: ``structure_digest`` is the same whenever the same happens again, ``content_digest`` is its bytes'."""

    structure_digest: str
    content_digest: str


@dataclass(frozen=True, slots=True)
class CaseSeals:
    """The cases of a run by their ids, and one digest over all of them (trace model §6)."""

    cases: Mapping[str, CaseSeal] = field(default_factory=dict)
    run_digest: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a seal is put on.

    Attributes:
        prev: SHA-256 of the manifest of the run before.
        ladders: File → SHA-256 of its bytes.
        scenarios: Scenario id → SHA-256, of the ladder that was run.
        cases: Case id → its digests; ``run_digest`` is over all of them.
    """

    schema: str
    run_id: str
    prev: str
    files: tuple[FileRecord, ...]
    status: RunStatus
    redaction: Redaction
    commit: str | None
    dirty: bool | None
    images: Images
    harness_version: str
    ladders: Mapping[str, str]
    scenarios: Mapping[str, str]
    config_digest: str
    started_at: str
    finished_at: str | None
    duration_s: float
    verdicts: tuple[VerdictRecord, ...]
    cases: Mapping[str, CaseSeal] = field(default_factory=dict)
    run_digest: str = ""


def manifest_of(
    record: RunRecord, files: Iterable[FileRecord], seals: CaseSeals, *, prev: str = NO_PREVIOUS
) -> Manifest:
    """Describe a run that has ended."""
    return Manifest(
        schema=SCHEMA,
        run_id=record.run_id,
        prev=prev,
        files=tuple(files),
        status=record.status,
        redaction=record.redaction,
        commit=record.git.commit,
        dirty=record.git.dirty,
        images=record.images,
        harness_version=record.harness_version,
        ladders={ladder.file: ladder.digest for ladder in record.ladders},
        scenarios={name: digest for ladder in record.ladders for name, digest in ladder.scenarios.items()},
        config_digest=record.config_digest,
        started_at=record.started_at,
        finished_at=record.finished_at,
        duration_s=record.duration_s,
        # Canonical JSON has no spelling for a lone surrogate, and a reason may quote what was observed.
        verdicts=tuple(VerdictRecord(each.folder, each.verdict, one_line(each.reason)) for each in record.scenarios),
        cases=seals.cases,
        run_digest=seals.run_digest,
    )


def canonical(manifest: Manifest) -> str:
    """RFC 8785: one spelling only, without a final line feed."""
    import rfc8785

    document = to_document(manifest)
    for file in document["files"]:
        if file["derived"] is None:
            del file["derived"]
    return rfc8785.dumps(document).decode()


def sums(files: Iterable[FileRecord], manifest: bytes) -> str:
    """``SHA256SUMS`` as ``sha256sum`` writes it, in the order of the manifest, the manifest last."""
    lines = [f"{file.sha256}  {file.path}\n" for file in files]
    return "".join([*lines, f"{sha256(manifest)}  {MANIFEST}\n"])


def sha256(data: bytes) -> str:
    """Digest of some bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
