"""Turns the facts of an attempt into the end of its job: state, failure kind, result document, kept copies.

The worker's result is read once, after its end, and believed only if it is valid and nothing outranks it. In every
other case the backend's own document takes its place in the workspace, and what the worker left is kept beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from backend import results
from backend.classification import Attempt as Facts
from backend.classification import NoResult, classify
from backend.lifecycle import now, rfc3339
from backend.results import JobIdentity, TakenResult
from backend.workspace import writer
from backend.workspace.errors import ResultMissingError, ResultUnreadableError, WorkspaceError
from worker.contract import ContractError, EngineName, FailureKind

if TYPE_CHECKING:
    from pathlib import Path

    from backend.attempt import AttemptReport
    from backend.classification import Outcome, RecordedStop
    from backend.job_copies import JobCopies
    from backend.models import Job
    from backend.redaction import Redactor
    from worker.contract import JobStatus

log = structlog.get_logger(__name__)

TRUNCATED_LINE = "[older output was dropped]\n"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a job, ready to be recorded.

    Attributes:
        result_text: The result document as it will be served.
        redactions: Secrets taken out of result and output together.
    """

    status: JobStatus
    failure_kind: FailureKind | None
    summary: str
    result_text: str
    redactions: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Left:
    """What was found in the workspace after the worker's end."""

    data: bytes | None
    found: TakenResult | ContractError | NoResult


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges attempts; keeps copies below STATE_DIR."""

    copies: JobCopies
    redactor: Redactor
    max_result_bytes: int

    def judge(self, job: Job, workspace: Path, *, report: AttemptReport, stop: RecordedStop | None) -> Verdict:
        """Decide how a job ends and leave its result where it will be looked for."""
        identity = JobIdentity(job.project_id, job.id, job.trace_id, EngineName(job.engine))
        left = self._read_result(identity, workspace)
        fact = left.found.status if isinstance(left.found, TakenResult) else left.found
        outcome = classify(Facts(report.ending, fact, stop, report.interruptions))
        taken = left.found if isinstance(left.found, TakenResult) and outcome.failure_kind is None else None
        text, summary = (taken.text, taken.summary) if taken else self._own_document(job, identity, outcome)
        if taken is None or taken.hits:
            self._replace_result(workspace, text)
        log_hits = self._keep(job, report, text=text, left=None if taken else left.data)
        return Verdict(
            status=outcome.status,
            failure_kind=outcome.failure_kind,
            summary=summary,
            result_text=text,
            redactions=log_hits + (left.found.hits if isinstance(left.found, TakenResult) else 0),
            warnings=outcome.warnings,
        )

    def _read_result(self, identity: JobIdentity, workspace: Path) -> _Left:
        try:
            data = writer.take_result(workspace, self.max_result_bytes)
        except ResultMissingError:
            return _Left(None, NoResult.MISSING)
        except ResultUnreadableError as error:
            return _Left(None, ContractError(error.reference, str(error)))
        except WorkspaceError:
            return _Left(None, NoResult.MISSING)
        try:
            return _Left(data, results.take(data, identity, max_bytes=self.max_result_bytes, redactor=self.redactor))
        except ContractError as error:
            return _Left(data, error)

    def _own_document(self, job: Job, identity: JobIdentity, outcome: Outcome) -> tuple[str, str]:
        summary = self.redactor.redact(outcome.summary).text
        finished = rfc3339(now())
        times = (rfc3339(job.started_at or job.created_at), finished)
        kind = outcome.failure_kind or FailureKind.LOST
        return results.write_for_failure(identity, kind, summary=summary, times=times), summary

    @staticmethod
    def _replace_result(workspace: Path, text: str) -> None:
        try:
            writer.write_result(workspace, text)
        except WorkspaceError as error:
            # The document is kept in the database all the same, and that is where it is served from.
            log.warning("result.not_written_to_workspace", error=error.reference)

    def _keep(self, job: Job, report: AttemptReport, *, text: str, left: bytes | None) -> int:
        output = self.redactor.redact(report.log.data.decode("utf-8", "replace"))
        head = TRUNCATED_LINE if report.log.truncated else ""
        kept = {
            self.copies.result_path(job.project_id, job.id): text,
            self.copies.log_path(job.project_id, job.id): head + output.text,
        }
        if left is not None:
            kept[self.copies.left_path(job.project_id, job.id)] = self.redactor.redact(
                left.decode("utf-8", "replace")
            ).text
        try:
            for path, content in kept.items():
                self.copies.save(path, content)
        except OSError as error:
            log.warning("job.copies_not_kept", error=type(error).__name__)
        return output.hits
