"""One small run, written the way the runner writes one: two live rungs, the second red, and a rollback."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, settings

from harness.evidence import layout
from harness.evidence.bundle import Staging
from harness.evidence.events import (
    ArtifactSaved,
    Captured,
    CheckJudged,
    ClimbEnded,
    ClimbStarted,
    ContainersSeen,
    EngineTold,
    ExchangeMade,
    PollAttempted,
    RunEnded,
    RunStarted,
    ScenarioEnded,
    ScenarioStarted,
    StepEnded,
    StepSkipped,
    StepStarted,
    TraceKept,
)
from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.evidence.finishing import finish
from harness.evidence.git_facts import GitFacts
from harness.evidence.journal import Clock, Journal
from harness.evidence.manifest import CaseSeals
from harness.evidence.notes import notes
from harness.evidence.outcome import write_outcome, write_redaction_report, write_run, write_state
from harness.evidence.rebuilding import observed
from harness.evidence.run_record import (
    Engine,
    Images,
    LadderRecord,
    Presence,
    Redaction,
    RunRecord,
    RunStatus,
    ScenarioRecord,
)
from harness.evidence.state import RunState
from harness.evidence.timestamps import timestamp
from harness.evidence.trouble import gather
from harness.judging.observation import ContainerFact, Exchange, Observation, Witness
from harness.judging.results import CheckResult, Outcome
from harness.judging.verdict import Verdict
from harness.language.excerpt import excerpt
from harness.language.model import Mark, Mode, Severity
from harness.redaction.redacted import RedactedText

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Hypothesis builds its table of characters at its first use, in seconds; that is no fault of the first test."""

NOW = datetime(2025, 11, 14, 17, 14, 5, tzinfo=UTC)
CLIMB = "0190aaaa-bbbb-7ccc-8ddd-0123456789ab"
RUN_ID = "019a83c1-6e10-7abc-8def-0123456789ab"
DIGEST = "ab" * 32
RESULT = {
    "engine": "template",
    "written_by": "worker",
    "status": "error",
    "summary": "refused",
    "created_files": [],
    "modified_files": [],
    "errors": ["unsupported_layout:app.py"],
    "logs": ["OPENAI_API_KEY=present"],
}
MISSED = CheckResult(
    '{"path": "doc.status", "eq": "success"}',
    Mark("live.ladder.yaml", 41, 9),
    Severity.FAIL,
    Outcome.MISSED,
    "doc.status",
    'eq "success"',
    '"error"',
)
WITNESS = Witness(
    True,
    (
        ContainerFact(
            "c0ffee" * 8, {"ladder.job": "j"}, f"sha256:{DIGEST}", False, 0, False, 1763140448.5, 1763140449.5
        ),
    ),
)


class PlainRedactor:
    """Passes everything: what is redacted is another package's business."""

    def text(self, text, *, source=""):
        return RedactedText(text)

    def json(self, document, *, source=""):
        return RedactedText(document)

    def line(self, document, *, source=""):
        return RedactedText(document)


class Collected:
    """Keeps the lines of a log in memory."""

    def __init__(self):
        self.lines = []

    def append(self, line):
        self.lines.append(line)


def fixed_clock():
    ticks = iter(range(10_000))
    return Clock(now=lambda: NOW, monotonic=lambda: next(ticks) / 1000)


def running_record(run_id=RUN_ID, folder="2025-11-14T17:14:05Z"):
    live = LadderRecord("live", "scenarios/live.ladder.yaml", Mode.LIVE, DIGEST, DIGEST, DIGEST, {"L01": DIGEST})
    return RunRecord(
        run_id=run_id,
        folder=folder,
        status=RunStatus.RUNNING,
        started_at=timestamp(NOW),
        harness_version="0.1.0",
        base_url="http://127.0.0.1:8000",
        ladders=(live,),
        git=GitFacts("c" * 40, False),
        redaction=Redaction("1", 1234),
        images=Images(worker=f"sha256:{DIGEST}"),
        engine=Engine("20.10.24", "1.41"),
        secrets={"OPENAI_API_KEY": Presence.PRESENT, "OPENAI_ORG_ID": Presence.ABSENT},
        settings={"trials": 1, "only": None},
        config_digest=DIGEST,
    )


def scenarios():
    green = ("response.json", "project_id.txt", "result.json", "result_excerpt.txt")
    started = timestamp(NOW)
    return (
        ScenarioRecord(
            "L01",
            "Worker environment presence",
            "live/L01",
            Verdict.PASS,
            "success",
            files=green,
            started_at=started,
            duration_s=1.25,
        ),
        ScenarioRecord(
            "L02",
            "Simple CLI scaffold",
            "live/L02",
            Verdict.FAIL,
            "error",
            reason="1 check missed",
            missed=("live.ladder.yaml:41:9 doc.status eq success, got error",),
            files=("response.json", "notes.txt"),
            started_at=started,
            duration_s=0.5,
        ),
        ScenarioRecord(
            "L03", "File listing", "live/L03", Verdict.BLOCKED, reason="gate closed: L02 FAIL, 1 missed > 0 allowed"
        ),
        ScenarioRecord(
            "M01", "Create", "mocked/RERUN/M01", Verdict.PASS, "success", files=("response.json",), started_at=started
        ),
    )


