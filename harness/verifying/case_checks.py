"""Whether a case is what its schema says, agrees with itself, and follows from the run, its events and its trace."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from harness.evidence import layout
from harness.judging.results import Outcome
from harness.language.model import Severity
from harness.traces.case import STATUS_OF
from harness.traces.case_parts import LISTS, document_parts
from harness.traces.case_records import Status
from harness.traces.case_schema import validator
from harness.verifying.comparing import differences, part, shown
from harness.verifying.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.verifying.bundle import StoredCase

    Looks = Iterator[Finding | None]

_MOST_ERRORS: Final = 20
_VIEWS: Final = {"execution_trace": layout.EXECUTION_TRACE, "db_writes": layout.DB_WRITES}
_SINGULAR: Final = {"events": "event", "writes": "write", "calls": "call"}

_REQUESTS: Final = (
    "stage",
    "operation_name",
    "route_path",
    "api_method",
    "request_fields",
    "response_fields",
    "synthetic_input",
    "observed_output",
    "api_calls_used",
)
_FACTS: Final = ("run_id", "case_id", "uc_id", "signature", "evidence_files")


def schema(case: StoredCase) -> Looks:
    """The case is what its JSON Schema says."""
    errors = list(islice(validator().iter_errors(case.document), _MOST_ERRORS))
    if not errors:
        yield None
    for error in errors:
        yield Finding("schema-mismatch", case.path, part(tuple(error.absolute_path)), shown(error.message))


def views(case: StoredCase) -> Looks:
    """The two lists in the scenario's folder are those of the case."""
    for name, file in _VIEWS.items():
        path = f"{case.record.folder}/{file}"
        if case.was_climbed:
            yield from _compared("view-differs", path, name, pair=(case.bundle.value(path), case.document.get(name)))
        else:
            rows = case.document.get(name)
            yield None if rows == [] else Finding("not-empty", case.path, name, "nothing was climbed, so it is empty")


def derivation(case: StoredCase) -> Looks:
    """The two lists follow from the stored trace."""
    yield from _derived(case, "not-derived", _VIEWS)


def requests(case: StoredCase) -> Looks:
    """What was sent, received and called is what the run's events tell."""
    yield from _derived(case, "not-observed", _REQUESTS)


def assertions(case: StoredCase) -> Looks:
    """The assertions are those that were judged, and a PASS has none that did not hold."""
    yield from _derived(case, "not-judged", ("assertions",))
    if case.document.get("status") == Status.PASS:
        for index, each in enumerate(case.rows("assertions")):
            if isinstance(each, dict) and each.get("severity") == Severity.FAIL and each.get("outcome") != Outcome.HELD:
                what = "a case with an assertion that did not hold has not passed"
                yield Finding("pass-contradicted", case.path, part(("assertions", index)), what)


def facts(case: StoredCase) -> Looks:
    """What the case repeats of its run is right, and every file that it names is in the bundle."""
    yield from _derived(case, "not-a-fact", _FACTS)
    for index, path in enumerate(case.rows("evidence_files")):
        if not isinstance(path, str) or path not in case.bundle.listed:
            yield Finding("missing-file", case.path, part(("evidence_files", index)), f"{shown(path)} is not listed")


def verdicts(case: StoredCase) -> Looks:
    """The status is the verdict that ``run.json`` tells."""
    wanted = STATUS_OF[case.record.verdict]
    yield from _compared("status-differs", case.path, "status", pair=(case.document.get("status"), wanted.value))


def structure(case: StoredCase) -> Looks:
    """The digest of the trace's structure, computed again."""
    yield from _derived(case, "structure-differs", ("determinism_hash",))


def _derived(case: StoredCase, kind: str, names: Iterable[str]) -> Looks:
    for name in names:
        yield from _compared(kind, case.path, name, pair=(case.document.get(name), case.derived[name]))


def _compared(kind: str, file: str, name: str, *, pair: tuple[Any, Any]) -> Looks:
    found = [Finding(kind, file, place, what) for place, what in differences(name, *pair)]
    yield from found or (None,)


def sequence(case: StoredCase) -> Looks:
    """``seq`` rises strictly in both lists, and no number is there twice."""
    seen: dict[int, str] = {}
    for name in _VIEWS:
        last = 0
        for index, row in enumerate(case.rows(name)):
            place = part((name, index))
            seq = row.get("seq") if isinstance(row, dict) else None
            if not isinstance(seq, int) or isinstance(seq, bool) or seq <= last:
                yield Finding("seq-not-rising", case.path, place, f"expected more than {last}, found {shown(seq)}")
                continue
            yield Finding("seq-twice", case.path, place, f"{seq} is {seen[seq]} as well") if seq in seen else None
            last, seen[seq] = seq, place


def mirrors(case: StoredCase) -> Looks:
    """Every write has exactly one ``db.write`` event, and the two point at one another."""
    events = {
        _at(row, "seq"): (_at(row, "detail", "write_seq"), _at(row, "detail", "span_id"))
        for row in case.rows("execution_trace")
        if _at(row, "event_type") == "db.write"
    }
    mirrored: set[object] = set()
    for index, row in enumerate(case.rows("db_writes")):
        place, event = part(("db_writes", index)), _at(row, "detail", "event_seq")
        fits = events.get(event) == (_at(row, "seq"), _at(row, "detail", "span_id")) and event not in mirrored
        mirrored.add(event)
        yield None if fits else Finding("not-mirrored", case.path, place, "no db.write event of its own points at it")
    for seq in events.keys() - mirrored:
        yield Finding(
            "not-mirrored", case.path, f"event with seq {shown(seq)}", "no write points at this db.write event"
        )


def _at(row: Any, *keys: str) -> Any:  # noqa: ANN401  # JSON values
    for key in keys:
        row = row.get(key) if isinstance(row, dict) else None
    return row if isinstance(row, (int, str)) else None


def parts(case: StoredCase) -> Looks:
    """Every part has the digest that ``cases/digests.json`` holds of it."""
    stored = case.bundle.digests.get(case.case_id)
    if not isinstance(stored, dict):
        yield Finding("missing-digest", layout.CASE_DIGESTS, case.case_id, "it holds no digests of this case")
        return
    found = document_parts(case.document)
    is_same = stored.get("summary") == found.summary
    yield None if is_same else Finding("part-changed", case.path, "summary", "its digest is another one")
    for word in LISTS.values():
        yield from _changed(case.path, word, stored.get(word), found=getattr(found, word))
    for name, field in (("status", "status"), ("structure_digest", "determinism_hash")):
        differs = stored.get(name) != case.document.get(field)
        yield (
            Finding("digest-differs", layout.CASE_DIGESTS, f"{case.case_id} {name}", "not that of the case")
            if (differs)
            else None
        )


def _changed(file: str, word: str, stored: object, *, found: tuple[str, ...]) -> Looks:
    wanted = stored if isinstance(stored, list) else []
    for index, (one, other) in enumerate(zip(found, wanted, strict=False)):
        place = f"{_SINGULAR[word]} {index + 1}"
        yield None if one == other else Finding("part-changed", file, place, "its digest is another one")
    if len(found) != len(wanted):
        yield Finding("part-changed", file, word, f"{len(wanted)} are expected, {len(found)} are there")
