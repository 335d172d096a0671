"""The three ladders are the plan's: ids, calls, instructions and evidence as its tables say, and what all share."""

import json
from pathlib import Path

import jsonschema
import pytest
from ladder_files import SCENARIOS
from support.http_server import settings_below

from backend.app import create_app
from harness.language.lint_requests import api_paths
from harness.language.loading import load
from harness.language.model import CheckKind, Copy, Request
from harness.language.variables import Scope
from worker.contract import SECRET_NAMES

G = "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."
C = "Append a comment line to app.py describing the change."
R = "Refactor fibonacci() to be iterative, add an input guard, and add a docstring note."
FORCE = "force_error: provoke a controlled failure"
NEWLINE = "Append a trailing newline to README.md if missing; otherwise make no changes."
RESULT = ("result.json", "result_excerpt.txt")
MADE = ("response.json", "project_id.txt", *RESULT)
EDITED = ("response.json", *RESULT)
NEW, OLD = "/api/v1/projects/", "/jobs"

PLAN = {
    "mocked": {
        "M01": (NEW, G, MADE),
        "M02": ("/files", None, ("files.json",)),
        "M03": ("/files/app.py", None, ("app.json", "status.txt")),
        "M04": (OLD, C, EDITED),
        "M05": ("/files/%2e%2e%2Fetc%2Fpasswd", None, ("response.json", "status.txt")),
        "M06": ("/files/%2Fetc%2Fpasswd", None, ("response.json", "status.txt")),
        "M07": ("/files/does-not-exist.txt", None, ("response.json", "status.txt")),
        "M08": ("/files/symlinked-escape/secret", None, ("response.json", "status.txt", "notes.txt")),
        "M09": (NEW, G, (*RESULT, "files.json")),
    },
    "live": {
        "L01": (NEW, G, MADE),
        "L02": ("/files", None, (*EDITED, "files.json")),
        "L03": ("/files", None, ("files.json",)),
        "L04": ("/files/app.py", None, ("app.json", "status.txt")),
        "L05": (OLD, C, EDITED),
        "L06": (OLD, R, (*EDITED, "app.json")),
        "L07": (NEW, FORCE, (*MADE, "notes.txt")),
        "L08": (NEW, "long_run: generate and analyze a large codebase", (*MADE, "files.json")),
    },
    "edits": {
        "E01": (NEW, G, (*MADE, "files.json")),
        "E02": (OLD, "Modify the CLI to print the first 15 Fibonacci numbers.", (*EDITED, "app.json", "status.txt")),
        "E03": (
            OLD,
            "Refactor by moving fibonacci() to fibonacci.py and have app.py import and use it.",
            (*EDITED, "fibonacci.json", "fibonacci_status.txt", "app.json", "app_status.txt"),
        ),
        "E04": (
            OLD,
            "Enhance README with usage instructions and create CHANGELOG.md with initial entry.",
            (*EDITED, "readme.json", "readme_status.txt", "changelog.json", "changelog_status.txt"),
        ),
        "E05": (
            OLD,
            "Add CLI argument parsing so the program accepts N and prints the first N Fibonacci numbers.",
            (*EDITED, "app.json", "status.txt"),
        ),
        "E06": (NEW, FORCE, (*MADE, "notes.txt")),
        "E07a": (
            OLD,
            "Add a module utils.py with helper function format_sequence(seq) that returns a comma-joined string.",
            (*EDITED, "utils.json", "utils_status.txt"),
        ),
        "E07b": (
            OLD,
            "Update app.py to use format_sequence from utils.py for printing.",
            (*EDITED, "app.json", "app_status.txt"),
        ),
        "E08a": (OLD, NEWLINE, (*EDITED, "readme.json", "readme_status.txt")),
        "E08b": (OLD, NEWLINE, (*EDITED, "readme.json", "readme_status.txt")),
        "E09": (
            OLD,
            "Add a docs/ folder with three small markdown files documenting modules (app, fibonacci, utils).",
            (*EDITED, "files.json", "docs_app.json", "docs_fibonacci.json", "docs_utils.json"),
        ),
    },
}
"""Ladder → id → end of a path that is asked for, instruction, evidence."""

