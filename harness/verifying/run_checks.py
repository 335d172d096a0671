"""Whether a run is complete: its log whole, one case for each scenario, no trace unaccounted for, every total right."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from harness.evidence import layout
from harness.evidence.ctrf import STATUSES
from harness.evidence.events import ClimbStarted, RunEnded, RunStarted, ScenarioStarted
from harness.evidence.records import to_document
from harness.judging.verdict import Verdict
from harness.traces.case import STATUS_OF
from harness.traces.case_names import case_id_of
from harness.traces.case_parts import run_digest
from harness.traces.climb_trace import climb_record, told_climbs
from harness.verifying.comparing import differences, shown
from harness.verifying.findings import Finding, UnreadableError
from harness.verifying.opening import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from xml.etree.ElementTree import Element

    from harness.traces.climb_trace import ToldClimb
    from harness.verifying.bundle import Bundle

    Looks = Iterator[Finding | None]

_JUNIT_KINDS: Final[Mapping[str, frozenset[Verdict]]] = {
    "failures": frozenset({Verdict.FAIL}),
    "errors": frozenset({Verdict.ERROR, Verdict.INCONCLUSIVE}),
    "skipped": frozenset({Verdict.BLOCKED}),
}


def events(bundle: Bundle) -> Looks:
    """Every line of a log is an event, none is missing, and the run's own begins and ends with this run."""
    first = last = None
    for entry in bundle.entries(layout.EVENTS):
        first, last = first or entry.event, entry.event
        yield None
    for log in bundle.logs:
        yield from (None for _ in (bundle.entries(log) if log != layout.EVENTS else ()))
    is_ours = isinstance(first, RunStarted) and first.run_id == bundle.run.run_id
    if not is_ours:
        yield Finding("events-of-another", layout.EVENTS, "event 1", "it does not begin with the start of this run")
    if not isinstance(last, RunEnded) or (last.status, last.verdict) != (bundle.run.status, bundle.run.verdict):
        yield Finding("events-incomplete", layout.EVENTS, "last event", "it does not end as run.json tells")


def cases(bundle: Bundle) -> Looks:
    """There is one case for each scenario of ``run.json``, and none besides."""
    folders = Counter(record.folder for record in bundle.run.scenarios)
    wanted = {layout.case_file(case_id_of(folder)): folder for folder in folders}
    found = {path for path in bundle.listed if path.startswith(f"{layout.CASES}/")} - {layout.CASE_DIGESTS}
    for path, folder in wanted.items():
        yield None if path in found else Finding("missing-case", path, "", f"{shown(folder)} has no case")
    yield from (
        Finding("foreign-case", path, "", "no scenario of run.json has this case") for path in found - {*wanted}
    )
    twice = (folder for folder, count in folders.items() if count > 1)
    yield from (Finding("scenario-twice", layout.RUN, shown(folder), "it is listed twice") for folder in twice)
    digested = {layout.case_file(case_id) for case_id in bundle.digests}
    for path in digested ^ {*wanted}:
        yield Finding("digests-differ", layout.CASE_DIGESTS, shown(path), "it has a case or its digests, not both")


def traces(bundle: Bundle) -> Looks:
    """There is one trace for each climb and each scenario that was begun, and none besides."""
    entries = chain.from_iterable(map(bundle.entries, bundle.logs))
    begun = [each.event for each in entries if isinstance(each.event, (ClimbStarted, ScenarioStarted))]
    wanted = Counter(layout.trace_file(event.trace_id) for event in begun)
    listed = {path for path in bundle.listed if path.startswith(f"{layout.TRACES}/")}
    found = listed - {layout.TRACE_MANIFEST, *bundle.logs}
    for path, count in wanted.items():
        yield None if path in found else Finding("missing-trace", path, "", "events.jsonl tells that it was begun")
        if count > 1:
            yield Finding("trace-twice", path, "", "two climbs or scenarios share it")
    yield from (Finding("foreign-trace", path, "", "events.jsonl tells of no such trace") for path in found - {*wanted})


def climbs(bundle: Bundle) -> Looks:
    """The traces of whole climbs, and what ``run.json`` tells of climbs, follow from ``events.jsonl``."""
    told = [each for log in bundle.logs for each in told_climbs(bundle.entries(log))]
    yield from _recorded_climbs(bundle, told)
    for wanted in (each.trace for each in told):
        path = layout.trace_file(wanted.trace_id)
        stored, derived = to_document(bundle.trace(wanted.trace_id)), to_document(wanted)
        found = [pair for name in derived for pair in differences(name, stored[name], derived[name])]
        yield from [Finding("not-observed", path, place, what) for place, what in found] or (None,)


def _recorded_climbs(bundle: Bundle, told: Sequence[ToldClimb]) -> Looks:
    run = bundle.run
    found = list(differences("climbs", to_document(run.climbs), to_document(tuple(map(climb_record, told)))))
    for each in told:
        wanted = (each.started.source, each.started.issue_key, each.started.issue_status)
        recorded = (run.trigger.source, run.trigger.issue_key, run.trigger.issue_status)
        found += [("trigger", f"expected {wanted}, found {recorded}")] if recorded != wanted else []
    yield from [Finding("not-observed", layout.RUN, place, what) for place, what in found] or (None,)


