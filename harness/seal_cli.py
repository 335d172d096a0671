"""``ladder key`` and ``ladder verify``: the commands about seals, beside those of ``cli`` and as thin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import ExitCode
from harness.terminal.quiet_stream import quiet

if TYPE_CHECKING:
    from harness.config import Settings

keys = typer.Typer(no_args_is_help=True, help="Make, pin and list the keys that runs are signed with.")

Out = Annotated[Path | None, typer.Option(help="Where evidence lies (default: OUTROOT, else docs/evidence).")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")]


@keys.command(short_help="Make a key pair.")
def new(
    *,
    out: Annotated[
        Path | None, typer.Option(help="File of the private key (default: ~/.config/ladder/signing-key.pem).")
    ] = None,
    name: Annotated[str, typer.Option(help="What the key is called wherever it is listed.")] = "",
) -> None:
    """Make a key pair to sign runs with; the private half never lies in a repository, and nothing is overwritten."""
    from harness.sealing.commands import new_key

    settings = _settings()
    _print(new_key(settings, settings.evidence_root(), out=out, name=name))


@keys.command(short_help="Trust a public key.")
def pin(
    which: Annotated[str, typer.Argument(metavar="FILE|default", help="A private or public key, or the default key.")],
    *,
    out: Out = None,
) -> None:
    """Copy a public key to keys/ of the evidence root: what it signs counts as signed from now on."""
    from harness.evidence.layout import KEYS
    from harness.sealing.commands import pin_key

    settings = _settings()
    _print(pin_key(settings, settings.evidence_root(out) / KEYS, which))


@keys.command(name="list", short_help="List the signing key and the pinned keys.")
def list_all(
    *,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """List the key that runs are signed with, and the public keys that are pinned."""
    from harness.evidence.layout import KEYS
    from harness.sealing.commands import list_keys

    settings = _settings()
    _print(list_keys(settings, settings.evidence_root(out) / KEYS, as_json=as_json))


def verify(  # noqa: PLR0913  # one parameter for each flag
    run: Annotated[str, typer.Argument(help="A run's folder or id, or the first 8 characters.")] = "",
    *,
    latest: Annotated[bool, typer.Option("--latest", help="The newest finished run, by its record.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Make every case again from its events and trace.")] = False,
    release: Annotated[
        bool, typer.Option("--release", help="As --strict, and signed, of a clean commit, watched, green.")
    ] = False,
    head: Annotated[str, typer.Option(metavar="SHA256", help="The head as it was published elsewhere.")] = "",
    pinned: Annotated[
        Path | None, typer.Option("--keys", help="Pinned public keys (default: keys/ where the run lies).")
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Verify a run, offline: its files, signature and chain, and with --strict whether every case follows."""
    import json

    from harness.verifying.asked import Asked, look
    from harness.verifying.telling import report_document, report_text

    asked = Asked(run, latest=latest, strict=strict, release=release, keys=pinned, head=head)
    report = look(_settings().evidence_root(out), asked)
    _print(json.dumps(report_document(report), indent=2) + "\n" if as_json else report_text(report))
    raise typer.Exit(ExitCode.FAILED if report.failed else ExitCode.OK)


def _settings() -> Settings:
    from harness.config import Settings

    return Settings.from_env()


def _print(text: str) -> None:
    """Write a result; whoever closed the pipe has read enough."""
    stream = quiet(sys.stdout)
    stream.write(text)
    stream.flush()