CASES = [(name, scenario) for name, scenarios in PLAN.items() for scenario in scenarios]


@pytest.fixture(scope="module", params=PLAN)
def ladder(request):
    return loaded(request.param)


def loaded(name):
    return load(SCENARIOS / f"{name}.ladder.yaml", {})


def every_check(checks):
    for check in checks:
        yield check
        yield from every_check(check.children)


def requests(scenario):
    return [step for step in scenario.steps if isinstance(step.action, Request)]


def submits(scenario):
    return [step for step in requests(scenario) if step.action.method == "POST"]


def test_the_ladders_have_the_plan_s_rungs_in_its_order(ladder):
    assert [scenario.id for scenario in ladder.scenarios] == list(PLAN[ladder.name])
    assert ladder.mode == ("mocked" if ladder.name == "mocked" else "live")


@pytest.mark.parametrize(("name", "scenario_id"), CASES)
def test_a_rung_makes_the_plan_s_call_and_leaves_its_evidence(name, scenario_id):
    ladder = loaded(name)
    scenario = ladder.scenario(scenario_id)
    path, instruction, evidence = PLAN[name][scenario_id]
    assert set(scenario.evidence) == set(evidence)
    assert any(step.action.path.endswith(path) for step in requests(scenario))
    sent = [
        Scope(ladder.variables, scenario.variables, step=step.variables).fill(step.action.json)
        for step in submits(scenario)
    ]
    expected = {"instruction": instruction} | ({"job_type": "edit"} if path == OLD else {})
    assert sent == ([expected] if instruction else [])


def test_a_rung_needs_the_one_before_it(ladder):
    ids = [scenario.id for scenario in ladder.scenarios]
    assert [scenario.needs for scenario in ladder.scenarios] == [(), *((before,) for before in ids[:-1])]


def test_every_request_s_status_is_checked(ladder):
    for scenario in ladder.scenarios:
        for step in requests(scenario):
            asked = (*step.expect, *(step.poll.until if step.poll else ()))
            assert any(check.kind is CheckKind.STATUS for check in asked), (scenario.id, step.id)


def test_every_result_is_parsed_pinned_to_its_job_and_compared_with_the_files(ladder):
    for scenario in ladder.scenarios:
        if not submits(scenario):
            continue
        [poll] = [step for step in scenario.steps if step.poll]
        assert (poll.poll.fresh_after.step, poll.poll.fresh_after.job_id) == ("submit", "${job}")
        checks = list(every_check(poll.expect))
        assert any(check.kind is CheckKind.SCHEMA for check in checks)
        assert any(check.argument == "doc.job_id" and check.operators == {"eq": "${job}"} for check in checks)
        compared = [
            check.argument
            for step in scenario.steps
            for check in every_check(step.expect)
            if check.kind is CheckKind.FILES_CHANGED
        ]
        claimed = {name: {"eq": f"${{{name}}}"} for name in ("created", "modified", "deleted")}
        assert {"project": "${pid}", "since": "submit", **claimed} in compared, scenario.id


def test_every_live_job_is_seen_as_one_container_of_the_known_image():
    for ladder in (loaded("live"), loaded("edits")):
        for scenario in filter(submits, ladder.scenarios):
            seen = [
                check.argument
                for step in scenario.steps
                for check in step.expect
                if check.kind is CheckKind.CONTAINER and check.argument["label"] == "ladder.job=${job}"
            ]
            assert any(fact.get("count") == {"eq": 1} and fact.get("image") == {"eq": "${image}"} for fact in seen)


def test_no_mocked_job_may_have_a_container():
    for scenario in filter(submits, loaded("mocked").scenarios):
        checks = [check for step in scenario.steps for check in step.expect if check.kind is CheckKind.CONTAINER]
        assert [check.argument for check in checks] == [{"label": "ladder.project=${pid}", "count": {"eq": 0}}]


