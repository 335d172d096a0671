"""Runs that lie recorded on disk, made by the book itself."""

from datetime import timedelta

from staged import BEGAN, SECRETS

from harness.evidence.git_facts import GitFacts
from harness.evidence.journal import Clock
from harness.evidence.run_record import LadderRecord, Redaction, RunRecord, RunStatus, ScenarioRecord
from harness.evidence.timestamps import timestamp
from harness.judging.verdict import Verdict
from harness.redaction.redactor import Redactor
from harness.runner.book import RunBook
from harness.runner.climb import PartCourse


def clock_at(minutes):
    return Clock(now=lambda: BEGAN + timedelta(minutes=minutes), monotonic=lambda: 60.0 * minutes)


def run_record(ladder, *, run_id="019a83c1-6e10-7abc-8def-0123456789ab", folder="2025-11-14T17:14:05Z", **fields):
    """A run of a ladder that has sent nothing yet."""
    usual = {
        "status": RunStatus.RUNNING,
        "started_at": timestamp(BEGAN),
        "harness_version": "0.1.0",
        "base_url": "http://127.0.0.1:8000",
        "ladders": (LadderRecord.of(ladder, {}),),
        "git": GitFacts(None, None, "no git"),
        "redaction": Redaction("0.1.0", 1),
    }
    return RunRecord(run_id=run_id, folder=folder, **usual | fields)


def scenario_record(name, verdict=Verdict.PASS, part="live", **fields):
    return ScenarioRecord(name, f"Rung {name}", f"{part}/{name}", verdict, **fields)


def recorded_run(root, ladder, captures, *, minutes=0, artifacts=None, **fields):
    """A finished run whose green scenarios are those of ``captures``; ``artifacts`` are texts by path."""
    redactor = Redactor(SECRETS)
    book = RunBook.open(root, redactor, clock_at(minutes))
    book.begin(run_record(ladder, folder=book.staging.name, run_id=f"019a83c1-6e10-7abc-8def-{minutes:012}", **fields))
    for path, text in (artifacts or {}).items():
        book.staging.write(path, redactor.text(text))
    records = [scenario_record(name) for name in captures]
    book.keep(PartCourse(dict(captures), records=records))
    facts = {"status": RunStatus.FINISHED, "verdict": Verdict.PASS, "exit_code": 0}
    return book.close(facts, SECRETS).folder
