"""The ledger of an evidence root: one line for each sealed run, each naming the manifest of the run before. Pure.

It says what must be true of lines and runs together, and which line a killed run has left out. A ledger that
contradicts the runs is told and never mended: mending is what a forger would do. Runs of before the ledger existed
have 64 zeros for ``prev`` and no line. The doubt: whoever can rewrite every file can rewrite the whole chain, up to a
head that was published elsewhere, or to a signature that they cannot make.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NO_PREVIOUS: Final = "0" * 64

_HASH: Final = re.compile(r"[0-9a-f]{64}")


class ChainWord(StrEnum):
    """What is the matter with a chain."""

    BROKEN = "broken-chain"
    MISMATCH = "ledger-mismatch"
    BEHIND = "ledger-behind"
    """The last line is missing or torn, as a killed run leaves it; the next run adds it."""
    BEFORE = "before-the-ledger"


FAULTS: Final = frozenset({ChainWord.BROKEN, ChainWord.MISMATCH})


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing about a chain; ``run`` is the folder that it is about, or empty."""

    word: ChainWord
    what: str
    run: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it may not be."""
        return self.word in FAULTS


@dataclass(frozen=True, slots=True)
class Line:
    """One sealed run.

    Attributes:
        run: Name of its folder.
        prev: SHA-256 of the manifest of the run before.
    """

    run: str
    manifest_sha256: str
    prev: str

    def spelt(self) -> bytes:
        """The only spelling of it, with its line feed."""
        found = {"run": self.run, "manifest_sha256": self.manifest_sha256, "prev": self.prev}
        return f"{json.dumps(found)}\n".encode()


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger as it is stored.

    Attributes:
        lines: Those that are lines.
        torn: What stands behind the last line feed.
        troubles: What is wrong with the lines alone.
    """

    lines: tuple[Line, ...] = ()
    torn: bytes = b""
    troubles: tuple[Trouble, ...] = ()

    @property
    def head(self) -> str:
        """The manifest that the next run continues from."""
        return self.lines[-1].manifest_sha256 if self.lines else NO_PREVIOUS

    @property
    def runs(self) -> Mapping[str, Line]:
        """Its lines by the names of the folders; made anew each time."""
        return {line.run: line for line in self.lines}


def parse(data: bytes) -> Ledger:
    """Read a ledger; never fails."""
    *whole, torn = data.split(b"\n")
    found = [_line(raw + b"\n") for raw in whole]
    lines = tuple(line for line in found if line)
    return Ledger(lines, torn, (*_misspelt(found), *_unlinked(found), *_repeated(lines)))


def _line(raw: bytes) -> Line | None:
    try:
        found = json.loads(raw)
        line = Line(found["run"], found["manifest_sha256"], found["prev"])
        is_one = bool(_HASH.fullmatch(line.manifest_sha256) and _HASH.fullmatch(line.prev))
        return line if is_one and line.spelt() == raw else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _misspelt(found: Sequence[Line | None]) -> Iterator[Trouble]:
    for number, line in enumerate(found, start=1):
        if line is None:
            yield Trouble(ChainWord.MISMATCH, f"line {number} of the ledger is not as the harness writes lines")


def _unlinked(found: Sequence[Line | None]) -> Iterator[Trouble]:
    before: Line | None = None
    for number, line in enumerate(found, start=1):
        wanted = before.manifest_sha256 if before else NO_PREVIOUS
        if line and (before or number == 1) and line.prev != wanted:
            what = f"line {number} of the ledger does not continue from the line before it"
            yield Trouble(ChainWord.BROKEN, what, line.run)
        before = line


def _repeated(lines: Iterable[Line]) -> Iterator[Trouble]:
    for run, count in Counter(line.run for line in lines).items():
        if count > 1:
            yield Trouble(ChainWord.MISMATCH, f"the ledger lists it {count} times", run)


