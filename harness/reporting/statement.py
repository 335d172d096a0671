"""A run as an in-toto statement: predicate test-result v0.1 about the digest of the run's manifest.

The statement says what this checkout read; it is worth what the signature on it is worth. A run that is not sound gets
none. BLOCKED scenarios are not listed, since nothing was tested; the predicate has no word for them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.faults import EvidenceError
from harness.evidence.layout import MANIFEST
from harness.evidence.printable import one_line
from harness.judging.verdict import Verdict
from harness.reporting.standing import standing_of
from harness.reporting.stored import LostError, data_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord

STATEMENT: Final = "https://in-toto.io/Statement/v1"
STATEMENT_TYPE: Final = "application/vnd.in-toto+json"
"""Payload type of an envelope that holds a statement (in-toto attestation, envelope v1)."""
PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"

RESULTS: Final[Mapping[Verdict, str]] = {Verdict.PASS: "PASSED", Verdict.LIMITED: "WARNED"}
"""Every other verdict is FAILED: what was not shown to work is not attested to work."""

_FAILED: Final = "FAILED"
_LISTS: Final = {"PASSED": "passedTests", "WARNED": "warnedTests", _FAILED: "failedTests"}
_SHA256: Final = "sha256:"


def statement_of(entry: RunEntry) -> dict[str, Any]:
    """Make the statement; whoever has a key puts it into an envelope.

    Raises:
        EvidenceError: ``run-not-sound``; the run has not ended, has no verdict, or is not as it was recorded.
    """
    standing, record = standing_of(entry), entry.record
    if record is None or record.verdict is None or not standing.is_sound:
        message = f"{entry.folder.name}: {'; '.join(standing.lines[:2])}"
        raise EvidenceError("run-not-sound", message, "nothing can be attested of it; `ladder verify` tells more")
    try:
        digest = hashlib.sha256(data_of(entry.folder, MANIFEST)).hexdigest()
    except LostError as error:
        raise EvidenceError("run-not-sound", str(error), "`ladder verify` tells more") from None
    return {
        "_type": STATEMENT,
        "subject": [{"name": f"{entry.name}/{MANIFEST}", "digest": {"sha256": digest}}],
        "predicateType": PREDICATE,
        "predicate": {
            "result": RESULTS.get(record.verdict, _FAILED),
            "configuration": _configuration(record),
            **_tests(record),
        },
    }


def _tests(record: RunRecord) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {name: [] for name in _LISTS.values()}
    for each in record.scenarios:
        if each.verdict is not Verdict.BLOCKED:
            listed[_LISTS[RESULTS.get(each.verdict, _FAILED)]].append(one_line(each.folder))
    return listed


def _configuration(record: RunRecord) -> list[dict[str, Any]]:
    """Resource descriptors of what was run: ladders, images by digest, and the commit."""
    found: list[dict[str, Any]] = [
        {"name": one_line(ladder.file), "digest": {"sha256": ladder.digest}} for ladder in record.ladders
    ]
    images = {"worker image": record.images.worker, "backend image": record.images.backend}
    found += [
        {"name": name, "digest": {"sha256": image.removeprefix(_SHA256)}}
        for name, image in images.items()
        if image and image.startswith(_SHA256)
    ]
    if record.git.commit:
        commit = {"name": "commit", "digest": {"gitCommit": record.git.commit}}
        found.append(commit | {"annotations": {"localChanges": record.git.dirty}})
    return found
