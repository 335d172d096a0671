"""What verifying found, for people and for programs. Everything quoted from a bundle is spelt out, never obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.evidence.printable import one_line, shortened
from harness.evidence.records import to_document
from harness.verifying.findings import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from harness.verifying.findings import Checked, Finding, Report

MOST_TOLD: Final = 5
"""Lines about one check; the rest is counted, and all of it is in ``--json``."""

_LONGEST: Final = 240


def report_text(report: Report) -> str:
    """One line for each check, or for each thing that is wrong; the last line says what it comes to."""
    return "".join(f"{line}\n" for line in _lines(report))


def report_document(report: Report) -> dict[str, Any]:
    """The same for ``--json``."""
    return {
        "run": report.run,
        "run_id": report.run_id or None,
        "result": report.result,
        "signed": report.seal.is_signed,
        "signed_by": report.seal.keyid or None,
        "manifest_sha256": report.seal.manifest_sha256 or None,
        "head": report.seal.head or None,
        "passed": not report.failed,
        "failed": list(report.failed),
        "checks": [
            {
                "name": check.name,
                "count": check.count,
                "passed": not check.faults,
                "findings": to_document(check.findings),
            }
            for check in report.checks
        ],
    }


def _lines(report: Report) -> Iterator[str]:
    told: set[Finding] = set()
    for check in report.checks:
        yield from _check(check, told)
        told.update(check.faults)
    if report.seal.head:
        yield f"head to publish: {report.seal.head}"
    yield f"{report.result}: {_seal(report)}"
    total, failed = len(report.checks), report.failed
    if failed:
        yield f"FAIL: {len(failed)} of {total} checks failed: {', '.join(failed)}"
    else:
        yield f"PASS: All {total} checks passed"


def _seal(report: Report) -> str:
    seal = report.seal
    if seal.keyid:
        who = f"signed by {seal.keyid} {seal.key_name}".rstrip()
    else:
        who = "no pinned key has signed it" if seal.is_signed else "nothing says who made this bundle"
    return f"not what it says it is; {who}" if report.result is Result.BROKEN else who


def _check(check: Checked, told: Set[Finding]) -> Iterator[str]:
    """One check; what an earlier one has told word for word, such as a file that is missing, is only counted."""
    if not check.faults:
        yield f"ok   {check.name} ({check.count})"
    new = list(dict.fromkeys(each for each in check.faults if each not in told))
    again = [each for each in check.faults if each in told]
    if again:
        yield f"FAIL {check.name}: {again[0].file}: as above ({len(again)})"
    for word, found in (("FAIL", new), ("note", check.remarks)):
        yield from (f"{word} {check.name}: {_told(each)}" for each in found[:MOST_TOLD])
        if len(found) > MOST_TOLD:
            yield f"{word} {check.name}: {len(found) - MOST_TOLD} more"


def _told(finding: Finding) -> str:
    told = ": ".join(text for text in (finding.file, finding.part, finding.what) if text)
    return shortened(one_line(told), _LONGEST)
