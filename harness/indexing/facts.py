"""What a listing tells of one run: taken from its folder once, and afterwards from the index.

All values are texts, since the index holds a checksum over them, and in those that others wrote control characters and
lone surrogates are spelt out, since they part the values, or no database holds them. Ten thousand of these are made by
one command, which takes a tenth of the time with named tuples.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from harness.evidence.layout import PARTIAL_SUFFIX
from harness.evidence.printable import one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord

MAX_TEXT: Final = 1000


class Facts(NamedTuple):
    """One folder.

    Attributes:
        folder: Its name as it is, ``.partial`` included.
        mark: Changes whenever what is told here could; empty when nothing proves that it has not.
        began_us: Microseconds since 1970, by the record, else by the folder's name.
        condition: As in ``RunCondition``.
        why: Why it is damaged or partial.
        status: As in ``RunStatus``; empty when the record cannot be read, and so is all below.
        verdict: Empty while there is none.
        green: So many scenarios were.
        climbed: Of so many.
        revision: The commit; ``is_dirty`` is ``+`` or empty.
        ladder: Name of the one that was climbed; ``file`` is where it lay.
        signature: ``signed`` or empty.
    """

    folder: str
    mark: str
    began_us: str
    condition: str
    why: str
    signature: str
    status: str = ""
    run_id: str = ""
    verdict: str = ""
    started_at: str = ""
    duration_s: str = ""
    green: str = ""
    climbed: str = ""
    revision: str = ""
    is_dirty: str = ""
    ladder: str = ""
    file: str = ""

    @property
    def name(self) -> str:
        """The folder's, without ``.partial``."""
        return self.folder.removesuffix(PARTIAL_SUFFIX)


class Contents(NamedTuple):
    r"""What only some listings ask about, as texts that are searched and not taken apart.

    Attributes:
        scenarios: ``id TAB verdict LF`` and ``folder TAB verdict LF`` for each, after a line feed.
        traces: ``id LF`` of each trial and scenario, in lower case and without dashes, after a line feed.
        trials: ``told`` when the ids of its trials are known, else empty.
        builds_on: ``id LF`` of each run that it has taken trials over from, whose files lie there; after a line feed.
    """

    folder: str
    mark: str
    scenarios: str = "\n"
    traces: str = "\n"
    trials: str = ""
    builds_on: str = "\n"


def newest_first(runs: Iterable[Facts]) -> list[Facts]:
    """In the order in which they are listed; of two that began at the same time, the later name goes first."""
    by_name = sorted(runs, key=lambda facts: facts.folder, reverse=True)
    return sorted(by_name, key=lambda facts: int(facts.began_us), reverse=True)


def facts_of(entry: RunEntry, mark: str) -> Facts:
    """Tell a run as it was read just now."""
    common = (entry.folder.name, mark, str(entry.began_us), entry.condition.value, _plain(entry.why))
    signature = "signed" if entry.is_signed else ""
    return Facts(*common, signature, *(_recorded(entry.record) if entry.record else ()))


def contents_of(entry: RunEntry, mark: str, trials: Iterable[str]) -> Contents:
    """Tell what is in a run.

    Args:
        entry: As it was read just now.
        mark: As in ``Facts``.
        trials: Ids of its trials, where its record does not tell them yet.
    """
    record = entry.record
    told = record.trial_records if record else ()
    known = [each.trace_id for each in told] or list(trials)
    scenarios = record.scenarios if record else ()
    lines = [f"{one_line(name)}\t{each.verdict}" for each in scenarios for name in (each.id, each.folder)]
    ids = dict.fromkeys(bare_id(each) for each in (*known, *(each.trace_id for each in scenarios)) if each)
    others = dict.fromkeys(one_line(each.run_id) for each in told if each.run_id)
    return Contents(entry.folder.name, mark, _lines(lines), _lines(ids), "told" if known else "", _lines(others))


def bare_id(text: str) -> str:
    """An id as it is compared: dashes and case are spelling."""
    return one_line(text).replace("-", "").lower()


def _lines(texts: Iterable[str]) -> str:
    return "".join(("\n", *(f"{text}\n" for text in texts)))


def _recorded(record: RunRecord) -> tuple[str, ...]:
    from harness.judging.verdict import is_green

    first = record.ladders[0] if record.ladders else None
    return (
        record.status.value,
        _plain(record.run_id),
        record.verdict.value if record.verdict else "",
        _plain(record.started_at),
        str(record.duration_s),
        str(sum(is_green(each.verdict) for each in record.scenarios)),
        str(len(record.scenarios)),
        _plain(record.git.commit or ""),
        "+" if record.git.dirty else "",
        _plain(first.name if first else ""),
        _plain(first.file if first else ""),
    )


def finite(text: str) -> float | None:
    """A stored number that JSON can hold."""
    number = float(text) if text else math.nan
    return number if math.isfinite(number) else None


def _plain(text: str) -> str:
    return shortened(one_line(text), MAX_TEXT)
