"""The witness at a real engine: short-lived containers, one that is killed, and an engine that goes away meanwhile."""

import os
import threading
import uuid

import pytest
from backend_process import PATIENCE_S
from engine_proxy import engine_proxy

from harness.judging.checks import evaluate
from harness.judging.liveness import LiveJob, ran_live
from harness.judging.observation import Exchange, Observation
from harness.judging.results import Outcome
from harness.language.model import Check, CheckKind, Mark
from harness.senses.engine import DockerEngine
from harness.senses.witness import EngineWitness, open_witness
from harness.senses.worker_logs import collect
from worker.contract import Label

pytestmark = pytest.mark.docker

MARK = Mark("live.ladder.yaml", 1, 1)


class Containers:
    """Runs Python in the worker image under a project of its own; what it made is removed."""

    def __init__(self, api, image):
        self.api, self.image = api, image
        self.project = f"witness-test-{uuid.uuid4()}"
        self.made = []

    @property
    def label(self):
        return f"{Label.PROJECT}={self.project}"

    def start(self, code, *, job="one", image=None, memory="64m"):
        made = self.api.create_container(
            image or self.image,
            ["-c", code],
            entrypoint=["python3"],
            labels={Label.PROJECT: self.project, Label.JOB: job},
            host_config=self.api.create_host_config(
                network_mode="none", mem_limit=memory, memswap_limit=memory, init=True
            ),
        )["Id"]
        self.made.append(made)
        self.api.start(made)
        return made

    def run(self, code, **options):
        made = self.start(code, **options)
        self.api.wait(made, timeout=PATIENCE_S)
        return made

    def remove(self, made):
        self.api.remove_container(made, force=True)
        self.made.remove(made)


@pytest.fixture
def containers(docker_api, worker_image):
    running = Containers(docker_api, worker_image)
    yield running
    for made in list(running.made):
        running.remove(made)


@pytest.fixture
def image_id(docker_api, worker_image):
    return docker_api.inspect_image(worker_image)["Id"]


@pytest.fixture
def witness():
    watch = open_witness(os.environ)
    yield watch
    watch.close()


def of(watch, containers):
    return [fact for fact in watch.observe().containers if fact.labels[Label.PROJECT] == containers.project]


def judged(watch, **options):
    check = Check(CheckKind.CONTAINER, MARK, argument=options)
    observation = Observation(Exchange(200, {}, None, "", 0.0), witness=watch.observe())
    return evaluate(check, observation)


def test_a_removed_container_is_seen_with_image_exit_code_and_times(witness, containers, image_id):
    made = containers.run("raise SystemExit(3)")
    containers.remove(made)
    (fact,) = of(witness, containers)
    assert (fact.id, fact.image, fact.running, fact.exit_code, fact.oom_killed) == (made, image_id, False, 3, False)
    assert fact.labels[Label.JOB] == "one"
    assert fact.started_at < fact.ended_at
    assert witness.observe().gap == ""


def test_checks_hold_or_miss_by_what_the_engine_told(witness, containers, image_id):
    assert judged(witness, label=containers.label, count={"eq": 0}).outcome is Outcome.HELD
    containers.run("pass")
    told = {"count": {"eq": 1}, "running": {"eq": 0}, "exit_code": {"eq": 0}, "image": {"eq": image_id}}
    assert judged(witness, label=containers.label, **told).outcome is Outcome.HELD
    assert judged(witness, label=containers.label, count={"eq": 0}).outcome is Outcome.MISSED
    assert judged(witness, label=containers.label, image={"eq": f"sha256:{'0' * 64}"}).outcome is Outcome.MISSED


def test_a_running_container_runs_until_it_is_killed(witness, containers):
    made = containers.start("import time; time.sleep(600)")
    (fact,) = of(witness, containers)
    assert (fact.running, fact.exit_code) == (True, None)
    containers.api.kill(made)
    containers.api.wait(made, timeout=PATIENCE_S)
    (fact,) = of(witness, containers)
    assert (fact.running, fact.exit_code) == (False, 137)


