"""What a job's worker has printed: of a running job from its launcher, of an ended one from the kept copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.judgement import TRUNCATED_LINE
from backend.launchers.base import Handle, LauncherError
from worker.contract import JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backend.job_copies import JobCopies
    from backend.launchers.base import Launcher
    from backend.models import Attempt, Job
    from backend.redaction import Redactor
    from backend.service import Service


@dataclass(frozen=True, slots=True)
class JobOutputs:
    """Reads outputs; every text passes the redactor before it leaves."""

    service: Service
    launchers: Mapping[str, Launcher]
    copies: JobCopies
    redactor: Redactor
    max_bytes: int

    def read(self, project_id: str, job_id: str) -> str:
        """Give the output of a job; empty while no worker has printed anything.

        Raises:
            NotFoundError: There is no such job in this project.
        """
        job, attempt = self.service.job(project_id, job_id)
        if job.status == JobStatus.IN_PROGRESS and attempt is not None and attempt.ref is not None:
            return self._live(job, attempt, attempt.ref)
        return self.copies.read_log(project_id, job_id)

    def _live(self, job: Job, attempt: Attempt, ref: str) -> str:
        handle = Handle(attempt.launcher, ref, job.project_id, job.id, attempt.number, attempt.deadline_at)
        try:
            output = self.launchers[attempt.launcher].collect(handle, max_bytes=self.max_bytes)
        except (LauncherError, KeyError):
            return ""
        # The last line may be half written, and half a secret is not recognised as one: it is shown when it is whole.
        complete = output.data[: output.data.rfind(b"\n") + 1]
        text = self.redactor.redact(complete.decode("utf-8", "replace")).text
        return (TRUNCATED_LINE if output.truncated else "") + text
