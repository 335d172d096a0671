"""The commands about stored runs: shown, drawn, judged again, told and compared; as thin as those of ``cli``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness import runs_cli
from harness.errors import ExitCode
from harness.reporting.choices import ReportForm
from harness.terminal.quiet_stream import quiet
from harness.terminal.standard_streams import write_result

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.redaction.redactor import Redactor
    from harness.replaying.commands import Said

Out = Annotated[Path | None, typer.Option(help="Where evidence lies (default: OUTROOT, else docs/evidence).")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]


def show(
    run: Annotated[
        str, typer.Argument(help="A run's folder or id, or the first 8 characters; default: the newest.")
    ] = "",
    *,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: verdicts, reasons, missed checks, and whether its files are as recorded."""
    import json

    from harness.evidence.reading import load_run
    from harness.evidence.resolving import newest_run, resolve_run
    from harness.evidence.show import show_document, show_text

    entries = runs_cli.runs_meant(_settings().evidence_root(out), run)
    found = load_run(resolve_run(entries, run) if run else newest_run(entries))
    _print(json.dumps(show_document(found), indent=2) if as_json else show_text(found))
    raise typer.Exit(ExitCode.FAILED if found.faults else ExitCode.OK)


def trace(
    run: Annotated[
        str, typer.Argument(help="A run's folder or id, or the first 8 characters, or a trace id; default: the newest.")
    ] = "",
    scenario: Annotated[str, typer.Argument(help="A scenario's id or folder; without it, all are told.")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Draw look-alikes one by one.")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Draw a run's climb, or the trace of one scenario: its spans to scale, and what was written to the database."""
    import json

    from harness.terminal.waterfall import document_of, draw
    from harness.traces.reading import open_traces

    settings = _settings()
    found = open_traces(runs_cli.runs_meant(settings.evidence_root(out), run), run, scenario)
    if as_json:
        _print(json.dumps(document_of(found, fold=not every), indent=2))
    else:
        draw(found, sys.stdout, settings.environ, fold=not every)
    raise typer.Exit(ExitCode.FAILED if found.is_damaged else ExitCode.OK)


def replay(  # noqa: PLR0913  # one parameter for each flag
    run: Annotated[
        str, typer.Argument(help="A run's folder or id, a trace's id, or the beginning of one; default: the newest.")
    ] = "",
    *,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Show what can be read, and name the rest.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Answer a client from the recording on 127.0.0.1, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where --serve listens; 0 for a free one.")] = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show a recorded run again, trial by trial and step by step, and recompute its verdict. Asks nobody."""
    from harness.replaying.commands import say_replay

    root = _settings().evidence_root(out)
    if serve:
        from harness.replaying.serving import serve_until_interrupted

        raise typer.Exit(serve_until_interrupted(root, run, port, say=_print))
    _say(
        say_replay(
            root, run, allows_partial=allow_partial, as_json=as_json, find=lambda root: runs_cli.runs_meant(root, run)
        )
    )


def reeval(  # noqa: PLR0913  # one parameter for each flag
    run: Annotated[str, typer.Argument(help="A run's folder or id, a trace's id, or the beginning of one.")],
    *,
    scenario: Annotated[
        str, typer.Option(help="Judge by this ladder, and not by the one that was climbed.", metavar="FILE")
    ] = "",
    strict_scenario: Annotated[
        bool, typer.Option("--strict-scenario", help="Refuse a ladder that would do something else than was done.")
    ] = False,
    allow_partial_reeval: Annotated[
        bool, typer.Option("--allow-partial-reeval", help="Skip checks whose contents were not kept.")
    ] = False,
    include_errors: Annotated[
        bool, typer.Option("--include-errors", help="Judge what ended as ERROR by its checks.")
    ] = False,
    judge_live: Annotated[
        bool, typer.Option("--judge-live", help="Ask the model anew, where a check asks for its opinion.")
    ] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Judge stored observations again. The bundle stays as it is; what came of it lies beside it."""
    from datetime import UTC, datetime

    from harness.replaying.judged_by import Project
    from harness.replaying.reeval import Asked
    from harness.replaying.reeval_command import Desk, say_reeval

    settings = _settings()
    asked = Asked(
        run,
        scenario,
        is_strict=strict_scenario,
        allows_partial=allow_partial_reeval,
        judges_errors=include_errors,
        judges_live=judge_live,
    )
    project = Project(settings.root, settings.environ)
    desk = Desk(
        settings.evidence_root(out),
        redactor_of(settings),
        project,
        now=lambda: datetime.now(UTC),
        find=lambda root: runs_cli.runs_meant(root, run),
    )
    _say(say_reeval(desk, asked, as_json=as_json))


def report(
    run: Annotated[
        str, typer.Argument(help="A run's folder or id, or the first 8 characters; default: the newest.")
    ] = "",
    *,
    form: Annotated[ReportForm, typer.Option("--format", help="Who it is for.")] = ReportForm.MARKDOWN,
    output: Annotated[Path | None, typer.Option(help="Write it to this file.", metavar="FILE")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Write a report of a run: html opens from disk, markdown suits a CI job's summary, the rest is for programs."""
    import json

    from harness.evidence.resolving import newest_run, resolve_run
    from harness.reporting.report import make_report, shown_on, write_report
    from harness.sealing.key_files import signing_key

    settings = _settings()
    entries = runs_cli.runs_meant(settings.evidence_root(out), run)
    entry = resolve_run(entries, run) if run else newest_run(entries)
    signer = signing_key(settings, settings.evidence_root(out)) if form is ReportForm.INTOTO else None
    made = make_report(entry, form, redactor_of(settings), signer=signer)
    if output:
        write_report(made, output, sealed=entry.folder)
    if as_json:
        _print(json.dumps(made.document(output), indent=2))
    elif not output:
        _print(shown_on(sys.stdout, made.text))
    made.refuse_unsound()


def diff(
    before: Annotated[str, typer.Argument(help="A run, or RUN#NNN for one of its trials.", metavar="A")],
    after: Annotated[str, typer.Argument(help="Likewise; what it is compared with.", metavar="B")],
    *,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Tell what differs between two runs. Exit code 1 when something that matters changed, 0 when nothing did."""
    import json

    from harness.reporting.diff import diff as compare
    from harness.reporting.diff_telling import diff_text

    found = compare(runs_cli.runs_meant(_settings().evidence_root(out), before, after), before, after)
    _print(json.dumps(found.document(), indent=2) if as_json else diff_text(found))
    raise typer.Exit(ExitCode.FAILED if found.matters else ExitCode.OK)


def console(
    *, port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 for any that is free.")] = 8020, out: Out = None
) -> None:
    """Serve the evidence console on 127.0.0.1 until interrupted; LADDER_CONSOLE_TOKEN makes it ask for a token."""
    from harness.console.serving import serve

    settings = _settings()
    serve(settings, settings.evidence_root(out), lambda: redactor_of(settings), port=port, say=_print)


def redactor_of(settings: Settings) -> Redactor:
    """Everything that a command prints of what others said passes it."""
    from harness.redaction.env_secrets import load_secrets
    from harness.redaction.redactor import Redactor

    return Redactor(load_secrets(settings.live_env_file, settings.env_file, settings.environ))


def _settings() -> Settings:
    from harness.config import Settings

    return Settings.from_env()


def _print(text: str) -> None:
    """Write a result."""
    write_result(text)


def _say(said: Said) -> NoReturn:
    """Print what a command says, and leave with its exit code."""
    if said.text:
        _print(said.text)
    if said.remark:
        quiet(sys.stderr).write(f"{said.remark}\n")
    raise typer.Exit(said.code)
