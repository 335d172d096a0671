"""What the tests of the terminal share: a small ladder, ends of its scenarios, a clock nobody waits for."""

from harness.evidence.run_record import ScenarioRecord
from harness.judging.verdict import Verdict
from harness.language.model import Ladder, Mark, Mode, Request, Scenario, Step
from harness.redaction.redacted import RedactedText
from harness.senses.polling import Waiting

CANARY = "sk-canary-0123456789abcdef"
MISSED = "live.ladder.yaml:41:9 doc.status: wanted eq success, got error"
LIMIT = "live.ladder.yaml:50:9 files_changed.modified: wanted app.py, got nothing"
GATE = "gate closed: L02 FAIL, 1 missed > 0 allowed; goes on after PASS"
MARK = Mark("live.ladder.yaml", 1, 1)


def redact(text):
    return RedactedText(text.replace(CANARY, "[REDACTED]"))


class FakeClock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def pass_(self, seconds):
        self.now += seconds


def scenario(name, title="", steps=("submit", "result")):
    made = tuple(Step(step, MARK, Request("GET", "/", 1.0)) for step in steps)
    return Scenario(name, MARK, title or f"Title of {name}", (), {}, (), made)


def ladder(*scenarios, file="scenarios/live.ladder.yaml"):
    return Ladder(
        name="live",
        file=file,
        mode=Mode.LIVE,
        variables={},
        secrets=(),
        proceed_on=frozenset({"pass"}),
        scenarios=scenarios,
        collect_on_fail=(),
        rollback=None,
        digest="d",
        execution_digest="e",
        judging_digest="j",
    )


FIRST, SECOND, THIRD = scenario("L01", "Worker presence"), scenario("L02", "Edit: add"), scenario("L03", "Refactor")
LADDER = ladder(FIRST, SECOND, THIRD)


def record(rung, verdict=Verdict.PASS, result="success", **fields):
    fields = {"started_at": "2025-11-14T17:14:05Z", "duration_s": 2.5} | fields
    return ScenarioRecord(rung.id, rung.title, f"live/{rung.id}", verdict, result, **fields)


def blocked(rung, reason=GATE):
    return record(rung, Verdict.BLOCKED, "n/a", reason=reason, started_at=None, duration_s=0.0)


PASSED = record(FIRST)
FAILED = record(SECOND, Verdict.FAIL, "error", reason="1 check missed", missed=(MISSED,))
ENDS = (PASSED, FAILED, blocked(THIRD))


def waiting(attempt=1, **fields):
    return Waiting(**({"attempt": attempt, "next_wait_s": 0.0, "held_s": 0, "left_s": 120.0, "why": ""} | fields))


def climb(watcher):
    """A whole climb: one green, one red, one blocked."""
    watcher.ladder_started(LADDER, LADDER.scenarios, folder="live")
    for rung, end in zip((FIRST, SECOND), ENDS[:2], strict=True):
        watcher.scenario_started(rung)
        watcher.step_started("submit", "request")
        watcher.step_started("result", "poll")
        watcher.waiting(waiting())
        watcher.scenario_ended(end)
    watcher.scenario_ended(ENDS[2])
    watcher.ladder_ended(ENDS)


def say_everything_with(watcher, text):
    """Put a text wherever a climb can say one."""
    rung = scenario(f"L{text}", text, (text,))
    watcher.note(text)
    with watcher.stage(text):
        watcher.detail(text)
    watcher.ladder_started(ladder(rung, file=text), (rung,), folder=text)
    watcher.scenario_started(rung)
    watcher.step_started(text, text)
    watcher.waiting(waiting(why=text))
    yield
    end = record(rung, Verdict.FAIL, text, reason=text, missed=(text,), limits=(text,))
    watcher.scenario_ended(end)
    watcher.ladder_ended((end,))
    yield
