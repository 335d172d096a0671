"""Removes old runs from the disk, whole and never a part, with the later evaluations of their traces.

The lock of the evidence root is held meanwhile, so that no run is sealed onto one that goes. A folder is renamed before
it is emptied, newest first, so that a kill leaves neither half a run nor one that continues from nothing; what it
leaves under the other name, the next pruning removes. The lock of a partial folder is asked for, not guessed at.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.evidence.chaining import stored_runs
from harness.evidence.finishing import locked
from harness.evidence.guarded import open_folder_at, read_at, try_lock
from harness.evidence.layout import LEDGER, PARTIAL_SUFFIX, TRACES
from harness.indexing.facts import bare_id
from harness.indexing.listing import list_facts
from harness.indexing.marks import is_run
from harness.indexing.place import hidden
from harness.indexing.retention import Chained, decide
from harness.indexing.words import FINISHED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.indexing.facts import Facts
    from harness.indexing.listing import Listing
    from harness.indexing.store import Index

EVALUATIONS: Final = "evals"
"""Below ``.ladder``: a folder for each trace."""

ABOUT_TO_LOCK_S: Final = 60
"""A run makes its folder a moment before it locks it."""

_GOING: Final = ".pruned-"


@dataclass(slots=True)
class Pruned:
    """What became of the runs.

    Attributes:
        removed: Folders that are gone, newest first.
        held: Folders that stay, because others that stay are built on them.
        failed: Folders that could not be removed, and why.
    """

    removed: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    kept: int = 0


def prune(
    root: Path, index: Index, keep: int, *, is_forced: bool = False, now_s: Callable[[], float] = time.time
) -> Pruned:
    """Keep the newest finished runs and remove what is older.

    Args:
        root: Where evidence lies.
        index: Its index.
        keep: So many finished runs stay.
        is_forced: Whether runs that the ledger lists go as well.
        now_s: Time of day.

    Raises:
        PrerequisiteError: ``evidence-unwritable`` or ``evidence-locked``.
        EvidenceError: ``evidence-unreadable``.
    """
    done = Pruned()
    if not list_facts(root, index).runs:
        return done
    with locked(root) as descriptor:
        _finish_earlier(descriptor)
        listing = list_facts(root, index, with_contents=True)
        chosen = decide(listing.runs, keep, _chained(descriptor, listing), is_forced=is_forced)
        done.held = [each.folder for each in chosen.held]
        traces: set[str] = set()
        for facts in chosen.going:
            told = _traces_in(descriptor, facts.folder, listing.contents[facts.folder].traces)
            if _remove(descriptor, facts, done, now_s=now_s):
                traces |= told
        rest = [each for each in listing.runs if each.folder not in done.removed]
        done.kept = len(rest)
        for each in rest:
            traces -= _traces_in(descriptor, each.folder, listing.contents[each.folder].traces) if traces else set()
    _remove_evaluations(root, traces)
    return done


def _chained(root: int, listing: Listing) -> Chained:
    names = [each.folder for each in listing.runs if not each.folder.endswith(PARTIAL_SUFFIX)]
    ledger = read_at(root, LEDGER) or b""
    stored = tuple(stored_runs(root, names))
    by_manifest = {each.manifest_sha256: each.run for each in stored}
    before = {each.run: by_manifest.get(each.prev, "") for each in stored}
    by_id = {each.run_id: each.folder for each in reversed(listing.runs)}
    needs = {
        name: {before.get(name, ""), *(by_id.get(run_id, "") for run_id in contents.builds_on.split())} - {""}
        for name, contents in listing.contents.items()
    }
    # Whatever stands around a name, such as a line that somebody edited: it holds the run.
    return Chained({name for name in names if name.encode() in ledger}, needs)


def _remove(root: int, facts: Facts, done: Pruned, *, now_s: Callable[[], float]) -> bool:
    name = facts.folder
    try:
        if facts.condition != FINISHED and _is_alive(root, name, now_s()):
            return False
        os.rename(name, f"{_GOING}{name}", src_dir_fd=root, dst_dir_fd=root)
        done.removed.append(name)
        _erase(root, f"{_GOING}{name}")
    except OSError as error:
        done.failed[name] = error.strerror or type(error).__name__
    return name in done.removed


def _is_alive(root: int, name: str, now_s: float) -> bool:
    if not name.endswith(PARTIAL_SUFFIX) or not stat.S_ISDIR(_mode(root, name)):
        return False
    folder = open_folder_at(root, name)
    try:
        return os.fstat(folder).st_ctime + ABOUT_TO_LOCK_S > now_s or not try_lock(folder)
    finally:
        os.close(folder)


def _mode(root: int, name: str) -> int:
    return os.stat(name, dir_fd=root, follow_symlinks=False).st_mode


def _erase(root: int, name: str) -> None:
    if not stat.S_ISDIR(_mode(root, name)):
        os.unlink(name, dir_fd=root)
        return
    for _, _, _, folder in os.fwalk(name, dir_fd=root):
        # A sealed run is read-only, folders included.
        os.fchmod(folder, stat.S_IRWXU)
    shutil.rmtree(name, dir_fd=root)


def _finish_earlier(root: int) -> None:
    for name in os.listdir(root):
        if name.startswith(_GOING) and is_run(name.removeprefix(_GOING)):
            with suppress(OSError):
                _erase(root, name)


def _traces_in(root: int, name: str, lines: str) -> set[str]:
    """Ids of all traces of a run: those that it tells, and those that lie in it."""
    found = set(lines.split())
    with suppress(OSError):
        folder = open_folder_at(root, name)
        try:
            inner = open_folder_at(folder, TRACES)
        finally:
            os.close(folder)
        try:
            found |= {bare_id(file.partition(".")[0]) for file in os.listdir(inner)}  # noqa: PTH208  # an open folder
        finally:
            os.close(inner)
    return found


def _remove_evaluations(root: Path, traces: set[str]) -> None:
    with suppress(OSError), hidden(root) as folder:
        if folder is None or not traces:
            return
        inner = open_folder_at(folder, EVALUATIONS)
        try:
            for name in os.listdir(inner):  # noqa: PTH208  # likewise
                if bare_id(name) in traces:
                    _erase(inner, name)
        finally:
            os.close(inner)
