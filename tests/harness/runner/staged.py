"""A stage to climb on: real staging, journal and redactor, and a service, a witness, a watcher and a clock of ours."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from textwrap import dedent

from harness.evidence.bundle import Staging
from harness.evidence.event_lines import WORDS
from harness.evidence.journal import Clock, Journal, iter_events
from harness.evidence.layout import DB_WRITES, EVENTS, EXECUTION_TRACE
from harness.judging.documents import parse
from harness.judging.observation import ContainerFact, Exchange, Witness
from harness.language.loading import load
from harness.redaction.redacted import MARKER
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet
from harness.runner.climb import Part, climb
from harness.runner.interrupts import Interrupts
from harness.runner.origin import Origin, Source, Trigger
from harness.runner.scenario import climb_scenario
from harness.runner.scene import Scene
from harness.runner.step import carry_out
from harness.runner.surroundings import Records, Subject, Surroundings

CANARY = "sk-canary-K7qZx2VbN9mLw4TgR8"
SECRETS = SecretSet((NamedSecret("OPENAI_API_KEY", Secret(CANARY)),))
BEGAN = datetime(2025, 11, 14, 17, 14, 5, tzinfo=UTC)
IMAGE = "sha256:" + "d3" * 32
INSTANCE = "ladder-test"
ORIGIN = Origin("0190aaaa-bbbb-7ccc-8ddd-0123456789ab", "00f067aa0ba902b7", Trigger(Source.CI, "LAD-7"))

OK_STEP = "{get: /docs, expect: [{status: 200}]}"


class Time:
    """Moves when somebody sleeps or a request takes its time."""

    def __init__(self):
        self.passed, self.slept, self.on_sleep = 0.0, [], None
        self.clock = Clock(now=lambda: BEGAN + timedelta(seconds=self.passed), monotonic=lambda: 500.0 + self.passed)

    def sleep(self, seconds):
        self.slept.append(seconds)
        if self.on_sleep:
            self.on_sleep()
        self.passed += seconds


@dataclass
class Reply:
    """An answer before it is redacted, as the service gives it."""

    body: object = None
    status: int | None = 200
    headers: dict = field(default_factory=dict)
    error: str = ""
    duration_s: float = 0.01


NOT_FOUND = Reply({"detail": "not found"}, 404)


def silence(error="ConnectError"):
    return Reply(status=None, error=error)


TRACES = "/api/v1/traces/"
VIEWS = (DB_WRITES, EXECUTION_TRACE)
"""What every climbed scenario leaves beside what its ladder saves."""


def is_of_the_trace(event):
    return getattr(event, "purpose", "") == "trace" or getattr(event, "path", "").endswith(VIEWS)


def told_trace(trace_id, **fields):
    """A backend's part of a trace in which nothing was done, and all was watched."""
    return {
        "schema_version": "trace/1",
        "trace_id": trace_id,
        "incomplete": False,
        "dropped": {},
        "capture": {"hooks": ["commit"], "active": True, "version": 1},
        "pipelines": [],
        "spans": [],
        "events": [],
        "db_writes": [],
    } | fields


