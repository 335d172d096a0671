"""How far a run can be trusted, in one of three words that ``ladder verify`` computes: verified, unsigned or broken.

It is computed from the bytes that lie there now, and kept until one of the run's files or the chain beside it changes.
A run that is not finished has nothing that could be verified, and is never called broken for that alone while it runs.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.console.chained import Chained
from harness.console.refusals import MissingError
from harness.console.shelf import TRUSTED_S
from harness.console.stamps import stamp_of, stamps_below
from harness.evidence.layout import REDACTION
from harness.evidence.reading import RunCondition, read_entry
from harness.reporting.stored import LostError, object_of
from harness.verifying.findings import Result
from harness.verifying.seal_checks import place
from harness.verifying.verify import ALWAYS, Checks, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from harness.console.chained import Links
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
        """Of one run; looks at every file of it, if only at its size and times.

        Raises:
            MissingError: It went away meanwhile.
        """
        return _running(entry.record) if entry.condition is RunCondition.RUNNING else self._of(entry.folder)

    def lately(self, rows: Iterable[Row]) -> list[Trust]:
        """Of the runs of a list: as each was a moment ago, so that a page of many runs does not look at every file.

        One that went away since it was listed is not broken; nothing can be said of it.
        """
        return [_running(None) if row.is_running else self._lately(self._root / row.facts.folder) for row in rows]

    def _lately(self, folder: Path) -> Trust:
        kept = self._kept.get(folder.name)
        try:
            return kept.trust if kept and self._clock() - kept.when <= TRUSTED_S else self._of(folder)
        except MissingError:
            why = "it went away while it was looked at"
            return replace(_nothing(why), why=(why,))

    def _of(self, folder: Path) -> Trust:
        around = self._chained.around()
        stamp, kept = self._stamp(folder), self._kept.get(folder.name)
        is_known = kept is not None and kept.stamp == stamp
        own = kept.own if kept and is_known else self._computed(folder, around)
        if not is_known and self._stamp(folder) != stamp:
            # It was changed, or moved, while it was looked at: what was found is told once and not believed.
            stamp = object()
        if not os.path.lexists(folder):
            raise MissingError("there is no such run")
        trust = _linked(own, self._chained.links, folder.name, where=self._chained.place(folder.name))
        with self._lock:
            self._kept[folder.name] = _Kept(stamp, self._clock(), own, trust)
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return trust

    def _stamp(self, folder: Path) -> object:
        return stamp_of(folder), stamps_below(folder), self._chained.keys

    def _computed(self, folder: Path, around: Surroundings) -> Trust:
        report = verify(folder, strict=False, checks=Checks(always=_checks(around)))
        return _trust(read_entry(folder), report)


def _checks(around: Surroundings) -> dict[str, Callable[[Bundle], Looks]]:
    """The checks of every bundle but those of the chain, which is looked at once for all runs."""

    def finished(bundle: Bundle) -> Looks:
        bundle.around = around
        yield from ALWAYS["finished"](bundle)

    return {**ALWAYS, "finished": finished, "chain": place}


def _linked(own: Trust, links: Links, run: str, *, where: str) -> Trust:
    """A run's own trust together with what the chain around it says."""
    found = links.told(run)
    faults = [each for each in found if each.is_fault]
    told = [_told("chain", each) for each in faults]
    remarks = [each for each in found if not each.is_fault]
    chain = own.chain or (f"broken: {faults[0].what}" if faults else "")
    return replace(
        own,
        word=Result.BROKEN if faults else own.word,
        chain=chain or where or (remarks[0].what if remarks else "not in a ledger"),
        why=_bounded((*own.why, *told), links.untold),
        remarks=tuple(dict.fromkeys((*own.remarks, *(_told("chain", each) for each in remarks)))),
    )


def _bounded(lines: Iterable[str], untold: int) -> tuple[str, ...]:
    told = tuple(dict.fromkeys(lines))
    more = max(0, len(told) - MOST_WHY) + untold
    return (*told[:MOST_WHY], f"and {more} more; `ladder verify` tells all") if more else told


def _running(record: RunRecord | None) -> Trust:
    image = record.images.worker if record else None
    return replace(_nothing("nothing is sealed yet: the run has not ended"), image=image or "unknown")


def _nothing(why: str) -> Trust:
    """Of what cannot be verified."""
    return Trust(Result.UNSIGNED, why, why, (0, 0), "counted at the end", "unknown")


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
