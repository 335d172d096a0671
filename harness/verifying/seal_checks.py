"""Whether a bundle's seal holds: its list, its signature, its place in the chain, and what it says it was made from.

A bundle without a signature is *unsigned*, which is a result and no fault; a signature that is there and does not hold
is one. The chain is looked at as a whole, since a run that was dropped can only be missed by the others.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from harness.evidence import layout
from harness.evidence.paths import fault_of
from harness.sealing.envelope import SignatureWord
from harness.sealing.ledger import ChainWord
from harness.verifying.comparing import shown
from harness.verifying.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.sealing.ledger import Trouble
    from harness.verifying.bundle import Bundle
    from harness.verifying.surroundings import Chain

    Looks = Iterator[Finding | None]

MAX_FILE: Final = 1 << 30
"""Bytes of one file; no run of ours comes near it, and a list that says otherwise is made to fill a disk."""

_IMAGE: Final = re.compile(r"sha256:[0-9a-f]+")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def listing(bundle: Bundle) -> Looks:
    """The manifest names each file once, in whatever case, with its size."""
    names = Counter(str(each.get("path")).casefold() for each in bundle.files)
    for each in bundle.files:
        path = str(each.get("path"))
        if names[path.casefold()] > 1:
            yield Finding("name-clash", shown(path), "", "it is listed twice, or differs from another in case only")
        yield _sized(bundle, path, each.get("size"))


def _sized(bundle: Bundle, path: str, size: Any) -> Finding | None:  # noqa: ANN401  # a JSON value
    if fault := fault_of(path):
        return Finding("unsafe-path", shown(path), "", fault)
    try:
        found = os.lstat(bundle.folder / path)
    except OSError:
        return Finding("missing-file", shown(path), "", "it is listed and not there")
    if not stat.S_ISREG(found.st_mode):
        return Finding("not-regular", shown(path), "", "it is no regular file")
    if found.st_size != size:
        return Finding("size-mismatch", shown(path), "", f"expected {shown(size)} bytes, found {found.st_size}")
    return Finding("too-large", path, "", f"at most {MAX_FILE} bytes are allowed") if found.st_size > MAX_FILE else None


def signature(bundle: Bundle) -> Looks:
    """A signature that is there was made by a pinned key, for this manifest and as one for a manifest."""
    judged = bundle.signature
    if judged.word in {SignatureWord.VERIFIED, SignatureWord.UNSIGNED}:
        yield None
    else:
        yield Finding(judged.word.value, layout.ENVELOPE, "", judged.what)
    for name, why in bundle.around.pinned.odd.items():
        yield Finding("key-not-pinned", f"{layout.KEYS}/{shown(name)}", "", why, is_fault=False)


def chain(bundle: Bundle) -> Looks:
    """Every run continues from the one before it, the ledger lists them all, and a published head is among them."""
    found = bundle.around.chain
    yield None
    yield from (None for _ in (found.ledger.lines if found.ledger else ()))
    yield from links(found, bundle.folder.name)
    yield from place(bundle)
    yield from _head(bundle)


def links(found: Chain, name: str) -> Iterator[Finding]:
    """What is wrong with a chain, or worth knowing about the run in a folder of that name."""
    for each in found.troubles:
        if each.word is not ChainWord.BEFORE or each.run == name:
            yield finding_of(each)


def finding_of(trouble: Trouble) -> Finding:
    """What is the matter with a chain, as a finding."""
    return Finding(trouble.word.value, layout.LEDGER, shown(trouble.run), trouble.what, is_fault=trouble.is_fault)


def place(bundle: Bundle) -> Looks:
    """The folder is called as its record says."""
    wanted, name = bundle.run.folder, bundle.folder.name.removesuffix(layout.PARTIAL_SUFFIX)
    yield (
        None if wanted == name else Finding("renamed", layout.RUN, "folder", f"expected {name}, found {shown(wanted)}")
    )


def _head(bundle: Bundle) -> Looks:
    head = bundle.around.believed.head
    if not head:
        return
    newer = bundle.around.chain.newer_than(head)
    if newer is None:
        yield Finding("head-mismatch", layout.LEDGER, "", f"no run is there with the published head {shown(head)}")
    elif newer:
        what = f"runs that were sealed after the published head, and that it says nothing of: {newer}"
        yield Finding("head-older", layout.LEDGER, "", what, is_fault=False)


def provenance(bundle: Bundle) -> Looks:
    """It is recorded on which commit and which images the run was made; a tag is no image, since it may move."""
    found = bundle.manifest
    images = found.get("images")
    yield from _images(images if isinstance(images, dict) else {})
    commit = found.get("commit")
    if commit is None:
        yield Finding("no-commit", layout.MANIFEST, "commit", "the commit is not known", is_fault=False)
    elif not (isinstance(commit, str) and _COMMIT.fullmatch(commit)):
        yield Finding("not-a-commit", layout.MANIFEST, "commit", f"found {shown(commit)}")
    if found.get("dirty") is not False and commit is not None:
        what = "the checkout had changes that the commit does not hold, or it is not known whether"
        yield Finding("dirty-commit", layout.MANIFEST, "dirty", what, is_fault=False)
    for name in ("harness_version", "run_id", "started_at"):
        yield None if found.get(name) else Finding("not-recorded", layout.MANIFEST, name, "it is empty")


def _images(images: Mapping[str, Any]) -> Iterable[Finding | None]:
    for name, value in images.items():
        place = f"images {shown(name)}"
        if value is None:
            yield Finding("image-unknown", layout.MANIFEST, place, "its digest is not known", is_fault=False)
        elif not (isinstance(value, str) and _IMAGE.fullmatch(value)):
            yield Finding("image-not-a-digest", layout.MANIFEST, place, f"expected sha256:…, found {shown(value)}")
        else:
            yield None
