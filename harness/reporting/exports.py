"""The sealed reports for other programs: made again from the records below them, and handed out only if they agree.

Nothing that a program reads may look like the report of a sound run when the run is not sound. So whatever is not as
recorded, a report that differs from what it was made from included, becomes a test of its own, and that one has failed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from harness.evidence import layout
from harness.evidence.ctrf import ctrf
from harness.evidence.documents import pretty
from harness.evidence.faults import EvidenceError
from harness.evidence.junit import junit
from harness.evidence.printable import block, one_line
from harness.evidence.reading import RunCondition
from harness.judging.documents import parse
from harness.reporting.standing import standing_of
from harness.reporting.stored import LostError, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord
    from harness.reporting.standing import Standing

    Results = tuple[tuple[Any, ...], tuple[tuple[Any, ...], ...]]

_JUNIT_TOTALS: Final = ("tests", "failures", "errors", "skipped")
_JUNIT_KINDS: Final = frozenset({"failure", "error", "skipped"})
_CTRF_TOTALS: Final = ("tests", "passed", "failed", "skipped", "pending", "other")

BUNDLE_TEST: Final = "the run has ended and is as recorded"


def junit_export(entry: RunEntry) -> tuple[str, Standing]:
    """``reports/junit.xml``, and how far it can be believed.

    Raises:
        EvidenceError: ``run-unreadable`` or ``report-underivable``.
    """
    derived = _derived(junit, _record(entry), layout.JUNIT)
    sealed, standing = _sealed(entry, layout.JUNIT, derived, reading=_junit_results)
    return (sealed if standing.is_sound else _with_failed_suite(derived, standing)), standing


def ctrf_export(entry: RunEntry) -> tuple[str, Standing]:
    """``reports/ctrf.json``, and how far it can be believed.

    Raises:
        EvidenceError: ``run-unreadable`` or ``report-underivable``.
    """
    derived = _derived(ctrf, _record(entry), layout.CTRF)
    sealed, standing = _sealed(entry, layout.CTRF, derived, reading=_ctrf_results)
    return (sealed if standing.is_sound else _with_failed_test(derived, standing)), standing


def _sealed(entry: RunEntry, path: str, derived: str, *, reading: Callable[[str], Results]) -> tuple[str, Standing]:
    """The sealed report, and the standing of its run once the two were compared; results count, not their spelling.

    A run that has not ended has no report yet.
    """
    if entry.condition is not RunCondition.FINISHED:
        return "", standing_of(entry)
    try:
        sealed = text_of(entry.folder, path)
        agrees = reading(sealed) == reading(derived)
    except LostError as error:
        return "", standing_of(entry, more=(str(error),))
    return sealed, standing_of(
        entry, more=() if agrees else (f"verdict-mismatch: {path} does not tell what run.json tells",)
    )


def _junit_results(text: str) -> Results:
    """Totals, and every test with how it ended."""
    from xml.etree.ElementTree import ParseError, XMLParser

    # A declaration of entities is how a small file becomes a large one, and no report has one.
    if "<!" in text:
        raise LostError(f"{layout.JUNIT} declares something, and a report has nothing to declare")
    try:
        parser = XMLParser()  # noqa: S314  # what could be expanded was refused
        parser.feed(text)
        root = parser.close()
    except ParseError as error:
        raise LostError(f"{layout.JUNIT} is no XML: {error}") from None
    totals = tuple(root.get(name) for name in _JUNIT_TOTALS)
    cases = ((case.get("classname"), case.get("name"), *_kinds(case)) for case in root.iter("testcase"))
    return totals, tuple(cases)


def _kinds(case: Element) -> tuple[str, ...]:
    return tuple(child.tag for child in case if child.tag in _JUNIT_KINDS)


def _ctrf_results(text: str) -> Results:
    """Totals, and every test with how it ended."""
    found = parse(text)
    results = found.get("results") if isinstance(found, dict) else None
    tests = results.get("tests") if isinstance(results, dict) else None
    summary = results.get("summary") if isinstance(results, dict) else None
    if not isinstance(tests, list) or not isinstance(summary, dict):
        raise LostError(f"{layout.CTRF} is no report")
    rows = [test if isinstance(test, dict) else {} for test in tests]
    told = ((test.get("suite"), test.get("name"), test.get("status"), test.get("rawStatus")) for test in rows)
    return tuple(summary.get(name) for name in _CTRF_TOTALS), tuple(told)


def _with_failed_suite(report: str, standing: Standing) -> str:
    from junitparser import Error, JUnitXml, TestCase, TestSuite

    case = TestCase(BUNDLE_TEST, "ladder.bundle")
    error = Error(one_line(standing.headline), standing.word)
    error.text = block("\n".join(standing.lines))
    case.result = [error]
    suite = TestSuite("ladder.bundle")
    suite.add_testcase(case)
    whole = JUnitXml("ladder")
    whole.add_testsuite(suite)
    for each in JUnitXml.fromstring(report.encode()):
        whole.add_testsuite(each)
    whole.update_statistics()  # type: ignore[no-untyped-call]  # the library is typed in part
    text: str = whole.tostring().decode()  # type: ignore[no-untyped-call]  # the library is typed in part
    return "<?xml version='1.0' encoding='utf-8'?>\n" + text[text.index("<testsuites") :] + "\n"


def _with_failed_test(report: str, standing: Standing) -> str:
    document: dict[str, Any] = json.loads(report)
    results = document["results"]
    test = {
        "name": BUNDLE_TEST,
        "status": "failed",
        "duration": 0,
        "suite": ["bundle"],
        "rawStatus": standing.word,
        "message": one_line(standing.headline),
        "trace": block("\n".join(standing.lines)),
    }
    results["tests"] = [test, *results["tests"]]
    for name in ("tests", "failed", "suites"):
        results["summary"][name] += 1
    return pretty(document)


def _record(entry: RunEntry) -> RunRecord:
    if entry.record is None:
        raise EvidenceError("run-unreadable", f"{entry.folder}: {entry.why}", "`ladder runs` lists the others")
    return entry.record


def _derived(spell: Any, record: RunRecord, path: str) -> str:  # noqa: ANN401  # one of two functions
    try:
        text: str = spell(record)
    # A record that a stranger wrote may have times that are none, and numbers that no report can hold.
    except (ValueError, OverflowError) as error:
        message = f"{path} does not follow from {record.folder}/{layout.RUN}: {error}"
        raise EvidenceError("report-underivable", one_line(message), "restore the run from its publication") from None
    return text
