"""What a step leaves for later: captures, artifacts, copies of earlier ones, and what containers have printed."""

import pytest
from staged import CANARY, OK_STEP, Reply, one_scenario, silence

from harness.judging.verdict import Verdict
from harness.language import lint_names
from harness.senses.engine import DockerEngine, EngineLostError

DOCS = {"id": "p1", "list": [1, 2], "text": "one"}


@pytest.fixture
def answering(staged):
    staged.service.on("GET /docs", DOCS)
    return staged


def saved(staged, name):
    return staged.read(f"mocked/L01/{name}")


def test_captures_are_kept_for_later_steps_and_told_as_events(answering):
    answering.service.on("GET /p1/2", {})
    record = answering.steps(
        "{get: /docs, capture: {pid: body.id, last: 'body.list[-1]'}}",
        '{get: "/${pid}/${last}", expect: [{status: 200}]}',
    ).record
    assert record.verdict is Verdict.PASS
    assert [(event.name, event.value) for event in answering.events("capture")] == [("pid", "p1"), ("last", 2)]


def test_a_capture_that_is_null_is_a_fail_that_names_it(answering):
    record = answering.steps("{get: /docs, capture: {pid: body.id, job: body.job.id}}", OK_STEP).record
    assert record.verdict is Verdict.FAIL
    assert record.missed[0].endswith("capture job: wanted body.job.id, got null")
    assert [event.name for event in answering.events("capture")] == ["pid"]
    assert answering.service.sent == ["GET /docs"]


@pytest.mark.parametrize("value", ["'`false`'", "'`0`'", "'`[]`'", "\"''\""])
def test_a_capture_that_is_there_but_empty_is_no_null(answering, value):
    assert answering.steps(f"{{get: /docs, capture: {{it: {value}}}}}").record.verdict is Verdict.PASS


def test_what_was_answered_is_saved_even_where_checks_missed(answering):
    record = answering.steps("{get: /docs, expect: [{status: 201}], save: {docs.json: body}}").record
    assert record.verdict is Verdict.FAIL
    assert record.files == ("docs.json",)
    assert saved(answering, "docs.json").startswith('{\n  "id"')


def test_a_text_gets_a_final_newline_unless_it_is_a_template(answering):
    answering.steps('{get: /docs, capture: {pid: body.id}, save: {a.txt: status, b.txt: "${pid}", c.txt: body.text}}')
    assert [saved(answering, name) for name in ("a.txt", "b.txt", "c.txt")] == ["200\n", "p1", "one\n"]


def test_a_value_that_is_null_makes_no_file(answering):
    record = answering.steps("{get: /docs, save: {a.json: body.nothing, b.txt: status}}").record
    assert record.files == ("b.txt",)


def test_a_template_whose_capture_was_null_makes_no_file_and_hides_no_other(answering):
    step = '{get: /docs, capture: {job: body.job}, save: {job.txt: "${job}", b.txt: status}}'
    record = answering.steps(step).record
    assert record.verdict is Verdict.FAIL
    assert record.files == ("b.txt",)


def test_of_no_answer_nothing_is_kept(staged):
    staged.service.on("GET /docs", silence())
    record = staged.steps('{get: /docs, capture: {pid: status}, save: {a.txt: status, b.txt: "$${"}}').record
    assert (record.verdict, record.files, record.missed) == (Verdict.ERROR, (), ())
    assert staged.events("capture") == []


COPYING = """
scenarios:
  L01:
    title: Makes it
    steps:
      - {get: /docs, save: {response.json: body, result.json: body.list}}
  L02:
    title: Copies it
    needs: [L01]
    evidence: [response.json]
    steps:
      - {copy: {from: L01, files: [response.json, result.json]}}
      - {get: /docs, expect: [{status: 200}], save: {own.json: body}}
"""


def test_a_copy_holds_the_same_bytes_and_is_marked_as_derived(answering):
    outcome = answering.climb(COPYING)
    assert outcome.verdicts == {"L01": Verdict.PASS, "L02": Verdict.PASS}
    assert answering.read("mocked/L02/response.json") == answering.read("mocked/L01/response.json")
    assert answering.staging.derived == {"mocked/L02/response.json": "L01", "mocked/L02/result.json": "L01"}
    assert [event.derived_from for event in answering.events("artifact") if event.scenario == "L02"] == [
        "L01",
        "L01",
        "",
    ]


def test_a_copy_is_taken_from_the_earlier_run_when_its_scenario_is_not_climbed_now(answering, tmp_path):
    earlier = tmp_path / "earlier"
    (earlier / "mocked/L01").mkdir(parents=True)
    (earlier / "mocked/L01/response.json").write_text('{"from": "earlier"}\n')
    (earlier / "mocked/L01/result.json").write_text("[]\n")
    answering.earlier = (earlier,)
    record = answering.scenario(COPYING, "L02", L01={}).record
    assert record.verdict is Verdict.PASS
    assert answering.read("mocked/L02/response.json") == '{"from": "earlier"}\n'
    assert answering.staging.derived["mocked/L02/response.json"] == "L01"


