"""Runs ``ladder`` in processes of its own, and lets something happen to each at another call that changes the disk.

``run_driver.py WHAT EVERY ROOT SHARE ARGUMENTS``: to run N it happens before its N-th such call, with N from 1 on in
steps of EVERY, until one lives to its end without. WHAT is a signal, ``SIGINT,SIGINT`` for two of them, ``full`` for a
disk that is full from then on, or ``once`` for one that is full for one call. Each run has an evidence root of its own,
so that its calls are always the same; in some of them another run follows, to which nothing happens. Of SHARE, such as
0/2, the second number says how many drivers divide the runs among them, the first which one this is. Prints what became
of each run as JSON.

``run_driver.py serve``: for each line of standard input, arguments and environment as JSON, runs ``ladder`` once, lets
nothing happen to it, and prints a line of JSON: its exit code and what it said.

Everything is imported once. What writes nothing to the evidence root is made at most once: the self-check, the
question to git, and the command line's own parts. A write that is killed leaves half of its bytes.
"""

import errno
import gc
import json
import os
import signal
import sys
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import typer.main

import harness.cli  # found through the line above
from harness.runner import first_record, suite

CHANGING = ("mkdir", "rmdir", "write", "rename", "unlink", "chmod", "fchmod")
NEED_SPACE = ("mkdir", "write", "open")
FOLLOWED = 20
"""Of so many runs, each driver lets one be followed."""
NOT_REACHED = 99
"""An exit code that ladder does not have."""


class Happening:
    """Counts calls, and lets something happen at one of them."""

    def __init__(self, what, at):
        self.what, self.at, self.calls = what, at, 0

    def install(self):
        for name in CHANGING:
            setattr(os, name, self.counted(name, getattr(os, name)))
        # Only a power cut could tell the difference, and the disk takes its time.
        os.fsync = self.counted("fsync", lambda descriptor: None)
        opened = os.open
        created = self.counted("open", opened)
        os.open = lambda path, flags, *args, **options: (created if flags & os.O_CREAT else opened)(
            path, flags, *args, **options
        )

    def counted(self, name, call):
        def wrapped(*args, **options):
            self.calls += 1
            if self.what in {"full", "once"}:
                self.refuse(name)
            elif self.calls == self.at:
                self.strike(name, call, args)
            return call(*args, **options)

        return wrapped

    def refuse(self, name):
        if self.calls == self.at or (self.what == "full" and self.at and self.calls > self.at):
            if name in NEED_SPACE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            # A full disk does not hinder this call, so it is the next that fails.
            self.at += 1

    def strike(self, name, call, args):
        for word in self.what.split(","):
            if word == "SIGKILL" and name == "write":
                call(args[0], args[1][: len(args[1]) // 2])
            os.kill(os.getpid(), signal.Signals[word])


def ladder(arguments, out):
    """Run the command line in this process; gives its exit code."""
    sys.argv = ["ladder", *arguments, *(["--out", str(out)] if out else [])]
    try:
        harness.cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0


def quietly(said, complained, work):
    """Do work in a child that writes to files; gives its exit code, a negative one for a signal."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        os.dup2(said.fileno(), 1)
        os.dup2(complained.fileno(), 2)
        code = work()
        sys.stdout.flush()
    finally:
        os._exit(code)


def met(what, at, arguments, out):
    happening = Happening(what, at)
    happening.install()
    code = ladder(arguments, out)
    return NOT_REACHED if happening.calls < happening.at else code


def one(what, at, arguments, out):
    before = set(out.iterdir())
    said = out.with_suffix(".said")
    with said.open("wb") as file:
        code = quietly(file, file, lambda: met(what, at, arguments, out))
    new = sorted(path.name for path in set(out.iterdir()) - before if path.is_dir())
    return {"at": at, "out": str(out), "code": code, "new": new, "said": said.read_text()}


def sweep(what, every, share, arguments):
    root, mine, drivers = share
    for number in count(mine, drivers):
        out = root / f"{number:03d}"
        out.mkdir()
        done = one(what, number * every + 1, arguments, out)
        if done["code"] == NOT_REACHED:
            return
        yield done
        if number % FOLLOWED < drivers:
            yield one(what, 0, arguments, out)


def warm_up(out, arguments):
    """Import, ask and check everything once; a run of its own is the way."""
    first_record.git_facts = cache(first_record.git_facts)
    typer.main.get_command = cache(typer.main.get_command)
    kept = [os.dup(descriptor) for descriptor in (1, 2)]
    with Path(os.devnull).open("wb") as nothing:
        for descriptor in (1, 2):
            os.dup2(nothing.fileno(), descriptor)
    code = ladder(arguments, out)
    sys.stdout.flush()
    for descriptor, copy in zip((1, 2), kept, strict=True):
        os.dup2(copy, descriptor)
        os.close(copy)
    assert code == 0, code
    suite.self_check = lambda record: None
    settle_memory()


def settle_memory():
    """What is there by now stays; otherwise every child would look through it again, and copy it by that."""
    gc.collect()
    gc.freeze()


def asked(line):
    """Run the command line once, as a line says."""
    request = json.loads(line)

    def work():
        os.environ.clear()
        os.environ.update(request["environ"])
        return ladder(request["arguments"], None)

    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        code = quietly(said, complained, work)
        said.seek(0)
        complained.seek(0)
        return {"code": code, "stdout": said.read().decode(), "stderr": complained.read().decode()}


def serve():
    # What a run imports late, so that it is not imported by each.
    import junitparser  # noqa: F401
    import rfc8785  # noqa: F401

    import harness.evidence.show
    import harness.runner.telling
    import harness.senses.client  # noqa: F401

    suite.self_check = lambda record: None
    settle_memory()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(asked(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
        sys.exit(0)
    happens, steps, root, part, *rest = sys.argv[1:]
    index, drivers = map(int, part.split("/"))
    warm_up(Path(root) / f"warm-{index}", rest)
    found = list(sweep(happens, int(steps), (Path(root), index, drivers), rest))
    sys.stdout.write(json.dumps(found))
