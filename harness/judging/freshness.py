"""Whether a document is the work of the job that was just submitted, or what an earlier job left behind. Pure.

The ``job_id`` inside decides. A document without one can only be shown to differ from what was there before, which is
at best a limitation; one that is dated before the step, or equal to what was there, is stale. Freshness that is never
shown makes a poll inconclusive, never green. The doubt: a clock that is wrong can date a new document into the past.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from harness.judging.results import show

if TYPE_CHECKING:
    from harness.judging.observation import Exchange


class Before(StrEnum):
    """What a read of the path showed before the step."""

    ABSENT = "absent"
    PRESENT = "present"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The document before the step; by its digest, since its content is of no further use."""

    before: Before
    digest: str = ""


NO_PROJECT: Final = Baseline(Before.ABSENT)
"""The step makes the project, so nothing can have been there before."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What makes a document fresh.

    Attributes:
        job_id: As captured; compared as text.
        began_at: When the step named in ``fresh_after`` began; seconds since the epoch.
        baseline: Read before that step.
    """

    job_id: str
    began_at: float
    baseline: Baseline


class Age(StrEnum):
    """How a document stands to the step."""

    FRESH = "fresh"
    DIFFERENT = "different"
    """Fresh as far as a document without ``job_id`` can be: its scenario is at best LIMITED."""
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Judged:
    """An age and, unless it is fresh, the reason."""

    age: Age
    why: str = ""


def baseline_of(exchange: Exchange, doc: Any) -> Baseline:  # noqa: ANN401  # JSON values
    """Make the baseline of a read before the step.

    Args:
        exchange: Its answer.
        doc: The unwrapped document.
    """
    if exchange.status in _NOT_THERE:
        return Baseline(Before.ABSENT)
    if exchange.status != 200 or doc is None:  # noqa: PLR2004  # HTTP OK
        return Baseline(Before.UNKNOWN)
    return Baseline(Before.PRESENT, _digest(doc))


_NOT_THERE: Final = frozenset({404, 410})


def judge(doc: Any, wanted: Wanted) -> Judged:  # noqa: ANN401  # JSON values
    """Judge the age of one document."""
    if doc is None:
        return Judged(Age.STALE, "there is no document that can be read")
    job_id = doc.get("job_id") if isinstance(doc, dict) else None
    if job_id is None:
        return _by_difference(doc, wanted)
    if not isinstance(job_id, bool) and str(job_id) == str(wanted.job_id):
        return Judged(Age.FRESH)
    return Judged(Age.STALE, f"stale: job_id is {show(job_id)}, wanted {show(wanted.job_id)}")


def _by_difference(doc: Any, wanted: Wanted) -> Judged:  # noqa: ANN401  # JSON values
    baseline = wanted.baseline
    if baseline.before is Before.UNKNOWN:
        return Judged(Age.STALE, "it has no job_id, and what was there before the step is not known")
    if baseline.before is Before.PRESENT and baseline.digest == _digest(doc):
        return Judged(Age.STALE, "stale: it has no job_id and equals what was there before the step")
    written = instant_of(doc)
    # Times may be written in whole seconds, so the step's second is the first that counts.
    if written is not None and written < math.floor(wanted.began_at):
        return Judged(Age.STALE, "stale: it has no job_id and is dated before the step")
    return Judged(Age.DIFFERENT, "it has no job_id and only differs from what was there before the step")


def _digest(doc: Any) -> str:  # noqa: ANN401  # JSON values
    try:
        return hashlib.sha256(json.dumps(doc, sort_keys=True).encode()).hexdigest()
    except RecursionError:
        # Nested so deep, two documents cannot be told apart, and what cannot be told apart is stale.
        return "nested too deep"


def instant_of(doc: Any) -> float | None:  # noqa: ANN401  # JSON values
    """When a document says that it was written, in seconds since the epoch; without an offset it counts as UTC."""
    text = doc.get("timestamp") if isinstance(doc, dict) else None
    try:
        found = datetime.fromisoformat(text)  # type: ignore[arg-type]  # anything else is refused below
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
