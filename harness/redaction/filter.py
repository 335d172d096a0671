"""``ladder redact``: standard input to standard output, with the secrets of an environment file replaced.

The same machine as everywhere else, fed as the bytes arrive. What a form may still need is held back, so output lags
behind input by up to a window. Every value of the file counts as secret, as in ``.env.live``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.errors import ExitCode, PrerequisiteError, UsageError
from harness.redaction.env_secrets import load_secrets
from harness.redaction.redactor import Redactor

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from harness.redaction.redacted import RedactedBytes

READ_SIZE: Final = 64 << 10


def run(stdin: BinaryIO, stdout: BinaryIO, env_file: Path) -> ExitCode:
    """Redact ``stdin`` to its end.

    Raises:
        UsageError: ``env-file-missing``; without values everything would pass.
        PrerequisiteError: ``env-file-unreadable``, ``secret-unsearchable``, or ``output-unwritable``.
    """
    if not env_file.is_file():
        raise UsageError("env-file-missing", f"{env_file} is not there", "name a file of NAME=value lines")
    stream = Redactor(load_secrets(env_file, None, {})).stream()
    try:
        while data := stdin.read1(READ_SIZE) if hasattr(stdin, "read1") else stdin.read(READ_SIZE):
            _write(stdout, stream.feed(data))
        _write(stdout, stream.close())
    except BrokenPipeError:
        # Whoever closed the pipe has read enough.
        return ExitCode.OK
    return ExitCode.OK


def _write(stdout: BinaryIO, data: RedactedBytes) -> None:
    try:
        stdout.write(data)
        stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"standard output cannot be written: {error.strerror}"
        raise PrerequisiteError("output-unwritable", message, "make room, or write it elsewhere") from error