def trials(bundle: Bundle) -> Looks:
    """The trials are those of ``traces/manifest.json``, and each one's trace has the bytes that were entered."""
    records = bundle.run.trial_records
    if not records:
        return
    stored = bundle.object(layout.TRACE_MANIFEST).get("trials")
    found = list(differences("trials", stored, to_document(records)))
    yield from [Finding("trials-differ", layout.TRACE_MANIFEST, place, what) for place, what in found] or (None,)
    # One that was taken over from another run has its trace there.
    for record in (each for each in records if each.run_id is None):
        path = layout.trace_file(record.trace_id)
        data = bundle.data(path)
        is_same = (len(data), hashlib.sha256(data).hexdigest()) == (record.bytes, record.sha256)
        yield None if is_same else Finding("hash-mismatch", path, "", f"{layout.RUN} has another size or digest of it")


def digest_of_run(bundle: Bundle) -> Looks:
    """The digests of the cases' bytes and of the whole run, computed again from the cases as they are stored."""
    rows = []
    for record in bundle.run.scenarios:
        case_id = case_id_of(record.folder)
        path = layout.case_file(case_id)
        case = bundle.object(path)
        structure, content = str(case.get("determinism_hash")), hashlib.sha256(bundle.data(path)).hexdigest()
        rows.append((case_id, str(case.get("status")), structure, content))
        told = bundle.digests.get(case_id)
        is_told = isinstance(told, dict) and told.get("content_digest") == content
        yield None if is_told else Finding("digest-differs", path, "", "its bytes are not those of cases/digests.json")
        is_sealed = _sealed(bundle, case_id) == {"structure_digest": structure, "content_digest": content}
        yield None if is_sealed else Finding("digest-differs", path, "", "its digests are not those of the manifest")
    for path in (layout.CASE_DIGESTS, layout.MANIFEST):
        stored = bundle.object(path).get("run_digest")
        what = f"expected {run_digest(rows)}, found {shown(stored)}"
        is_same = stored == run_digest(rows)
        yield None if is_same else Finding("run-digest-differs", path, "run_digest", what)


def _sealed(bundle: Bundle, case_id: str) -> object:
    cases = bundle.manifest.get("cases")
    return cases.get(case_id) if isinstance(cases, dict) else None


def totals(bundle: Bundle) -> Looks:
    """As many cases have each status as scenarios have verdicts that mean it."""
    wanted = Counter(STATUS_OF[record.verdict].value for record in bundle.run.scenarios)
    paths = (layout.case_file(case_id_of(record.folder)) for record in bundle.run.scenarios)
    found = Counter(str(bundle.object(path).get("status")) for path in paths)
    for status in sorted({*wanted, *found}):
        what = f"{wanted[status]} are expected, {found[status]} are there"
        is_same = wanted[status] == found[status]
        yield None if is_same else Finding("totals-differ", layout.CASES, shown(status), what)


def reports(bundle: Bundle) -> Looks:
    """The reports for other programs count what ``run.json`` counts."""
    verdicts = [record.verdict for record in bundle.run.scenarios]
    root = _junit(bundle)
    wanted = {name: sum(each in kinds for each in verdicts) for name, kinds in _JUNIT_KINDS.items()}
    yield from _counts(layout.JUNIT, root.attrib, {"tests": len(verdicts), **wanted})
    yield from _counts(layout.JUNIT, {"testcases": sum(1 for _ in root.iter("testcase"))}, {"testcases": len(verdicts)})
    results = bundle.object(layout.CTRF).get("results")
    summary = results.get("summary") if isinstance(results, dict) else None
    counted = Counter(STATUSES.get(each, "other") for each in verdicts)
    wanted = {"tests": len(verdicts), **{status: counted[status] for status in sorted({*STATUSES.values()})}}
    yield from _counts(layout.CTRF, summary if isinstance(summary, dict) else {}, wanted)


def _counts(path: str, found: Mapping[str, Any], wanted: Mapping[str, int]) -> Looks:
    for name, count in wanted.items():
        is_same = str(found.get(name)) == str(count)
        what = f"run.json has {count}, the report {shown(found.get(name))}"
        yield None if is_same else Finding("verdict-mismatch", path, name, what)


def _junit(bundle: Bundle) -> Element:
    from xml.etree.ElementTree import ParseError, XMLParser

    text = text_of(bundle.data(layout.JUNIT), layout.JUNIT)
    parser = XMLParser()  # noqa: S314  # what could be expanded is refused below
    try:
        # A declaration of entities is how a small file becomes a large one, and no report has one.
        if "<!" in text:
            raise UnreadableError("not-xml", layout.JUNIT, "it declares something, and a report has nothing to declare")
        parser.feed(text)
        root: Element = parser.close()
    except ParseError as error:
        raise UnreadableError("not-xml", layout.JUNIT, f"it is no XML: {error}") from None
    return root
