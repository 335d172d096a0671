"""``reports/junit.xml``: the verdicts in the form that every CI reads. Totals are counted by the library.

PASS passes; LIMITED passes with properties that say so; FAIL is a failure; ERROR and INCONCLUSIVE are errors, because
the subject was not shown to be wrong; BLOCKED is skipped. Signs that XML forbids are spelt out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.evidence.printable import block, one_line
from harness.evidence.summary import parts
from harness.judging.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.evidence.run_record import RunRecord, ScenarioRecord

_DECLARATION = "<?xml version='1.0' encoding='utf-8'?>\n"


def junit(record: RunRecord) -> str:
    """The report: one suite for each part, one case for each scenario."""
    from junitparser import JUnitXml

    report = JUnitXml("ladder")
    for part, scenarios in parts(record).items():
        report.add_testsuite(_suite(record, part, scenarios))
    report.update_statistics()  # type: ignore[no-untyped-call]  # the library is typed in part
    text: str = report.tostring().decode()  # type: ignore[no-untyped-call]  # the library is typed in part
    return _DECLARATION + text[text.index("<testsuites") :] + "\n"


def _suite(record: RunRecord, part: str, scenarios: Sequence[ScenarioRecord]) -> Any:  # noqa: ANN401  # of a late import
    from junitparser import TestSuite

    suite = TestSuite(f"ladder.{part.replace('/', '.')}")
    suite.timestamp = record.started_at.removesuffix("Z")
    facts = {"run_id": record.run_id, "run": record.folder, "commit": record.git.commit or "unknown"}
    for name, value in facts.items():
        suite.add_property(name, one_line(value))
    suite.add_testcases([_case(part, each) for each in scenarios])
    return suite


def _case(part: str, scenario: ScenarioRecord) -> Any:  # noqa: ANN401  # of a late import
    from junitparser import Properties, Property, TestCase

    name = one_line(f"{scenario.id} {scenario.title}".strip())
    case = TestCase(name, f"ladder.{part.replace('/', '.')}", round(scenario.duration_s, 3))
    if scenario.verdict is Verdict.LIMITED:
        properties = Properties()  # type: ignore[no-untyped-call]  # the library is typed in part
        properties.add_property(Property("verdict", Verdict.LIMITED.value))
        for limit in scenario.limits:
            properties.add_property(Property("limitation", one_line(limit)))
        case.append(properties)  # type: ignore[no-untyped-call]  # the library is typed in part
    case.result = _results(scenario)
    return case


def _results(scenario: ScenarioRecord) -> list[Any]:
    from junitparser import Error, Failure, Skipped

    kinds = {
        Verdict.FAIL: Failure,
        Verdict.ERROR: Error,
        Verdict.INCONCLUSIVE: Error,
        Verdict.BLOCKED: Skipped,
    }
    kind = kinds.get(scenario.verdict)
    if kind is None:
        return []
    result = kind(one_line(scenario.reason) or scenario.verdict.value, scenario.verdict.value)
    result.text = block("\n".join([*scenario.missed, f"evidence: {scenario.folder}/"]))
    return [result]
