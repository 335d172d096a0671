"""What is looked at besides the steps themselves: baselines, the files of a project, containers, schemas, programs."""

import hashlib
import json

import pytest
from staged import (
    CANARY,
    NOT_FOUND,
    FakeWatch,
    Reply,
    container,
    files_listing,
    one_scenario,
    result,
    silence,
    wrapped,
)

from harness.evidence.exchanges import Purpose
from harness.judging.observation import ProgramRun
from harness.judging.verdict import Verdict
from harness.runner.climb import Part, climb

RESULT = "/api/v1/p1/files/.codex/result.json"
FILES = "GET /api/v1/p1/files"
EDIT = "{id: edit, post: /api/v1/p1/jobs, json: {instruction: x}, headers: {X-Any: y}, expect: [{status: 200}]}"


def poll(path=RESULT, more=""):
    return (
        f'{{id: result, poll: {{get: "{path}", unwrap: body.contents}}, until: [{{status: 200}}],'
        f" fresh_after: {{step: edit, job_id: j2}}, deadline: 5s, headers: {{X-Any: y}}{more}}}"
    )


def looks(staged, purpose):
    return [event for event in staged.events("exchange") if event.purpose is purpose]


def test_the_path_of_a_poll_is_read_before_the_step_that_it_must_be_fresher_than(staged):
    staged.service.on("POST /api/v1/p1/jobs", {}).on(f"GET {RESULT}", wrapped(result("j1")), wrapped(result("j2")))
    staged.steps(EDIT, poll())
    assert staged.service.sent == [f"GET {RESULT}", "POST /api/v1/p1/jobs", f"GET {RESULT}"]
    (look,) = looks(staged, Purpose.BASELINE)
    assert (look.step, look.answer.status) == ("result", 200)


def test_the_look_before_a_step_waits_for_nothing(staged):
    staged.service.on("POST /api/v1/p1/jobs", {}).on(f"GET {RESULT}", NOT_FOUND, wrapped(result("j2")))
    staged.steps(EDIT, poll())
    look, waiting = staged.service.to(f"GET {RESULT}")
    assert look.headers == {}
    assert "prefer" in waiting.headers


def test_a_path_is_read_before_no_other_step_than_the_one_that_is_named(staged):
    staged.service.on("POST /api/v1/p1/jobs", {}).on(f"GET {RESULT}", NOT_FOUND, wrapped(result("j2")))
    staged.service.on("GET /docs", {}).on(FILES, files_listing())
    changed = ", expect: [{files_changed: {since: first, project: p1, created: []}}]"
    staged.steps("{id: first, get: /docs}", EDIT, poll(more=changed))
    assert staged.service.sent[:4] == [FILES, "GET /docs", f"GET {RESULT}", "POST /api/v1/p1/jobs"]
    assert len(looks(staged, Purpose.BASELINE)) == 1


def test_nothing_is_read_before_a_step_that_makes_the_project(staged):
    staged.service.on("POST /api/v1/projects/", {"id": "p1"}).on(f"GET {RESULT}", wrapped(result("j2")))
    make = "{id: edit, post: /api/v1/projects/, capture: {pid: body.id}}"
    record = staged.steps(make, poll("/api/v1/${pid}/files/.codex/result.json")).record
    assert record.verdict is Verdict.PASS
    assert looks(staged, Purpose.BASELINE) == []
    assert staged.service.sent == ["POST /api/v1/projects/", f"GET {RESULT}"]


@pytest.mark.parametrize("look", [silence(), Reply({}, 500), Reply("half a docu", 200)])
def test_what_was_there_is_not_known_where_it_could_not_be_read(staged, look):
    document = result()
    del document["job_id"]
    staged.service.on("POST /api/v1/p1/jobs", {}).on(f"GET {RESULT}", look, wrapped(document))
    record = staged.steps(EDIT, poll()).record
    # Of a body that is text only, nothing can be compared either.
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "what was there before the step is not known" in record.reason


def test_a_document_dated_before_the_step_is_stale(staged):
    document = result(timestamp="2025-11-14T17:00:00Z")
    del document["job_id"]
    staged.service.on("POST /api/v1/p1/jobs", {}).on(f"GET {RESULT}", NOT_FOUND, wrapped(document))
    record = staged.steps(EDIT, poll()).record
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "dated before the step" in record.reason