@dataclass(frozen=True, slots=True)
class Stored:
    """A finished run as it lies in its folder.

    Attributes:
        manifest_sha256: Of its manifest's bytes; empty when that cannot be read.
        prev: As its manifest says; empty likewise.
    """

    run: str
    manifest_sha256: str
    prev: str

    @property
    def line(self) -> Line:
        """The line that belongs to it."""
        return Line(self.run, self.manifest_sha256, self.prev)


def left_out(ledger: Ledger, stored: Iterable[Stored]) -> Stored | None:
    """The run whose line a kill has left out or torn; ``None`` when there is none that is certain.

    A run that was killed between its last rename and its line is the only one that continues from the head. In a ledger
    without lines it cannot be told from runs of before the ledger, so the newest is taken, which chains it as well.
    """
    listed = ledger.runs
    unlisted = [each for each in stored if each.run not in listed]
    waiting = [each for each in unlisted if each.prev == ledger.head]
    if any(each.prev not in {"", ledger.head, NO_PREVIOUS} for each in unlisted):
        # More lines are missing than one kill can have left out.
        return None
    if not ledger.lines:
        waiting = sorted(waiting, key=lambda each: each.run)[-1:]
    if len(waiting) != 1 or not waiting[0].line.spelt().startswith(ledger.torn):
        return None
    return waiting[0]


def troubles(ledger: Ledger | None, stored: Sequence[Stored]) -> tuple[Trouble, ...]:
    """Everything that is wrong with a chain, or worth knowing.

    Args:
        ledger: ``None`` when there is none.
        stored: Every finished run beside it.
    """
    if ledger is None:
        return (*_broken(stored), *_without_a_ledger(stored))
    behind = left_out(ledger, stored)
    found = [*ledger.troubles, *_broken(stored), *_mislisted(ledger, stored), *_unlisted(ledger, stored, behind)]
    if ledger.torn and behind is None:
        found.append(
            Trouble(ChainWord.MISMATCH, "the ledger's last line is torn, and no run is there that it tells of")
        )
    return tuple(dict.fromkeys(found))


def _without_a_ledger(stored: Iterable[Stored]) -> Iterator[Trouble]:
    for each in stored:
        if each.prev and each.prev != NO_PREVIOUS:
            yield Trouble(ChainWord.MISMATCH, "there is no ledger, and it continues from another run", each.run)
        else:
            yield Trouble(ChainWord.BEFORE, "there is no ledger that could list it", each.run)


def _broken(stored: Sequence[Stored]) -> Iterator[Trouble]:
    known = {each.manifest_sha256 for each in stored}
    continued = Counter(each.prev for each in stored if each.prev not in {"", NO_PREVIOUS})
    for each in stored:
        if each.prev in {"", NO_PREVIOUS}:
            continue
        if each.prev not in known:
            yield Trouble(ChainWord.BROKEN, "it continues from a run that is not there", each.run)
        elif continued[each.prev] > 1:
            yield Trouble(ChainWord.BROKEN, "another run continues from the same run", each.run)


def _mislisted(ledger: Ledger, stored: Iterable[Stored]) -> Iterator[Trouble]:
    by_name = {each.run: each for each in stored}
    for line in ledger.lines:
        found = by_name.get(line.run)
        if found is None:
            yield Trouble(ChainWord.MISMATCH, "the ledger lists it, and it is not there", line.run)
        elif found.line != line:
            yield Trouble(ChainWord.MISMATCH, "its manifest is not the one that the ledger lists", line.run)


def _unlisted(ledger: Ledger, stored: Iterable[Stored], behind: Stored | None) -> Iterator[Trouble]:
    first = ledger.lines[0].run if ledger.lines else ""
    continued, listed = {line.prev for line in ledger.lines}, ledger.runs
    for each in stored:
        if each.run in listed:
            continue
        if each == behind:
            yield Trouble(ChainWord.BEHIND, "the next run adds its line to the ledger", each.run)
        elif each.prev == NO_PREVIOUS and each.manifest_sha256 not in continued and (not first or each.run < first):
            yield Trouble(ChainWord.BEFORE, "it is older than the ledger", each.run)
        else:
            yield Trouble(ChainWord.MISMATCH, "the ledger does not list it", each.run)
