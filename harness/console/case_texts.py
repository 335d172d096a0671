"""What a scenario left to read: the log of its worker, and its notes; each text with the file that it stands in.

A worker's log is a file of its own where a run holds one, and the lines of the job's result otherwise. Where there is
none it is said why, since a job that wrote nothing and a scenario that started no job are not the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.console.rendering import address
from harness.console.shelf import UNFINISHED
from harness.evidence.layout import NOTES
from harness.judging.documents import parse
from harness.reporting.stored import LostError, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.console.rendering import Json
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import ScenarioRecord

RESULT: Final = "result.json"
_LOG: Final = ".log"


def texts_of(entry: RunEntry, record: ScenarioRecord) -> Json:
    """The logs with the reason why there are none, and the notes."""
    logs, why = _logs(entry, record)
    names = [name for name in record.files if name == NOTES]
    return {"logs": logs, "why_no_logs": why, "notes": [] if _why_unread(entry) else list(_texts(entry, record, names))}


def _logs(entry: RunEntry, record: ScenarioRecord) -> tuple[list[Json], str]:
    if record.started_at is None:
        return [], f"it was not climbed: {record.reason or 'no reason is recorded'}"
    if why := _why_unread(entry):
        return [], why
    files = [name for name in record.files if name.endswith(_LOG)]
    told = [*_texts(entry, record, files), *_of_result(entry, record)]
    if told:
        return told, ""
    if RESULT in record.files:
        return [], f"the result of the job holds no log ({record.folder}/{RESULT})"
    return [], "it kept no result of a job, and no file of a log"


def _why_unread(entry: RunEntry) -> str:
    return "the run is not sealed, so none of its files is shown" if entry.condition in UNFINISHED else ""


def _texts(entry: RunEntry, record: ScenarioRecord, names: Iterable[str]) -> Iterator[Json]:
    for name in names:
        try:
            yield _told(entry, f"{record.folder}/{name}", text_of(entry.folder, f"{record.folder}/{name}"))
        except LostError as error:
            yield _told(entry, f"{record.folder}/{name}", "", why=str(error))


def _of_result(entry: RunEntry, record: ScenarioRecord) -> Iterator[Json]:
    """The lines that the worker put into its result."""
    if RESULT not in record.files:
        return
    path = f"{record.folder}/{RESULT}"
    try:
        found = parse(text_of(entry.folder, path))
    except LostError as error:
        yield _told(entry, path, "", why=str(error))
        return
    lines = found.get("logs") if isinstance(found, dict) else None
    if isinstance(lines, list) and lines:
        yield _told(entry, path, "\n".join(map(str, lines)), part="logs")


def _told(entry: RunEntry, path: str, text: str, *, part: str = "", why: str = "") -> Json:
    href = address("runs", entry.name, "files", *path.split("/"))
    return {"path": path, "part": part, "text": text.rstrip("\n"), "why": why, "href": href}
