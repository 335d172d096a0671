"""A console as people start it: a process of its own on a port that is free."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@contextmanager
def served(root, **environ):
    """Serve an evidence root; gives the address."""
    program = [sys.executable, "-m", "harness", "console", "--port", "0", "--out", str(root)]
    known = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(root.parent),
        "LADDER_ENV_FILE": str(root.parent / "none.env"),
    }
    with subprocess.Popen(
        program, cwd=ROOT, env={**known, **environ}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found, said + process.stdout.read()
            yield found[0]
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert process.wait(PATIENCE_S) == 130
