"""Runs an order from the command line, and says on standard output how it ended, for people or for programs.

The stream holds the lines of ``events.jsonl`` that tell how far the run is, as they are written, and after them one
line of type ``outcome``. Bodies and observations are left out; they are in the evidence.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from harness.evidence.journal import Clock
from harness.evidence.records import to_document
from harness.evidence.summary import parts, summary_text
from harness.evidence.trial_records import RUNNING
from harness.evidence.trial_summary import trials_text
from harness.runner.suite import World, execute
from harness.terminal.watching import SilentWatcher, Watcher, open_watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.config import Settings
    from harness.errors import ExitCode
    from harness.evidence.trial_records import TrialRecord
    from harness.redaction.redacted import RedactedText
    from harness.redaction.redactor import Redactor
    from harness.runner.planning import Order
    from harness.runner.suite import Ended

FOLLOWED: Final = frozenset(
    {
        "run_started",
        "scenario_started",
        "step_started",
        "poll_attempt",
        "check",
        "step_ended",
        "scenario_ended",
        "run_ended",
    }
)
"""Types of events that the stream has."""


class JsonStream:
    """Follows a run, line by line.

    Args:
        stream: Standard output, or ``None`` when it is closed. When nobody reads it any more the run goes on, since
            evidence matters more.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._is_open = True
        self._writing = threading.Lock()

    def append(self, line: RedactedText) -> None:
        """Pass a line on when its type is of interest."""
        if self._is_open and json.loads(line)["type"] in FOLLOWED:
            self.write(line)

    def write(self, line: str) -> None:
        """Write one line at once; safe to be called from several threads."""
        with self._writing:
            self._is_open = self._is_open and _say(self._stream, f"{line}\n")

    def trial(self, record: TrialRecord, _line: str) -> None:
        """Tell that one of several trials has begun or ended."""
        word = "trial_started" if record.status == RUNNING else "trial_ended"
        self.write(json.dumps({"type": word, **to_document(record)}))


def _say(stream: IO[str] | None, text: str) -> bool:
    """Write a text at once; returns whether anybody could read it."""
    if stream is None:
        return False
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        return False
    return True


def outcome_document(ended: Ended) -> dict[str, Any]:
    """The last line of the stream."""
    record = ended.record
    return {
        "type": "outcome",
        "run_id": record.run_id,
        "folder": str(ended.finished.folder),
        "status": record.status,
        "verdict": record.verdict,
        "exit_code": int(ended.exit_code),
        "manifest_sha256": ended.finished.manifest_sha256,
        "signed_by": ended.finished.signed_by,
        "notes": list(ended.finished.notes),
        "verdicts": {each.folder: each.verdict for each in record.scenarios},
        "trials": [to_document(trial) for trial in record.trial_records],
        "aggregation": to_document(record.aggregation),
        **(to_document(ended.told) if record.aggregation else {}),
    }


def outcome_text(ended: Ended, here: Path) -> str:
    """The end of a run for people: its summary, its folder, and the head to publish elsewhere.

    Of several trials the summary is what they add up to: each of them was told when it ended.

    Args:
        ended: The run.
        here: The current folder; a folder below it is told relative to it.
    """
    record, folder = ended.record, ended.finished.folder
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    lines = list(_summary(ended))
    interrupted = " (interrupted)" if record.status == "interrupted" else ""
    return "\n".join(
        [
            *lines,
            f"verdict: {record.verdict}{interrupted}, exit code {int(ended.exit_code)}",
            f"evidence: {shown}/",
            f"manifest sha256: {ended.finished.manifest_sha256}",
            f"signed by: {ended.finished.signed_by or 'nobody, the run is unsigned'}",
            *(f"note: {note}" for note in ended.finished.notes),
            "",
        ]
    )


def _summary(ended: Ended) -> Iterator[str]:
    record = ended.record
    if record.aggregation:
        yield from trials_text(record, ended.told).splitlines()
        return
    for part, found in parts(record).items():
        yield from (f"{part}/{line}" for line in summary_text(found).splitlines())
    yield from (f"trace: {trial.trace_id}" for trial in record.trial_records)


def _ignore(_given: object) -> None:
    """A reader who has gone away misses nothing that is not in the evidence."""


class _Lines:
    """Lines on standard output while a display on stderr is drawn.

    Where both are terminals, the display takes over ``sys.stdout`` and prints above itself what is written there, or it
    would be torn. Where standard output is a file it must stay one.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream

    def say(self, line: str) -> None:
        """Write one line at once, for whoever reads it."""
        is_shared = self._stream is not None and self._stream.isatty()
        _say(sys.stdout if is_shared else self._stream, f"{line}\n")

    def trial(self, record: TrialRecord, line: str) -> None:
        """Tell how one of several trials has ended."""
        if record.status != RUNNING:
            self.say(line)


def execute_and_tell(order: Order, settings: Settings, *, as_json: bool) -> ExitCode:
    """Carry out an order in the real world.

    Raises:
        HarnessError: As ``execute``.
    """
    follower = JsonStream(sys.stdout) if as_json else None
    lines = _Lines(None if as_json else sys.stdout)

    def watcher(redactor: Redactor) -> Watcher:
        return SilentWatcher() if as_json else open_watcher(redactor.text)

    world = World(
        settings=settings,
        watcher=watcher,
        clock=Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic),
        sleep=time.sleep,
        random=random.Random(),  # noqa: S311  # for the jitter of polls
        follower=follower,
        say=lines.say,
        tell=follower.trial if follower else lines.trial,
    )
    ended = execute(order, world)
    if follower:
        follower.write(json.dumps(outcome_document(ended)))
    else:
        _say(sys.stdout, outcome_text(ended, Path.cwd()))
    return ended.exit_code
