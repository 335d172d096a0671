"""Whether traces are those that were written as their scenarios ended, and their OTLP forms those of the traces.

What the backend told stands in the trace alone, so that the log can only say which bytes it had. The doubt: whoever
changes a run that nobody has signed can change its log as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.evidence import layout
from harness.evidence.events import ClimbStarted, ScenarioStarted, TraceKept
from harness.evidence.manifest import sha256
from harness.judging.documents import parse
from harness.traces.otlp import otlp_line, otlp_log_line
from harness.verifying.comparing import first_difference, same, shown
from harness.verifying.findings import Finding
from harness.verifying.opening import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from harness.traces.records import Trace
    from harness.verifying.bundle import Bundle

    Looks = Iterator[Finding | None]

_FORMS: Final = ((layout.OTLP_TRACES, otlp_line), (layout.OTLP_LOGS, otlp_log_line))


def kept(bundle: Bundle) -> Looks:
    """Each scenario's trace has the bytes that its log tells of; a run of before such events has none of them."""
    told = {log: _told(bundle, log) for log in bundle.logs}
    if not any(isinstance(event, TraceKept) for events in told.values() for event in events):
        return
    for log, events in told.items():
        begun = {event.trace_id: event.scenario for event in events if isinstance(event, ScenarioStarted)}
        written = [event for event in events if isinstance(event, TraceKept)]
        for trace_id in begun:
            own = [event for event in written if event.trace_id == trace_id]
            yield _as_kept(bundle, layout.trace_file(trace_id), own, log=log)
        for event in written:
            what = f"{shown(event.scenario)} did not begin with this trace"
            is_known = begun.get(event.trace_id) == event.scenario
            yield None if is_known else Finding("kept-of-another", log, f"trace {shown(event.trace_id)}", what)


def _told(bundle: Bundle, log: str) -> list[ScenarioStarted | TraceKept]:
    events = (entry.event for entry in bundle.entries(log))
    return [event for event in events if isinstance(event, ScenarioStarted | TraceKept)]


def _as_kept(bundle: Bundle, path: str, events: Sequence[TraceKept], *, log: str) -> Finding | None:
    if len(events) != 1:
        return Finding("not-kept", path, "", f"{log} tells {len(events)} times that it was written, and not once")
    data = bundle.data(path)
    is_same = (len(data), sha256(data)) == (events[0].bytes, events[0].sha256)
    return None if is_same else Finding("not-as-kept", path, "", f"{log} tells of other bytes when its scenario ended")


def exports(bundle: Bundle) -> Looks:
    """The OTLP forms are made of the stored traces: a line for each climb and each scenario, as the logs begin them."""
    for path, form in _FORMS:
        with opened(bundle.folder, path) as file:
            yield from _lines(bundle, file, path, form=form)


def _lines(bundle: Bundle, file: BinaryIO, path: str, *, form: Callable[..., str]) -> Looks:
    run, number = bundle.run, 0
    for number, trace in enumerate(_traces(bundle), start=1):
        wanted = form(trace, version=run.harness_version, run_id=run.run_id).encode() + b"\n"
        # No more of a line is read than it may have.
        stored = file.readline(len(wanted) + 1)
        if stored == wanted:
            yield None
            continue
        place, what = _difference(stored, wanted)
        yield Finding("export-differs", path, f"line {number} {place}".rstrip(), what)
        if not stored.endswith(b"\n"):
            return
    what = f"{number} lines are expected, and more are there"
    yield Finding("export-differs", path, f"line {number + 1}", what) if file.read(1) else None


def _traces(bundle: Bundle) -> Iterator[Trace]:
    for log in bundle.logs:
        for entry in bundle.entries(log):
            if isinstance(entry.event, ClimbStarted | ScenarioStarted):
                yield bundle.trace(entry.event.trace_id)


def _difference(stored: bytes, wanted: bytes) -> tuple[str, str]:
    """The first place in which a line is another one: in its values, else in its spelling."""
    if not stored:
        return "", "it is not there"
    found = parse(stored.decode(errors="replace"))
    if found is not None and not same(found, document := parse(wanted.decode())):
        return first_difference(found, document)
    pairs = enumerate(zip(stored, wanted, strict=False), start=1)
    place = next((at for at, (one, other) in pairs if one != other), min(len(stored), len(wanted)) + 1)
    return f"byte {place}", "the line of this trace goes on in another way from here"
