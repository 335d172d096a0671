"""Several trials against real containers: on a stack of one's own, and of a worker that succeeds now and then."""

import json
import re

import pytest
from backend_process import running_backend
from climbs import Climber, left_of
from own_stack import own_stack
from scripted_image import told

from harness.verifying.verify import verify

pytestmark = pytest.mark.docker

FLAKY = """\
apiVersion: ladder/v1
name: flaky
mode: live
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}", instruction: INSTRUCTION}
gate: {proceed_on: [pass, limited]}
defaults: {timeout: 30s, deadline: 60s, poll: {every: 200ms}}
scenarios:
  F01:
    title: A worker that succeeds now and then
    evidence: [response.json, result.json]
    steps:
      - id: submit
        post: /api/v1/projects/
        json: {instruction: "${instruction}"}
        expect: [{status: 200}]
        capture: {pid: body.id}
        save: {response.json: body}
      - id: job
        get: /api/v1/projects/${pid}
        capture: {job: "body.jobs[-1].id"}
      - id: result
        poll: {get: "/api/v1/${pid}/files/.codex/result.json", unwrap: body.contents}
        until: [{status: 200}]
        fresh_after: {step: submit, job_id: "${job}"}
        expect:
          - {path: doc.status, eq: success}
          - container: {label: "ladder.job=${job}", count: 1, running: 0, oom_killed: false}
        save: {result.json: doc}
    finally:
      - delete: /api/v1/projects/${pid}
"""
TWENTY = 20
"""All of them would end alike once in 500,000 times."""


def flaky_ladder(folder):
    path = folder / "flaky.ladder.yaml"
    path.write_text(FLAKY.replace("INSTRUCTION", json.dumps(told("succeed_for_some"))))
    return str(path)


def trials_of(climb):
    return json.loads((climb.folder / "traces/manifest.json").read_text())["trials"]


def test_a_few_trials_of_a_live_scenario_at_once_are_green_and_verify(tmp_path, docker_api):
    with own_stack(tmp_path / "stack", docker_api) as stack:
        found = stack.climb("run", "live", "--only", "L01", "--trials", "4", "--concurrency", "2")
        assert found.exit_code == 0, found.stdout + found.stderr
        assert [trial["status"] for trial in trials_of(found)] == ["PASS"] * 4
        assert "pass rate: 4/4 green = 100.0 % (95 % Wilson interval 51.0 % to 100.0 %)" in found.stdout
        assert re.search(r"(?m)^worker run +4 ", found.stdout)
        # Each trial has a project of its own, and a container for it.
        projects = {(found.folder / f"trials/00{at}/live/L01/project_id.txt").read_text() for at in range(4)}
        assert len(projects) == 4
        assert verify(found.folder, strict=True).failed == ()
        digests = json.loads((found.folder / "cases/digests.json").read_text())["cases"]
        assert len({each["structure_digest"] for each in digests.values()}) == 1


@pytest.fixture
def flaky(docker_api, scripted, tmp_path):
    """Climb the flaky ladder against a backend whose worker is the scripted one."""
    home, climber = tmp_path / "backend", Climber(tmp_path / "climber")
    home.mkdir()
    with running_backend(home, docker_api, image=scripted) as backend:
        url = f"http://127.0.0.1:{backend.port}"
        yield lambda *arguments: climber.climb("run", flaky_ladder(tmp_path), *arguments, BASE_URL=url)
    assert left_of(docker_api, backend.instance) == []


def test_a_worker_that_succeeds_now_and_then_is_flaky_and_the_step_is_named_where_it_parts(flaky):
    found = flaky("--trials", str(TWENTY), "--concurrency", "2")
    assert found.exit_code == 1, found.stdout
    ends = [trial["status"] for trial in trials_of(found)]
    assert set(ends) == {"PASS", "FAIL"}
    green = ends.count("PASS")
    assert f"arithmetic: FLAKY: {green}/{TWENTY} green, 1 wanted\n" in found.stdout
    assert "verdict: FLAKY, exit code 1\n" in found.stdout
    (parts,) = re.findall(r"(?m)^first difference: F01: (.*) \(trials/\d+/live/F01 differs from", found.stdout)
    # From the judge's step through both sides of its request to the job that ended otherwise.
    assert (parts.startswith("call / step submit / POST "), parts.endswith(" / job")) == (True, True), parts
    assert verify(found.folder, strict=True).failed == ()
