"""``ladder key``: the commands about keys that runs are signed with, beside those of ``cli`` and as thin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.config import Settings

app = typer.Typer(no_args_is_help=True, help="Make, pin and list the keys that runs are signed with.")

Out = Annotated[Path | None, typer.Option(help="Where evidence lies (default: OUTROOT, else docs/evidence).")]


@app.command(short_help="Make a key pair.")
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
    typer.echo(new_key(settings, settings.evidence_root(), out=out, name=name), nl=False)


@app.command(short_help="Trust a public key.")
def pin(
    which: Annotated[str, typer.Argument(metavar="FILE|default", help="A private or public key, or the default key.")],
    *,
    out: Out = None,
) -> None:
    """Copy a public key to keys/ of the evidence root: what it signs counts as signed from now on."""
    from harness.evidence.layout import KEYS
    from harness.sealing.commands import pin_key

    settings = _settings()
    typer.echo(pin_key(settings, settings.evidence_root(out) / KEYS, which), nl=False)


@app.command(name="list", short_help="List the signing key and the pinned keys.")
def list_all(
    *,
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: JSON on standard output.")] = False,
) -> None:
    """List the key that runs are signed with, and the public keys that are pinned."""
    from harness.evidence.layout import KEYS
    from harness.sealing.commands import list_keys

    settings = _settings()
    typer.echo(list_keys(settings, settings.evidence_root(out) / KEYS, as_json=as_json), nl=False)


def _settings() -> Settings:
    from harness.config import Settings

    return Settings.from_env()
