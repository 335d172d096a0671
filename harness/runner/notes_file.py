"""Writes ``notes.txt`` of a scenario from its own events, read back from disk, so that no run keeps them in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.evidence.layout import NOTES
from harness.evidence.notes import notes
from harness.evidence.trouble import gather

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.evidence.event_lines import Entry
    from harness.evidence.journal import Start
    from harness.runner.scenario import Climbed
    from harness.runner.scene import Scene

WORKER_LOGS: Final = ("worker.log", "docker.log")
"""Artifacts that may hold the worker's output, the fuller one first."""


def write_notes(scene: Scene, climbed: Climbed) -> None:
    """Write the notes of a scenario, or write them anew with what has been remarked since."""
    trouble = gather(
        _entries(scene, climbed.mark),
        verdict=climbed.record.verdict,
        mode=scene.ladder.mode,
        worker_log=_worker_log(scene),
    )
    said = [scene.scenario.notes] if scene.scenario.notes else []
    text = notes(climbed.record, trouble, remarks=[*said, *scene.remarks])
    scene.log.save("", NOTES, text)


def _entries(scene: Scene, mark: Start) -> Iterator[Entry]:
    return (entry for entry in scene.log.since(mark) if getattr(entry.event, "scenario", scene.id) == scene.id)


def _worker_log(scene: Scene) -> str:
    for name in WORKER_LOGS:
        if scene.log.files.get(name):
            data = scene.around.records.staging.files.read(f"{scene.log.folder}/{name}")
            return data.decode("utf-8", "replace")
    return ""
