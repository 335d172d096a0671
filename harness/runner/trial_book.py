"""Who the trials of a run are, on disk from the start of each, and their first evaluations."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.evidence.events import CheckJudged, ScenarioEnded
from harness.evidence.journal import iter_events
from harness.evidence.layout import EVENTS, TRACE_MANIFEST, evaluation_file, trace_file, trial_folder, trial_log
from harness.evidence.manifest import sha256
from harness.evidence.records import to_document
from harness.evidence.timestamps import timestamp
from harness.evidence.trial_records import TrialRecord, encode_traces, encode_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.evidence.bundle import Staging
    from harness.evidence.journal import Clock
    from harness.evidence.redacting import Redacts
    from harness.evidence.run_record import RunRecord
    from harness.runner.origin import Origin

EVALUATION_SCHEMA = "ladder.evaluation/1"


class TrialBook:
    """The trials of one run; safe to use from several threads.

    Args:
        staging: The run's folder.
        redactor: Everything that is written has passed it.
        clock: For times and durations.
        run: Its id, and how much of it is kept.
        taken: Trials of an earlier run that count as its own; they are entered before any begins.
    """

    def __init__(
        self, staging: Staging, redactor: Redacts, clock: Clock, *, run: RunRecord, taken: tuple[TrialRecord, ...] = ()
    ) -> None:
        self._staging, self._redactor, self._clock, self._run = staging, redactor, clock, run
        self._records: list[TrialRecord] = []
        self._entries: list[str] = []
        self._begun: dict[int, float] = {}
        self._lock = threading.Lock()
        for record in taken:
            self._put(record)
        if taken:
            self._write()

    @property
    def records(self) -> tuple[TrialRecord, ...]:
        """All that were taken over or begun, in the order of their starts."""
        with self._lock:
            return tuple(self._records)

    def begin(self, origin: Origin, *, is_one_of_several: bool) -> TrialRecord:
        """Enter a trial that begins now, before anything in it can fail."""
        with self._lock:
            index = len(self._records)
            folder, log = (trial_folder(index), trial_log(origin.trace_id)) if is_one_of_several else ("", EVENTS)
            started_at = timestamp(self._clock.now())
            record = TrialRecord(
                index, origin.trace_id, folder=folder, log=log, started_at=started_at, recorded=self._run.recorded
            )
            self._put(record)
            self._begun[index] = self._clock.monotonic()
            self._write()
            return record

    def end(self, index: int, status: str, *, error: str | None = None) -> TrialRecord:
        """Enter how a trial ended, whose trace is written; writes its first evaluation as well."""
        record = self._records[index]
        self._evaluate(record, status)
        data = self._staging.files.read(trace_file(record.trace_id))
        took = round(self._clock.monotonic() - self._begun[index], 6)
        with self._lock:
            ended = replace(record, status=status, duration_s=took, sha256=sha256(data), bytes=len(data), error=error)
            self._put(ended)
            self._write()
            return ended

    def _put(self, record: TrialRecord) -> None:
        """Enter a record, new or changed; each is searched when it is entered, not whenever another one changes."""
        entry = self._redactor.json(encode_trial(record), source=TRACE_MANIFEST)
        at = slice(record.trial_index, record.trial_index + 1)
        self._records[at], self._entries[at] = [record], [entry]

    def _write(self) -> None:
        text = encode_traces(self._run.run_id, self._entries)
        self._staging.replace(TRACE_MANIFEST, self._redactor.line(text, source=TRACE_MANIFEST))

    def _evaluate(self, record: TrialRecord, status: str) -> None:
        path = evaluation_file(record.trace_id)
        document = {
            "schema": EVALUATION_SCHEMA,
            "eval_id": record.trace_id,
            "run_id": self._run.run_id,
            "trace_id": record.trace_id,
            "source": "run",
            "status": status,
            "scenarios": list(self._scenarios(record)),
        }
        text = json.dumps(document, indent=1, ensure_ascii=False)
        self._staging.write(path, self._redactor.json(text, source=path))

    def _scenarios(self, record: TrialRecord) -> Iterator[dict[str, Any]]:
        checks: list[Any] = []
        for entry in iter_events(self._staging.folder / record.log):
            match entry.event:
                case CheckJudged() as judged:
                    checks.append({"step": judged.step, **to_document(judged.result)})
                case ScenarioEnded() as ended:
                    told = {"scenario": ended.scenario, "verdict": ended.verdict, "reason": ended.reason}
                    yield {**told, "checks": checks}
                    checks = []
                case _:
                    pass