def test_a_copy_of_this_run_outranks_one_of_the_earlier_run(answering, tmp_path):
    earlier = tmp_path / "earlier"
    (earlier / "mocked/L01").mkdir(parents=True)
    (earlier / "mocked/L01/response.json").write_text('{"from": "earlier"}\n')
    answering.earlier = (earlier,)
    answering.climb(COPYING)
    assert "earlier" not in answering.read("mocked/L02/response.json")


def test_a_copy_comes_from_the_run_that_made_it_where_the_earlier_one_had_taken_it_over_itself(answering, tmp_path):
    newest, first = tmp_path / "newest", tmp_path / "first"
    for run, names in ((newest, ["response.json"]), (first, ["response.json", "result.json"])):
        (run / "mocked/L01").mkdir(parents=True)
        for name in names:
            (run / "mocked/L01" / name).write_text(f'"{run.name}"\n')
    answering.earlier = (newest, first)
    assert answering.scenario(COPYING, "L02", L01={}).record.verdict is Verdict.PASS
    assert answering.read("mocked/L02/response.json") == '"newest"\n'
    assert answering.read("mocked/L02/result.json") == '"first"\n'


def test_a_copy_of_what_nobody_has_left_is_a_fail_that_names_it(answering, tmp_path):
    answering.earlier = (tmp_path / "earlier",)
    record = answering.scenario(COPYING, "L02", L01={}).record
    assert record.verdict is Verdict.FAIL
    assert record.reason == "L01 has left no response.json that could be copied"
    assert answering.service.sent == []


@pytest.mark.parametrize(("first", "second"), [(2, 1), (1, 2), (2, 2)])
def test_copies_find_what_trials_have_left(answering, first, second):
    text = COPYING.replace("Makes it", f"Makes it\n    trials: {first}")
    outcome = answering.climb(text.replace("Copies it", f"Copies it\n    trials: {second}"))
    assert outcome.verdicts == {"L01": Verdict.PASS, "L02": Verdict.PASS}


def test_a_file_is_either_a_copy_or_an_observation(answering, monkeypatch):
    # A run does not rely on what is told before it.
    monkeypatch.setattr(lint_names, "clashes", lambda draft: ())
    text = COPYING.replace("save: {own.json: body}", "save: {response.json: body}")
    outcome = answering.climb(text)
    assert outcome.verdicts["L02"] is Verdict.ERROR
    assert "response.json" in outcome.records[1].reason


def test_notes_that_were_copied_give_way_to_those_of_the_scenario(answering):
    text = COPYING.replace("Makes it", "Makes it\n    notes: Said of L01.").replace(
        "response.json, result", "notes.txt, result"
    )
    outcome = answering.climb(
        text.replace("expect: [{status: 200}]", "expect: [{status: 201}]").replace(
            "evidence: [response.json]", "trials: 1"
        )
    )
    assert outcome.verdicts["L02"] is Verdict.FAIL
    assert "Said of L01" not in answering.read("mocked/L02/notes.txt")


LOGS = """
collect_on_fail:
  - docker_logs: {label: "ladder.project=${pid}", as: docker.log}
"""


class PrintedEngine:
    """An engine that kept what one container has printed."""

    closed = False

    def __init__(self, text=b"one\ntwo\n", lost=None):
        self.text, self.lost, self.labels = text, lost, []

    def named(self, label):
        self.labels.append(label)
        if self.lost:
            raise self.lost
        return [("c425f610663853e2", "exited")]

    def output(self, _container, _lines):
        yield self.text

    def close(self):
        self.closed = True


def collecting(staged, monkeypatch, engine):
    def connect(_environ):
        if isinstance(engine, Exception):
            raise engine
        return engine

    monkeypatch.setattr(DockerEngine, "connect", connect)
    staged.service.on("GET /docs", DOCS).on("GET /red", Reply({}, 500))
    text = one_scenario("{get: /docs, capture: {pid: body.id}}", "{get: /red, expect: [{status: 200}]}")
    return staged.scenario(LOGS + text)


def test_the_output_of_containers_is_collected_by_their_label(staged, monkeypatch):
    engine = PrintedEngine()
    collecting(staged, monkeypatch, engine)
    assert engine.labels == ["ladder.project=p1"]
    assert engine.closed
    assert saved(staged, "docker.log") == "== container c425f6106638 (exited)\none\ntwo\n"


def test_an_engine_that_is_away_is_said_instead_of_leaving_no_file(staged, monkeypatch):
    collecting(staged, monkeypatch, EngineLostError("refused"))
    assert saved(staged, "docker.log") == (
        "the engine could not be asked for the output of ladder.project=p1: refused\n"
    )


def test_an_engine_is_closed_even_where_it_is_lost_on_the_way(staged, monkeypatch):
    engine = PrintedEngine(lost=EngineLostError("gone"))
    collecting(staged, monkeypatch, engine)
    assert engine.closed
    assert "gone" in saved(staged, "docker.log")


def test_a_secret_that_a_worker_has_printed_counts_as_observed(staged, monkeypatch):
    climbed = collecting(staged, monkeypatch, PrintedEngine(f"key {CANARY}\n".encode()))
    assert climbed.secret_hits > 0
    assert any("no_secrets" in line and "OPENAI_API_KEY" in line for line in climbed.record.missed)
    assert "mocked/L01/docker.log" in climbed.record.missed[-1]
    assert CANARY.encode() not in staged.bytes_written()
