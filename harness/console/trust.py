"""How far a run can be trusted, in one of three words that ``ladder verify`` computes: verified, unsigned or broken.

It is computed from the bytes that lie there now, and kept until one of the run's files or the chain beside it changes.
A run that is not finished has nothing that could be verified, and is never called broken for that alone while it runs.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.console.shelf import TRUSTED_S, fingerprint, stamp_of
from harness.evidence.layout import KEYS, LEDGER, MANIFEST, REDACTION
from harness.evidence.reading import RunCondition
from harness.reporting.stored import LostError, object_of
from harness.verifying.findings import Result, UnreadableError
from harness.verifying.surroundings import Believed, Surroundings
from harness.verifying.verify import ALWAYS, Checks, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from harness.console.rendering import Json
    from harness.evidence.reading import RunEntry
    from harness.verifying.bundle import Bundle
    from harness.verifying.findings import Finding, Report

    Looks = Iterator[Finding | None]

MOST_WHY: Final = 20
"""Findings that are told; ``ladder verify`` tells all."""

_MOST_KEPT: Final = 12_000

MARKS: Final = {Result.VERIFIED: "✓", Result.UNSIGNED: "○", Result.BROKEN: "✗"}


@dataclass(frozen=True, slots=True)
class _Kept:
    """A computed trust, what it was computed from, and when that was last looked at."""

    stamp: tuple[Path, object, object]
    when: float
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
            "mark": MARKS[self.word],
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
        self._around: tuple[object, Surroundings] | None = None

    def of(self, entry: RunEntry) -> Trust:
        """Of one run; looks at every file of it, if only at its size and times."""
        if entry.condition is RunCondition.RUNNING:
            return _running(entry)
        return self._of(entry, self._beside())

    def lately(self, entries: Iterable[RunEntry]) -> list[Trust]:
        """Of the runs of a list: as each was a moment ago, so that a page of many runs does not look at every file."""
        beside: object = None
        found = []
        for entry in entries:
            kept = self._kept.get(entry.name)
            if entry.condition is RunCondition.RUNNING:
                found.append(_running(entry))
            elif kept and kept.stamp[0] == entry.folder and self._clock() - kept.when <= TRUSTED_S:
                found.append(kept.trust)
            else:
                beside = beside or self._beside()
                found.append(self._of(entry, beside))
        return found

    def _of(self, entry: RunEntry, beside: object) -> Trust:
        stamp = (entry.folder, fingerprint(entry.folder), beside)
        kept = self._kept.get(entry.name)
        found = kept.trust if kept and kept.stamp == stamp else self._computed(entry, beside)
        with self._lock:
            self._kept[entry.name] = _Kept(stamp, self._clock(), found)
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return found

    def _computed(self, entry: RunEntry, beside: object) -> Trust:
        around = self._surroundings(beside)
        report = verify(entry.folder, strict=False, checks=Checks(always=_checks(around)))
        return _trust(entry, report, _place(around, entry.name))

    def _surroundings(self, beside: object) -> Surroundings:
        with self._lock:
            if self._around is None or self._around[0] != beside:
                self._around = beside, Surroundings(self._root, Believed())
            return self._around[1]

    def _beside(self) -> object:
        """What the chain depends on."""
        try:
            with os.scandir(self._root) as found:
                names = sorted(each.name for each in found)
        except OSError:
            names = []
        # What is no run has no manifest; joining texts takes a tenth of what joining paths does.
        paths = (f"{self._root}/{LEDGER}", *(f"{self._root}/{name}/{MANIFEST}" for name in names))
        return (*(stamp_of(path) for path in paths), fingerprint(self._root / KEYS))


def _checks(around: Surroundings) -> dict[str, Callable[[Bundle], Looks]]:
    """The checks of every bundle, on one look at the chain: each run on its own would read all the others."""

    def finished(bundle: Bundle) -> Looks:
        bundle.around = around
        yield from ALWAYS["finished"](bundle)

    return {**ALWAYS, "finished": finished}


def _place(around: Surroundings, name: str) -> str:
    """Which one it is in the chain."""
    try:
        ledger = around.chain.ledger
    except UnreadableError:
        return ""
    names = [line.run for line in ledger.lines] if ledger else []
    return f"run {names.index(name) + 1} of {len(names)} in the ledger" if name in names else ""


def _running(entry: RunEntry) -> Trust:
    nothing = "nothing is sealed yet: the run has not ended"
    image = entry.record.images.worker if entry.record else None
    return Trust(Result.UNSIGNED, nothing, nothing, (0, 0), "counted at the end", image or "unknown")


def _trust(entry: RunEntry, report: Report, place: str) -> Trust:
    checks = {check.name: check for check in report.checks}
    faults = [_told(name, each) for name, check in checks.items() for each in check.faults]
    remarks = [_told(name, each) for name, check in checks.items() for each in check.remarks]
    hashes = checks["hashes"]
    bad = {each.file for name in ("files", "hashes") for each in checks[name].faults}
    more = [f"and {len(faults) - MOST_WHY} more; `ladder verify` tells all"] if len(faults) > MOST_WHY else []
    image = entry.record.images.worker if entry.record else None
    return Trust(
        report.result,
        _signature(report),
        _chain(report, place),
        (max(0, hashes.count - len(bad)), hashes.count),
        _redactions(entry),
        image or "unknown",
        report.seal.manifest_sha256,
        (*dict.fromkeys(faults[:MOST_WHY]), *more),
        tuple(dict.fromkeys(remarks)),
    )


def _told(check: str, finding: Finding) -> str:
    return ": ".join(part for part in (check, finding.file, finding.part, finding.what) if part)


def _signature(report: Report) -> str:
    seal = report.seal
    if seal.keyid:
        return f"signed with the pinned key {seal.key_name or seal.keyid}"
    return "signed, and no pinned key verifies it" if seal.is_signed else "unsigned: nothing says who made this bundle"


def _chain(report: Report, place: str) -> str:
    check = next(each for each in report.checks if each.name == "chain")
    if check.faults:
        return f"broken: {check.faults[0].what}"
    return place or (check.remarks[0].what if check.remarks else "not in a ledger")


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
