"""Measures how soon the console answers over ten thousand runs: a real process, over a connection that is open.

A sample runs from the request to the last byte of the answer, so that reading and writing the socket count as well.
The run that is looked at is the one beside the code, with a copy of it that ended otherwise to compare it with.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from harness.evidence.layout import RUN
from tests.bench.figures import AtMost, Measure, Unit
from tests.bench.many_runs import RUNS, make_runs
from tests.bench.subject import ROOT, BenchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOAL: Final = AtMost(10)
STARTS: Final = 3
PATIENCE_S: Final = 120
FILTERED: Final = "/?status=FAIL&scenario=L05&from=2025-01-03"

_OK: Final = 200
_SAMPLE: Final = "2025-06-01T00:30:00Z"
_OTHER: Final = "2025-06-01T00:31:00Z"


def measure_console(place: Path, *, rounds: int, count: int = RUNS) -> tuple[Measure, ...]:
    """Measure the pages; runs and server are gone at the end.

    Args:
        place: Where the runs are made; not there yet.
        rounds: Samples of each page.
        count: Runs besides the two that are looked at.

    Raises:
        BenchError: A page was not answered, or not with what it is to show.
    """
    make_runs(place, count)
    try:
        _lay(place)
        with _serving(place) as asked:
            unknown = asked.took("/", _OTHER)
        starts = []
        for _ in range(STARTS):
            with _serving(place) as asked:
                starts.append(asked.took("/", _OTHER))
        with _serving(place) as asked:
            return (*_lists(asked, place, rounds), *_pages(asked, rounds), *_first((unknown,), starts))
    finally:
        shutil.rmtree(place)


def _lists(asked: Asked, place: Path, rounds: int) -> tuple[Measure, ...]:
    asked.took("/", _OTHER)
    asked.took("/traces", _OTHER)
    changed = []
    for number in range(rounds // 6 + 1):
        (place / f"not-a-run-{number}").mkdir()
        changed.append(asked.took("/", _OTHER))
    return (
        _told("console: list of runs", [asked.took("/", _OTHER) for _ in range(rounds)], GOAL),
        _told(f"… {FILTERED[2:]}", [asked.took(FILTERED, "pass-rate") for _ in range(rounds)], GOAL),
        _told("… when a folder was added", changed),
        _told("console: list of traces", [asked.took("/traces", _OTHER) for _ in range(rounds)], GOAL),
    )


def _pages(asked: Asked, rounds: int) -> tuple[Measure, ...]:
    compared = f"/compare?a={_SAMPLE}&b={_OTHER}"
    seen = {
        "console: run": (f"/runs/{_OTHER}", "scenario-row-L08"),
        "console: scenario": (f"/runs/{_OTHER}/L01", "db-writes-table"),
        "console: compare": (compared, "compare-table"),
    }
    first = [asked.took(path, word) for path, word in seen.values()]
    warm = {name: [asked.took(path, word) for _ in range(rounds)] for name, (path, word) in seen.items()}
    return (*(_told(name, samples, GOAL) for name, samples in warm.items()), _told("… each for the first time", first))


def _first(unknown: tuple[float, ...], starts: list[float]) -> tuple[Measure, ...]:
    return (
        _told("console: first list of a new process", starts),
        _told("… without an index", list(unknown)),
    )


def _lay(place: Path) -> None:
    """Lay the run beside the code among the others, twice, once with a red scenario."""
    sample = max((ROOT / "docs/evidence").glob("20*Z"))
    for name in (_SAMPLE, _OTHER):
        shutil.copytree(sample, place / name)
        for path in (place / name, place / name / RUN):
            path.chmod(0o700 if path.is_dir() else 0o600)
        record = json.loads((place / name / RUN).read_text()) | {"folder": name, "started_at": f"2027-{name[5:-1]}Z"}
        if name == _OTHER:
            record["verdict"] = "FAIL"
            record["scenarios"][4] |= {"verdict": "FAIL", "reason": "one check missed"}
        (place / name / RUN).write_text(json.dumps(record))


class Asked:
    """A connection to the console."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)

    def took(self, path: str, word: str) -> float:
        """Ask for a page that has to show a word; gives milliseconds.

        Raises:
            BenchError: It was not answered so.
        """
        begun = time.perf_counter()
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - begun
        if answer.status != _OK or word.encode() not in body:
            msg = f"the console answered {path} with {answer.status}, {len(body)} bytes, and {word} is not in them"
            raise BenchError(msg)
        return 1000 * took

    def close(self) -> None:
        """Close it."""
        self._connection.close()


@contextmanager
def _serving(place: Path) -> Iterator[Asked]:
    command = (sys.executable, "-m", "harness", "console", "--port", "0", "--out", str(place))
    environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(place), "LADDER_ENV_FILE": "/nonexistent/.env"}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            found = re.search(r":(\d+)/", process.stdout.readline() if process.stdout else "")
            if not found:
                msg = "the console did not start"
                raise BenchError(msg)
            with closing(Asked(int(found[1]))) as asked:
                yield asked
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_S)


def _told(name: str, samples: list[float], goal: AtMost | None = None) -> Measure:
    return Measure(name, Unit.MILLISECONDS, tuple(samples), goal)
