"""What a recorded run is judged by: its own ladders as they were climbed, or another file in the place of the first.

A file is read with all rules of lint, and only inside the project. Where a variable is written as it was, its value is
that of the run, overrides included; where it is written otherwise, it is that of the file. How the file differs from
what was climbed is told as drift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.evidence.ladder_skeleton import without_instructions
from harness.language.loading import find, load
from harness.replaying.drift import LADDER, Difference, Half, drift
from harness.replaying.snapshot import climbed, read_bare, schemas_beside, snapshot_text
from harness.replaying.whole_run import Ladders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.evidence.run_record import LadderRecord
    from harness.language.model import Ladder, Scenario
    from harness.replaying.recorded import RecordedRun

SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """What a run is judged by.

    Attributes:
        source: ``snapshot``, or the file.
        digest: SHA-256 of the first ladder's file.
        differences: Of the file from what was climbed; none of a snapshot.
    """

    ladders: Ladders
    source: str
    digest: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """Where scenario files may lie.

    Attributes:
        root: The folder that holds ``scenarios/``.
        environ: What ``${env:…}`` reads in variables that the run has not filled in.
    """

    root: Path
    environ: Mapping[str, str]


def judged_by(run: RecordedRun, file: str, project: Project) -> JudgedBy:
    """Read what a run is judged by.

    Args:
        run: As recorded.
        file: Another ladder, by name or path; empty for the one that was climbed.
        project: Where it may lie.

    Raises:
        UsageError: ``ladder-missing`` or ``ladder-outside``.
        InvalidLadderError: The file has faults.
        EvidenceError: ``snapshot-missing`` or ``snapshot-damaged``.
    """
    folder, (first, *others) = run.entry.folder, run.record.ladders
    beside = {each.name: climbed(folder, each) for each in others}
    if not file:
        ladder = climbed(folder, first)
        return JudgedBy(Ladders(ladder, beside), SNAPSHOT, first.digest)
    path = _inside(find(file, project.root), project.root)
    return _other(run, first, beside, path=path, project=project)


def _other(
    run: RecordedRun, first: LadderRecord, beside: Mapping[str, Ladder], *, path: Path, project: Project
) -> JudgedBy:
    ladder = load(path, project.environ)
    old = read_bare(snapshot_text(run.entry.folder, first), first.file, run.entry.folder / first.snapshot)
    text = path.read_text(encoding="utf-8-sig")
    new = read_bare(text if run.keeps_contents else without_instructions(text), ladder.file, path)
    kept = {name: value for name, value in first.variables.items() if _is_as_written(name, old, new)}
    filled = replace(
        ladder,
        variables={name: kept.get(name, value) for name, value in ladder.variables.items()},
        scenarios=tuple(_with_own(each, first, old=old, new=new) for each in ladder.scenarios),
    )
    schemas = schemas_beside(path, ladder)
    differences = _with_untold(drift(old, new), is_equal=first.execution_digest == ladder.execution_digest)
    return JudgedBy(Ladders(filled, beside, schemas), ladder.file, ladder.digest, differences)


def _with_untold(differences: tuple[Difference, ...], *, is_equal: bool) -> tuple[Difference, ...]:
    """What is known to differ by its digest alone, because the contents of the older one were not kept."""
    if is_equal or any(each.half is Half.EXECUTION for each in differences):
        return differences
    return (*differences, Difference(Half.EXECUTION, LADDER, "differs in contents that were not kept"))


def _is_as_written(name: str, old: Ladder, new: Ladder) -> bool:
    return name in old.variables and name in new.variables and old.variables[name] == new.variables[name]


def _with_own(scenario: Scenario, first: LadderRecord, *, old: Ladder, new: Ladder) -> Scenario:
    """A scenario with the values that its own variables had, where both ladders write them alike."""
    known = first.scenario_variables.get(scenario.id, {})
    before = {each.id: each.variables for each in old.scenarios}.get(scenario.id, {})
    now = {each.id: each.variables for each in new.scenarios}.get(scenario.id, {})
    kept = {name: known[name] for name in known.keys() & before.keys() & now.keys() if before[name] == now[name]}
    return replace(scenario, variables={name: kept.get(name, value) for name, value in scenario.variables.items()})


def _inside(path: Path, root: Path) -> Path:
    """The file itself, which must lie in the project, links followed."""
    if not path.resolve().is_relative_to(root.resolve()):
        message = f"{path} does not lie in the project {root}"
        raise UsageError("ladder-outside", message, "copy it to scenarios/ and name it there")
    return path
