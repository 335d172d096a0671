"""Verify a bundle: every check in a table of names, each a small function that yields one item for each thing it saw.

An item is a finding, or ``None`` for what is as it should be. A check that cannot be carried out has failed: what
cannot be read does not count as right, and what breaks a check is the bundle's fault until it is shown to be ours.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.evidence.layout import MANIFEST, PARTIAL_SUFFIX, RUN
from harness.evidence.manifest import sha256
from harness.sealing.envelope import UNSIGNED
from harness.verifying import (
    case_checks,
    file_checks,
    freshness_checks,
    kept_checks,
    release_checks,
    run_checks,
    seal_checks,
    trace_checks,
)
from harness.verifying.bundle import Bundle, StoredCase
from harness.verifying.findings import Checked, Finding, Report, Seal, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.verifying.surroundings import Believed

    Looks = Iterator[Finding | None]

ALWAYS: Final[Mapping[str, Callable[[Bundle], Looks]]] = {
    "finished": file_checks.finished,
    "files": file_checks.files,
    "hashes": file_checks.hashes,
    "sums": file_checks.sums,
    "manifest": file_checks.manifest,
    "listing": seal_checks.listing,
    "signature": seal_checks.signature,
    "chain": seal_checks.chain,
    "provenance": seal_checks.provenance,
}
"""Checks of every bundle."""

STRICT: Final[Mapping[str, Callable[[Bundle], Looks]]] = {
    "events": run_checks.events,
    "cases": run_checks.cases,
    "traces": run_checks.traces,
    "kept": kept_checks.kept,
    "climbs": run_checks.climbs,
    "trials": run_checks.trials,
    "totals": run_checks.totals,
    "run-digest": run_checks.digest_of_run,
    "reports": run_checks.reports,
    "exports": kept_checks.exports,
    "verdict": freshness_checks.verdict,
}
"""Checks of the run as a whole, with ``--strict``."""

BY_CASE: Final[Mapping[str, Callable[[StoredCase], Looks]]] = {
    "schema": case_checks.schema,
    "parts": case_checks.parts,
    "facts": case_checks.facts,
    "verdicts": case_checks.verdicts,
    "requests": case_checks.requests,
    "assertions": case_checks.assertions,
    "sequence": case_checks.sequence,
    "mirrors": case_checks.mirrors,
    "views": case_checks.views,
    "derivation": case_checks.derivation,
    "structure": case_checks.structure,
    "trace": trace_checks.trace,
    "own-spans": trace_checks.own_spans,
    "told": trace_checks.told,
    "parents": trace_checks.parents,
    "capture": trace_checks.capture,
    "outcome": freshness_checks.outcome,
    "freshness": freshness_checks.freshness,
    "copies": freshness_checks.copies,
}
"""Checks of each case, with ``--strict``."""

RELEASE: Final[Mapping[str, Callable[[Bundle], Looks]]] = {"release": release_checks.release}
"""Checks of a run that is to be released, besides all others."""

RELEASE_BY_CASE: Final[Mapping[str, Callable[[StoredCase], Looks]]] = {"capture": release_checks.capture}
"""Checks of its cases, in place of those of the same names."""


@dataclass(frozen=True, slots=True)
class Checks:
    """Tables of checks."""

    always: Mapping[str, Callable[[Bundle], Looks]] = field(default_factory=lambda: ALWAYS)
    strict: Mapping[str, Callable[[Bundle], Looks]] = field(default_factory=lambda: STRICT)
    by_case: Mapping[str, Callable[[StoredCase], Looks]] = field(default_factory=lambda: BY_CASE)


def for_release() -> Checks:
    """The tables for a run that is to be released; only with ``strict`` are they all looked at."""
    return Checks({**ALWAYS, **RELEASE}, STRICT, {**BY_CASE, **RELEASE_BY_CASE})


def verify(folder: Path, *, strict: bool, checks: Checks | None = None, believed: Believed | None = None) -> Report:
    """Verify a run's folder; never fails but by an interrupt.

    Args:
        folder: Of the run.
        strict: Make every case again from run, events and traces as well.
        checks: What is checked.
        believed: Keys and a head from elsewhere.
    """
    tables, bundle = checks or Checks(), Bundle(folder, believed)
    found: dict[str, list[Finding | None]] = defaultdict(list)
    for name, look in {**tables.always, **(tables.strict if strict else {})}.items():
        found[name] += _carried_out(look(bundle), RUN)
    if strict:
        found |= {name: [] for name in tables.by_case}
        for case in _cases(bundle, found):
            for name, look_at in tables.by_case.items():
                found[name] += _carried_out(look_at(case), case.path)
    checked = (Checked(name, len(seen), tuple(each for each in seen if each)) for name, seen in found.items())
    return Report(folder.name.removesuffix(PARTIAL_SUFFIX), _run_id(bundle), _seal(bundle), tuple(checked))


def _cases(bundle: Bundle, found: Mapping[str, list[Finding | None]]) -> Iterator[StoredCase]:
    """The cases; where even the run's record cannot be read, every check of a case says so."""
    try:
        yield from bundle.cases()
    except UnreadableError as error:
        for seen in found.values():
            seen.append(error.finding)


def _carried_out(look: Looks, file: str) -> Looks:
    try:
        yield from look
    except UnreadableError as error:
        yield error.finding
    except Exception as error:  # noqa: BLE001  # whatever a hostile bundle brings about, it is no stack trace
        yield Finding("not-checkable", file, "", f"this cannot be checked: {type(error).__name__}")


def _seal(bundle: Bundle) -> Seal:
    """What there is to tell; where it cannot be read, a check has said why."""
    digest, head, judged = "", "", UNSIGNED
    with suppress(UnreadableError):
        digest = sha256(bundle.data(MANIFEST))
    with suppress(UnreadableError):
        head = bundle.around.chain.head
    with suppress(UnreadableError):
        judged = bundle.signature
    key = judged.key
    return Seal(bundle.is_signed, key.keyid if key else "", key.name if key else "", digest, head or digest)


def _run_id(bundle: Bundle) -> str:
    try:
        return bundle.run.run_id
    except UnreadableError:
        return ""