def test_only_the_second_live_rung_copies_and_only_the_first_answer(ladder):
    copies = {
        scenario.id: step.action
        for scenario in ladder.scenarios
        for step in scenario.steps
        if isinstance(step.action, Copy)
    }
    assert copies == ({"L02": Copy("L01", ("response.json",))} if ladder.name == "live" else {})
    assert all(requests(scenario) for scenario in ladder.scenarios)


@pytest.mark.parametrize(("name", "first"), [("live", "L01"), ("edits", "E01")])
def test_presence_lines_are_whole_entries_and_each_stands_once(name, first):
    checks = [check for step in loaded(name).scenario(first).steps for check in step.expect]
    [lines] = [check for check in checks if "one_each" in check.operators]
    assert lines.operators["one_each"] == [f"^{secret}=(present|absent)$" for secret in SECRET_NAMES]


def test_every_ladder_names_the_secrets_and_the_schema(ladder):
    assert ladder.secrets == SECRET_NAMES
    lines = Path(ladder.file).read_text("utf-8").splitlines()
    assert lines[:2] == [
        "# yaml-language-server: $schema=./ladder.schema.json",
        "# $schema: ./ladder.schema.json",
    ]


def test_the_rollback_climbs_the_first_four_mocked_rungs():
    known = [scenario.id for scenario in loaded("mocked").scenarios]
    for name in ("live", "edits"):
        rollback = loaded(name).rollback
        assert (rollback.verify, rollback.folder) == ("mocked.ladder.yaml", "mocked/RERUN")
        assert rollback.only == tuple(known[:4])


@pytest.mark.parametrize("name", ["live", "mocked"])
def test_the_worked_example_of_the_language_is_valid(name):
    assert load(Path(__file__).parent / "worked_example" / f"{name}.ladder.yaml", {}).scenarios


def test_the_stored_paths_are_those_of_the_backend(tmp_path):
    published = create_app(settings_below(tmp_path)).openapi()["paths"]
    assert sorted(published) == list(api_paths())


DOCUMENT = {
    "contract_version": 1,
    "project_id": "p",
    "job_id": "j",
    "engine": "template",
    "written_by": "worker",
    "status": "success",
    "summary": "Done.",
    "created_files": ["a", "docs/app.md", "tests/test_cli.py", ".gitignore", "a..b"],
    "modified_files": [],
    "errors": [],
    "logs": ["OPENAI_API_KEY=absent"],
    "timestamp": "2025-11-14T17:14:05.123456Z",
    "started_at": "2025-11-14T17:14:05Z",
    "finished_at": "2025-11-14T17:14:05+00:00",
    "trace_id": None,
    "extra": 1,
}


def is_result(document):
    schema = json.loads((SCENARIOS / "result.schema.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema).is_valid(document)


def test_a_result_of_the_contract_satisfies_the_result_schema():
    assert is_result(DOCUMENT)
    assert is_result(DOCUMENT | {"trace_id": "01a1fc88-99f5-7ac1-a593-898f1b5462af", "deleted_files": ["x/y"]})


@pytest.mark.parametrize("key", sorted(DOCUMENT.keys() - {"extra"}))
def test_a_result_without_a_key_is_none(key):
    assert not is_result({name: value for name, value in DOCUMENT.items() if name != key})


@pytest.mark.parametrize(
    "change",
    [
        {"contents": "{}"},
        {"contract_version": 2},
        {"status": "done"},
        {"summary": ""},
        {"engine": "other"},
        {"logs": ["a", 1]},
        {"errors": "forced_error"},
        {"timestamp": "yesterday"},
        *({"created_files": [path]} for path in ("/a", "./a", "../a", "a/../b", "a//b", "a/", "", ".", "..", "a/..")),
        {"modified_files": ["a", "a"]},
    ],
)
def test_a_result_with_a_broken_field_is_none(change):
    assert not is_result(DOCUMENT | change)