def changing(staged, before, after, wanted, *, since="edit"):
    """Climb an edit, after which the files of the project are compared with those before it."""
    listings = [files_listing(**found) if isinstance(found, dict) else found for found in (before, after)]
    staged.service.on(FILES, *listings)
    for path in {*(before if isinstance(before, dict) else ()), *(after if isinstance(after, dict) else ())}:
        texts = [found[path] for found in (before, after) if isinstance(found, dict) and path in found]
        staged.service.on(f"{FILES}/{path}", *({"path": path, "contents": text} for text in texts))
    staged.service.on("POST /api/v1/p1/jobs", {}).on("GET /docs", {})
    compare = f"{{get: /docs, expect: [{{files_changed: {{since: {since}, project: p1, {wanted}}}}}]}}"
    return staged.steps(EDIT, compare).record


BEFORE = {"app.py": "print(1)\n", "README.md": "# one\n"}
AFTER = {"app.py": "print(2)\n", "README.md": "# one\n", "new.py": "x = 1\n"}


def test_the_files_of_a_project_are_read_before_the_step_and_when_the_check_is_made(staged):
    assert changing(staged, BEFORE, AFTER, "created: [new.py], modified: [app.py]").verdict is Verdict.PASS
    sent = staged.service.sent
    assert [sent[0], sent[3:5]] == [FILES, ["POST /api/v1/p1/jobs", "GET /docs"]]
    assert len(looks(staged, Purpose.FILES)) == 7


@pytest.mark.parametrize(
    "claim", ["modified: [README.md]", "modified: [app.py, README.md]", "created: []", "deleted: [app.py]"]
)
def test_a_wrong_claim_about_files_is_a_fail(staged, claim):
    record = changing(staged, BEFORE, AFTER, claim)
    assert record.verdict is Verdict.FAIL
    assert "files_changed." in record.missed[0]


def test_a_file_that_was_written_again_with_the_same_content_is_not_modified(staged):
    assert changing(staged, BEFORE, BEFORE, "modified: [app.py]").verdict is Verdict.FAIL


def test_before_a_project_exists_it_has_no_files(staged):
    assert changing(staged, NOT_FOUND, BEFORE, "created: [app.py, README.md]").verdict is Verdict.PASS


def test_a_project_that_has_no_name_yet_has_no_files(staged):
    staged.service.on("POST /api/v1/projects/", {"id": "p1"})
    staged.service.on(FILES, files_listing(**BEFORE))
    for path, text in BEFORE.items():
        staged.service.on(f"{FILES}/{path}", {"contents": text})
    make = (
        "{id: edit, post: /api/v1/projects/, capture: {pid: body.id}}",
        "{get: /docs, expect: [{files_changed: {since: edit, created: [app.py, README.md]}}]}",
    )
    staged.service.on("GET /docs", {})
    assert staged.steps(*make).record.verdict is Verdict.PASS
    assert staged.service.sent[0] == "POST /api/v1/projects/"


@pytest.mark.parametrize("listing", [Reply({}, 500), silence(), Reply({"files": "none"})])
def test_files_that_could_not_be_listed_leave_their_check_undecided(staged, listing):
    assert changing(staged, listing, BEFORE, "modified: [app.py]").verdict is Verdict.INCONCLUSIVE


def test_a_step_may_compare_with_what_was_there_before_itself(staged):
    staged.service.on(FILES, files_listing(a="1"), files_listing(a="2"))
    staged.service.on(f"{FILES}/a", {"contents": "1"}, {"contents": "2"}).on("POST /api/v1/p1/jobs", {})
    edit = EDIT.replace("[{status: 200}]", "[{files_changed: {since: edit, project: p1, modified: [a]}}]")
    assert staged.steps(edit).record.verdict is Verdict.PASS


def test_files_are_read_once_before_a_step_however_many_checks_compare_with_it(staged):
    staged.service.on("POST /api/v1/p1/jobs", {}).on("GET /docs", {}).on(FILES, files_listing())
    compare = "{get: /docs, expect: [{files_changed: {since: edit, project: p1, created: []}}]}"
    staged.steps(EDIT, compare, compare)
    assert staged.service.sent.index("POST /api/v1/p1/jobs") == 1


