"""The self-check before a run: fake secrets go through everything that this run will write with."""

from __future__ import annotations

import io
import json
import random
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.evidence.bundle import Staging
from harness.evidence.ctrf import ctrf
from harness.evidence.events import PollAttempted
from harness.evidence.journal import Clock, Journal
from harness.evidence.junit import junit
from harness.evidence.summary import summary_markdown
from harness.judging.verdict import Verdict
from harness.redaction.canary import check, new_canary
from harness.terminal.plain import PlainWatcher

if TYPE_CHECKING:
    from harness.evidence.run_record import RunRecord
    from harness.redaction.redacted import RedactedText
    from harness.redaction.redactor import Redactor

_CLOCK: Final = Clock(now=lambda: datetime(2000, 1, 1, tzinfo=UTC), monotonic=lambda: 0.0)


def self_check(record: RunRecord) -> None:
    """Send fresh fake secrets through files, journal, reports and terminal.

    Args:
        record: Of the run that is about to begin; its exports are among the ways out.

    Raises:
        PrerequisiteError: ``canary-leaked`` or ``canary-blind``; no run may begin.
    """
    ways_out = {
        "an evidence file": _through_a_file,
        "the journal": _through_the_journal,
        "the reports": lambda redactor, text: _through_the_reports(redactor, record, text),
        "the terminal": _through_the_terminal,
    }
    check(new_canary(random.SystemRandom()), ways_out)


def _through_a_file(redactor: Redactor, text: str) -> bytes:
    with tempfile.TemporaryDirectory() as root:
        staging = Staging.open(Path(root), _CLOCK.now())
        staging.write("worker.log", redactor.text(text))
        staging.write("result.json", redactor.json(json.dumps({"logs": text.splitlines()})))
        staging.close()
        return b"".join((staging.folder / name).read_bytes() for name in ("worker.log", "result.json"))


class _Lines:
    def __init__(self) -> None:
        self.data = b""

    def append(self, line: RedactedText) -> None:
        self.data += line.encode()


def _through_the_journal(redactor: Redactor, text: str) -> bytes:
    lines = _Lines()
    # An event of the kind that is searched least.
    Journal(lines, redactor, _CLOCK).record(PollAttempted("L01", "submit", 1, None, 0, "", text))
    return lines.data


def _through_the_reports(redactor: Redactor, record: RunRecord, text: str) -> bytes:
    red = replace(record.scenarios[0], verdict=Verdict.FAIL, reason=text, missed=tuple(text.splitlines()))
    told = replace(record, verdict=Verdict.FAIL, scenarios=(red,))
    texts = redactor.text(junit(told)), redactor.json(ctrf(told)), redactor.text(summary_markdown(told))
    return "".join(texts).encode()


def _through_the_terminal(redactor: Redactor, text: str) -> bytes:
    stream = io.StringIO()
    PlainWatcher(redactor.text, stream, clock=_CLOCK.monotonic).note(text)
    return stream.getvalue().encode()
