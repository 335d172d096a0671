"""From an order to a plan: which ladder, which of its scenarios, what they build on, and what proves the rollback.

Everything that can be wrong about an order is found here, before a folder is made or anything is sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from harness.errors import PrerequisiteError, UsageError
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import RunCondition, list_runs, load_run
from harness.evidence.resolving import resolve_run
from harness.judging.schema_checks import make_ready
from harness.language.loading import find, load
from harness.language.model import CheckKind
from harness.redaction.env_secrets import load_secrets
from harness.redaction.secret import NamedSecret, Secret, SecretSet
from harness.redaction.vocabulary import refusal
from harness.runner.choices import RecordChoice, WitnessChoice
from harness.runner.climb import Part
from harness.runner.looks import every
from harness.runner.origin import Trigger
from harness.runner.resuming import take_over
from harness.runner.selection import Earlier, Wish, select
from harness.runner.stand import BASE_URL, foreign_url, planned_url
from harness.runner.wanted_trials import WantedTrials
from harness.sealing.key_files import VARIABLE, signing_key
from harness.senses.address import Address
from harness.stack import env_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.config import Settings
    from harness.evidence.reading import RunEntry
    from harness.evidence.run_record import RunRecord
    from harness.language.model import Ladder
    from harness.runner.resuming import TakenOver
    from harness.runner.selection import Selection
    from harness.sealing.keys import SigningKey


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for.

    Attributes:
        ladder: A name such as ``live``, or a path.
        out: The evidence root.
        wish: Which scenarios.
        from_run: The run whose captures are reused; empty for the newest of this ladder.
        rolls_back: Whether the stack is mocked again at the end, and that is proved.
        is_rollback: Whether that proof is all that is asked for.
    """

    ladder: str
    out: Path
    wish: Wish = field(default_factory=Wish)
    from_run: str = ""
    witness: WitnessChoice = WitnessChoice.AUTO
    rolls_back: bool = False
    is_rollback: bool = False
    trials: WantedTrials = field(default_factory=WantedTrials)
    record: RecordChoice = RecordChoice.FULL


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done.

    Attributes:
        climbed: The part that decides the verdict.
        rollback: The part that proves the rollback; ``None`` when there will be none.
        earlier: Folder of the run whose captures are reused, and of those that it had reused itself, newest first.
        witness: Whether the engine is asked about containers.
        trigger: What has set the run off.
        trials: How often the part is climbed, each time on fresh projects.
        rerun_of: Id of the first of them; of a rollback, which reuses nothing, that of the newest run of its ladder.
        signer: The key that the run is signed with; it is among the secrets as well.
        wish: Which scenarios; where trials are taken over, those that they climbed.
        taken: Trials of an earlier run that count in this one.
    """

    climbed: Part
    rollback: Part | None
    secrets: SecretSet
    earlier: tuple[Path, ...]
    rerun_of: str | None
    witness: WitnessChoice = WitnessChoice.AUTO
    trigger: Trigger = field(default_factory=Trigger)
    trials: WantedTrials = field(default_factory=WantedTrials)
    signer: SigningKey | None = None
    wish: Wish = field(default_factory=Wish)
    taken: TakenOver | None = None


def plan(order: Order, settings: Settings) -> Plan:
    """Make a plan.

    Raises:
        UsageError: The ladder is unknown, the wish cannot be fulfilled, BASE_URL is no such URL, or the trigger is
            unknown.
        InvalidLadderError: The ladder, or the one that proves its rollback, has faults.
        EvidenceError: The run to build on is unknown or not as it was recorded.
        PrerequisiteError: A secret cannot be kept out of evidence, or the key that is to sign is unfit for it.
    """
    if url := foreign_url(settings):
        Address.parse(url)
    trigger = Trigger.of(settings)
    path = find(order.ladder, settings.root)
    ladder = _load(path, settings)
    signer = signing_key(settings, order.out)
    secrets = _with_key(_secrets(ladder, settings), signer)
    if order.is_rollback:
        newest = _newest(list_runs(order.out), ladder)
        rerun_of = newest.run_id if newest else None
        proof = _rollback(ladder, path, settings)
        return Plan(proof, None, secrets, (), rerun_of, order.witness, trigger, signer=signer)
    taken = _taken(order, ladder)
    wish = taken.wish if taken else order.wish
    earlier, folders = _earlier(order, ladder) if not taken else (None, ())
    selection = select(ladder, wish, earlier)
    _refuse_shared(order.trials, selection)
    climbed = _part(ladder, path, selection, folder=ladder.mode.value)
    # Somebody else's stack is not ours to switch.
    rolls_back = order.rolls_back and ladder.rollback is not None and not foreign_url(settings)
    rollback = _rollback(ladder, path, settings) if rolls_back else None
    reused = folders if selection.rerun_of else ()
    rerun_of = taken.record.run_id if taken else selection.rerun_of
    made = Plan(climbed, rollback, secrets, reused, rerun_of, order.witness, trigger, order.trials)
    return replace(made, wish=wish, taken=taken, signer=signer)


def _taken(order: Order, ladder: Ladder) -> TakenOver | None:
    """To go on with several trials is to climb those that have no end; with a single climb, see ``select``."""
    if not (order.trials.is_several and order.wish.resume):
        return None
    return take_over(ladder, order.trials, list_runs(order.out), name=order.from_run)


def _refuse_shared(trials: WantedTrials, selection: Selection) -> None:
    """Trials share nothing; on the captures of an earlier run they would all work on one project."""
    if trials.is_several and selection.captures:
        shared = ", ".join(selection.captures)
        message = f"several trials cannot build on what {shared} captured in an earlier run: they would share it"
        raise UsageError("trials-not-fresh", message, "add --with-needs, so that each trial makes its own")


def _secrets(ladder: Ladder, settings: Settings) -> SecretSet:
    """What no run may write: what the surroundings say is secret, and what the ladder lists by name."""
    found = load_secrets(settings.live_env_file, settings.env_file, settings.environ)
    written = env_file.read(settings.env_file)
    values = {name: settings.get(name) or written.get(name, "") for name in ladder.secrets if name not in found.names}
    listed = {name: value for name, value in values.items() if value}
    for name, value in listed.items():
        if why := refusal(value.strip()):
            message = (
                f"{ladder.file} lists {name} as a secret, and its value {why}, so it cannot be kept out of evidence"
            )
            raise PrerequisiteError("secret-unsearchable", message, f"give {name} a longer random value, or unset it")
    return SecretSet((*found, *(NamedSecret(name, Secret(value)) for name, value in listed.items())))


def _with_key(secrets: SecretSet, signer: SigningKey | None) -> SecretSet:
    """The private key is a secret as well, in whatever file it lies."""
    spelt = signer.spellings() if signer else ()
    return SecretSet((*secrets, *(NamedSecret(VARIABLE, Secret(value)) for value in spelt)))


def _load(path: Path, settings: Settings) -> Ladder:
    ladder = load(path, settings.environ)
    if foreign_url(settings):
        return ladder
    # Where our own stack will be; the default in the file knows nothing of PORT.
    return load(path, {**settings.environ, BASE_URL: planned_url(settings, ladder.mode)})


def _rollback(ladder: Ladder, path: Path, settings: Settings) -> Part:
    rollback = ladder.rollback
    if rollback is None:
        message = f"{ladder.file} says nothing about a rollback"
        raise UsageError("rollback-unknown", message, "add `rollback: {verify: …, as: …}` to it")
    proof = path.parent / rollback.verify
    verified = _load(proof, settings)
    return _part(verified, proof, select(verified, Wish(rollback.only), None), folder=rollback.folder)


def _part(ladder: Ladder, path: Path, selection: Selection, *, folder: str) -> Part:
    text = path.read_text(encoding="utf-8")
    return Part(ladder, selection.scenarios, folder, _schemas(ladder, path.parent), selection.captures, text)


def _schemas(ladder: Ladder, folder: Path) -> dict[str, Any]:
    """The schemas beside a ladder, ready for the climb; lint has seen that each can be read."""
    steps = [step for each in ladder.scenarios for step in (*each.steps, *each.cleanup)]
    checks = every(check for step in (*steps, *ladder.collect_on_fail) for check in step.expect)
    names = {check.argument for check in checks if check.kind is CheckKind.SCHEMA}
    found = {name: json.loads((folder / name).read_text(encoding="utf-8")) for name in sorted(names)}
    for rules in found.values():
        make_ready(rules)
    return found


def _earlier(order: Order, ladder: Ladder) -> tuple[Earlier | None, tuple[Path, ...]]:
    wish = order.wish
    if not order.from_run and not wish.builds_on_earlier:
        return None, ()
    runs = list_runs(order.out)
    entry = resolve_run(runs, order.from_run) if order.from_run else _newest(runs, ladder)
    if entry is None:
        return None, ()
    if entry.condition is not RunCondition.FINISHED:
        raise UsageError("run-unfinished", f"run {entry.name} is {entry.condition}", "name a finished run with --from")
    found = load_run(entry)
    if found.faults or found.state is None:
        what = f"{found.faults[0].kind}: {found.faults[0].path}" if found.faults else "its state.json cannot be read"
        raise EvidenceError("run-damaged", f"run {entry.name} is not as it was recorded: {what}", _HINT)
    return Earlier(entry.name, found.record, found.state), (entry.folder, *_before(found.record, runs))


def _before(record: RunRecord, runs: Sequence[RunEntry]) -> Iterator[Path]:
    """Folders of the runs that a run was built on: what it had taken over lies there, as long as they are whole."""
    known = {entry.run_id: entry for entry in runs if entry.condition is RunCondition.FINISHED}
    # Each is looked at once, so that no circle of made-up records keeps this from ending.
    while record.rerun_of and (entry := known.pop(record.rerun_of, None)):
        found = load_run(entry)
        if found.faults:
            return
        yield entry.folder
        record = found.record


_HINT: Final = "climb the whole ladder again, or name another run with --from"


def _newest(runs: tuple[RunEntry, ...], ladder: Ladder) -> RunEntry | None:
    """The newest finished run of the same ladder."""
    for entry in runs:
        if entry.condition is RunCondition.FINISHED and entry.record and entry.record.ladders[0].name == ladder.name:
            return entry
    return None