class Service:
    """Answers by method and path: each answer once, and the last one for ever; what is not scripted is a 404.

    An exception among the answers is raised, a callable is asked with the call.
    """

    def __init__(self, time, redactor):
        self._time, self._redactor = time, redactor
        self._answers = defaultdict(deque)
        self.calls, self.asked_for_traces = [], []
        self.trace = told_trace

    def on(self, route, *answers):
        self._answers[route] = deque(answers)
        return self

    def __call__(self, call):
        if call.request.path.startswith(TRACES):
            self.asked_for_traces.append(call)
            return self._exchange(self._trace_of(call), call.source)
        self.calls.append(call)
        queue = self._answers.get(f"{call.request.method} {call.request.path}") or deque([NOT_FOUND])
        found = queue.popleft() if len(queue) > 1 else queue[0]
        found = found(call) if callable(found) and not isinstance(found, type) else found
        if isinstance(found, BaseException) or (isinstance(found, type) and issubclass(found, BaseException)):
            raise found
        reply = found if isinstance(found, Reply) else Reply(found)
        self._time.passed += reply.duration_s
        return self._exchange(reply, call.source)

    def _trace_of(self, call):
        found = self.trace(call.request.path.removeprefix(TRACES)) if callable(self.trace) else self.trace
        return found if isinstance(found, Reply) else Reply(found)

    def _exchange(self, reply, source):
        if reply.status is None:
            return Exchange(None, {}, None, "", reply.duration_s, error=reply.error)
        raw = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        text = self._redactor.json(raw, source=source)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Exchange(
            reply.status,
            json.loads(self._redactor.json(json.dumps(reply.headers), source=source)),
            parse(text),
            text,
            reply.duration_s,
            len(raw),
            digest,
            reply.error,
            raw.count(MARKER),
        )

    @property
    def sent(self):
        """Method and path of every request, in order."""
        return [f"{call.request.method} {call.request.path}" for call in self.calls]

    def to(self, route):
        """The requests to one route."""
        return [call.request for call in self.calls if f"{call.request.method} {call.request.path}" == route]


class FakeWatch:
    """Says what it is told to have seen."""

    def __init__(self, *containers, available=True, gap=""):
        self.seen = Witness(available=available, containers=containers, gap=gap)
        self.told, self.is_closed = (), False

    def observe(self):
        return self.seen

    def events(self):
        return self.told

    def close(self):
        self.is_closed = True


class RecordingWatcher:
    """Remembers what a person would have been shown."""

    def __init__(self):
        self.said = []

    def words(self, kind):
        return [said[1:] for said in self.said if said[0] == kind]

    def ladder_started(self, ladder, scenarios, *, folder):
        self.said.append(("ladder_started", ladder.name, tuple(each.id for each in scenarios), folder))

    def scenario_started(self, scenario):
        self.said.append(("scenario_started", scenario.id))

    def step_started(self, step, action):
        self.said.append(("step_started", step, action))

    def waiting(self, waiting):
        self.said.append(("waiting", waiting.attempt, waiting.why))

    def scenario_ended(self, record):
        self.said.append(("scenario_ended", record.id, str(record.verdict)))

    def ladder_ended(self, records):
        self.said.append(("ladder_ended", tuple(record.id for record in records)))

    def note(self, text):
        self.said.append(("note", text))

    @contextmanager
    def stage(self, text):
        self.said.append(("stage", text))
        yield

    def detail(self, text):
        self.said.append(("detail", text))


def container(job="j1", **facts):
    usual = {
        "id": "c425f610663853e2",
        "labels": {"ladder.project": "p1", "ladder.job": job, "ladder.instance": INSTANCE},
        "image": IMAGE,
        "running": False,
        "exit_code": 0,
        "oom_killed": False,
        "started_at": BEGAN.timestamp(),
        "ended_at": BEGAN.timestamp() + 100,
    }
    return ContainerFact(**usual | facts)


def files_listing(**contents):
    return {"files": [{"path": path, "size": len(text)} for path, text in contents.items()]}


def wrapped(document):
    """A document as the file API serves it."""
    return {"path": ".codex/result.json", "contents": json.dumps(document)}


def result(job="j1", **fields):
    return {"job_id": job, "status": "success", "summary": "done", "written_by": "worker", "logs": []} | fields


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


