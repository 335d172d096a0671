"""Later evaluations of trials: ``.ladder/evals/<trace_id>/<eval_id>.json`` beside the bundles, which stay as sealed.

Each is written once: filled under a temporary name in its folder, flushed, renamed, and the folder flushed. Listing
reads what is there and tells of one that cannot be read; it is never a reason to fail.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.documents import of_schema, pretty
from harness.evidence.guarded import PRIVATE_FOLDER, GuardedFolder, open_root, stored_text, translated
from harness.evidence.records import DamagedRecordError
from harness.ids import is_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.redaction.redacted import RedactedText

SCHEMA: Final = "ladder.evaluation/1"
HIDDEN: Final = ".ladder"
EVALUATIONS: Final = ".ladder/evals"


@dataclass(frozen=True, slots=True, order=True)
class Evaluation:
    """One later evaluation; ids sort by when they were made.

    Attributes:
        why: Why it cannot be read; empty when it can.
    """

    eval_id: str
    made_at: str = ""
    source: str = ""
    verdict: str = ""
    why: str = ""


def file_of(trace_id: str, eval_id: str) -> str:
    """Where an evaluation lies, below the evidence root."""
    if not is_id(trace_id) or not is_id(eval_id):
        msg = f"{trace_id!r} or {eval_id!r} is no id"
        raise ValueError(msg)
    return f"{EVALUATIONS}/{trace_id}/{eval_id}.json"


def spell(document: Mapping[str, Any]) -> str:
    """Spell an evaluation."""
    return pretty({"schema": SCHEMA, **document})


def store(root: Path, trace_id: str, eval_id: str, *, text: RedactedText) -> Path:
    """Write an evaluation.

    Args:
        root: The evidence root.
        trace_id: Of the trial or scenario that was judged.
        eval_id: Of the evaluation.
        text: Spelt, redacted.

    Raises:
        PrerequisiteError: ``evidence-unwritable``.
    """
    path = file_of(trace_id, eval_id)
    with translated(path):
        root.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = open_root(root)
    try:
        GuardedFolder(descriptor).replace(path, text.encode("utf-8", "backslashreplace"))
    finally:
        os.close(descriptor)
    return root / path


def evaluations_of(root: Path, trace_id: str) -> tuple[Evaluation, ...]:
    """The later evaluations of a trial or scenario, oldest first."""
    folder = root / EVALUATIONS / trace_id
    if not is_id(trace_id) or folder.is_symlink() or not folder.is_dir():
        return ()
    names = sorted(path.name.removesuffix(".json") for path in folder.glob("*.json"))
    return tuple(_read(folder, name) for name in names if is_id(name))


def _read(folder: Path, eval_id: str) -> Evaluation:
    try:
        found = of_schema(stored_text(folder / f"{eval_id}.json"), SCHEMA)
    except (OSError, UnicodeDecodeError, DamagedRecordError) as error:
        return Evaluation(eval_id, why=f"it cannot be read: {type(error).__name__}")
    made_at, source, verdict = (str(found.get(key, "")) for key in ("made_at", "source", "verdict"))
    return Evaluation(eval_id, made_at, source, verdict)