def test_a_memory_kill_is_seen(witness, containers):
    containers.run("x = bytearray(300 << 20)", memory="32m")
    (fact,) = of(witness, containers)
    assert fact.oom_killed
    assert fact.exit_code == 137


def test_a_job_that_ran_in_the_expected_image_is_proven_live(witness, containers, image_id):
    made = containers.run("pass", job="the-job", image=image_id)
    containers.remove(made)
    seen = witness.observe()
    assert ran_live(LiveJob("the-job", image_id, {}), seen, MARK).outcome is Outcome.HELD
    assert ran_live(LiveJob("another", image_id, {}), seen, MARK).outcome is Outcome.MISSED


def test_the_events_are_kept_for_the_evidence_without_the_environment(witness, containers):
    containers.run("pass")
    witness.observe()
    told = [one for one in witness.events() if one.labels.get(Label.PROJECT) == containers.project]
    assert [one.action for one in told] == ["create", "start", "die"]


class Plain:
    def text(self, text, *, source=""):
        return text.replace("canary", "[REDACTED]")

    json = text


def test_the_output_of_what_is_left_is_collected(containers):
    containers.run("import sys; print('to stdout: canary'); print('to stderr', file=sys.stderr); sys.exit(3)")
    engine = DockerEngine.connect(os.environ)
    try:
        text = collect(engine, containers.label, Plain())
        assert "to stdout: [REDACTED]" in text
        assert "to stderr" in text
        assert "Exited (3)" in text
        containers.remove(containers.made[0])
        assert "no container with the label" in collect(engine, containers.label, Plain())
    finally:
        engine.close()


class Pauses:
    """Holds a witness in front of its next try, until the test lets it go on."""

    def __init__(self):
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, _seconds):
        self.begun.set()
        self.go_on.wait(PATIENCE_S)


@pytest.fixture
def proxied():
    pauses = Pauses()
    with engine_proxy() as proxy:
        watch = EngineWitness(DockerEngine.connect({"DOCKER_HOST": proxy.host}), Label.PROJECT, pause=pauses)
        yield proxy, watch, pauses
        pauses.go_on.set()
        watch.close()


def test_what_happened_while_the_engine_was_out_of_reach_is_read_afterwards(proxied, containers):
    proxy, witness, pauses = proxied
    containers.run("pass", job="before")
    assert len(of(witness, containers)) == 1
    proxy.go_away()
    assert pauses.begun.wait(PATIENCE_S)
    containers.remove(containers.run("pass", job="meanwhile"))
    blind = witness.observe()
    assert blind.gap
    assert judged(witness, label=containers.label, count={"eq": 1}).outcome is Outcome.UNDECIDED
    proxy.come_back()
    pauses.go_on.set()
    containers.run("pass", job="after")
    assert [fact.labels[Label.JOB] for fact in of(witness, containers)] == ["before", "meanwhile", "after"]
    assert witness.observe().gap == ""


def test_the_engine_forgets_after_256_events_and_the_witness_says_so(proxied, containers, docker_api):
    proxy, witness, pauses = proxied
    containers.run("pass", job="before")
    witness.observe()
    proxy.go_away()
    assert pauses.begun.wait(PATIENCE_S)
    # Renaming is an event of its own and needs no process.
    made = docker_api.create_container(containers.image, ["-c", ""], entrypoint=["python3"])["Id"]
    try:
        for number in range(260):
            docker_api.rename(made, f"{containers.project}-{number}")
    finally:
        docker_api.remove_container(made)
    proxy.come_back()
    pauses.go_on.set()
    assert "no longer knows" in witness.observe().gap
    assert judged(witness, label=containers.label, count={"gte": 1}).outcome is Outcome.UNDECIDED


def test_nothing_that_was_made_here_is_left(docker_api):
    left = docker_api.containers(all=True, filters={"label": [Label.PROJECT]})
    assert not [one for one in left if one["Labels"][Label.PROJECT].startswith("witness-test-")]
