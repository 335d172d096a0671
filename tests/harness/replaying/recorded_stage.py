"""Recorded runs to show and judge again, made by the runner itself on its stage, and what may be done to them."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

# The stage on which runs are made without a network belongs to the runner's tests.
sys.path.append(str(Path(__file__).parents[1] / "runner"))
sys.path.append(str(Path(__file__).parents[1] / "verifying"))
sys.path.append(str(Path(__file__).parents[1] / "evidence"))

from sealed_run import reseal
from staged import FakeWatch, container, write_ladder
from whole_runs import WholeRun

from harness.evidence import layout
from harness.evidence.event_lines import encode
from harness.evidence.events import ArtifactSaved
from harness.evidence.journal import iter_events
from harness.evidence.recording import Mode, Recording
from harness.evidence.run_record import decode_run, encode_run
from harness.runner import trials as several
from harness.runner.wanted_trials import WantedTrials

LIVE = """
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}", G: Write a program.}
scenarios:
  L01:
    title: First
    evidence: [one.json]
    steps:
      - id: submit
        post: /make
        json: {instruction: "${G}"}
        expect: [{status: 200}, {path: body.id, matches: "^p"}, {path: body.note, contains: made}]
        capture: {pid: body.id}
        save: {one.json: body}
      - id: result
        poll: {get: "/result/${pid}"}
        until: [{status: 200}]
        expect: [{path: doc.status, eq: success}, {path: doc.summary, length: {gt: 3}}]
    finally: [{delete: /make}]
  L02:
    title: Second
    needs: [L01]
    steps:
      - {id: look, get: "/look/${L01.pid}", expect: [{status: 200}, {path: body.id, eq: "${L01.pid}"}]}
"""

__all__ = ["FakeWatch", "LIVE", "Recorded", "container", "reseal"]


class TrialClient:
    """Stands where the client of one trial would."""

    def __init__(self, service):
        self.exchange = service

    def break_off(self):
        """Nothing is under way."""

    def close(self):
        """Nothing is open."""


class Recorded:
    """A checkout whose runs are recorded without a network."""

    def __init__(self, root, monkeypatch, *, live=LIVE):
        self.root, self.evidence = root, root / "evidence"
        self.whole = WholeRun(root, monkeypatch)
        monkeypatch.setattr(several, "Client", self._client)
        write_ladder(root / "scenarios", live, name="live", mode="live")
        service = self.whole.service
        service.on("POST /make", {"id": "p1", "note": "made it"}).on("DELETE /make", {})
        service.on("GET /result/p1", {"status": "success", "summary": "all is done"}).on("GET /look/p1", {"id": "p1"})

    def _client(self, _address, redactor, *, token, clock):
        """The client of one trial; the service answers through the redactor of that trial."""
        self.whole.redactor = redactor
        return TrialClient(self.whole.service)

    def run(self, **order):
        """One run; its folder is opened for writing, so that it can be broken."""
        folder = self.whole.execute(**{"rolls_back": False} | order).finished.folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o700)
        return folder

    def run_trials(self, count, **wanted):
        return self.run(trials=WantedTrials(count, **wanted))


def copied(folder, root):
    """A copy of a run below an evidence root of its own."""
    there = root / folder.name
    shutil.copytree(folder, there)
    return there


def events_of(folder):
    return [entry.event for entry in iter_events(folder / layout.EVENTS)]


def rewrite_lines(path, change):
    """Change the events of a log: ``change`` gets each as a document and gives it back."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    text = "".join(json.dumps(change(line), separators=(",", ":")) + "\n" for line in lines)
    path.write_text(text)


def tree(folder):
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def as_skeleton(folder):
    """Make a run what it would have been in the mode ``metadata_only``: events, artifacts, ladder and records."""
    recording = Recording(Mode.METADATA_ONLY)
    log = folder / layout.EVENTS
    entries = [replace(entry, event=recording.event(entry.event)) for entry in iter_events(log)]
    log.write_text("".join(f"{encode(entry)}\n" for entry in entries))
    for event in [entry.event for entry in entries if isinstance(entry.event, ArtifactSaved)]:
        path = folder / event.path
        path.write_text(recording.artifact(path.name, path.read_text()))
    ladder = folder / "ladders/live.ladder.yaml"
    text = ladder.read_text()
    ladder.write_text(recording.ladder(text))
    record = decode_run((folder / layout.RUN).read_text())
    first = record.ladders[0]
    kept = replace(first, variables=recording.variables(first.variables, text))
    (folder / layout.RUN).write_text(encode_run(replace(record, recorded="metadata_only", ladders=(kept,))))
    manifest = folder / layout.TRACE_MANIFEST
    manifest.write_text(manifest.read_text().replace('"recorded": "full"', '"recorded": "metadata_only"'))
    reseal(folder)
    return folder
