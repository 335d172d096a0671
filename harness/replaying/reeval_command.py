"""``ladder reeval`` from what was typed to what is stored, what is printed, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.evidence.faults import EvidenceError
from harness.evidence.layout import MANIFEST
from harness.evidence.manifest import sha256
from harness.evidence.reading import list_runs
from harness.evidence.timestamps import timestamp
from harness.ids import new_id
from harness.replaying.commands import Said, refused, spelt
from harness.replaying.evaluations import file_of, spell, store
from harness.replaying.opinions import Opinions
from harness.replaying.reeval import NOT_KEPT, reevaluate, refuse
from harness.replaying.reeval_document import head_document, reeval_text, trial_document, whole_document
from harness.replaying.replay_text import safe

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from harness.evidence.redacting import Redacts
    from harness.replaying.judged_by import Project
    from harness.replaying.replay import Finds
from harness.replaying.reeval import Asked, Reevaluation


@dataclass(frozen=True, slots=True)
class Desk:
    """What an evaluation is made with, besides the evidence.

    Attributes:
        root: Where evidence lies.
        redactor: Everything that is stored has passed it.
        project: Where scenario files may lie.
        now: The instant that it is dated with.
        find: Lists the runs that could be meant.
    """

    root: Path
    redactor: Redacts
    project: Project
    now: Callable[[], datetime]
    find: Finds = list_runs


def say_reeval(desk: Desk, asked: Asked, *, as_json: bool) -> Said:
    """Judge a recorded run again; what came of it is stored before it is told.

    Raises:
        UsageError: The name is none or fits several, or the file is not there or has faults.
        PrerequisiteError: ``evidence-unwritable``.
    """
    opinions = Opinions(desk.redactor, desk.project.environ) if asked.judges_live else None
    try:
        found = reevaluate(desk.root, asked, desk.project, ask=opinions.ask if opinions else None, find=desk.find)
    except HarnessError as error:
        return refused(error, as_json=as_json)
    warnings = [f"warning[drift]: {safe(each)}" for each in found.by.differences]
    try:
        refuse(found, asked)
    except EvidenceError as error:
        return refused(error, tuple(warnings), as_json=as_json)
    document, paths = _store(desk, found, asked, told=opinions.told if opinions else [])
    if number := len(found.skipped):
        warnings.append(f"warning[{NOT_KEPT}]: {number} checks skipped: what they look at was not kept")
    if found.reason:
        warnings.append(f"error[{found.reason}]: the verdict is {found.again.verdict}")
    shown = spelt(document) if as_json else reeval_text(found, paths)
    return Said(shown, "\n".join(warnings), found.again.exit_code)


def _store(desk: Desk, found: Reevaluation, asked: Asked, *, told: list[Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Store an evaluation of each trial, all with one id; gives what is told, and where they lie."""
    eval_id, made_at = new_id(), timestamp(desk.now())
    seal = sha256((found.run.entry.folder / MANIFEST).read_bytes())
    head = {"eval_id": eval_id, "made_at": made_at, **head_document(found, asked, manifest_sha256=seal)}
    head["judgements"] = told
    trials = [trial_document(found, each) for each in found.again.trials]
    paths: list[str] = []
    for each in trials:
        trace_id = found.trace_id or each["trial"]
        text = spell({**head, "trace_id": trace_id, **each})
        path = file_of(trace_id, eval_id)
        store(desk.root, trace_id, eval_id, text=desk.redactor.json(text, source=path))
        paths.append(path)
    whole: dict[str, Any] = {**head, "trials": trials, **whole_document(found), "stored": paths}
    return whole, tuple(paths)
