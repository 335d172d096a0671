"""One run of a program, at an engine that does what a test says."""

import signal
import threading

import docker
import pytest
import requests
from sensing import CANARY, CanaryRedactor

from harness.judging.observation import ProgramRun
from harness.senses import programs
from harness.senses.program_container import NOT_UNPACKED
from harness.senses.programs import MOST_OUTPUT_BYTES, NotRunError, run_in, run_program

STEPS = ["create_container_from_config", "put_archive", "start", "wait", "inspect_container", "logs"]
REFUSED = docker.errors.NotFound("404 Client Error", explanation="No such image: x")


class FakeContainers:
    """An engine with at most one container; ``faults`` are raised by the call they are named for."""

    def __init__(self, *, exit_code=0, stdout=b"", stderr=b""):
        self.exit_code, self.stdout, self.stderr = exit_code, stdout, stderr
        self.faults, self.calls, self.running, self.made, self.closed = {}, [], False, set(), False

    def _called(self, name):
        self.calls.append(name)
        if name in self.faults:
            raise self.faults[name]

    def create_container_from_config(self, config, name):
        # The engine has made it whether or not its answer arrives.
        self.made.add(name)
        self._called("create_container_from_config")
        return {"Id": "1"}

    def put_archive(self, container, path, data):
        self._called("put_archive")
        return True

    def start(self, container):
        self._called("start")

    def wait(self, container, timeout):
        self._called("wait")
        return {"StatusCode": 0}

    def inspect_container(self, container):
        self._called("inspect_container")
        return {"State": {"Running": self.running, "ExitCode": self.exit_code}}

    def logs(self, container, *, stdout, stderr):
        self._called("logs")
        return self.stdout if stdout else self.stderr

    def remove_container(self, container, *, v, force):
        assert v
        assert force
        self._called("remove_container")
        self.made.remove(container)

    def close(self):
        self.closed = True


def run(containers):
    return run_in(containers, {}, b"")


@pytest.fixture
def engine(monkeypatch):
    """Let ``run_program`` reach a fake engine."""

    def use(**options):
        containers = FakeContainers(**options)
        monkeypatch.setattr(programs, "_connect", lambda environ: containers)
        return containers

    return use


def run_whole(files=None, environ=None):
    return run_program(environ or {}, files or {}, image="x", args=["app.py"], redact=CanaryRedactor().text)


def test_exit_code_and_output_are_told_and_the_container_is_removed():
    containers = FakeContainers(exit_code=3, stdout=b"1\n2\xff\n", stderr=b"trouble")
    assert run(containers) == ProgramRun(3, "1\n2�\n")
    assert [*dict.fromkeys(containers.calls)] == [*STEPS, "remove_container"]
    assert not containers.made


@pytest.mark.parametrize("fault", [REFUSED, requests.exceptions.ConnectionError("gone"), OSError("gone")])
@pytest.mark.parametrize("step", STEPS)
def test_a_fault_at_any_step_is_told_and_leaves_nothing(step, fault):
    containers = FakeContainers()
    containers.faults[step] = fault
    with pytest.raises(NotRunError, match=r"No such image: x|gone"):
        run(containers)
    assert not containers.made


@pytest.mark.parametrize("step", STEPS)
def test_an_interruption_at_any_step_leaves_nothing_and_stays_one(step):
    containers = FakeContainers()
    containers.faults[step] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(containers)
    assert not containers.made


def test_an_interruption_stays_one_when_the_container_cannot_be_removed():
    containers = FakeContainers()
    containers.faults |= {"wait": KeyboardInterrupt(), "remove_container": REFUSED}
    with pytest.raises(KeyboardInterrupt):
        run(containers)


def test_an_interruption_while_it_is_being_made_is_heard_when_it_can_be_removed():
    class Interrupted(FakeContainers):
        def create_container_from_config(self, config, name):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            return super().create_container_from_config(config, name)

    containers = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(containers)
    assert containers.calls[0] == "create_container_from_config"
    assert containers.calls[-1] == "remove_container"
    assert not containers.made


