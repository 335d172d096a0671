"""The main job, done for real: the suite at a stack of its own, the other ladders, and reruns."""

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from climbs import SCENARIOS, left_of
from own_stack import own_stack

from harness.evidence.checking import faults_of
from harness.evidence.event_lines import decode

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
VIEWS = {"execution_trace.json", "db_writes.json"}
RESULT = {"response.json", "result.json", "result_excerpt.txt"}
PLANNED = {
    "live/L01": RESULT | {"project_id.txt"},
    "live/L02": RESULT | {"files.json"},
    "live/L03": {"files.json"},
    "live/L04": {"app.json", "status.txt"},
    "live/L05": RESULT,
    "live/L06": RESULT | {"app.json"},
    "live/L07": RESULT | {"project_id.txt", "notes.txt"},
    "live/L08": RESULT | {"project_id.txt", "files.json", "notes.txt"},
    "mocked/RERUN/M01": RESULT | {"project_id.txt"},
    "mocked/RERUN/M02": {"files.json"},
    "mocked/RERUN/M03": {"app.json", "status.txt"},
    "mocked/RERUN/M04": RESULT,
}
"""What the plan asks for (backend contract, section 4); L08 tells of the rollback, so it has notes."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory, docker_api):
    with own_stack(tmp_path_factory.mktemp("suite") / "stack", docker_api) as made:
        yield made


@pytest.fixture(scope="module")
def climbed(stack):
    found = stack.suite(SLEEP_SECONDS="3")
    assert found.exit_code == 0, found.stderr
    return found


def events(climb):
    return [decode(line) for line in (climb.folder / "events.jsonl").read_text().splitlines()]


def test_every_scenario_passes_and_so_does_the_rollback(climbed, stack):
    for part, ids in SCENARIOS.items():
        assert climbed.verdicts(part) == dict.fromkeys(ids, "PASS")
    assert stack.mode() == "USE_DUMMY_WORKER=True"
    assert "verdict: PASS, exit code 0" in climbed.stdout


def test_the_evidence_has_the_planned_files_and_none_is_empty(climbed):
    folders = {path.parent.relative_to(climbed.folder).as_posix() for path in climbed.folder.rglob("*.*")}
    assert folders >= set(PLANNED)
    for folder, names in PLANNED.items():
        assert {path.name for path in (climbed.folder / folder).iterdir()} == names | VIEWS
        assert all((climbed.folder / folder / name).stat().st_size for name in names | VIEWS)
    assert faults_of(climbed.folder) == ()


def test_the_notes_of_the_last_scenario_tell_what_started_the_rollback_and_how_it_ended(climbed):
    notes = climbed.notes("L08")
    assert "rollback: started after L08 PASS" in notes
    assert "rollback: M01, M02, M03, M04 ended PASS; evidence in mocked/RERUN/" in notes


def test_the_engine_itself_has_seen_one_container_for_each_live_job_and_none_after_the_rollback(climbed):
    told = [entry.event for entry in events(climbed) if hasattr(entry.event, "time_ns")]
    # A backend that starts also looks, with a container of its own, whether it can mount what it must.
    told = [event for event in told if event.labels["ladder.project"] != "workspace-probe"]
    started = {event.container for event in told if event.action == "start"}
    assert len(started) == 5
    assert {event.scenario for event in told if event.action == "start"} == {"L01", "L05", "L06", "L07", "L08"}
    image = climbed.run()["images"]["worker"]
    results = [entry.event.result for entry in events(climbed) if hasattr(entry.event, "result")]
    proofs = [each for each in results if each.text == "implied: a container did the work"]
    assert [each.outcome for each in proofs] == ["held"] * 5
    assert image.startswith("sha256:")


def test_the_api_was_asked_while_the_long_run_was_running(climbed):
    result = json.loads((climbed.folder / "live/L08/result.json").read_text())
    assert "sleep_seconds=3" in result["logs"]


def test_presence_is_all_that_is_told_of_a_secret(climbed):
    excerpt = json.loads((climbed.folder / "live/L01/result.json").read_text())["logs"]
    assert excerpt[:3] == ["OPENAI_API_KEY=present", "OPENAI_ORG_ID=absent", "OPENAI_PROJECT=absent"]
    assert climbed.run()["secrets"]["OPENAI_API_KEY"] == "present"


def layers_above(trace, span_id):
    """The layers from a span up to the root of its trace, each once."""
    spans, found = {span["span_id"]: span for span in trace["spans"]}, []
    while span_id is not None:
        found.append(spans[span_id]["layer"])
        span_id = spans[span_id]["parent_span_id"]
    return list(dict.fromkeys(found))


def trace_of(climbed, scenario):
    (record,) = [each for each in climbed.run()["scenarios"] if each["id"] == scenario]
    return json.loads((climbed.folder / f"traces/{record['trace_id']}.json").read_text())


CREATED = [
    ("INSERT", "projects", 1, ["HTTP", "TEST"]),
    ("INSERT", "jobs", 1, ["HTTP", "TEST"]),
    ("INSERT", "attempts", 1, ["APP", "HTTP", "TEST"]),
    ("UPDATE", "jobs", 1, ["APP", "HTTP", "TEST"]),
    ("UPDATE", "attempts", 1, ["RUNNER", "APP", "HTTP", "TEST"]),
    ("UPDATE", "attempts", 1, ["APP", "HTTP", "TEST"]),
    ("UPDATE", "jobs", 1, ["APP", "HTTP", "TEST"]),
]
"""What a create writes, in order, and who is above the statement; an edit leaves out the project."""


@pytest.mark.parametrize(("scenario", "written"), [("L01", CREATED), ("L05", CREATED[1:])])
def test_one_trace_leads_from_the_judges_step_to_every_row_that_a_create_and_an_edit_write(climbed, scenario, written):
    trace = trace_of(climbed, scenario)
    found = [
        (write["op"], *write["tables"], write["committed_rows"], layers_above(trace, write["span_id"]))
        for write in sorted(trace["db_writes"], key=lambda write: write["started_ns"])
    ]
    assert found == written
    (work,) = [span for span in trace["spans"] if span["name"] == "write files"]
    assert layers_above(trace, work["span_id"]) == ["WORKER", "RUNNER", "APP", "HTTP", "TEST"]
    assert {span["service"] for span in trace["spans"]} == {"harness", "backend", "worker"}


def test_the_rows_of_the_traces_are_those_that_the_database_has(climbed, stack):
    """Counted by SQL afterwards: every job and project of the climbed scenarios, and not one more."""
    (database,) = (stack.climber.home / "data").rglob("ladder.db")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        counted = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # our own names
            for table in ("projects", "jobs", "attempts")
        }
    told = Counter()
    for path in climbed.folder.glob("*/**/db_writes.json"):
        for write in json.loads(path.read_text()):
            told[write["table"]] += write["rowcount"] if write["sql_op"] == "INSERT" else 0
    assert dict(told) == counted


def test_the_run_verifies_down_to_the_last_byte_of_its_traces(climbed, stack):
    done = stack.command("verify", climbed.folder.name, "--strict", "--out", str(climbed.folder.parent))
    assert done.returncode == 0, done.stdout
    assert re.search(r"\nPASS: All \d+ checks passed\n$", done.stdout)


def test_the_same_ladder_climbed_again_has_the_same_structure(climbed, stack):
    again = stack.climb("run", "live", "--only", "L01")
    digests = [json.loads((each.folder / "cases/digests.json").read_text())["cases"] for each in (climbed, again)]
    first, second = (found["live-L01"] for found in digests)
    assert first["structure_digest"] == second["structure_digest"]
    assert first["content_digest"] != second["content_digest"]


def test_one_scenario_is_run_again_on_the_captures_of_that_run(climbed, stack):
    found = stack.climb("run", "live", "--only", "L05", after=climbed)
    assert (found.exit_code, found.verdicts()) == (0, {"L05": "PASS"})
    assert found.run()["rerun_of"] == climbed.run()["run_id"]


def test_the_edits_ladder_passes(stack):
    found = stack.climb("run", "edits")
    assert found.exit_code == 0, found.stderr
    assert set(found.verdicts().values()) == {"PASS"}
    assert len(found.verdicts()) == 11


def test_the_mocked_ladder_passes_and_starts_no_container(stack, docker_api):
    found = stack.climb("run", "mocked")
    assert found.exit_code == 0, found.stderr
    assert found.verdicts("mocked") == {f"M0{number}": "PASS" for number in range(1, 10)}
    # The backend and its network are all that is there.
    assert len(left_of(docker_api, stack.project)) == 2


def test_a_rollback_on_demand_is_a_run_of_its_own(stack):
    found = stack.climb("rollback")
    assert (found.exit_code, set(found.verdicts("mocked/RERUN").values())) == (0, {"PASS"})
    assert not (found.folder / "live").exists()


def test_a_run_can_be_followed_line_by_line(stack):
    found = stack.climb("run", "mocked", "--only", "M01", "--json")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert (lines[0]["type"], lines[-1]["type"], lines[-1]["exit_code"]) == ("run_started", "outcome", 0)
    assert lines[-1]["verdicts"] == {"mocked/M01": "PASS"}
