"""The book of one run: its folder, its journal and its record, from the first line to sealed evidence.

The record is written before the first request and after each scenario, so that a killed run says how far it came. At
the end all exports are made from it, everything is searched once more by the second scanner, and only then does the
folder get its name. What the scanner finds keeps the folder partial.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from harness.errors import LeakError
from harness.evidence.bundle import Staging
from harness.evidence.documents import pretty
from harness.evidence.events import RunEnded, RunStarted
from harness.evidence.finishing import Finished, finish
from harness.evidence.journal import Clock, Journal
from harness.evidence.layout import EVENTS, LADDERS
from harness.evidence.outcome import write_outcome, write_redaction_report, write_run, write_state
from harness.evidence.recording import Mode, Recording
from harness.evidence.run_record import RunStatus
from harness.evidence.state import RunState
from harness.evidence.timestamps import timestamp
from harness.evidence.trial_records import INTERRUPTED
from harness.evidence.trial_summary import TrialsTold
from harness.judging.verdict import Verdict, fold
from harness.redaction.scan import refuse, scan
from harness.runner.case_files import write_cases, write_climbs, write_otlp
from harness.runner.surroundings import Records
from harness.runner.trial_book import TrialBook
from harness.runner.trial_report import told_trials, write_trials

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.evidence.bundle import AppendLog
    from harness.evidence.journal import Lines
    from harness.evidence.run_record import RunRecord, ScenarioRecord
    from harness.evidence.trial_records import TrialRecord
    from harness.redaction.redacted import RedactedText
    from harness.redaction.redactor import Redactor
    from harness.redaction.secret import SecretSet
    from harness.runner.climb import Part, PartCourse
    from harness.runner.trials import TrialEnd
    from harness.sealing.envelope import Signs


class _Copied:
    """Lines go to the file, and to whoever follows the run."""

    def __init__(self, log: AppendLog, follower: Lines) -> None:
        self._log, self._follower = log, follower

    def append(self, line: RedactedText) -> None:
        self._log.append(line)
        self._follower.append(line)


class _OfTrial:
    """Lines of one of several trials, whose numbers alone do not tell them apart."""

    def __init__(self, follower: Lines, index: int, redactor: Redactor) -> None:
        self._follower, self._index, self._redactor = follower, index, redactor

    def append(self, line: RedactedText) -> None:
        if '"type":"run_started"' in line:
            # Whoever follows the run has been told.
            return
        told = f'{line.removesuffix("}")},"trial_index":{self._index}}}'
        self._follower.append(self._redactor.line(told))


class RunBook:
    """One run on disk.

    Args:
        staging: Its folder.
        redactor: Everything that is written has passed it.
        clock: For times and durations.
        follower: Gets every line of the journal as well; ``None`` for nobody.
        mode: How much is kept.
    """

    def __init__(
        self, staging: Staging, redactor: Redactor, clock: Clock, *, follower: Lines | None, mode: Mode = Mode.FULL
    ) -> None:
        self.staging, self.redactor, self.clock = staging, redactor, clock
        self.recording = Recording(mode)
        log = staging.log(EVENTS)
        lines = _Copied(log, follower) if follower else log
        self.journal = Journal(lines, redactor, clock, transform=self.recording.event)
        self._begun = clock.monotonic()
        self._record: RunRecord | None = None
        self._planned: tuple[ScenarioRecord, ...] = ()
        self._state: RunState | None = None
        self._trials: TrialBook | None = None
        self._follower = follower
        self.told = TrialsTold()
        self._is_over = False

    @classmethod
    def open(
        cls, root: Path, redactor: Redactor, clock: Clock, *, follower: Lines | None = None, mode: Mode = Mode.FULL
    ) -> Self:
        """Make the folder of a run that starts now.

        Raises:
            PrerequisiteError: ``evidence-unwritable`` or ``evidence-seconds-taken``.
        """
        return cls(Staging.open(root, clock.now()), redactor, clock, follower=follower, mode=mode)

    @property
    def record(self) -> RunRecord:
        """The record as last written."""
        if self._record is None:
            msg = "the book was not begun"
            raise ValueError(msg)
        return self._record

    @property
    def trials(self) -> TrialBook:
        """Who the trials of the run are."""
        if self._trials is None:
            msg = "the book was not begun"
            raise ValueError(msg)
        return self._trials

    def lines_of(self, trial: TrialRecord, log: AppendLog, redactor: Redactor) -> Lines:
        """Where the events of one of several trials go; whoever follows the run is told which trial it is."""
        return _Copied(log, _OfTrial(self._follower, trial.trial_index, redactor)) if self._follower else log

    def records(self, earlier: tuple[Path, ...] = ()) -> Records:
        """What a climb writes to."""
        return Records(self.staging, self.journal, self.redactor, earlier, self.record.run_id, recording=self.recording)

    def begin(self, record: RunRecord, taken: tuple[TrialRecord, ...] = ()) -> None:
        """Write the first line and the record of a run that has not sent anything.

        Args:
            record: The run.
            taken: Trials of an earlier run that count as its own.
        """
        ladder = record.ladders[0]
        self._trials = TrialBook(self.staging, self.redactor, self.clock, run=record, taken=taken)
        self.journal.record(RunStarted(record.run_id, ladder.name, ladder.mode))
        self._planned = record.scenarios
        self._write(record)
        self._keep_state(RunState(record.run_id, ladder.digest))

    def note(self, **facts: Any) -> None:  # noqa: ANN401  # fields of the record
        """Write facts that have become known."""
        self._write(replace(self.record, **facts))

    def keep(self, course: PartCourse, *earlier: PartCourse) -> None:
        """Write how far the climb has come.

        Args:
            course: Of the part that is being climbed.
            earlier: Of the parts before it.
        """
        records = tuple(each for part in (*earlier, course) for each in part.records)
        # Those that were not reached stay listed, in the order in which they would have come.
        scenarios = (*records, *self._planned[len(records) :])
        self._write(replace(self.record, scenarios=scenarios, duration_s=self._spent()))
        if not earlier:
            captures = self.recording.captures(dict(course.captures))
            self._keep_state(replace(self._kept(), captures=captures))

    def keep_ladders(self, parts: Iterable[Part]) -> None:
        """Keep the ladders as they are climbed, and the schemas that they name, so that a run can be judged again."""
        keep = self.recording.ladder
        texts = {f"{LADDERS}/{part.ladder.file.rpartition('/')[2]}": keep(part.text) for part in parts}
        for part in parts:
            texts |= {f"{LADDERS}/{name}": pretty(rules) for name, rules in part.schemas.items()}
        for path, text in texts.items():
            redact = self.redactor.json if path.endswith(".json") else self.redactor.text
            self.staging.write(path, redact(text, source=path))

    def close(
        self,
        facts: Mapping[str, Any],
        secrets: SecretSet,
        ended: Sequence[TrialEnd] = (),
        *,
        signer: Signs | None = None,
    ) -> Finished:
        """End the run: exports, second scan, and the folder's name.

        Args:
            facts: Last fields of the record: verdict, exit code, status.
            secrets: What the second scan looks for, besides the shapes of credentials.
            ended: Its trials, when there were several.
            signer: The key that it is signed with.

        Raises:
            LeakError: ``secret-in-evidence``; the folder stays partial.
            PrerequisiteError: ``evidence-unwritable``, ``evidence-locked`` or ``evidence-folder-taken``.
            EvidenceError: ``evidence-foreign-file``.
        """
        finished_at = timestamp(self.clock.now())
        self._record = replace(self.record, **facts, finished_at=finished_at, duration_s=self._spent())
        self.journal.record(RunEnded(self.record.status, self.record.verdict))
        self.staging.close_logs()
        climbs = write_climbs(self.staging, EVENTS, self.redactor)
        if self.record.trials == 1 and self.trials.records:
            self.trials.end(0, _status_of(self.record))
        climbs += tuple(each for end in ended for each in end.climbs)
        self._record = self._as_kept(replace(self.record, trial_records=self.trials.records, climbs=climbs))
        if self.record.aggregation:
            self.told = told_trials(self.staging, self.record)
            write_trials(self.staging, self.record, self.redactor, told=self.told)
        write_outcome(self.staging, self.record, self.redactor, told=self.told)
        seals = write_cases(self.staging, self.record, self.redactor)
        write_otlp(self.staging, self.record, self.redactor)
        write_redaction_report(self.staging, _hits(self.redactor.hits(), *(end.hits for end in ended)), self.redactor)
        self._scan(secrets)
        finished = finish(self.staging, self.record, self.redactor, seals, signer=signer)
        self._is_over = True
        return finished

    def abandon(self, reason: str) -> None:
        """Leave the folder partial and say why; does nothing when the run has ended already."""
        if not self._is_over:
            self._is_over = True
            self.staging.abandon(self.redactor.text(reason))

    def _scan(self, secrets: SecretSet) -> None:
        try:
            refuse(scan(self.staging.folder, secrets))
        except LeakError as error:
            self.abandon(error.message)
            raise

    def _write(self, record: RunRecord) -> None:
        self._record = self._as_kept(record)
        write_run(self.staging, self._record, self.redactor)

    def _as_kept(self, record: RunRecord) -> RunRecord:
        """A record whose reasons quote no more than the events do."""
        line = self.recording.line
        scenarios = tuple(
            replace(
                each,
                reason=line(each.reason),
                missed=tuple(map(line, each.missed)),
                limits=tuple(map(line, each.limits)),
            )
            for each in record.scenarios
        )
        return replace(record, scenarios=scenarios)

    def _keep_state(self, state: RunState) -> None:
        self._state = state
        write_state(self.staging, state, self.redactor)

    def _kept(self) -> RunState:
        if self._state is None:
            msg = "the book was not begun"
            raise ValueError(msg)
        return self._state

    def _spent(self) -> float:
        return round(self.clock.monotonic() - self._begun, 6)


def _status_of(record: RunRecord) -> str:
    """How the one trial of a run ended: by its own scenarios, whatever the rollback came to."""
    if record.status is RunStatus.INTERRUPTED:
        return INTERRUPTED
    part = record.scenarios[0].folder.rpartition("/")[0] if record.scenarios else ""
    own = [each.verdict for each in record.scenarios if each.folder.rpartition("/")[0] == part]
    return fold(verdict for verdict in own if verdict is not Verdict.BLOCKED).value


def _hits(*counted: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """What several redactors have replaced, by source and class."""
    found: dict[str, dict[str, int]] = {}
    for sources in counted:
        for source, hits in sources.items():
            known = found.setdefault(source, {})
            for name, count in hits.items():
                known[name] = known.get(name, 0) + count
    return found
