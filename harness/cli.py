"""The command line: flags become values, values become one call, and what the call tells becomes an exit code.

It decides nothing else. What is heavy is imported inside the commands, because ``ladder --help`` must answer at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness import runs_cli, seal_cli, stored_cli
from harness.errors import HarnessError, UsageError
from harness.language.model import Mode  # noqa: TC001  # typer reads the annotations
from harness.runner.choices import RecordChoice, WitnessChoice
from harness.terminal.quiet_stream import quiet
from harness.terminal.standard_streams import open_closed, settle, write_result

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.runner.planning import Order

app = typer.Typer(
    name="ladder",
    help="Live validation of backends that run coding workers in Docker containers.",
    no_args_is_help=True,
    add_completion=False,
    # Without it help is drawn by rich, whose import alone takes half of the time budget of `ladder --help`.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

LadderName = Annotated[str, typer.Argument(help="A ladder: live, mocked, edits, or a file.", show_default=True)]
Out = Annotated[Path | None, typer.Option(help="Where evidence lies (default: OUTROOT, else docs/evidence).")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]
RecordOption = Annotated[
    RecordChoice, typer.Option(help="Keep everything, or the skeleton without contents.", show_default=True)
]
WitnessOption = Annotated[WitnessChoice, typer.Option(help="Ask the Docker engine as a second witness.")]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="ID", help="Climb this scenario only; may be repeated.")
]
FromOption = Annotated[
    str, typer.Option("--from", metavar="RUN", help="Reuse the captures of this run (default: the newest).")
]


@app.command(short_help="Climb a ladder on a fresh stack, roll back, prove it.")
def suite(
    ladder: LadderName = "live",
    *,
    record: RecordOption = RecordChoice.FULL,
    out: Out = None,
    witness: WitnessOption = WitnessChoice.AUTO,
    as_json: AsJson = False,
) -> None:
    """Start the stack, climb a ladder, roll back to the mocked worker and prove it. Leaves sealed evidence."""
    from harness.runner.planning import Order

    settings = _settings()
    order = Order(ladder, settings.evidence_root(out), witness=witness, rolls_back=True, record=record)
    _execute(order, settings, as_json=as_json)


@app.command(short_help="Climb a ladder, or some of its scenarios.")
def run(  # noqa: PLR0913  # one parameter for each flag
    ladder: LadderName = "live",
    *,
    only: OnlyOption = None,
    from_run: FromOption = "",
    with_needs: Annotated[bool, typer.Option("--with-needs", help="Climb what they need as well.")] = False,
    resume: Annotated[
        str, typer.Option(help="Go on where it was not green; with --trials, climb those it lacks.", metavar="RUN")
    ] = "",
    last_failed: Annotated[
        bool, typer.Option("--last-failed", help="Go on where the newest run was not green.")
    ] = False,
    trials: Annotated[int, typer.Option(help="Climb so often, each time on fresh projects.", metavar="N")] = 1,
    concurrency: Annotated[int, typer.Option(help="So many trials at a time.", metavar="K")] = 1,
    min_pass_rate: Annotated[float, typer.Option(help="Of the trials with an answer.", metavar="R")] = 1.0,
    max_errors: Annotated[int, typer.Option(help="So many trials may end as ERROR.", metavar="N")] = 0,
    early_stop: Annotated[bool, typer.Option("--early-stop", help="End when the rate is out of reach.")] = False,
    record: RecordOption = RecordChoice.FULL,
    out: Out = None,
    witness: WitnessOption = WitnessChoice.AUTO,
    as_json: AsJson = False,
) -> None:
    """Climb a ladder or some of its scenarios, once or several times; the stack is left in the ladder's mode."""
    from harness.runner.planning import Order
    from harness.runner.selection import Wish
    from harness.runner.wanted_trials import WantedTrials

    settings = _settings()
    if sum(map(bool, (resume, last_failed, only or from_run))) > 1:
        message = "--resume, --last-failed and --only with --from exclude one another: each names what is climbed"
        raise UsageError("flags-contradict", message, "leave all but one of them out")
    if (from_run or with_needs) and not only:
        message = "--from and --with-needs say what the scenarios of --only build on, and none is named"
        raise UsageError("flags-contradict", message, "add --only ID, or leave them out")
    wish = Wish(tuple(only or ()), with_needs=with_needs, resume=bool(resume) or last_failed)
    order = Order(
        ladder,
        settings.evidence_root(out),
        wish,
        resume or from_run,
        witness,
        trials=WantedTrials(trials, concurrency, min_pass_rate, max_errors, early_stop),
        record=record,
    )
    _execute(order, settings, as_json=as_json)


@app.command(short_help="Switch to the mocked worker and prove it.")
def rollback(
    ladder: LadderName = "live",
    *,
    out: Out = None,
    witness: WitnessOption = WitnessChoice.AUTO,
    as_json: AsJson = False,
) -> None:
    """Switch the stack to the mocked worker and prove it by the smoke run that the ladder names."""
    from harness.runner.planning import Order

    settings = _settings()
    _execute(Order(ladder, settings.evidence_root(out), witness=witness, is_rollback=True), settings, as_json=as_json)


