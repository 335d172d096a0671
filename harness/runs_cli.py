"""``ladder runs``: the command about many runs at once, beside those of ``cli`` and as thin.

It answers at once among ten thousand runs, so it imports little before it knows what must be read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import UsageError
from harness.terminal.quiet_stream import quiet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.evidence.reading import RunEntry

Out = Annotated[Path | None, typer.Option(help="Where evidence lies (default: OUTROOT, else docs/evidence).")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="So many at most.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Make the index anew from the runs.")]
Prune = Annotated[int | None, typer.Option(min=0, metavar="N", help="Remove all but the newest N finished runs.")]
Force = Annotated[bool, typer.Option("--force", help="Prune runs that the ledger lists, too.")]


def runs(  # noqa: PLR0913  # one parameter for each flag
    *,
    status: Annotated[str, typer.Option(metavar="WORD", help="A verdict, running, partial, damaged …")] = "",
    scenario: Annotated[str, typer.Option(metavar="ID", help="Runs of it; a verdict is its own then.")] = "",
    ladder: Annotated[str, typer.Option(metavar="NAME", help="Runs of this ladder.")] = "",
    trace: Annotated[str, typer.Option(metavar="PREFIX", help="The run that has this trace.")] = "",
    since: Annotated[str, typer.Option(metavar="DATE", help="2026-11-01, 7d, or RFC 3339.")] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="Likewise; a day counts as a whole.")] = "",
    limit: Limit = None,
    rebuild: Rebuild = False,
    prune: Prune = None,
    force: Force = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """List recorded runs, newest first by what they record. The index that makes it quick makes and mends itself."""
    import gc

    from harness.config import Settings
    from harness.indexing.commands import say_pruned, say_runs
    from harness.indexing.wishes import Wishes

    # Ten thousand rows make it look for circles that are not there, a tenth of all the time that this takes.
    gc.disable()
    root, wishes = Settings.from_env().evidence_root(out), Wishes(status, scenario, ladder, trace, since, until)
    if prune is not None and (wishes != Wishes() or limit or rebuild):
        raise UsageError("flags-contradict", "--prune looks at all runs, and some are asked for", "list them first")
    if force and prune is None:
        raise UsageError("flags-contradict", "--force says how to prune, and --prune is not there", "add --prune N")
    if prune is None:
        said = say_runs(root, wishes, limit, rebuilds=rebuild, as_json=as_json)
    else:
        said = say_pruned(root, prune, is_forced=force, as_json=as_json)
    _warn(said.warnings)
    stream = quiet(sys.stdout)
    stream.write(said.text)
    stream.flush()
    if said.error:
        raise said.error


def runs_meant(root: Path, *texts: str) -> tuple[RunEntry, ...]:
    """The runs that any of some texts could mean, newest first; what is wrong with the index is told."""
    from harness.indexing.finding import runs_meant as find
    from harness.indexing.store import Index

    index = Index(root)
    found = find(root, index, *texts)
    _warn(index.warnings)
    return found


def _warn(warnings: Iterable[str]) -> None:
    for line in warnings:
        quiet(sys.stderr).write(f"warning: {line}\n")
