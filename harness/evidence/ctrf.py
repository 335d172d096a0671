"""``reports/ctrf.json``: the verdicts in the Common Test Report Format, specification 1.0.0.

Its schema accepts sums that are wrong, so they are counted here from the tests and from nothing else. PASS and LIMITED
are ``passed``, FAIL is ``failed``, ERROR and INCONCLUSIVE are ``other``, BLOCKED is ``skipped``; the verdict itself is
``rawStatus``. Attachments are named relative to the run's folder.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.documents import pretty
from harness.evidence.layout import part_of
from harness.evidence.timestamps import epoch_ms
from harness.judging.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.evidence.run_record import RunRecord, ScenarioRecord

SPECIFICATION: Final = "1.0.0"

STATUSES: Final[Mapping[Verdict, str]] = {
    Verdict.PASS: "passed",
    Verdict.LIMITED: "passed",
    Verdict.FAIL: "failed",
    Verdict.ERROR: "other",
    Verdict.INCONCLUSIVE: "other",
    Verdict.BLOCKED: "skipped",
}

_COUNTED: Final = ("passed", "failed", "skipped", "pending", "other")


def ctrf(record: RunRecord) -> str:
    """The report as JSON text."""
    tests = [_test(each) for each in record.scenarios]
    document = {
        "reportFormat": "CTRF",
        "specVersion": SPECIFICATION,
        "reportId": record.run_id,
        "timestamp": record.finished_at or record.started_at,
        "generatedBy": f"ladder {record.harness_version}",
        "results": {
            "tool": {"name": "ladder", "version": record.harness_version},
            "summary": _summary(record, tests),
            "tests": tests,
            "environment": _environment(record),
        },
    }
    return pretty(document)


def _summary(record: RunRecord, tests: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found = Counter(test["status"] for test in tests)
    start = epoch_ms(record.started_at)
    stop = epoch_ms(record.finished_at) if record.finished_at else start + _ms(record.duration_s)
    suites = len({test["suite"][0] for test in tests})
    counts = {status: found[status] for status in _COUNTED}
    return {
        "tests": len(tests),
        **counts,
        "suites": suites,
        "start": start,
        "stop": stop,
        "duration": _ms(record.duration_s),
    }


def _test(scenario: ScenarioRecord) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": f"{scenario.id} {scenario.title}".strip(),
        "status": STATUSES[scenario.verdict],
        "duration": _ms(scenario.duration_s),
        "suite": [part_of(scenario.folder)],
        "rawStatus": scenario.verdict.value,
        "type": "e2e",
        "attachments": [_attachment(scenario.folder, name) for name in scenario.files],
        "extra": {"result": scenario.result_status, "limitations": list(scenario.limits)},
    }
    if scenario.started_at:
        start = epoch_ms(scenario.started_at)
        test |= {"start": start, "stop": start + test["duration"]}
    if scenario.reason:
        test["message"] = scenario.reason
    if scenario.missed:
        test["trace"] = "\n".join(scenario.missed)
    return test


def _attachment(folder: str, name: str) -> dict[str, str]:
    kind = "application/json" if name.endswith(".json") else "text/plain"
    return {"name": name, "contentType": kind, "path": f"{folder}/{name}"}


def _environment(record: RunRecord) -> dict[str, Any]:
    extra = {
        "runId": record.run_id,
        "folder": record.folder,
        "workerImage": record.images.worker,
        "verdict": record.verdict,
    }
    known = {"commit": record.git.commit} if record.git.commit else {}
    return {"appName": "ladder", "testEnvironment": record.base_url, **known, "extra": extra}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
