"""Measures ``ladder runs`` over ten thousand runs: whole processes, with an index that knows them all and with none.

The folders hold what a listing looks at, a real record of twelve scenarios, sealed and chained in a ledger as the judge
seals them. Files are in the page cache, as they are in the other cold starts.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from harness.evidence.git_facts import GitFacts
from harness.evidence.layout import LEDGER, MANIFEST, RUN, SUMS
from harness.evidence.manifest import CaseSeals, FileRecord, canonical, manifest_of, sha256, sums
from harness.evidence.run_record import (
    ClimbRecord,
    LadderRecord,
    Redaction,
    RunRecord,
    RunStatus,
    ScenarioRecord,
    TriggerRecord,
    encode_run,
)
from harness.evidence.timestamps import folder_name, timestamp
from harness.evidence.trial_records import TrialRecord
from harness.indexing.place import HIDDEN
from harness.judging.verdict import Verdict
from harness.language.model import Mode
from harness.sealing.ledger import NO_PREVIOUS, Line
from tests.bench.cold_start import BARE, COMMANDS
from tests.bench.figures import AtMost, Measure, Unit
from tests.bench.processes import run
from tests.bench.subject import ROOT, BenchError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.processes import Ran

RUNS: Final = 10_000
GOAL: Final = AtMost(300)
ASKED: Final = ("--status", "FAIL", "--scenario", "L05", "--since", "2025-01-03")

_BEGAN: Final = datetime(2025, 1, 1, tzinfo=UTC)
_DIGEST: Final = "ab" * 32
_RED_EVERY: Final = 10


def measure_many_runs(place: Path, *, rounds: int, count: int = RUNS) -> tuple[Measure, ...]:
    """Measure the list, a question to it, and the making of its index; the folders are gone at the end.

    Raises:
        BenchError: A list is not whole.
    """
    make_runs(place, count)
    try:
        # The index believes nothing that changed within the last two seconds, so the second listing completes it.
        unknown = [_listed(place, count, anew=True), _listed(place, count), _listed(place, count, anew=True)]
        _listed(place, count)
        bare, known, asked = [], [], []
        for _ in range(rounds):
            bare.append(run((sys.executable, *COMMANDS[BARE]), _environ()))
            known.append(_listed(place, count))
            asked.append(_listed(place, None, *ASKED))
    finally:
        shutil.rmtree(place)
    beside = tuple(ran.wall_ms for ran in bare)
    return (
        _told(f"ladder runs, {count} runs, cold", known, AtMost(GOAL.limit), beside),
        _told(f"… {' '.join(ASKED)}", asked, AtMost(GOAL.limit), beside),
        _told("… without an index", [unknown[0], unknown[2]], None, beside),
    )


def make_runs(place: Path, count: int) -> None:
    """Make sealed runs, an hour apart, each chained to the one before; every tenth is red."""
    place.mkdir()
    lines, prev = [], NO_PREVIOUS
    for number in range(count):
        began = _BEGAN + number * timedelta(hours=1)
        lines.append(_seal(place / folder_name(began), _record(number, began), prev))
        prev = lines[-1].manifest_sha256
    (place / LEDGER).write_bytes(b"".join(line.spelt() for line in lines))


def _seal(folder: Path, record: RunRecord, prev: str) -> Line:
    folder.mkdir()
    data = encode_run(record).encode()
    listed = (FileRecord(RUN, len(data), sha256(data), executable=False),)
    manifest = canonical(manifest_of(record, listed, CaseSeals(), prev=prev)).encode()
    (folder / RUN).write_bytes(data)
    (folder / MANIFEST).write_bytes(manifest)
    (folder / SUMS).write_text(sums(listed, manifest))
    return Line(folder.name, sha256(manifest), prev)


def _record(number: int, began: datetime) -> RunRecord:
    verdict = Verdict.PASS if number % _RED_EVERY else Verdict.FAIL
    ladder = LadderRecord("live", "scenarios/live.ladder.yaml", Mode.LIVE, _DIGEST, _DIGEST, _DIGEST)
    parts = [*(f"live/L{place:02}" for place in range(1, 9)), *(f"mocked/RERUN/M{place:02}" for place in range(1, 5))]
    climbed, rolled = (f"0190{number:04x}-{place:04x}-7ccc-8ddd-0123456789ab" for place in (0, 99))
    scenarios = (
        ScenarioRecord(
            part.rpartition("/")[2],
            "A scenario of the bench",
            part,
            verdict,
            "success",
            files=("response.json", "result.json", "files.json"),
            trace_id=f"0190{number:04x}-{place:04x}-7ccc-8ddd-0123456789ab",
            started_at=timestamp(began),
            job_types=("initial_project",),
        )
        for place, part in enumerate(parts, start=1)
    )
    return RunRecord(
        f"019a{number:04x}-6e10-7abc-8def-0123456789ab",
        folder_name(began),
        RunStatus.FINISHED,
        timestamp(began),
        "0.1.0",
        "http://127.0.0.1:8000",
        (ladder,),
        GitFacts("c" * 40, False),
        Redaction("1", 1234),
        verdict,
        finished_at=timestamp(began + timedelta(seconds=28)),
        duration_s=28.0,
        scenarios=tuple(scenarios),
        trial_records=(TrialRecord(0, climbed, verdict),),
        trigger=TriggerRecord("ci"),
        climbs=(
            ClimbRecord("live", "live", climbed, "SUCCESS", timestamp(began), timestamp(began)),
            ClimbRecord("mocked/RERUN", "mocked", rolled, "SUCCESS", timestamp(began), timestamp(began)),
        ),
    )


def _listed(place: Path, count: int | None, *asked: str, anew: bool = False) -> Ran:
    if anew:
        shutil.rmtree(place / HIDDEN, ignore_errors=True)
    ran = run((sys.executable, "-m", "harness", "runs", "--out", place, *asked), _environ())
    lines = len(ran.output.splitlines()) - 1
    if lines != count if count is not None else not lines:
        msg = f"ladder runs {' '.join(asked)} listed {lines} runs"
        raise BenchError(msg)
    return ran


def _environ() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}


def _told(name: str, ours: list[Ran], goal: AtMost | None, beside: tuple[float, ...]) -> Measure:
    wall = tuple(ran.wall_ms for ran in ours)
    return Measure(name, Unit.MILLISECONDS, wall, goal, beside=beside, beside_name=BARE)
