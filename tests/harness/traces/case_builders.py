"""A scenario with everything that a case can tell, and its case."""

import json

from tracing import RUN_ID, TRACE_ID, Log, span_id, told_of, told_span, told_write

from harness.evidence.events import ExchangeMade
from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.evidence.records import to_document
from harness.evidence.run_record import ScenarioRecord
from harness.judging.verdict import Verdict
from harness.traces.case import CaseFacts, case_of
from harness.traces.joining import join
from harness.traces.told import read_told

PROJECT = "feff01fa-c5ef-4a62-907e-a4da9c1bf749"
CREATE = "/api/v1/projects/"
RESULT = f"/api/v1/{PROJECT}/files/.codex/result.json"


def made(
    log, step, number, *, method="GET", path=CREATE, body="", answer=None, status=200, purpose=Purpose.STEP, error=""
):
    """An exchange that took 4 ms, with what was sent and what came back."""
    text = answer if isinstance(answer, str) else json.dumps({} if answer is None else answer)
    sent = Sent(method, path, {}, json.dumps(body) if body else "")
    got = Answer(status, {}, text, 0.004, len(text), error=error)
    return log.add(ExchangeMade("L01", step, purpose, sent, got, span_id(number), log.t - 0.003))


def wrapped(**document):
    return {"path": ".codex/result.json", "contents": json.dumps(document)}


def record(verdict=Verdict.PASS, folder="live/L01", files=("response.json",)):
    return ScenarioRecord("L01", "Title", folder, verdict, files=files, trace_id=TRACE_ID)


def facts(verdict=Verdict.PASS, **fields):
    return CaseFacts(RUN_ID, record(verdict, **fields), "live-L01")


def whole_log():
    log = Log().started()
    log.step("submit", 1)
    made(log, "submit", 2, method="POST", body={"name": "one"}, answer={"id": PROJECT, "status": "queued"})
    log.check("submit").artifact("submit").step_ended("submit")
    log.step("result", 3, action="poll").attempt("result", 4, 1).attempt("result", 5, 2, status=200, why="")
    made(log, "result", 5, path=RESULT, answer=wrapped(status="success", engine="template"), purpose=Purpose.POLL)
    log.check("result").step_ended("result")
    return log.ended()


def told(*, writes=1):
    """What a backend tells of the create."""
    span = told_span(256, attributes={"http.route": CREATE})
    rows = [told_write(stmt_seq=number) for number in range(1, writes + 1)]
    return read_told(told_of([span], db_writes=rows), TRACE_ID)


def trace_of(log, answer=None):
    return join(log.part(), answer, case_id="live-L01")


def whole_case():
    log = whole_log()
    return case_of(facts(), log.entries, trace_of(log, told()))


CASE = json.loads(json.dumps(to_document(whole_case())))
