"""From a stored run to one report of it: made, passed through the redactor like everything that leaves, and written.

A report of a run that is not sound is written all the same, says so first, and ends with an error.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from harness.errors import PrerequisiteError, UsageError
from harness.evidence.documents import pretty
from harness.evidence.faults import EvidenceError
from harness.evidence.printable import block
from harness.reporting.choices import ReportForm
from harness.reporting.exports import ctrf_export, junit_export
from harness.reporting.html_page import html_page
from harness.reporting.markdown_page import markdown_page
from harness.reporting.otlp_export import otlp_export
from harness.reporting.standing import standing_of
from harness.reporting.statement import STATEMENT_TYPE, statement_of
from harness.reporting.told_run import told_run
from harness.sealing.envelope import envelope

if TYPE_CHECKING:
    from harness.evidence.reading import RunEntry
    from harness.evidence.redacting import Redacts
    from harness.reporting.standing import Standing
    from harness.sealing.envelope import Signs


@dataclass(frozen=True, slots=True)
class Report:
    """One report, and how far the run can be believed that it tells of."""

    run: str
    run_id: str
    form: ReportForm
    text: str
    standing: Standing

    def document(self, output: Path | None) -> dict[str, Any]:
        """For ``--json``: the report itself only where it was not written elsewhere."""
        return {
            "run": self.run,
            "run_id": self.run_id or None,
            "format": self.form.value,
            "output": str(output) if output else None,
            **self.standing.document(),
            "reason": None if self.standing.is_sound else "run-not-sound",
            "report": None if output else self.text,
        }

    def refuse_unsound(self) -> None:
        """End the command, once the report is written.

        Raises:
            EvidenceError: ``run-not-sound``.
        """
        if not self.standing.is_sound:
            told = "; ".join(self.standing.lines[:2])
            raise EvidenceError("run-not-sound", f"{self.run}: {told}", "the report says so too; see `ladder verify`")


def make_report(entry: RunEntry, form: ReportForm, redactor: Redacts, *, signer: Signs | None = None) -> Report:
    """Make a report.

    Args:
        entry: The run.
        form: Of the report.
        redactor: Of this checkout: what it knows as secret now may not have been when the run was sealed.
        signer: Puts an in-toto statement into a signed envelope; the other forms have no place for a signature.

    Raises:
        EvidenceError: ``run-unreadable``, ``report-underivable`` or ``run-not-sound``, in forms that have no place
            for saying so.
    """
    text, standing = _made(entry, form)
    redacted = _redacted(text, form, redactor)
    if form is ReportForm.INTOTO and signer is not None:
        redacted = envelope(redacted.encode(), signer, STATEMENT_TYPE)
    return Report(entry.name, entry.run_id, form, redacted, standing)


def _made(entry: RunEntry, form: ReportForm) -> tuple[str, Standing]:
    match form:
        case ReportForm.JUNIT:
            return junit_export(entry)
        case ReportForm.CTRF:
            return ctrf_export(entry)
        case ReportForm.INTOTO:
            return pretty(statement_of(entry)), standing_of(entry)
        case ReportForm.OTLP if entry.record is not None:
            standing = standing_of(entry)
            return otlp_export(entry, entry.record, standing), standing
        case ReportForm.OTLP:
            raise EvidenceError("run-unreadable", f"{entry.folder}: {entry.why}", "`ladder runs` lists the others")
    run = told_run(entry)
    return (html_page(run) if form is ReportForm.HTML else markdown_page(run)), run.standing


def _redacted(text: str, form: ReportForm, redactor: Redacts) -> str:
    if form in {ReportForm.CTRF, ReportForm.INTOTO}:
        return redactor.json(text, source=form)
    if form is ReportForm.OTLP:
        return "".join(f"{redactor.line(line, source=form)}\n" for line in text.splitlines())
    return redactor.text(text, source=form)


def shown_on(stream: TextIO, text: str) -> str:
    """What is printed: on a terminal, signs that it would obey are spelt out; a program gets the bytes as they are."""
    return block(text) if stream.isatty() else text


def write_report(report: Report, output: Path, *, sealed: Path) -> None:
    """Write a report to a file: all of it or nothing, unless the file is a pipe or a device.

    Args:
        report: What is written.
        output: Where to; what is there is replaced.
        sealed: The run's folder, in which nothing may be written any more.

    Raises:
        UsageError: ``output-in-bundle``.
        PrerequisiteError: ``report-unwritable``.
    """
    if output.resolve().is_relative_to(sealed.resolve()):
        message = f"{output} lies in the run's own folder, which is sealed"
        raise UsageError("output-in-bundle", message, "write the report beside it")
    try:
        _write(output, report.text.encode())
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}"
        raise PrerequisiteError("report-unwritable", message, "choose another file with --output") from error


def _write(output: Path, data: bytes) -> None:
    if output.exists() and not stat.S_ISREG(output.stat().st_mode):
        output.write_bytes(data)
        return
    # A link is followed, so that what it leads to is replaced and not the link.
    target = output.resolve()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
