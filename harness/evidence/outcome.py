"""Everything that is written once the verdicts are known: record, captures, summaries and reports, from one value.

All of them are made from the same ``RunRecord``, so that no export can say something else than ``run.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.evidence import layout
from harness.evidence.ctrf import ctrf
from harness.evidence.documents import pretty
from harness.evidence.junit import junit
from harness.evidence.run_record import encode_run
from harness.evidence.state import encode_state
from harness.evidence.summary import parts, run_summary, summary_markdown, summary_text
from harness.evidence.trial_summary import TrialsTold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.evidence.bundle import Staging
    from harness.evidence.redacting import Redacts
    from harness.evidence.run_record import RunRecord
    from harness.evidence.state import RunState


def write_run(staging: Staging, record: RunRecord, redactor: Redacts) -> None:
    """Write ``run.json`` anew: at the start, and whenever something is known for good."""
    staging.replace(layout.RUN, redactor.json(encode_run(record), source=layout.RUN))


def write_state(staging: Staging, state: RunState, redactor: Redacts) -> None:
    """Write ``state.json`` anew: after each scenario, so that a killed run can be resumed."""
    staging.replace(layout.STATE, redactor.json(encode_state(state), source=layout.STATE))


def write_outcome(staging: Staging, record: RunRecord, redactor: Redacts, *, told: TrialsTold | None = None) -> None:
    """Write the record for good, all summaries and the reports of a run that has ended.

    Args:
        staging: The run's folder.
        record: The run.
        redactor: Everything that is written has passed it.
        told: What several trials add up to besides the verdict.
    """
    write_run(staging, record, redactor)
    by_part = {f"{part}/{layout.SUMMARY}": summary_text(found) for part, found in parts(record).items()}
    texts = {
        layout.SUMMARY: run_summary(record, told or TrialsTold()),
        **by_part,
        layout.SUMMARY_MD: summary_markdown(record, told),
        layout.JUNIT: junit(record),
    }
    for path, text in texts.items():
        staging.write(path, redactor.text(text, source=path))
    staging.write(layout.CTRF, redactor.json(ctrf(record), source=layout.CTRF))


def write_redaction_report(staging: Staging, hits: Mapping[str, Mapping[str, int]], redactor: Redacts) -> None:
    """Write how often something was replaced, by file and class: the last file, when nothing more is redacted."""
    staging.write(layout.REDACTION, redactor.json(pretty({"hits": hits}), source=layout.REDACTION))
