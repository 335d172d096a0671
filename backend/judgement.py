"""Turns the facts of an attempt into the end of its job: state, failure kind, result document, kept copies.

The worker's result is read once, after its end, and believed only if it is valid and nothing outranks it. In every
other case the backend's own document takes its place in the workspace, and what the worker left is kept beside it.

A verdict is kept before anything is replaced, and a later process recalls it: judging again would find the backend's
own document and take it for the worker's. Doubt: when STATE_DIR cannot be written, there is nothing to recall.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from backend import results
from backend.classification import Attempt as Facts
from backend.classification import NoResult, classify
from backend.lifecycle import now, rfc3339
from backend.redaction import Redacted
from backend.results import JobIdentity, TakenResult
from backend.workspace import writer
from backend.workspace.errors import ResultMissingError, ResultUnreadableError, WorkspaceError
from worker.contract import ContractError, EngineName, FailureKind, JobStatus

if TYPE_CHECKING:
    from pathlib import Path

    from backend.attempt import AttemptReport
    from backend.classification import Outcome, RecordedStop
    from backend.job_copies import JobCopies
    from backend.launchers.base import WorkerLog
    from backend.models import Job
    from backend.redaction import Redactor

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

    def to_json(self) -> str:
        """Spell everything but the result document, which has a copy of its own."""
        names = ("status", "failure_kind", "summary", "redactions", "warnings")
        return json.dumps({name: getattr(self, name) for name in names}) + "\n"

    @classmethod
    def from_json(cls, text: str, result_text: str) -> Verdict:
        """Read what ``to_json`` wrote."""
        values = json.loads(text)
        kind = values["failure_kind"]
        return cls(
            status=JobStatus(values["status"]),
            failure_kind=FailureKind(kind) if kind else None,
            summary=values["summary"],
            result_text=result_text,
            redactions=values["redactions"],
            warnings=tuple(values["warnings"]),
        )


@dataclass(frozen=True, slots=True)
class _Left:
    """What was found in the workspace after the worker's end; ``text`` is redacted."""

    found: TakenResult | ContractError | NoResult
    text: str | None = None
    hits: int = 0


def kept_output(output: WorkerLog, redactor: Redactor) -> Redacted:
    """Make a worker's output fit to be kept: without secrets, and marked where older output is missing.

    A secret that the cut went through is no longer recognised, so what could be its end is dropped, to the next line.
    """
    clean = redactor.redact(output.data.decode("utf-8", "replace"))
    if not output.truncated:
        return clean
    rest = clean.text[redactor.longest :]
    return Redacted(TRUNCATED_LINE + rest[rest.find("\n") + 1 :], clean.hits)


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
        output = kept_output(report.log, self.redactor)
        verdict = Verdict(
            status=outcome.status,
            failure_kind=outcome.failure_kind,
            summary=summary,
            result_text=text,
            redactions=output.hits + left.hits,
            warnings=outcome.warnings,
        )
        self._keep(job, verdict, output=output.text, left=None if taken else left.text)
        if taken is None or left.hits:
            self._replace_result(workspace, text)
        return verdict

    def recall(self, job: Job, workspace: Path) -> Verdict | None:
        """Give the verdict that an earlier process reached and could not record; ``None`` when there is none."""
        kept = self.copies.read(self.copies.verdict_path(job.project_id, job.id))
        result_text = self.copies.read(self.copies.result_path(job.project_id, job.id))
        if not kept or not result_text:
            return None
        verdict = Verdict.from_json(kept, result_text)
        self._replace_result(workspace, result_text)
        return verdict

    def _read_result(self, identity: JobIdentity, workspace: Path) -> _Left:
        try:
            data = writer.take_result(workspace, self.max_result_bytes)
        except ResultMissingError:
            return _Left(NoResult.MISSING)
        except ResultUnreadableError as error:
            return _Left(ContractError(error.reference, str(error)))
        clean = self.redactor.redact(data.decode("utf-8", "replace"))
        try:
            taken = results.take(data, identity, max_bytes=self.max_result_bytes, redactor=self.redactor)
        except ContractError as error:
            return _Left(self._unquoted(error, clean), clean.text, clean.hits)
        return _Left(taken, clean.text, taken.hits)

    @staticmethod
    def _unquoted(error: ContractError, clean: Redacted) -> ContractError:
        # The message may quote the beginning of a value, and the beginning of a secret is not recognised as one.
        return ContractError(error.reference, "it held a secret and is not quoted") if clean.hits else error

    def _own_document(self, job: Job, identity: JobIdentity, outcome: Outcome) -> tuple[str, str]:
        summary = results.storable_summary(self.redactor.redact(outcome.summary).text)
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

    def _keep(self, job: Job, verdict: Verdict, *, output: str, left: str | None) -> None:
        place = (job.project_id, job.id)
        kept = {self.copies.result_path(*place): verdict.result_text, self.copies.log_path(*place): output}
        if left is not None:
            kept[self.copies.left_path(*place)] = left
        # Last: who finds a verdict finds the rest, too.
        kept[self.copies.verdict_path(*place)] = verdict.to_json()
        try:
            for path, content in kept.items():
                self.copies.save(path, content)
        except OSError as error:
            log.warning("job.copies_not_kept", job_id=job.id, error=type(error).__name__)
