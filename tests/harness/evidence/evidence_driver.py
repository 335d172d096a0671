"""Runs whole evidence writers in processes of their own: killed at every call that changes the disk, or all at once.

``kill ROOT``: writer N is killed with SIGKILL at its N-th such call, in ROOT/N, until one lives to the end; a write
that is hit leaves half of its bytes. ``race ROOT COUNT``: so many writers start in the same second in one ROOT.
"""

import json
import os
import signal
import sys
import uuid
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]

import junitparser  # noqa: E402, F401  # once, not in each child
import rfc8785  # noqa: E402, F401
from sample_run import write_run_folder  # noqa: E402  # found through the line above

CHANGING = ("mkdir", "rmdir", "write", "fsync", "rename", "unlink", "chmod", "fchmod")


class Killer:
    """Counts calls and ends this process at one of them."""

    def __init__(self, at):
        self.left = at

    def install(self):
        for name in CHANGING:
            setattr(os, name, self.counted(getattr(os, name)))
        os.open = self.counted_open(os.open)

    def counted(self, call):
        def wrapped(*args, **options):
            self.left -= 1
            if self.left == 0:
                if call.__name__ == "write":
                    call(args[0], args[1][: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            if call.__name__ == "fsync":
                # Only a power cut could tell the difference, and the disk takes its time.
                return None
            return call(*args, **options)

        return wrapped

    def counted_open(self, call):
        counted = self.counted(call)
        return lambda path, flags, *args, **options: (counted if flags & os.O_CREAT else call)(
            path, flags, *args, **options
        )


def forked(work):
    """Do work in a child; gives its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def kill_everywhere(root):
    calls = 0
    while True:
        calls += 1

        def work(at=calls):
            Killer(at).install()
            write_run_folder(root / f"{at:04d}")

        _, status = os.waitpid(forked(work), 0)
        if os.WIFEXITED(status):
            return {"calls": calls - 1, "exit": os.WEXITSTATUS(status)}


def race(root, count):
    ids = [str(uuid.UUID(int=0x019A83C16E107ABC8DEF000000000000 + number)) for number in range(count)]
    ready, go = os.pipe()

    def work(run_id):
        os.close(go)
        os.read(ready, 1)
        write_run_folder(root, run_id=run_id)

    children = [forked(lambda run_id=run_id: work(run_id)) for run_id in ids]
    # The end of the pipe is seen by all at once.
    os.close(go)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    return {"ids": ids, "statuses": statuses}


if __name__ == "__main__":
    place = Path(sys.argv[2])
    place.mkdir(parents=True, exist_ok=True)
    outcome = kill_everywhere(place) if sys.argv[1] == "kill" else race(place, int(sys.argv[3]))
    sys.stdout.write(json.dumps(outcome))
