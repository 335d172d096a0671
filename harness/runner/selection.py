"""Which scenarios are climbed, and which captures of an earlier run they build on. Pure.

A rerun is always a new run. What it builds on must be there before anything is sent, and must be of the same ladder:
captures of another file would prove something about a scenario that nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.language.climb import reached
from harness.language.findings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.evidence.run_record import RunRecord
    from harness.evidence.state import RunState
    from harness.language.model import Ladder, Scenario


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for.

    Attributes:
        only: Ids of scenarios; empty for all.
        with_needs: Climb everything that they need as well.
        resume: Go on at the first scenario of the earlier run that was not green.
    """

    only: tuple[str, ...] = ()
    with_needs: bool = False
    resume: bool = False

    @property
    def builds_on_earlier(self) -> bool:
        """Whether an earlier run is of any use."""
        return self.resume or (bool(self.only) and not self.with_needs)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The run that is built on.

    Attributes:
        name: Of its folder.
    """

    name: str
    record: RunRecord
    state: RunState


@dataclass(frozen=True, slots=True)
class Selection:
    """What is climbed.

    Attributes:
        captures: Of scenarios that are not climbed, by scenario.
        rerun_of: Id of the run that they are from; ``None`` when none are reused.
    """

    scenarios: tuple[Scenario, ...]
    captures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rerun_of: str | None = None


def select(ladder: Ladder, wish: Wish, earlier: Earlier | None) -> Selection:
    """Decide what is climbed.

    Args:
        ladder: The ladder as it is now.
        wish: What was asked for.
        earlier: The run to build on; ``None`` when there is none.

    Raises:
        UsageError: ``scenario-unknown``, ``ladder-changed``, ``nothing-to-resume``, or ``prerequisite-missing``, which
            names the scenario to run first.
    """
    known = [scenario.id for scenario in ladder.scenarios]
    for name in wish.only:
        if name not in known:
            message = f"{ladder.file} has no scenario {name!r}{did_you_mean(name, known)}"
            raise UsageError("scenario-unknown", message, f"ladder list {ladder.file}")
    chosen = _chosen(ladder, wish, earlier)
    climbed = {scenario.id for scenario in chosen}
    # A run that goes on where another ended counts what that one has done as done, so that it can be resumed as well.
    built_on = set(known) if wish.resume else _needed_by(ladder, chosen)
    return _with_captures(ladder, chosen, earlier, outside=built_on - climbed)


def _chosen(ladder: Ladder, wish: Wish, earlier: Earlier | None) -> tuple[Scenario, ...]:
    if wish.resume:
        return _from_first_red(ladder, earlier)
    if not wish.only:
        return ladder.scenarios
    wanted = set(wish.only)
    if wish.with_needs:
        wanted |= {need for name in wish.only for need in reached(_needs(ladder), name)}
    return tuple(scenario for scenario in ladder.scenarios if scenario.id in wanted)


def _from_first_red(ladder: Ladder, earlier: Earlier | None) -> tuple[Scenario, ...]:
    if earlier is None:
        raise UsageError("nothing-to-resume", "there is no earlier run to resume", f"ladder run {ladder.file}")
    _refuse_changed(ladder, earlier)
    for at, scenario in enumerate(ladder.scenarios):
        # Only green scenarios have an entry there, those included that the run itself had taken over.
        if scenario.id not in earlier.state.captures:
            return ladder.scenarios[at:]
    message = f"every scenario of {ladder.name} was green in run {earlier.name}"
    raise UsageError("nothing-to-resume", message, f"ladder run {ladder.file} climbs all of them anew")


def _needed_by(ladder: Ladder, chosen: Sequence[Scenario]) -> set[str]:
    return {name for each in chosen for name in reached(_needs(ladder), each.id)}


def _with_captures(
    ladder: Ladder, chosen: Sequence[Scenario], earlier: Earlier | None, *, outside: set[str]
) -> Selection:
    if not outside:
        return Selection(tuple(chosen))
    if earlier is None:
        raise _prerequisite_missing(ladder, chosen, outside=outside, where="and there is no earlier run")
    _refuse_changed(ladder, earlier)
    lacking = outside - earlier.state.captures.keys()
    if lacking:
        raise _prerequisite_missing(ladder, chosen, outside=lacking, where=f"and run {earlier.name} has none of it")
    captures = {name: earlier.state.captures[name] for name in sorted(outside)}
    return Selection(tuple(chosen), captures, earlier.record.run_id)


def _prerequisite_missing(ladder: Ladder, chosen: Sequence[Scenario], *, outside: set[str], where: str) -> UsageError:
    lacking = [scenario.id for scenario in ladder.scenarios if scenario.id in outside]
    needing = next(each.id for each in chosen if not outside.isdisjoint(reached(_needs(ladder), each.id)))
    message = f"{needing} builds on {', '.join(lacking)}, {where}"
    # Those that no other of them needs bring all of them.
    last = [name for name in lacking if not any(name in reached(_needs(ladder), other) for other in lacking)]
    command = " ".join(["ladder run", ladder.file, *(f"--only {name}" for name in last), "--with-needs"])
    hint = f"run {' and '.join(last)} first: {command}; or add --with-needs to this one"
    return UsageError("prerequisite-missing", message, hint)


def _refuse_changed(ladder: Ladder, earlier: Earlier) -> None:
    if earlier.state.ladder_digest != ladder.digest:
        message = f"{ladder.file} is not the file that run {earlier.name} climbed"
        hint = f"climb the whole ladder again: ladder run {ladder.file}"
        raise UsageError("ladder-changed", message, hint)


def _needs(ladder: Ladder) -> dict[str, tuple[str, ...]]:
    return {scenario.id: scenario.needs for scenario in ladder.scenarios}
