"""Whether the files are those that ``SHA256SUMS`` and the manifest list, and these two what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.evidence import layout
from harness.evidence.manifest import CaseSeals, manifest_of
from harness.evidence.records import to_document
from harness.evidence.run_record import RunStatus
from harness.verifying.findings import Finding, UnreadableError
from harness.verifying.opening import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.evidence.checking import Fault
    from harness.verifying.bundle import Bundle

    Looks = Iterator[Finding | None]

_HASH: Final = "hash-mismatch"
_SUMS: Final = "sums-mismatch"

_WORDS: Final[Mapping[str, str]] = {
    "missing-file": "it is listed and not there",
    "unlisted-file": "it is there and not listed",
    "not-regular": "it is no regular file",
    "not-readable": "it cannot be read",
    "unsafe-path": "no file of a bundle has such a path",
    _HASH: "its bytes are not those that SHA256SUMS lists",
    _SUMS: "SHA256SUMS and the manifest do not name the same bytes",
}

_FROM_THE_RUN: Final = (
    "run_id",
    "status",
    "commit",
    "dirty",
    "images",
    "harness_version",
    "config_digest",
    "started_at",
    "finished_at",
    "duration_s",
    "verdicts",
    "ladders",
    "scenarios",
    "redaction",
)
"""What the manifest repeats of ``run.json``."""


def finished(bundle: Bundle) -> Looks:
    """The run has ended, and says so itself."""
    if bundle.run.status is RunStatus.RUNNING:
        yield Finding("not-finished", layout.RUN, "status", "it is not finished")
    elif (bundle.folder / layout.PARTIAL_NOTE).exists() or bundle.folder.name.endswith(layout.PARTIAL_SUFFIX):
        yield Finding("not-finished", layout.PARTIAL_NOTE, "", "it is not finished")
    else:
        yield None


def files(bundle: Bundle) -> Looks:
    """Every listed file is there, regular, and no other."""
    yield from _of_kinds(bundle, {word for word in _WORDS if word not in {_HASH, _SUMS}})


def hashes(bundle: Bundle) -> Looks:
    """Every file has the bytes that ``SHA256SUMS`` lists."""
    yield from _of_kinds(bundle, {_HASH})


def sums(bundle: Bundle) -> Looks:
    """``SHA256SUMS`` can be read, and names the same bytes as the manifest."""
    yield from _of_kinds(bundle, {_SUMS})


def _of_kinds(bundle: Bundle, kinds: set[str]) -> Looks:
    found = [fault for fault in bundle.file_faults if fault.kind in kinds]
    yield from (_finding(fault) for fault in found)
    yield from [None] * max(0, len(bundle.listed) - len(found))


def _finding(fault: Fault) -> Finding:
    return Finding(fault.kind, fault.path, "", _WORDS.get(fault.kind, fault.kind))


def manifest(bundle: Bundle) -> Looks:
    """The manifest has its one spelling (RFC 8785) and tells of the run what ``run.json`` tells."""
    import rfc8785

    data = bundle.data(layout.MANIFEST)
    found = value_of(data, layout.MANIFEST)
    try:
        is_canonical = rfc8785.dumps(found) == data
    except (rfc8785.CanonicalizationError, RecursionError):
        is_canonical = False
    # A key that is there twice is lost by the first parser and found by the next: such a text is never canonical.
    yield None if is_canonical else Finding("not-canonical", layout.MANIFEST, "", "it is not spelt as RFC 8785 says")
    if not isinstance(found, dict):
        raise UnreadableError("not-json", layout.MANIFEST, "it is no JSON object")
    wanted = to_document(manifest_of(bundle.run, (), CaseSeals()))
    for name in _FROM_THE_RUN:
        differs = found.get(name) != wanted[name]
        yield Finding("manifest-differs", layout.MANIFEST, name, "run.json says otherwise") if differs else None
