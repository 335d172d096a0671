"""Whether what a case shows belongs to this run: its job's own result, in the run's time, and no copy unmarked.

A result without a ``job_id`` cannot be told from an older one, and neither can one of a backend that named no job; that
is said and is no fault, since the contract of a foreign backend may know no jobs. Clocks of another machine are not
compared with ours.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from harness.evidence import layout
from harness.evidence.events import ArtifactSaved, Captured, ExchangeMade, ScenarioEnded
from harness.evidence.run_record import RunStatus
from harness.judging.documents import parse
from harness.judging.verdict import Verdict, fold, is_green
from harness.verifying.comparing import shown
from harness.verifying.findings import Finding
from harness.verifying.trace_checks import OWN_STACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.evidence.event_lines import Entry
    from harness.verifying.bundle import Bundle, StoredCase

    Looks = Iterator[Finding | None]

RESULT: Final = "result.json"
_TIMES: Final = ("started_at", "finished_at", "timestamp")


def freshness(case: StoredCase) -> Looks:
    """Results are of jobs that the backend named in this scenario, and everything happened while the run went on."""
    entries = case.segment.entries if case.segment else ()
    if not entries or _was_taken_over(case):
        return
    yield from _in_time(case, ((entry.at, f"event {entry.seq}") for entry in (entries[0], entries[-1])), layout.EVENTS)
    jobs = _jobs(entries)
    for saved in (entry.event for entry in entries if isinstance(entry.event, ArtifactSaved)):
        if saved.path.rpartition("/")[2] == RESULT and not saved.derived_from:
            yield from _result(case, saved.path, jobs)


def _result(case: StoredCase, path: str, jobs: frozenset[str]) -> Looks:
    found = parse(case.bundle.data(path).decode("utf-8", "replace"))
    if not isinstance(found, dict):
        return
    job = found.get("job_id")
    if job is None or not jobs:
        what = "it names no job" if job is None else "the backend named no job that it could be of"
        yield Finding("job-unknown", path, "job_id", what, is_fault=False)
    else:
        is_ours = str(job) in jobs
        yield None if is_ours else Finding("stale-result", path, "job_id", f"{shown(job)} is no job of this scenario")
    if case.bundle.run.settings.get(OWN_STACK):
        yield from _in_time(case, ((found[name], name) for name in _TIMES if found.get(name)), path)


def _jobs(entries: Iterable[Entry]) -> frozenset[str]:
    """Every job that was named: by a field of an answer, or captured. The document itself lies wrapped in a text."""
    named: set[str] = set()
    for event in (entry.event for entry in entries):
        if isinstance(event, Captured) and isinstance(event.value, str):
            named.add(event.value)
        elif isinstance(event, ExchangeMade):
            body = parse(event.answer.text) if '"job_id"' in event.answer.text else None
            if isinstance(body, dict) and body.get("job_id") is not None:
                named.add(str(body["job_id"]))
    return frozenset(named)


def _in_time(case: StoredCase, times: Iterable[tuple[Any, str]], path: str) -> Looks:
    run = case.bundle.run
    first, last = _instant(run.started_at), _instant(run.finished_at)
    for text, place in times:
        found = _instant(text)
        is_within = found is not None and first is not None and last is not None and first <= found <= last
        what = f"{shown(text)} is not between the start and the end of the run"
        yield None if is_within else Finding("not-in-time", path, place, what)


def _instant(text: Any) -> datetime | None:  # noqa: ANN401  # JSON values
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def _was_taken_over(case: StoredCase) -> bool:
    """Whether it was climbed in an earlier run, whose times are not this one's."""
    trials = case.bundle.run.trial_records
    return any(each.run_id and each.folder and case.record.folder.startswith(f"{each.folder}/") for each in trials)


def copies(case: StoredCase) -> Looks:
    """What was copied from another scenario is marked as a copy in the manifest, and nothing else is."""
    listed = {str(each.get("path")): each for each in case.bundle.files}
    for entry in case.segment.entries if case.segment else ():
        event = entry.event
        if isinstance(event, ArtifactSaved):
            marked = listed.get(event.path, {}).get("derived") or ""
            what = f"expected {event.derived_from or 'no mark'}, found {shown(marked) or 'no mark'}"
            is_same = marked == event.derived_from
            yield None if is_same else Finding("copy-mismatch", layout.MANIFEST, f"derived of {event.path}", what)


def outcome(case: StoredCase) -> Looks:
    """The verdict of ``run.json`` is the one that the log ends the scenario with."""
    ends = [entry.event for entry in case.segment.entries] if case.segment else []
    told = [event.verdict for event in ends if isinstance(event, ScenarioEnded)]
    if not told:
        return
    verdict = case.record.verdict
    # Of several trials of a scenario the log ends each, and the record has the worst of them.
    is_fold = "/trials/" in f"/{case.record.folder}" and is_green(verdict) and is_green(told[-1])
    what = f"expected {told[-1]}, found {verdict}"
    yield None if verdict is told[-1] or is_fold else Finding("verdict-mismatch", layout.RUN, case.record.folder, what)


def verdict(bundle: Bundle) -> Looks:
    """The verdict of the run follows from those of its scenarios, or of its trials."""
    run = bundle.run
    if run.aggregation:
        wanted = {run.aggregation.verdict}
    else:
        found = [each.verdict for each in run.scenarios if each.verdict not in {Verdict.BLOCKED, Verdict.FLAKY}]
        wanted = {fold(found)}
        if run.status is RunStatus.INTERRUPTED:
            # One that was cut short between two scenarios has not passed.
            wanted.add(fold([*found, Verdict.INCONCLUSIVE]))
    what = f"expected {' or '.join(sorted(wanted))}, found {run.verdict}"
    yield None if run.verdict in wanted else Finding("verdict-mismatch", layout.RUN, "verdict", what)
