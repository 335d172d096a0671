"""How far a run can be trusted, in one of three words that ``ladder verify`` computes: verified, unsigned or broken.

It is computed from the bytes that lie there now, and kept until one of the run's files or the chain beside it changes.
A run that is not finished has nothing that could be verified, and is never called broken for that alone while it runs.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.console.chained import Chained
from harness.console.shelf import TRUSTED_S
from harness.console.stamps import stamps_below
from harness.evidence.layout import REDACTION
from harness.evidence.reading import RunCondition, read_entry
from harness.reporting.stored import LostError, object_of
from harness.verifying.findings import Result
from harness.verifying.seal_checks import place
from harness.verifying.verify import ALWAYS, Checks, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from harness.console.listed import Row
    from harness.console.rendering import Json
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord
    from harness.verifying.bundle import Bundle
    from harness.verifying.findings import Finding, Report
    from harness.verifying.surroundings import Surroundings

    Looks = Iterator[Finding | None]

MOST_WHY: Final = 20
"""Findings that are told; ``ladder verify`` tells all."""

_MOST_KEPT: Final = 12_000


@dataclass(frozen=True, slots=True)
class _Kept:
    """A computed trust, what it was computed from, and when that was last looked at.

    Attributes:
        own: By the run's own files.
        trust: By the chain as well.
    """

    stamp: object
    when: float
    own: Trust
    trust: Trust


@dataclass(frozen=True, slots=True)
class Trust:
    """The trust strip of one run.

    Attributes:
        files: How many files are as listed, and how many are listed.
        why: What speaks against it, one line each.
        remarks: What is to be known and breaks nothing.
    """

    word: Result
    signature: str
    chain: str
    files: tuple[int, int]
    redactions: str
    image: str
    manifest_sha256: str = ""
    why: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_broken(self) -> bool:
        """Whether something speaks against it."""
        return self.word is Result.BROKEN

    def document(self) -> Json:
        """For pages and programs."""
        whole, listed = self.files
        return {
            "word": self.word.value,
            "signature": self.signature,
            "chain": self.chain,
            "files": f"{whole}/{listed}",
            "redactions": self.redactions,
            "image": self.image,
            "manifest_sha256": self.manifest_sha256,
            "why": list(self.why),
            "remarks": list(self.remarks),
        }


class Trusted:
    """The trust of the runs of one root; used by several threads at a time."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._chained = Chained(root, clock)

    def of(self, entry: RunEntry) -> Trust:
        """Of one run; looks at every file of it, if only at its size and times."""
        return _running(entry.record) if entry.condition is RunCondition.RUNNING else self._of(entry.folder)

    def lately(self, rows: Iterable[Row]) -> list[Trust]:
        """Of the runs of a list: as each was a moment ago, so that a page of many runs does not look at every file."""
        return [_running(None) if row.is_running else self._lately(self._root / row.facts.folder) for row in rows]

    def _lately(self, folder: Path) -> Trust:
        kept = self._kept.get(folder.name)
        return kept.trust if kept and self._clock() - kept.when <= TRUSTED_S else self._of(folder)

    def _of(self, folder: Path) -> Trust:
        around = self._chained.around()
        stamp = (stamps_below(folder), self._chained.keys)
        kept = self._kept.get(folder.name)
        own = kept.own if kept and kept.stamp == stamp else self._computed(folder, around)
        trust = _linked(own, self._chained.findings(folder.name), self._chained.place(folder.name))
        with self._lock:
            self._kept[folder.name] = _Kept(stamp, self._clock(), own, trust)
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return trust

    def _computed(self, folder: Path, around: Surroundings) -> Trust:
        report = verify(folder, strict=False, checks=Checks(always=_checks(around)))
        return _trust(read_entry(folder), report)


def _checks(around: Surroundings) -> dict[str, Callable[[Bundle], Looks]]:
    """The checks of every bundle but those of the chain, which is looked at once for all runs."""

    def finished(bundle: Bundle) -> Looks:
        bundle.around = around
        yield from ALWAYS["finished"](bundle)

    return {**ALWAYS, "finished": finished, "chain": place}


def _linked(own: Trust, found: Iterable[Finding], where: str) -> Trust:
    """A run's own trust together with what the chain around it says."""
    found = list(found)
    faults = [each for each in found if each.is_fault]
    told = [_told("chain", each) for each in faults]
    remarks = [each for each in found if not each.is_fault]
    chain = own.chain or (f"broken: {faults[0].what}" if faults else "")
    return replace(
        own,
        word=Result.BROKEN if faults else own.word,
        chain=chain or where or (remarks[0].what if remarks else "not in a ledger"),
        why=_bounded((*own.why, *told)),
        remarks=tuple(dict.fromkeys((*own.remarks, *(_told("chain", each) for each in remarks)))),
    )


def _bounded(lines: Iterable[str]) -> tuple[str, ...]:
    told = tuple(dict.fromkeys(lines))
    more = len(told) - MOST_WHY
    return (*told[:MOST_WHY], f"and {more} more; `ladder verify` tells all") if more > 0 else told


def _running(record: RunRecord | None) -> Trust:
    nothing = "nothing is sealed yet: the run has not ended"
    image = record.images.worker if record else None
    return Trust(Result.UNSIGNED, nothing, nothing, (0, 0), "counted at the end", image or "unknown")


def _trust(entry: RunEntry, report: Report) -> Trust:
    """What a run's own files say; its chain is empty unless they contradict it."""
    checks = {check.name: check for check in report.checks}
    faults = [_told(name, each) for name, check in checks.items() for each in check.faults]
    remarks = [_told(name, each) for name, check in checks.items() for each in check.remarks]
    hashes, chain = checks["hashes"], checks["chain"]
    bad = {each.file for name in ("files", "hashes") for each in checks[name].faults}
    image = entry.record.images.worker if entry.record else None
    return Trust(
        report.result,
        _signature(report),
        f"broken: {chain.faults[0].what}" if chain.faults else "",
        (max(0, hashes.count - len(bad)), hashes.count),
        _redactions(entry),
        image or "unknown",
        report.seal.manifest_sha256,
        tuple(dict.fromkeys(faults)),
        tuple(dict.fromkeys(remarks)),
    )


def _told(check: str, finding: Finding) -> str:
    return ": ".join(part for part in (check, finding.file, finding.part, finding.what) if part)


def _signature(report: Report) -> str:
    seal = report.seal
    if seal.keyid:
        return f"signed with the pinned key {seal.key_name or seal.keyid}"
    return "signed, and no pinned key verifies it" if seal.is_signed else "unsigned: nothing says who made this bundle"


def _redactions(entry: RunEntry) -> str:
    try:
        hits = object_of(entry.folder, REDACTION).get("hits")
    except LostError:
        return "unknown"
    counts = list(_numbers(hits))
    return f"{sum(counts)} replaced" if counts else "none were needed"


def _numbers(value: object) -> Iterator[int]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _numbers(each)
    elif type(value) is int:
        yield value
