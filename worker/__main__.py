"""``python -m worker``: the environment leads to one job, the job to one result, the result to an exit code.

A result with status error is still exit code 0; ``worker.contract.ExitCode`` lists the others.
"""

from __future__ import annotations

import os
import sys

from worker.clock import Clock
from worker.stop import StopSignal


def main() -> int:
    """Do the job that the environment names and return the exit code."""
    clock, stop = Clock(), StopSignal()
    stop.install()
    # Each file and directory is made with the mode it shall have; a umask would only take bits away.
    os.umask(0)
    # Late, because most of the start-up time lies in these imports, and a stop signal shall be noted before them.
    from worker.contract import ExitCode
    from worker.job import perform
    from worker.journal import write_stdout

    try:
        code = perform(os.environ, stop=stop, write=write_stdout, clock=clock)
    except Exception as error:  # noqa: BLE001  # the last line of defence; a traceback could quote a secret
        write_stdout(f"error=worker-failed: {type(error).__name__}")
        code = ExitCode.INTERNAL
    stop.ignore()
    return code


if __name__ == "__main__":
    sys.exit(main())