def write_ladder(folder, text, *, name="test", mode="mocked"):
    """Write a ladder; ``text`` is what follows ``apiVersion`` and ``mode``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ladder.yaml"
    path.write_text(f"apiVersion: ladder/v1\nmode: {mode}\n{dedent(text).strip()}\n")
    return path


def ladder_of(folder, text, **named):
    return load(write_ladder(folder, text, **named), {})


class Stage:
    """Everything that a climb uses, in one temporary folder."""

    def __init__(self, folder, *, secrets=SECRETS):
        self.folder = folder
        self.time = Time()
        self.redactor = Redactor(secrets)
        self.staging = Staging.open(folder / "evidence", BEGAN)
        self.journal = Journal(self.staging.log(EVENTS), self.redactor, self.time.clock)
        self.service = Service(self.time, self.redactor)
        self.watch, self.watcher = FakeWatch(), RecordingWatcher()
        self.subject = {"worker_image": IMAGE, "instance": None, "workspaces": None}
        self.is_witness_needed, self.earlier, self.mode = True, (), "mocked"
        self.kept = []
        self.interrupts = Interrupts()

    def ctrl_c(self, answer=None):
        """An answer during which a signal comes."""

        def come(_call):
            self.interrupts.arrive()
            return answer or Reply({})

        return come

    def around(self):
        return Surroundings(
            subject=Subject(self.interrupts.waits(self.service), **self.subject),
            records=Records(self.staging, self.journal, self.redactor, self.earlier),
            watch=self.watch,
            watcher=self.watcher,
            clock=self.time.clock,
            sleep=self.interrupts.waits(self.time.sleep),
            random=Random(1),
            origin=ORIGIN,
            is_witness_needed=self.is_witness_needed,
            interrupts=self.interrupts,
        )

    def ladder(self, text):
        return ladder_of(self.folder / "scenarios", text, mode=self.mode)

    def part(self, text, *, folder=None, **fields):
        ladder = self.ladder(text)
        return Part(ladder, ladder.scenarios, folder or self.mode, **fields)

    def climb(self, text, **fields):
        """Climb a whole ladder."""
        return climb(self.around(), self.part(text, **fields), keep=self.keep)

    def keep(self, outcome):
        self.kept.append(({name: dict(found) for name, found in outcome.captures.items()}, len(outcome.records)))

    def scene(self, text, name="L01", **reached):
        ladder = self.ladder(text)
        folder = f"{self.mode}/{name}"
        return Scene(self.around(), ladder, ladder.scenario(name), folder=folder, reached=reached)

    def scenario(self, text, name="L01", **reached):
        """Climb one scenario of a ladder; ``reached`` are captures by scenario."""
        return self.scenario_of(self.scene(text, name, **reached))

    def scenario_of(self, scene):
        return climb_scenario(scene)

    def steps(self, *steps, rest=""):
        """Climb a scenario of some steps, each one line of YAML."""
        return self.scenario(one_scenario(*steps, rest=rest))

    def step(self, text, at=0):
        """Carry out one step of a scenario that is otherwise not climbed."""
        scene = self.scene(text)
        return carry_out(scene.scenario.steps[at], scene)

    def every_event(self):
        """All that is in the log, in order."""
        return [entry.event for entry in iter_events(self.staging.folder / EVENTS)]

    def events(self, *words):
        """The events of some types, in order, all of them without a type; those that make the trace are left out."""
        found = [event for event in self.every_event() if not is_of_the_trace(event)]
        return [event for event in found if not words or WORDS[type(event)] in words]

    def read(self, path):
        return (self.staging.folder / path).read_text()

    def bytes_written(self):
        return b"\n".join(path.read_bytes() for path in self.staging.folder.rglob("*") if path.is_file())

    def names(self):
        """What scenarios have saved, without the traces that each of them leaves."""
        left = (EVENTS, *VIEWS)
        return sorted(
            path for path in self.staging.written if not path.endswith(left) and not path.startswith("traces/")
        )


def one_scenario(*steps, rest="", name="L01"):
    lines = "\n".join(f"      - {step}" for step in steps)
    more = "\n".join(f"    {line}" for line in dedent(rest).strip().splitlines())
    return f"scenarios:\n  {name}:\n    title: A rung\n    steps:\n{lines}\n{more}".rstrip()