@app.command(short_help="Build the images and start the stack.")
def up(
    mode: Annotated[Mode | None, typer.Option(help="Write this mode to .env first; without it .env decides.")] = None,
) -> None:
    """Build the images, start the stack and wait until it is ready. Safe to repeat."""
    from harness.stack.progress import open_progress
    from harness.stack.up import up as start

    start(_settings(), open_progress(), mode=mode)


@app.command(short_help="Stop the stack; data stays.")
def down() -> None:
    """Stop the stack, its workers and the Docker engine, if this checkout started it. Data stays."""
    from harness.stack.down import down as stop
    from harness.stack.progress import open_progress

    stop(_settings(), open_progress())


@app.command(name="list", short_help="List the scenarios of a ladder.")
def list_scenarios(
    ladder: LadderName = "live",
    *,
    dot: Annotated[bool, typer.Option("--dot", help="The gate graph for Graphviz.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the scenarios of a ladder and what each of them needs."""
    from harness.language.commands import GraphForm, show
    from harness.language.loading import find, load

    settings = _settings()
    form = GraphForm.JSON if as_json else GraphForm.DOT if dot else GraphForm.TABLE
    _print(show(load(find(ladder, settings.root), settings.environ), form))


@app.command(short_help="Look for faults in ladders.")
def validate(
    files: Annotated[list[Path] | None, typer.Argument(help="Ladders (default: all in scenarios/).")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Look for faults in ladders. Needs no network."""
    from harness.language.commands import validate as look
    from harness.language.loading import FOLDER, SUFFIX, find

    settings = _settings()
    shipped = sorted((settings.root / FOLDER).glob(f"*{SUFFIX}"))
    found = look([find(str(file), settings.root) for file in files or shipped], settings.environ)
    _print(found.as_json() if as_json else found.render())
    raise typer.Exit(found.exit_code)


@app.command(short_help="Print the JSON Schema of the scenario language.")
def schema() -> None:
    """Print the JSON Schema (draft-07) of the scenario language."""
    from harness.language.commands import schema as text

    _print(text())


@app.command(short_help="Copy input to output without secrets.")
def redact(
    env_file: Annotated[Path, typer.Option(help="NAME=value lines; every value counts as secret.")] = Path(".env.live"),
) -> None:
    """Copy standard input to standard output with every secret of a file replaced, in all its forms."""
    from harness.redaction.filter import run as filter_bytes

    raise typer.Exit(filter_bytes(sys.stdin.buffer, sys.stdout.buffer, env_file))


@app.command(short_help="Look for what would keep a run from working.")
def doctor(*, out: Out = None, as_json: AsJson = False) -> None:
    """Look for what would keep a run from working; each finding comes with its repair. Changes nothing."""
    from harness.doctor.examination import diagnose
    from harness.doctor.findings import as_json as spelt
    from harness.doctor.findings import exit_code_of, render

    settings = _settings()
    findings = diagnose(settings, out=settings.evidence_root(out))
    _print(spelt(findings) if as_json else render(findings))
    raise typer.Exit(exit_code_of(findings))


app.command(short_help="List recorded runs, newest first; remove old ones.")(runs_cli.runs)
app.command(short_help="Verify a run: its files and its seal, and with --strict every case.")(seal_cli.verify)
app.command(short_help="Show one run, and check its files.")(stored_cli.show)
app.command(short_help="Draw the traces of a run, or one of them.")(stored_cli.trace)
app.command(short_help="Show a recorded run again, and recompute its verdict.")(stored_cli.replay)
app.command(short_help="Judge a recorded run again, by its own ladder or another.")(stored_cli.reeval)
app.command(short_help="Write a report of a run, for people or programs.")(stored_cli.report)
app.command(short_help="Tell what differs between two runs.")(stored_cli.diff)
app.command(short_help="Show runs in a browser, on this machine.")(stored_cli.console)
app.add_typer(seal_cli.keys, name="key", short_help="Make, pin and list the keys that runs are signed with.")


def main() -> None:
    """Run ``ladder`` and leave the process with one of ``ExitCode``."""
    open_closed()
    try:
        # typer itself turns a wrong flag into exit code 2 and Ctrl-C into 130.
        app()
    except HarnessError as error:
        quiet(sys.stderr).write(_without_secrets(error.render()) + "\n")
        sys.exit(error.exit_code)
    finally:
        settle()


def _without_secrets(text: str) -> str:
    """An error may quote what another program said; where secrets cannot be loaded, that is the error itself."""
    try:
        return stored_cli.redactor_of(_settings()).text(text)
    except HarnessError:
        return text


def _settings() -> Settings:
    from harness.config import Settings

    return Settings.from_env()


def _print(text: str) -> None:
    """Write a result."""
    write_result(text)


def _execute(order: Order, settings: Settings, *, as_json: bool) -> NoReturn:
    from harness.runner.telling import execute_and_tell

    raise typer.Exit(execute_and_tell(order, settings, as_json=as_json))
