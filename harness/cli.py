"""The command line: flags become values, values become one call, and what the call tells becomes an exit code.

It decides nothing else. What is heavy is imported inside the commands, because ``ladder --help`` must answer at once.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from harness.errors import HarnessError

app = typer.Typer(
    name="ladder",
    help="Live validation of backends that run coding workers in Docker containers.",
    no_args_is_help=True,
    add_completion=False,
    # Without it help is drawn by rich, whose import alone takes half of the time budget of `ladder --help`.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Mode(StrEnum):
    """How the backend works: with real worker containers, or with the mocked worker."""

    LIVE = "live"
    MOCKED = "mocked"


@app.command()
def up(
    mode: Annotated[Mode | None, typer.Option(help="Write this mode to .env first; without it .env decides.")] = None,
) -> None:
    """Build the images, start the stack and wait until it is ready. Safe to repeat."""
    from harness.config import Settings
    from harness.stack.progress import open_progress
    from harness.stack.up import up as start

    start(Settings.from_env(), open_progress(), mode=mode)


@app.command()
def down() -> None:
    """Stop the stack, its workers and the Docker engine, if this checkout started it. Data stays."""
    from harness.config import Settings
    from harness.stack.down import down as stop
    from harness.stack.progress import open_progress

    stop(Settings.from_env(), open_progress())


def main() -> None:
    """Run ``ladder`` and leave the process with one of ``ExitCode``."""
    try:
        # typer itself turns a wrong flag into exit code 2 and Ctrl-C into 130.
        app()
    except HarnessError as error:
        sys.stderr.write(error.render() + "\n")
        sys.exit(error.exit_code)