def test_a_file_whose_tag_was_its_hash_is_not_sent_again_while_it_is_the_same(staged):
    tag = f'"{hashlib.sha256(b"1").hexdigest()}"'
    staged.service.on(FILES, files_listing(a="1")).on("POST /api/v1/p1/jobs", {}).on("GET /docs", {})
    staged.service.on(f"{FILES}/a", Reply({"contents": "1"}, headers={"etag": tag}), Reply("", 304))
    compare = "{get: /docs, expect: [{files_changed: {since: edit, project: p1, modified: []}}]}"
    assert staged.steps(EDIT, compare).record.verdict is Verdict.PASS
    assert [request.headers for request in staged.service.to(f"{FILES}/a")] == [{}, {"if-none-match": tag}]


def test_the_name_of_a_project_cannot_lead_to_another_path(staged):
    staged.service.on("GET /docs", {})
    staged.steps(
        "{id: edit, get: /docs}", "{get: /docs, expect: [{files_changed: {since: edit, project: ../x?y, created: []}}]}"
    )
    assert "GET /api/v1/..%2Fx%3Fy/files" in staged.service.sent


class CountedWatch(FakeWatch):
    asked = 0

    def observe(self):
        self.asked += 1
        return super().observe()


def test_the_witness_is_asked_only_where_a_check_looks_at_containers(staged):
    staged.watch = CountedWatch(container())
    staged.service.on("GET /docs", {})
    inner = "{any_of: [{container: {label: ladder.job=j1, count: 1}}]}"
    record = staged.steps("{get: /docs}", f"{{get: /docs, expect: [{inner}]}}").record
    assert record.verdict is Verdict.PASS
    assert staged.watch.asked == 1
    assert [event.witness.available for event in staged.events("observation")] == [False, True]


def test_a_schema_beside_the_ladder_is_handed_to_its_check(staged):
    (staged.folder / "scenarios").mkdir()
    rules = {"type": "object", "required": ["a"]}
    (staged.folder / "scenarios/doc.schema.json").write_text(json.dumps(rules))
    staged.service.on("GET /docs", {"b": 1})
    ladder = staged.ladder(one_scenario("{get: /docs, expect: [{schema: doc.schema.json}]}"))
    part = Part(ladder, ladder.scenarios, "mocked", {"doc.schema.json": rules, "other.json": {}})
    outcome = climb(staged.around(), part, keep=staged.keep)
    assert outcome.verdicts == {"L01": Verdict.FAIL}
    assert staged.events("observation")[0].schemas == {"doc.schema.json": rules}


def printing(staged, monkeypatch, stdout, *, listing=None):
    ran = []

    def run_program(_environ, files, *, image, args, redact):
        ran.append((dict(files), image, list(args)))
        return ProgramRun(0, redact(stdout))

    monkeypatch.setattr("harness.senses.programs.run_program", run_program)
    staged.service.on("GET /docs", {}).on(FILES, listing or files_listing(**{"app.py": "x"}))
    staged.service.on(f"{FILES}/app.py", {"contents": "x"})
    check = '{prints: {project: p1, image: "sha256:aa", args: [app.py], numbers: [1, 2]}}'
    return staged.steps(f"{{get: /docs, expect: [{check}]}}").record, ran


def test_a_program_is_run_with_the_files_that_the_project_has(staged, monkeypatch):
    record, ran = printing(staged, monkeypatch, "1 2\n")
    assert record.verdict is Verdict.PASS
    assert ran == [({"app.py": b"x"}, "sha256:aa", ["app.py"])]


def test_half_a_project_is_not_run(staged, monkeypatch):
    record, ran = printing(staged, monkeypatch, "1 2\n", listing=Reply({}, 500))
    assert record.verdict is Verdict.INCONCLUSIVE
    assert ran == []


def test_a_secret_that_a_program_prints_makes_its_scenario_fail(staged, monkeypatch):
    record, _ = printing(staged, monkeypatch, f"1 2\n{CANARY}\n")
    assert record.verdict is Verdict.FAIL
    assert "no_secrets" in record.missed[0]
    assert CANARY.encode() not in staged.bytes_written()
