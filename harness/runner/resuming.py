"""Going on with several trials that ended before their time: those that have an end count, only the others are climbed.

The earlier run is read and never written, whether it was closed or killed. Of its trials one counts only when its trace
lies there with the digest that was entered for it; whatever is in doubt is climbed anew. All trials must be of one
ladder and one subject, since a rate over two of them would say nothing about either.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from harness.errors import UsageError
from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import stored_text
from harness.evidence.layout import EVENTS, TRACE_MANIFEST, trace_file
from harness.evidence.reading import RunCondition, load_run
from harness.evidence.records import DamagedRecordError
from harness.evidence.resolving import resolve_run
from harness.evidence.trial_records import TrialRecord, decode_traces
from harness.ids import is_id
from harness.judging.verdict import Verdict
from harness.redaction.redacted import MARKER
from harness.runner.selection import Wish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord
    from harness.language.model import Ladder
    from harness.runner.stand import Stand
    from harness.runner.wanted_trials import WantedTrials

ENDS: Final = frozenset({Verdict.PASS, Verdict.LIMITED, Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE})
"""How a trial can have ended; one that is ``running`` or ``interrupted`` has not."""

_CLIMB_ANEW: Final = "leave --resume out, and climb all of them anew"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Trials of an earlier run that count in a new one.

    Attributes:
        record: The earlier run's.
        records: As they are entered in the new one: each with the run that it was climbed in.
        wish: Which scenarios they climbed.
    """

    record: RunRecord
    records: tuple[TrialRecord, ...]
    wish: Wish

    def refuse_other_subject(self, stand: Stand) -> None:
        """Refuse to add trials of another subject to these.

        Raises:
            UsageError: ``subject-changed``; the image or, of a foreign stack, the address is another one.
        """
        facts = {"worker image": (self.record.images.worker, stand.images.worker)}
        if not stand.is_own:
            facts["address"] = (self.record.base_url, stand.base_url)
        for name, (then, now) in facts.items():
            if self.records and then != now:
                message = f"the {name} was {then} in run {self.record.folder} and is {now}: that is another subject"
                raise UsageError("subject-changed", message, _CLIMB_ANEW)


def take_over(ladder: Ladder, wanted: WantedTrials, runs: Sequence[RunEntry], *, name: str) -> TakenOver:
    """Take over what has ended of an earlier run of several trials.

    Args:
        ladder: As it is now.
        wanted: How many there are to be in the end.
        runs: All runs, newest first.
        name: Which of them; empty for the newest of this ladder that had several trials.

    Raises:
        UsageError: ``nothing-to-resume``, ``run-running``, ``not-several-trials`` or ``ladder-changed``.
        EvidenceError: ``run-unknown``, ``run-unreadable`` or ``run-damaged``.
    """
    entry = resolve_run(runs, name) if name else _newest(runs, ladder)
    record = _sound(entry, ladder)
    ended = tuple(_ended(entry, {each.run_id: each for each in runs}))
    if len(ended) >= wanted.count:
        message = f"{len(ended)} trials of run {entry.name} have ended, and --trials {wanted.count} asks for no more"
        raise UsageError("nothing-to-resume", message, f"give --trials a number above {len(ended)}")
    records = tuple(replace(each, trial_index=at) for at, each in enumerate(ended))
    return TakenOver(record, records, _wish(record))


def _newest(runs: Iterable[RunEntry], ladder: Ladder) -> RunEntry:
    for entry in runs:
        if entry.record and entry.record.trials > 1 and entry.record.ladders[0].name == ladder.name:
            return entry
    message = f"there is no earlier run of several trials of {ladder.name}"
    raise UsageError("nothing-to-resume", message, f"ladder run {ladder.file} --trials N")


def _sound(entry: RunEntry, ladder: Ladder) -> RunRecord:
    if entry.condition is RunCondition.RUNNING:
        message = f"run {entry.name} is still running"
        raise UsageError("run-running", message, "wait for its end, or end it with Ctrl-C")
    found = load_run(entry)
    if found.faults or entry.condition is RunCondition.DAMAGED:
        what = f"{found.faults[0].kind}: {found.faults[0].path}" if found.faults else entry.why
        raise EvidenceError("run-damaged", f"run {entry.name} is not as it was recorded: {what}", _CLIMB_ANEW)
    if found.record.trials == 1:
        message = f"run {entry.name} is not one of several trials"
        raise UsageError("not-several-trials", message, "leave --trials out to go on with its one climb")
    if found.record.ladders[0].digest != ladder.digest:
        message = f"{ladder.file} is not the file that run {entry.name} climbed"
        raise UsageError("ladder-changed", message, _CLIMB_ANEW)
    if odd := _differing(found.record.ladders[0].variables, ladder.variables):
        message = f"the surroundings give {', '.join(odd)} of {ladder.file} another value than in run {entry.name}"
        raise UsageError("ladder-changed", message, _CLIMB_ANEW)
    return found.record


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of variables with another value; one that was a secret is not known, and where the stack is says itself."""
    spelt = {name: json.dumps(value, sort_keys=True) for name, value in then.items() if name != _ADDRESS}
    return [
        name
        for name, text in spelt.items()
        if MARKER not in text and text != json.dumps(now.get(name), sort_keys=True, default=str)
    ]


_ADDRESS: Final = "base_url"


def _ended(entry: RunEntry, known: dict[str, RunEntry]) -> Iterator[TrialRecord]:
    taken: set[str] = set()
    for trial in _entered(entry):
        home = known.get(trial.run_id) if trial.run_id else entry
        if trial.status in ENDS and home and trial.trace_id not in taken and _is_there(home, trial):
            taken.add(trial.trace_id)
            # Its folder and its log are those of the other run.
            yield replace(trial, folder="", log=EVENTS, run_id=home.run_id)


def _entered(entry: RunEntry) -> tuple[TrialRecord, ...]:
    try:
        return decode_traces(stored_text(entry.folder / TRACE_MANIFEST)).trials
    except FileNotFoundError:
        # Killed before its first trial.
        return ()
    except (OSError, UnicodeDecodeError, DamagedRecordError) as error:
        message = f"run {entry.name}: {TRACE_MANIFEST} cannot be read: {type(error).__name__}"
        raise EvidenceError("run-damaged", message, _CLIMB_ANEW) from error


def _is_there(home: RunEntry, trial: TrialRecord) -> bool:
    if not is_id(trial.trace_id):
        return False
    try:
        text = stored_text(home.folder / trace_file(trial.trace_id))
    except (OSError, UnicodeDecodeError):
        return False
    return hashlib.sha256(text.encode()).hexdigest() == trial.sha256


def _wish(record: RunRecord) -> Wish:
    """Which scenarios the earlier run was asked for."""
    asked = record.settings.get("asked")
    found = asked if isinstance(asked, dict) else {}
    names = found.get("scenarios")
    only = tuple(each for each in names if isinstance(each, str)) if isinstance(names, list | tuple) else ()
    return Wish(only, with_needs=bool(only) and found.get("with_needs") is True)
