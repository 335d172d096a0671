"""The command line as a process, with a stub for its backend and a folder of its own for evidence."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from stub_backend import SAFETY_NET_S

from harness.evidence.checking import faults_of
from harness.evidence.reading import RunCondition, list_runs

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
SMALL = HERE / "small.ladder.yaml"
DRIVER = HERE / "run_driver.py"
COMMAND = (sys.executable, "-m", "harness")


class Ladder:
    """Starts ``ladder`` where nothing of the checkout's own settings is read."""

    def __init__(self, folder, stub):
        self.folder, self.stub = folder, stub
        self.out = folder / "evidence"
        self.file = folder / "small.ladder.yaml"
        self.file.write_bytes(SMALL.read_bytes())
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "BASE_URL": stub.url,
            "LADDER_ENV_FILE": str(folder / ".env"),
            "OUTROOT": str(self.out),
        }

    def has_secret(self, name, value):
        (self.folder / ".env.live").write_text(f"{name}={value}\n")

    def climb(self, *arguments):
        """Arguments of a run of the small ladder."""
        return ("run", str(self.file), "--witness", "off", *arguments)

    def start(self, *arguments, command=COMMAND, environ=None, **options):
        """Start the command, without waiting for it."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [*command, *arguments], cwd=ROOT, env=self.environ | (environ or {}), text=True, **streams | options
        )

    def run(self, *arguments, **options):
        """Run the command to its end."""
        return ended(self.start(*arguments, **options))

    def entries(self):
        return list_runs(self.out)

    def only_entry(self):
        """The one run there is."""
        (entry,) = self.entries()
        return entry

    def sealed(self):
        """The one run there is, which must be a whole bundle."""
        return sealed(self.only_entry())


class Warm:
    """A process that has imported everything, and runs the command as often as it is asked to."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, DRIVER, "serve"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, arguments, environ):
        self._process.stdin.write(json.dumps({"arguments": arguments, "environ": environ}) + "\n")
        self._process.stdin.flush()
        done = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(arguments, done["code"], done["stdout"], done["stderr"])

    def close(self):
        self._process.communicate(timeout=SAFETY_NET_S)


class WarmLadder(Ladder):
    """The same command without its start and its self-check, for tests that run it many times."""

    def __init__(self, folder, stub, warm):
        super().__init__(folder, stub)
        self._warm = warm

    def run(self, *arguments):
        return self._warm.run(arguments, self.environ)


def ended(process):
    """Wait for a process; gives its exit code and what it said."""
    try:
        said, complained = process.communicate(timeout=SAFETY_NET_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, complained = process.communicate()
        raise AssertionError(f"the command did not end; it said: {complained}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, said, complained)


def sealed(entry):
    """A run that must be a whole bundle; gives it back."""
    assert entry.condition is RunCondition.FINISHED, entry
    assert faults_of(entry.folder) == ()
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=entry.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    return entry


def verdicts(entry):
    """Scenario → verdict word."""
    return {each.id: each.verdict.value for each in entry.record.scenarios}


def texts(entry):
    """Everything that a run has written, as one text."""
    return "\n".join(path.read_text(errors="replace") for path in sorted(entry.folder.rglob("*")) if path.is_file())


def sweep(ladder, what, *, every, drivers=2):
    """See ``run_driver``."""
    ladder.out.mkdir()
    done = []
    with ExitStack() as stack:
        started = []
        for index in range(drivers):
            arguments = (what, str(every), str(ladder.out), f"{index}/{drivers}", *ladder.climb())
            driver = stack.enter_context(ladder.start(*arguments, command=(sys.executable, str(DRIVER))))
            stack.callback(driver.kill)
            started.append(driver)
        for driver in started:
            said, complained = driver.communicate(timeout=5 * SAFETY_NET_S)
            assert driver.returncode == 0, complained
            done += json.loads(said)
    return done


def met(done):
    """Those runs to which something happened."""
    return [each for each in done if each["at"]]


def spared(done):
    """Those runs that followed them in the same folder."""
    return [each for each in done if not each["at"]]


def entry_of(run):
    """The folder that one run of a sweep has left; ``None`` when it did not come so far."""
    assert len(run["new"]) <= 1, run
    found = [entry for entry in list_runs(Path(run["out"])) if entry.folder.name in run["new"]]
    return found[0] if found else None
