"""Runs that go on while a test looks: their logs grow line by line, and their folder is held as by the judge."""

import json
import os
import shutil
from dataclasses import replace

from harness.evidence import layout
from harness.evidence.guarded import lock, open_folder
from harness.evidence.trial_records import RUNNING, decode_traces, encode_traces, encode_trial

TOLD = {"climb_started", "scenario_started", "step_started", "poll_attempt", "check", "scenario_ended", "run_ended"}
"""Types of events that are told live."""


class RunningRun:
    """A sealed run played again into a folder of the same name.

    Args:
        sealed: The run as it is in the end.
        root: Where it goes on.
    """

    def __init__(self, sealed, root):
        self.final = root / sealed.name
        self.folder = root / f"{sealed.name}.partial"
        self._sealed = sealed
        self.folder.mkdir()
        (self.folder / layout.RUN).write_bytes((sealed / layout.RUN).read_bytes())
        (self.folder / layout.EVENTS).touch()
        self._lines = (sealed / layout.EVENTS).read_bytes().splitlines(keepends=True)
        self._lock = open_folder(self.folder)
        lock(self._lock)

    @property
    def left(self):
        return len(self._lines)

    def go_on(self, count):
        """Write so many further lines, the last of them torn for a moment."""
        now, self._lines = self._lines[:count], self._lines[count:]
        append(self.folder / layout.EVENTS, now)

    def end(self):
        """Write the rest, seal the run and let it go."""
        self.go_on(self.left)
        shutil.copytree(self._sealed, self.folder, dirs_exist_ok=True)
        self.folder.chmod(0o700)
        self.folder.rename(self.final)
        self.let_go()

    def let_go(self):
        """The process is gone, whether it came to an end or not."""
        os.close(self._lock)


class RunningTrials(RunningRun):
    """A sealed run of several trials played again, each trial at its own pace.

    Args:
        sealed: The run as it is in the end.
        root: Where it goes on.
        count: Trials, made from those of the sealed run over and over when they are more.
    """

    def __init__(self, sealed, root, count=None):
        super().__init__(sealed, root)
        manifest = decode_traces((sealed / layout.TRACE_MANIFEST).read_text())
        self._run_id, known = manifest.run_id, manifest.trials
        self.count = count or len(known)
        self._ends = [_renamed(known[at % len(known)], at, len(known)) for at in range(self.count)]
        self._logs = [(sealed / known[at % len(known)].log).read_bytes() for at in range(self.count)]
        self._rest = {}
        self._known = []
        document = json.loads((sealed / layout.RUN).read_text())
        document |= {"trials": self.count, "trial_records": [], "aggregation": None, "finished_at": None}
        (self.folder / layout.RUN).write_text(json.dumps(document))
        (self.folder / layout.TRACES).mkdir()

    def lines_of(self, trial):
        """All events of a trial, as they are in the end."""
        return [json.loads(line) for line in self._logs[trial].splitlines()]

    def told_of(self, trial):
        """Names of the lines that are told of a trial, in order, its end included."""
        return [f"{trial}:{each['seq']}" for each in self.lines_of(trial) if each["type"] in TOLD] + [f"{trial}:end"]

    def spoil(self, text):
        """Put a text wherever the logs of all trials have one that may be any."""

        def spoilt(event):
            for name in ("title", "step", "reason", "why_not_ready"):
                event |= {name: text} if isinstance(event.get(name), str) else {}
            if "result" in event:
                event["result"] |= {"wanted": text, "got": text, "path": text}
            return (json.dumps(event) + "\n").encode()

        self._logs = [b"".join(spoilt(event) for event in self.lines_of(at)) for at in range(self.count)]
        self._ends = [replace(each, error=text) for each in self._ends]

    def begin(self):
        """One more trial begins; its number."""
        trial = len(self._known)
        self._known.append(replace(self._ends[trial], status=RUNNING, duration_s=0.0, sha256=None, bytes=None))
        self._rest[trial] = self._logs[trial].splitlines(keepends=True)
        (self.folder / self._known[trial].log).touch()
        self._list()
        return trial

    def climb(self, trial, count):
        """Write so many further lines of a trial."""
        now, self._rest[trial] = self._rest[trial][:count], self._rest[trial][count:]
        append(self.folder / self._known[trial].log, now)

    def end_trial(self, trial):
        """Write the rest of a trial, and enter how it ended."""
        self.climb(trial, len(self._rest[trial]))
        self.enter_end(trial)

    def enter_end(self, trial):
        """Enter how a trial ended, whatever its log has."""
        self._known[trial] = self._ends[trial]
        self._list()

    def log_of(self, trial):
        return self._known[trial].log

    def list_also(self, **facts):
        """List one more trial, of which the run has nothing."""
        self._known.append(replace(self._ends[0], trial_index=len(self._known), **facts))
        self._list()

    def end(self):
        """End the trials that go on, those that were not begun as well, and seal the run."""
        while len(self._known) < self.count:
            self.begin()
        for trial, record in enumerate(self._known):
            if record.status == RUNNING:
                self.end_trial(trial)
        super().end()

    def end_but(self, spoiled):
        """End the other trials, and let the run go."""
        for trial, record in enumerate(self._known):
            if trial != spoiled and record.status == RUNNING:
                self.end_trial(trial)
        self.let_go()

    def _list(self):
        text = encode_traces(self._run_id, map(encode_trial, self._known))
        new = self.folder / "new"
        new.write_text(text)
        new.rename(self.folder / layout.TRACE_MANIFEST)


def _renamed(record, at, known):
    """A trial under another number; each has a log of its own."""
    return record if at < known else replace(record, trial_index=at, log=f"traces/trial-{at}.jsonl")


def append(path, lines):
    """Write lines at the end of a log, each torn for a moment."""
    with path.open("ab") as log:
        for line in lines:
            log.write(line[:7])
            log.flush()
            log.write(line[7:])
            log.flush()
