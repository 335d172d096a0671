"""What ``ladder replay`` prints: run, trials, scenarios, and each step with all that happened in it, in order.

Everything that was recorded is data and is printed as such: what a terminal would obey or hide is spelt out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.evidence.events import (
    ArtifactSaved,
    Captured,
    CheckJudged,
    ContainersSeen,
    ExchangeMade,
    PollAttempted,
    StepEnded,
    StepSkipped,
)
from harness.evidence.printable import one_line, shortened
from harness.evidence.reading import RunCondition
from harness.replaying.replay import differs, writes_of
from harness.replaying.results_again import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.evidence.event_lines import Entry
    from harness.replaying.judging_again import ScenarioAgain
    from harness.replaying.played import PlayedScenario, PlayedStep
    from harness.replaying.recorded import RecordedRun, RecordedTrial
    from harness.replaying.replay import Replay
    from harness.replaying.results_again import Again

_LONGEST: Final = 400


def safe(text: object) -> str:
    """Recorded text on one line, with nothing in it that a terminal obeys."""
    return shortened(one_line(str(text)), _LONGEST)


def replay_text(found: Replay) -> str:
    """Everything, for people."""
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Replay) -> Iterator[str]:
    yield from _head(found)
    for trial in found.trials:
        yield ""
        yield from _trial(found, trial)
    yield from _listed("missing or damaged:", found.damage)
    yield from _listed("recomputed otherwise than stored:", found.mismatches)


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    known = tuple(lines)
    if known:
        yield ""
        yield title
        yield from (f"  {safe(line)}" for line in known)


def _head(found: Replay) -> Iterator[str]:
    run, record = found.run, found.run.record
    stored = record.verdict or record.status
    again = f", recomputed {found.again.verdict}" if found.again and found.whole else ""
    yield f"run {run.entry.name}: {stored}{again}"
    yield f"  run id: {safe(record.run_id)}"
    yield f"  condition: {condition_of(run)}"
    if not run.keeps_contents:
        yield "  recorded: the skeleton only; bodies and messages were not kept"
    yield from (f"  {name}: {safe(value)}" for name, value in versions_of(run).items())
    if found.again and found.again.aggregation and found.whole:
        yield f"  trials: {safe(found.again.aggregation.arithmetic)}"
    if found.why_not_again:
        yield f"  not recomputed, outcomes are as stored: {safe(found.why_not_again)}"


def condition_of(run: RecordedRun) -> str:
    """Whether a run counts as evidence, in words."""
    if run.entry.condition is RunCondition.FINISHED:
        return "sealed" + (", signed" if run.entry.is_signed else ", unsigned")
    word = "running" if run.entry.condition is RunCondition.RUNNING else "interrupted"
    return f"{word} and unsealed: it is no evidence"


def versions_of(run: RecordedRun) -> dict[str, str]:
    """What made the run."""
    record = run.record
    dirty = " with local changes" if record.git.dirty else ""
    return {
        "ladder": f"{record.harness_version}, redaction {record.redaction.version}",
        "commit": f"{record.git.commit or 'unknown'}{dirty}",
        "worker image": record.images.worker or "unknown",
        "backend image": record.images.backend or "unknown",
        "engine": record.engine.version or "unknown",
        "ladders": ", ".join(f"{each.file} {each.digest[:12]}" for each in record.ladders),
    }


def _trial(found: Replay, trial: RecordedTrial) -> Iterator[str]:
    record = trial.record
    again = next((each for each in found.again.trials if each.recorded is trial), None) if found.again else None
    now = f", recomputed {again.verdict}" if again else ""
    yield f"trial {record.trial_index} {record.trace_id}: {safe(record.status)}{now} ({record.duration_s:.1f} s)"
    if trial.home.name != found.run.entry.name:
        yield f"  taken over from run {trial.home.name}"
    if trial.why:
        yield f"  it cannot be read: {safe(trial.why)}"
        return
    yield from (f"  {safe(why)}" for why in (again.reasons if again else ()))
    yield from _evaluations(found, record.trace_id, "  ")
    judged = {id(each.played): each for each in again.scenarios} if again else {}
    for each in trial.scenarios:
        yield from _scenario(found, trial, each, again=judged.get(id(each)))


def _evaluations(found: Replay, trace_id: str, indent: str) -> Iterator[str]:
    for each in found.evaluations.get(trace_id, ()):
        told = each.why or f"{each.verdict} by {each.source}, {each.made_at}"
        yield f"{indent}evaluated later: {each.eval_id}: {safe(told)}"


def _scenario(
    found: Replay, trial: RecordedTrial, played: PlayedScenario, *, again: ScenarioAgain | None
) -> Iterator[str]:
    title = played.started.title if played.started else ""
    now = f", recomputed {again.verdict or 'not judged'}" if again else ""
    yield safe(f"  {played.folder} {title}").rstrip() + f": {played.verdict or 'never ended'}{now}"
    if played.ended and played.ended.reason:
        yield f"    {safe(played.ended.reason)}"
    if again:
        known = played.ended.reason if played.ended else ""
        yield from (f"    recomputed: {safe(why)}" for why in again.reasons if why != known)
    checks = {id(each.played): each.checks for each in again.steps} if again else {}
    for step in played.steps:
        yield from _step(step, checks.get(id(step), ()))
    yield from _loose(played, again)
    if played.started and played.started.trace_id:
        yield f"    trace {played.started.trace_id}: {_writes(trial, played.started.trace_id)}"
        yield from _evaluations(found, played.started.trace_id, "    ")


def _writes(trial: RecordedTrial, trace_id: str) -> str:
    writes = writes_of(trial, trace_id)
    if writes is None:
        return "whether anything was written to a database is not known"
    each = ", ".join(f"{count} {safe(name)}" for name, count in sorted(writes.items()))
    return f"{sum(writes.values())} writes committed" + (f" ({each})" if each else "")


def _step(step: PlayedStep, checks: tuple[Again, ...]) -> Iterator[str]:
    started, ended = step.started, step.ended
    after = " after the verdict" if started.is_teardown else ""
    took = f"{ended.verdict} ({ended.duration_s:.3f} s)" if ended else "never ended"
    yield f"    {safe(started.step)}: {started.action}{after}, {safe(started.place)}: {took}"
    for entry in step.entries:
        yield from (f"      +{entry.t:.3f} {safe(line)}" for line in _event(entry))
    yield from (f"      {safe(line)}" for line in map(_check, checks))
    if not checks:
        yield from (f"      {each.outcome} {safe(each.text)}" for each in step.results)
    if ended and ended.reason:
        yield f"      {safe(ended.reason)}"


def _loose(played: PlayedScenario, again: ScenarioAgain | None) -> Iterator[str]:
    for entry in played.loose:
        if not isinstance(entry.event, CheckJudged):
            yield from (f"    +{entry.t:.3f} {safe(line)}" for line in _event(entry))
    if again:
        yield from (f"    {safe(_check(each))}" for each in again.loose)
    else:
        yield from (f"    {each.outcome} {safe(each.text)}" for each in played.results)


def _check(check: Again) -> str:
    shown = check.new or check.old
    if shown is None:
        return f"{check.source} {check.why}"
    mark = "" if check.source is Source.RECOMPUTED else f" [{check.source}]"
    if differs(check):
        old, new = (each.outcome if each else "nothing" for each in (check.old, check.new))
        mark = f" [stored {old}, recomputed {new}]"
    got = "" if shown.outcome == "held" else f": wanted {shown.wanted or 'a decision'}, got {shown.got}"
    return f"{shown.outcome} {shown.severity} {shown.text}{mark}{got}"


def _event(entry: Entry) -> Iterator[str]:
    """What happened, in a line; how a step ended and what its checks came to is told elsewhere."""
    event: Any = entry.event
    match event:
        case ExchangeMade():
            answer = event.answer
            came = (
                f"{answer.status}, {answer.bytes} bytes" if answer.status is not None else f"no answer: {answer.error}"
            )
            yield f"{event.purpose} {event.sent.method} {event.sent.path}: {came} in {answer.duration_s:.3f} s"
        case PollAttempted():
            came = str(event.status) if event.status is not None else f"no answer ({event.error})"
            took = f"{event.bytes} bytes in {event.duration_s:.3f} s"
            yield f"attempt {event.attempt}: {came}, {took} {event.why_not_ready}".rstrip()
        case ArtifactSaved():
            yield f"file {event.path}" + (f" (copied from {event.derived_from})" if event.derived_from else "")
        case Captured():
            yield f"captured {event.name} = {event.value}"
        case ContainersSeen():
            seen = event.witness.containers
            yield f"containers: {len(seen)} seen" if event.witness.available else "containers: the engine was not asked"
        case StepSkipped():
            yield f"skipped: {event.why}"
        case StepEnded() | _:
            return
