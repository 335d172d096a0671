"""The deterministic engine: fixed rules, no model, the same bytes for the same workspace and instruction.

It plans first and writes afterwards: a rule that meets a layout it does not know leaves every file as it was. What the
rules do is decided in ``worker.rules``, which touches no file; how an instruction is kept from becoming code is told in
``worker.rules.comment``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from worker.contract import FORCED_ERROR, JobRequest, JobType
from worker.engines.outcome import Emit, Outcome
from worker.rules import plan
from worker.rules.problem import EditError
from worker.rules.words import is_forced_error
from worker.trace import Step, span
from worker.workspace import MissingFileError, UnsafePathError

if TYPE_CHECKING:
    from datetime import datetime

    from worker.workspace import Workspace

MAX_FILE_BYTES: Final = 1024 * 1024
"""A project file larger than this is no layout that the rules know."""


def run(
    request: JobRequest,
    workspace: Workspace,
    *,
    deadline: datetime,  # noqa: ARG001  # every engine is called alike; rules take milliseconds
    emit: Emit,
) -> Outcome:
    """Generate or edit the project as the instruction asks, or fail when it asks for that."""
    if is_forced_error(request.instruction):
        return Outcome("The job failed on purpose, because its instruction asks for it.", (FORCED_ERROR,))
    try:
        if request.job_type is JobType.INITIAL_PROJECT:
            return generate_initial(request.instruction, workspace, emit=emit)
        return apply_edit(request.instruction, workspace, today=time.strftime("%Y-%m-%d", time.gmtime()), emit=emit)
    except EditError as error:
        return Outcome(error.explanation, (error.code,))


def generate_initial(instruction: str, workspace: Workspace, *, emit: Emit) -> Outcome:
    """Create the three files of a new project; a file that exists is left alone.

    Raises:
        EditError: Something else than a directory stands where ``tests`` belongs.
    """
    with span(Step.PLAN) as planning:
        planned = plan.initial_project(instruction, Project(workspace))
        planning.note("evidence.rule", planned.rule)
    return _carry_out(planned, workspace, emit)


def apply_edit(instruction: str, workspace: Workspace, *, today: str, emit: Emit) -> Outcome:
    """Apply the first rule that fits the instruction.

    Args:
        instruction: Any text.
        workspace: The project's files.
        today: The date of a new change log entry, YYYY-MM-DD.
        emit: Takes the log lines.

    Raises:
        EditError: The rule cannot be applied to this project; nothing was written.
    """
    with span(Step.PLAN) as planning:
        planned = plan.edit(instruction, Project(workspace), today=today)
        planning.note("evidence.rule", planned.rule)
    return _carry_out(planned, workspace, emit)


def _carry_out(planned: plan.Plan, workspace: Workspace, emit: Emit) -> Outcome:
    emit(f"rule={planned.rule}")
    written_bytes = 0
    with span(Step.WRITE_FILES) as writing:
        for number, (path, data) in enumerate(planned.writes.items(), start=1):
            try:
                workspace.write(path, data)
            except UnsafePathError as error:
                raise EditError.unsupported_layout(path) from error
            written_bytes += len(data)
            writing.note("evidence.files.written", number)
            writing.note("evidence.files.bytes", written_bytes)
            emit(f"progress: wrote {path}, file {number} of {len(planned.writes)}")
    return Outcome(planned.summary)


class Project:
    """The workspace as the rules see it: whole files by name, or an ``EditError`` that says what is wrong."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def has(self, path: str) -> bool:
        """Tell whether anything stands at ``path``.

        Raises:
            EditError: ``unsupported_layout`` of the directory above, when that is a link or no directory.
        """
        try:
            return self._workspace.exists(path)
        except UnsafePathError as error:
            raise EditError.unsupported_layout(path.rpartition("/")[0]) from error

    def read(self, path: str) -> bytes:
        """Return the bytes of a project file.

        Raises:
            EditError: ``missing`` or ``unsupported_layout`` of that file.
        """
        try:
            data = self._workspace.read(path, max_bytes=MAX_FILE_BYTES)
        except MissingFileError as error:
            raise EditError.missing(path) from error
        except UnsafePathError as error:
            raise EditError.unsupported_layout(path) from error
        if len(data) > MAX_FILE_BYTES:
            raise EditError.unsupported_layout(path)
        return data