def finished_record(staging, run_id=RUN_ID):
    running = running_record(run_id, staging.name)
    fields = {name: getattr(running, name) for name in running.__dataclass_fields__}
    ended = {
        "status": RunStatus.FINISHED,
        "verdict": Verdict.FAIL,
        "exit_code": 1,
        "finished_at": timestamp(NOW.replace(second=9)),
        "duration_s": 4.002,
        "scenarios": scenarios(),
    }
    return RunRecord(**{**fields, **ended})


def exchange(text='{"id": "p"}', body=None, status=200):
    return Exchange(status, {"content-type": "application/json"}, body or {"id": "p"}, text, 0.012, len(text), DIGEST)


def record_events(journal, run_id=RUN_ID):
    """Every kind of event; gives the entries of L02."""
    journal.record(RunStarted(run_id, "live", "live"))
    journal.record(ClimbStarted("live", "live", "live", ("L01", "L02"), CLIMB, "00f067aa0ba902b7", "ci", "LAD-7"))
    journal.record(ScenarioStarted("L01", "Worker environment presence", "live/L01", run_id))
    journal.record(Captured("L01", "submit", "pid", "p"))
    journal.record(ArtifactSaved("L01", "submit", "live/L01/response.json"))
    journal.record(ScenarioEnded("L01", Verdict.PASS, "success"))
    journal.record(TraceKept("L01", run_id, DIGEST, 2))
    sent = Sent("GET", "/api/v1/p/files/.codex/result.json", {"accept": "*/*"})
    entries = [
        journal.record(ScenarioStarted("L02", "Simple CLI scaffold", "live/L02")),
        journal.record(StepStarted("L02", "result", "poll", "live.ladder.yaml:41:9")),
        journal.record(PollAttempted("L02", "result", 1, 404, 9, DIGEST, "status 404", 0.5)),
        journal.record(ExchangeMade("L02", "result", Purpose.POLL, sent, Answer.of(exchange()))),
    ]
    seen = Observation(exchange(), RESULT, witness=WITNESS)
    entries += [
        journal.record(observed("L02", "result", exchange=entries[-1].seq, observation=seen)),
        journal.record(CheckJudged("L02", "result", MISSED)),
        journal.record(StepEnded("L02", "result", Verdict.FAIL, 0.4, "1 check missed")),
        journal.record(StepSkipped("L02", "cleanup", "pid was never captured")),
        journal.record(ScenarioEnded("L02", Verdict.FAIL, "error", "1 check missed")),
    ]
    journal.record(ClimbEnded("live", Verdict.FAIL))
    journal.record(ContainersSeen("M01", WITNESS))
    journal.record(EngineTold("M01", 1763140448_500000000, "c0ffee" * 8, "start", {"ladder.job": "j"}, "codex-worker"))
    journal.record(RunEnded("finished", Verdict.FAIL))
    return entries


def write_artifacts(staging, redactor, entries, run_id=RUN_ID):
    red = next(each for each in scenarios() if each.id == "L02")
    trouble = gather(entries, verdict=Verdict.FAIL, mode="live", worker_log="line 1\nline 2\n")
    texts = {
        "live/L01/response.json": f'{{"run": "{run_id}"}}\n',
        "live/L01/project_id.txt": "p",
        "live/L01/result.json": "{}\n",
        "live/L01/result_excerpt.txt": excerpt(RESULT),
        "live/L02/notes.txt": notes(red, trouble),
        "mocked/RERUN/M01/response.json": "{}\n",
    }
    for path, text in texts.items():
        staging.write(path, redactor.text(text, source=path))
    staging.write("live/L02/response.json", redactor.text("{}\n"), derived_from="L01")


def write_run_folder(root, *, run_id=RUN_ID, now=NOW, redactor=None, signer=None):
    """A whole run, from nothing to the bundle."""
    redactor = redactor or PlainRedactor()
    staging = Staging.open(root, now)
    write_run(staging, running_record(run_id, staging.name), redactor)
    entries = record_events(Journal(staging.log(layout.EVENTS), redactor, fixed_clock()), run_id)
    write_artifacts(staging, redactor, entries, run_id)
    write_state(staging, RunState(run_id, DIGEST, {"L01": {"pid": "p"}}), redactor)
    record = finished_record(staging, run_id)
    write_outcome(staging, record, redactor)
    write_redaction_report(staging, {}, redactor)
    return finish(staging, record, redactor, CaseSeals(), signer=signer)
