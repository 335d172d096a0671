"""How thoroughly a line of the journal is searched: cheaply where its parts have been redacted, else in every view."""

import pytest
from sample_run import MISSED, WITNESS, Collected, PlainRedactor, fixed_clock

from harness.evidence.events import (
    Captured,
    CheckJudged,
    ContainersSeen,
    EngineTold,
    ExchangeMade,
    PollAttempted,
    ScenarioEnded,
    StepEnded,
    StepObserved,
    StepSkipped,
    StepStarted,
)
from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.evidence.journal import Journal
from harness.judging.verdict import Verdict
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

CANARY = "sk-canary-K7qZx2VbN9mLw4TgR8"
GAPS = " ".join(CANARY)
ANSWER = Answer(200, {}, "{}", 0.1)

OF_EACH_STEP = [
    StepStarted("L01", "s", "request"),
    ExchangeMade("L01", "s", Purpose.STEP, Sent("GET", "/"), ANSWER),
    PollAttempted("L01", "s", 1, 404, 2, "", "not yet"),
    StepObserved("L01", "s", 2),
    CheckJudged("L01", "s", MISSED),
    StepEnded("L01", "s", Verdict.PASS, 0.1),
]
FROM_ELSEWHERE = [
    StepObserved("L01", "s", 2, witness=WITNESS),
    ContainersSeen("L01", WITNESS),
    EngineTold("L01", 1, "c0ffee", "start", {"note": GAPS}),
    Captured("L01", "s", "it", {"it": GAPS}),
    StepEnded("L01", "s", Verdict.ERROR, 0.1, GAPS),
    StepSkipped("L01", "s", GAPS),
    ScenarioEnded("L01", Verdict.ERROR, "n/a", GAPS),
]


class Asked(PlainRedactor):
    """Remembers how it was asked."""

    def __init__(self):
        self.how = []

    def json(self, document, *, source=""):
        self.how.append("json")
        return super().json(document, source=source)

    def line(self, document, *, source=""):
        self.how.append("line")
        return super().line(document, source=source)


@pytest.mark.parametrize(
    ("event", "how"),
    [(event, "line") for event in OF_EACH_STEP] + [(event, "json") for event in FROM_ELSEWHERE],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_only_lines_of_redacted_parts_are_searched_cheaply(event, how):
    asked = Asked()
    Journal(Collected(), asked, fixed_clock()).record(event)
    assert asked.how == [how]


@pytest.mark.parametrize("event", FROM_ELSEWHERE[2:], ids=lambda event: type(event).__name__)
def test_what_nobody_has_redacted_before_is_searched_in_every_view(event):
    lines = Collected()
    Journal(lines, Redactor(SecretSet((NamedSecret("KEY", Secret(CANARY)),))), fixed_clock()).record(event)
    assert GAPS not in lines.lines[0]
    assert "[REDACTED]" in lines.lines[0]


def test_a_part_that_was_forgotten_does_not_get_out_as_it_is():
    lines = Collected()
    sent = Sent("GET", f"/{CANARY}")
    journal = Journal(lines, Redactor(SecretSet((NamedSecret("KEY", Secret(CANARY)),))), fixed_clock())
    journal.record(ExchangeMade("L01", "s", Purpose.STEP, sent, ANSWER))
    assert CANARY not in lines.lines[0]
