"""Rules about names that become folders and files of evidence: no system reserves them, and no two are one on any.

Evidence is checked out, copied and unpacked on systems that are not ours, some of which tell no upper from lower case.
A run would refuse the second of two such names when its answer has come already. The doubt: what two ladders of one run
put into one folder is known only to the run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from harness.language.findings import Finding, Rule
from harness.language.lint_evidence import NOTES, made_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.language.drafts import Draft, DraftScenario

LONGEST_ID: Final = 60
LONGEST_FOLDER: Final = 30
"""Characters; both become part of one file name, which may have 100 (``cases/mocked-RERUN-M01.json``)."""

_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=,@-]*(?<!\.)")

OF_THE_JUDGE: Final = (NOTES, "execution_trace.json", "db_writes.json")
"""What the judge itself puts into a scenario's folder; ``evidence.layout`` spells them too, and a test compares."""

OF_THE_RUN: Final = (
    *("traces", "cases", "reports", "trials", "run.json", "state.json", "events.jsonl", "summary.md", "summary.txt"),
    *("manifest.json", "manifest.dsse.json", "sha256sums", "partial.txt"),
)
"""In lower case: what lies beside the folder of a part."""


def unsafe(draft: Draft) -> Iterator[Finding]:
    """``unsafe-name`` for scenarios and for the folder of the rollback; the shape has judged names of files."""
    for scenario in draft.scenarios:
        if _DEVICE.fullmatch(scenario.id) or len(scenario.id) > LONGEST_ID:
            yield draft.source.finding(scenario.node.head, Rule.UNSAFE_NAME, _why_unsafe(scenario.id, LONGEST_ID))
    folder = (draft.root.get("rollback") or draft.root).get("as")
    if not folder:
        return
    names = folder.value.split("/")
    is_long = len(folder.value) > LONGEST_FOLDER
    if is_long or any(_DEVICE.fullmatch(name) or not _PLAIN.fullmatch(name) for name in names):
        yield draft.source.finding(folder.place, Rule.UNSAFE_NAME, _why_unsafe(folder.value, LONGEST_FOLDER))
    elif names[0].casefold() in OF_THE_RUN:
        message = f"{names[0]!r} is what the run itself writes; choose another folder, such as mocked/RERUN"
        yield draft.source.finding(folder.place, Rule.UNSAFE_NAME, message)


def _why_unsafe(name: str, longest: int) -> str:
    shown = name if len(name) <= longest else f"{name[:longest]}…"
    return (
        f"{shown!r} names a folder of evidence, and some system reserves it or cannot hold it; "
        f"at most {longest} letters, digits, '.', '_' and '-' are allowed, and no device such as con, nul or com1"
    )


def clashes(draft: Draft) -> Iterator[Finding]:
    """``name-clash``: names that are the same where case does not count, and files that are copied and made as well."""
    yield from _same(draft, ((scenario.id, scenario.node.head) for scenario in draft.scenarios), "scenarios")
    yield from _beside_the_rollback(draft)
    collected = [(file, node) for step in draft.collect for file, node in made_by(step)]
    for scenario in draft.scenarios:
        files = [(file, node) for step in (*scenario.steps, *scenario.cleanup) for file, node in made_by(step)]
        known = [(file, None) for file in OF_THE_JUDGE]
        yield from _same(draft, [*known, *((file, node.head) for file, node in (*files, *collected))], "files")
        yield from _copied_and_made(draft, scenario, {file for file, _ in collected})


def _same(draft: Draft, names: Iterable[tuple[str, tuple[int, int] | None]], kind: str) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, place in names:
        other = first.setdefault(name.casefold(), name)
        if other != name and place:
            message = f"the {kind} {other!r} and {name!r} differ in case only, which some systems cannot keep apart"
            yield draft.source.finding(place, Rule.NAME_CLASH, message)


def _beside_the_rollback(draft: Draft) -> Iterator[Finding]:
    """Scenarios whose folder, or whose case, would be the rollback's."""
    folder = (draft.root.get("rollback") or draft.root).get("as")
    if not folder:
        return
    taken, mode = folder.value.casefold(), draft.root.text("mode")
    if taken == mode:
        message = f"the scenarios of this ladder lie in {mode!r}; choose another folder, such as mocked/RERUN"
        yield draft.source.finding(folder.place, Rule.NAME_CLASH, message)
        return
    for scenario in draft.scenarios:
        mine = f"{mode}/{scenario.id}".casefold()
        if f"{taken}/".startswith(f"{mine}/") or mine.replace("/", "-").startswith(f"{taken.replace('/', '-')}-"):
            message = f"{scenario.id!r} is also the folder of the rollback, {folder.value!r}; rename one of them"
            yield draft.source.finding(scenario.node.head, Rule.NAME_CLASH, message)


def _copied_and_made(draft: Draft, scenario: DraftScenario, collected: set[str]) -> Iterator[Finding]:
    steps = (*scenario.steps, *scenario.cleanup)
    made = {file for step in steps if not step.node.get("copy") for file, _ in made_by(step)} | collected
    origins: dict[str, str] = {}
    for step in steps:
        if copy := step.node.get("copy"):
            for file, node in made_by(step):
                origin = copy.text("from")
                if file in made or origins.setdefault(file, origin) != origin:
                    message = f"{file!r} of {scenario.id!r} would have two origins, and evidence has one"
                    yield draft.source.finding(node.head, Rule.NAME_CLASH, message)
