"""Pipelines from the log of a run that goes on or was killed: climb by climb, as far as its events go.

They are told as the runner tells them at the end of a run. Only the lines that begin or end something are decoded; a
log has thousands of others. The doubt: a line of more than 16 MiB is read in pieces, none of which counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.evidence.event_lines import decode
from harness.evidence.records import DamagedRecordError
from harness.traces.climb_trace import told_climbs
from harness.traces.pipeline import PipelineStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.evidence.event_lines import Entry
    from harness.evidence.events import ClimbStarted
    from harness.traces.pipeline import Pipeline

_WORDS: Final = ("climb_started", "climb_ended", "scenario_started", "scenario_ended", "run_ended")
_TOLD: Final = tuple(f'"type":"{word}"'.encode() for word in _WORDS)
_MAX_LINE: Final = 16 << 20
_HEAD: Final = 400
"""Bytes of a line in which its type stands."""


def observed_pipelines(log: Path, *, is_running: bool) -> list[tuple[ClimbStarted, Pipeline]]:
    """Each climb of a log: RUNNING while the run is, and else CANCELLED where its end was never seen.

    Args:
        log: Events of the run, or of one of its trials.
        is_running: Whether the run goes on.

    Raises:
        DamagedRecordError: A line that begins or ends something is not whole.
        OSError: The log cannot be read.
    """
    return [(each.started, _ended(each.pipeline, is_running=is_running)) for each in told_climbs(_lines(log))]


def _ended(pipeline: Pipeline, *, is_running: bool) -> Pipeline:
    is_cut_short = pipeline.pipeline_status is PipelineStatus.RUNNING and not is_running
    return replace(pipeline, pipeline_status=PipelineStatus.CANCELLED) if is_cut_short else pipeline


def _lines(log: Path) -> Iterator[Entry]:
    with log.open("rb") as file:
        while line := file.readline(_MAX_LINE):
            # Inside of a text the quotes of these words would be escaped.
            if line.endswith(b"\n") and any(word in line[:_HEAD] for word in _TOLD):
                yield _decoded(line)


def _decoded(line: bytes) -> Entry:
    try:
        return decode(line.decode())
    except (UnicodeDecodeError, OverflowError) as error:
        raise DamagedRecordError(str(error)) from error
