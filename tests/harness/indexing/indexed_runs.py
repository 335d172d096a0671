"""Small run folders with real records, made and damaged quickly, and the list of them that no index has touched."""

import json
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "evidence"))

from sample_run import NOW, running_record, scenarios, write_run_folder

from harness.evidence.reading import list_runs
from harness.evidence.run_record import RunStatus, encode_run
from harness.evidence.timestamps import folder_name, timestamp
from harness.evidence.trial_records import TrialRecord
from harness.indexing.facts import facts_of
from harness.indexing.listing import list_facts
from harness.indexing.store import Index
from harness.judging.verdict import Verdict

__all__ = ["NOW", "write_run_folder"]

MINUTE = timedelta(minutes=1)
FUTURE_NS = 1 << 62
"""A clock by which nothing changed of late."""


def trace_id(number, place=0):
    return f"0190{number:04x}-{place:04x}-7ccc-8ddd-0123456789ab"


def run_id(number):
    return f"019a{number:04x}-6e10-7abc-8def-0123456789ab"


def record_of(number, verdict=Verdict.PASS, **fields):
    began = NOW + number * MINUTE
    traced = [replace(each, trace_id=trace_id(number, place)) for place, each in enumerate(scenarios(), start=1)]
    told = {
        "status": RunStatus.FINISHED,
        "started_at": timestamp(began),
        "verdict": verdict,
        "scenarios": tuple(traced),
        "trial_records": (TrialRecord(0, trace_id(number), verdict.value if verdict else "running"),),
        "duration_s": 1.5,
    }
    return replace(running_record(run_id(number), folder_name(began)), **(told | fields))


def add_run(root, number, verdict=Verdict.PASS, **fields):
    """A finished run as far as a listing looks: its record, and the names beside it."""
    record = record_of(number, verdict, **fields)
    folder = root / folder_name(NOW + number * MINUTE)
    folder.mkdir(parents=True)
    for name in ("manifest.json", "SHA256SUMS"):
        (folder / name).write_text("{}\n")
    (folder / "run.json").write_text(encode_run(record))
    return folder


def edit(folder, **fields):
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def stamp(folder, tick):
    """Give a folder and its record a time of change that no other change has; a test is quicker than the clock."""
    for path in (folder / "run.json", folder):
        if os.path.lexists(path):
            os.utime(path, ns=(tick, tick), follow_symlinks=False)


def without_index(root):
    return [facts_of(entry, "") for entry in list_runs(root)]


def with_index(root, index=None, **options):
    listing = list_facts(root, index or Index(root, patience_s=0.05), **({"now_ns": lambda: FUTURE_NS} | options))
    return [each._replace(mark="") for each in listing.runs]


def remembered(root):
    return set(Index(root).facts())