def test_a_container_that_cannot_be_removed_is_told():
    containers = FakeContainers()
    containers.faults["remove_container"] = docker.errors.APIError("500", explanation="device busy")
    with pytest.raises(NotRunError, match="device busy"):
        run(containers)


@pytest.mark.parametrize("name", ["ReadTimeout", "ConnectionError"])
def test_a_run_that_takes_too_long_is_killed_and_says_so(monkeypatch, name):
    monkeypatch.setattr(programs, "LONGEST_RUN_S", 0.0)
    containers = FakeContainers(stdout=b"1\n")
    containers.running = True
    containers.faults["wait"] = getattr(requests.exceptions, name)("Read timed out.")
    with pytest.raises(NotRunError, match="had not ended after 0 s and was killed"):
        run(containers)
    assert not containers.made


def test_a_run_that_ended_in_the_last_moment_is_judged(monkeypatch):
    monkeypatch.setattr(programs, "LONGEST_RUN_S", 0.0)
    containers = FakeContainers(stdout=b"1\n")
    containers.faults["wait"] = requests.exceptions.ReadTimeout()
    assert run(containers) == ProgramRun(0, "1\n")


def test_a_wait_that_breaks_early_is_the_engines_fault_not_the_programs():
    containers = FakeContainers()
    containers.running = True
    containers.faults["wait"] = requests.exceptions.ConnectionError("Connection aborted.")
    with pytest.raises(NotRunError, match="the engine does not answer"):
        run(containers)


def test_a_container_that_still_runs_after_its_wait_has_no_exit_code():
    containers = FakeContainers()
    containers.running = True
    with pytest.raises(NotRunError, match="had not ended"):
        run(containers)


def test_output_up_to_the_bound_is_judged_and_more_is_not():
    assert run(FakeContainers(stdout=b"1" * (MOST_OUTPUT_BYTES - 1), stderr=b"2")).exit_code == 0
    for more in ({"stdout": b"1" * (MOST_OUTPUT_BYTES + 1)}, {"stdout": b"1" * MOST_OUTPUT_BYTES, "stderr": b"2"}):
        with pytest.raises(NotRunError, match="printed more than 65536 bytes"):
            run(FakeContainers(**more))


def test_a_project_that_could_not_be_unpacked_was_not_run():
    said = f"{NOT_UNPACKED}No space left on device\n"
    with pytest.raises(NotRunError, match="No space left"):
        run(FakeContainers(exit_code=1, stderr=said.encode()))


@pytest.mark.parametrize(
    "options",
    [{"exit_code": 0, "stderr": NOT_UNPACKED.encode()}, {"exit_code": 1, "stdout": NOT_UNPACKED.encode()}],
)
def test_a_program_that_only_says_so_was_run(options):
    assert run(FakeContainers(**options)).exit_code == options["exit_code"]


def test_what_is_returned_has_been_redacted(engine):
    engine(stdout=f"key {CANARY}\n".encode())
    assert run_whole() == ProgramRun(0, "key [REDACTED]\n")


def test_a_fault_is_told_in_one_redacted_line_and_the_connection_closed(engine):
    containers = engine()
    containers.faults["start"] = docker.errors.APIError("500", explanation=f"no\nsuch {CANARY}")
    assert run_whole() == ProgramRun(None, "", "the engine refused: no such [REDACTED]")
    assert containers.closed


def test_hostile_names_never_reach_the_engine(engine):
    containers = engine()
    found = run_whole({"../../etc/cron.d/x": b""})
    assert (found.exit_code, found.stdout) == (None, "")
    assert "'../../etc/cron.d/x'" in found.error
    assert containers.calls == []


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:1", "nonsense://"])
def test_an_engine_that_is_not_there_is_told(host):
    found = run_whole(environ={"DOCKER_HOST": host})
    assert (found.exit_code, found.stdout) == (None, "")
    assert "the engine does not answer" in found.error


def test_a_certificate_that_is_not_there_is_told(tmp_path):
    surroundings = {"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    assert "the engine does not answer" in run_whole(environ=surroundings).error
