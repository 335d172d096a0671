"""What ``ladder runs`` says: the list, or what pruning did; and what was wrong with the index, for standard error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.errors import PrerequisiteError
from harness.evidence.faults import EvidenceError
from harness.indexing.listing import list_facts
from harness.indexing.store import Index
from harness.indexing.telling import runs_json, runs_text
from harness.indexing.wishes import Wishes

if TYPE_CHECKING:
    from pathlib import Path

    from harness.errors import HarnessError
    from harness.indexing.pruning import Pruned
    from harness.indexing.sieve import Sieve

_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Said:
    """What a command says.

    Attributes:
        warnings: One line each, for standard error.
        error: What it ends with, after all has been said.
    """

    text: str
    warnings: tuple[str, ...] = ()
    error: HarnessError | None = None


def say_runs(root: Path, wishes: Wishes, limit: int | None, *, rebuilds: bool, as_json: bool) -> Said:
    """List the runs that are wished for.

    Raises:
        UsageError: As ``Sieve.of``.
        EvidenceError: ``evidence-unreadable``.
    """
    sieve, index = _sieve(wishes), Index(root)
    if rebuilds:
        index.forget()
    listing = list_facts(root, index, with_contents=sieve is not None and sieve.needs_contents)
    found = sieve.sifted(listing.runs, listing.contents) if sieve else listing.runs
    text = runs_json(root, found[:limit]) if as_json else runs_text(found[:limit], is_narrowed=bool(listing.runs))
    return Said(text, tuple(index.warnings))


def _sieve(wishes: Wishes) -> Sieve | None:
    if wishes == Wishes():
        return None
    from datetime import UTC, datetime

    from harness.indexing.sieve import Sieve

    return Sieve.of(wishes, datetime.now(UTC))


def say_pruned(root: Path, keep: int, *, is_forced: bool, as_json: bool) -> Said:
    """Remove old runs.

    Raises:
        PrerequisiteError: ``evidence-unwritable`` or ``evidence-locked``.
        EvidenceError: ``evidence-unreadable``.
    """
    from harness.indexing.pruning import prune

    index = Index(root)
    done = prune(root, index, keep, is_forced=is_forced)
    if as_json:
        told = {"removed": done.removed, "held": done.held, "failed": done.failed, "kept": done.kept}
        text = f"{json.dumps(told, indent=2)}\n"
    else:
        text = "".join(f"removed {name}\n" for name in done.removed) + _kept(done.kept)
    return Said(text, tuple(index.warnings), _error_of(done))


def _kept(count: int) -> str:
    return f"{count} run is kept\n" if count == 1 else f"{count} runs are kept\n"


def _error_of(done: Pruned) -> HarnessError | None:
    if done.failed:
        name, why = next(iter(done.failed.items()))
        message = f"{len(done.failed)} runs could not be removed; the first is {name}: {why}"
        return PrerequisiteError("prune-failed", message, "see who owns them, and prune again")
    if done.held:
        named = ", ".join(done.held[:_MOST_NAMED])
        more = f" and {len(done.held) - _MOST_NAMED} more" if len(done.held) > _MOST_NAMED else ""
        message = f"without {named}{more} the chain of the other runs would be broken or their trials gone"
        hint = "move the whole evidence folder to an archive and start another; or add --force, and verifying tells it"
        return EvidenceError("prune-breaks-chain", message, hint)
    return None
