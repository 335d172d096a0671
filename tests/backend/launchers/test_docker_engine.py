"""The Docker launcher against an engine in memory that answers in captured words."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import docker
import docker.errors
import pytest
import requests.exceptions
from captured_answers import api_error, captured_error
from fake_engine import FakeEngine

from backend.launchers.base import EngineUnavailableError, LaunchRefusedError, LaunchSpec, Phase
from backend.launchers.container_body import container_name
from backend.launchers.docker_engine import CALL_TIMEOUT_S, DockerLauncher
from backend.launchers.docker_settings import DockerSettings
from backend.redaction import Secret
from worker.contract import Label

ROOT = Path("/srv/workspaces")
CANARY = "canary-value-of-a-key"


def spec(job="job-1", attempt=1, **changes):
    values = {
        "project_id": "project-1",
        "job_id": job,
        "attempt": attempt,
        "workspace": ROOT / "project-1",
        "environment": {"WORKER_ENGINE": "template"},
        "secrets": {"OPENAI_API_KEY": Secret(CANARY), "OPENAI_ORG_ID": Secret(" ")},
        "deadline_at": datetime(2026, 11, 21, 5, tzinfo=UTC),
    }
    return LaunchSpec(**values | changes)


@pytest.fixture
def engine():
    return FakeEngine()


def launcher_for(engine, instance="instance-a", **changes):
    # The host directory is configured, so that nothing depends on where the tests run.
    settings = DockerSettings("codex-worker:latest", instance, ROOT, host_workspaces_dir=str(ROOT), **changes)
    return DockerLauncher(settings, client_factory=engine.factory)


@pytest.fixture
def launcher(engine):
    return launcher_for(engine)


def created(engine):
    return [(config, name) for call, *rest in engine.calls if call == "create" for config, name in [rest]]


def lost_connection():
    return requests.exceptions.ConnectionError("Connection aborted.")


class TestPrepare:
    def test_a_container_is_created_by_image_id_with_name_and_labels_of_its_attempt(self, engine, launcher):
        handle = launcher.prepare(spec(attempt=2))
        ((config, name),) = created(engine)
        assert name == "ladder-instance-a-job-1-2"
        assert config["Image"] == engine.images["codex-worker:latest"]
        assert config["Labels"] == {
            Label.PROJECT: "project-1",
            Label.JOB: "job-1",
            Label.ATTEMPT: "2",
            Label.INSTANCE: "instance-a",
            Label.DEADLINE: "2026-11-21T05:00:00.000000Z",
            Label.IMAGE: engine.images["codex-worker:latest"],
        }
        assert (handle.job_id, handle.attempt, handle.deadline_at) == (
            "job-1",
            2,
            datetime(2026, 11, 21, 5, tzinfo=UTC),
        )

    def test_a_secret_is_in_the_environment_of_the_body_and_nowhere_else(self, engine, launcher, caplog):
        caplog.set_level(logging.DEBUG)
        handle = launcher.prepare(spec())
        ((config, name),) = created(engine)
        assert f"OPENAI_API_KEY={CANARY}" in config.pop("Env")
        assert CANARY not in json.dumps(config) + name + repr(handle) + caplog.text

    def test_an_empty_secret_is_not_set_at_all(self, engine, launcher):
        launcher.prepare(spec())
        assert not [entry for entry in created(engine)[0][0]["Env"] if entry.startswith("OPENAI_ORG_ID")]

    def test_the_launcher_says_where_the_workspace_is_whatever_it_was_told(self, engine, launcher):
        launcher.prepare(spec(environment={"WORKSPACE_DIR": "/elsewhere", "JOB_ID": "another"}))
        environment = created(engine)[0][0]["Env"]
        assert "WORKSPACE_DIR=/workspace" in environment
        assert "JOB_ID=job-1" in environment

    def test_the_same_attempt_prepared_again_is_adopted_and_not_doubled(self, engine, launcher):
        first = launcher.prepare(spec())
        assert launcher.prepare(spec()) == first
        assert len(engine.by_id) == 1

    def test_a_name_taken_by_a_stranger_refuses_the_launch(self, engine, launcher):
        handle = launcher.prepare(spec())
        engine.by_id[handle.ref]["Config"]["Labels"][Label.INSTANCE] = "somebody-else"
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.prepare(spec())
        assert refused.value.reference == "name-taken"

    def test_a_taken_name_that_is_free_again_a_moment_later_refuses_without_harm(self, engine, launcher):
        engine.faults["create"] = [captured_error("create: name taken")]
        with pytest.raises(LaunchRefusedError, match="No such container"):
            launcher.prepare(spec())

    def test_two_instances_may_prepare_the_same_attempt(self, engine, launcher):
        launcher.prepare(spec())
        launcher_for(engine, "instance-b").prepare(spec())
        assert len(engine.by_id) == 2

    @pytest.mark.parametrize("other", ["a/b", "a:b", "a-b", "ab" * 40, "ab" * 39 + "cd"])
    def test_two_instances_never_share_a_name_however_they_are_spelled(self, other):
        name = container_name("a b", "job-1", 1)
        assert name != container_name(other, "job-1", 1)
        assert container_name("ab" * 40, "job-1", 1) != container_name("ab" * 39 + "cd", "job-1", 1)
        assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", name)

    def test_the_image_is_resolved_once_for_all_jobs(self, engine, launcher):
        for number in range(3):
            launcher.prepare(spec(f"job-{number}"))
        assert engine.count("inspect_image") == 1

    def test_an_image_that_was_rebuilt_is_resolved_anew(self, engine, launcher):
        launcher.prepare(spec("job-1"))
        engine.images["codex-worker:latest"] = "sha256:" + "2" * 64
        launcher.prepare(spec("job-2"))
        assert created(engine)[-1][0]["Image"] == "sha256:" + "2" * 64

    def test_an_image_that_vanished_refuses_and_is_never_pulled(self, engine, launcher):
        launcher.prepare(spec("job-1"))
        engine.images.clear()
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.prepare(spec("job-2"))
        assert refused.value.reference == "image-missing"
        assert "make up" in refused.value.hint

    def test_an_engine_that_is_away_is_no_refusal(self, engine, launcher):
        engine.faults["create"] = [lost_connection()]
        with pytest.raises(EngineUnavailableError):
            launcher.prepare(spec())

    def test_a_connection_that_failed_is_made_anew_for_the_next_job(self, engine, launcher):
        engine.faults["connect"] = [docker.errors.DockerException("Error while fetching server API version")]
        with pytest.raises(EngineUnavailableError):
            launcher.prepare(spec())
        assert launcher.prepare(spec()).job_id == "job-1"

    def test_every_call_is_bounded(self, engine, launcher):
        launcher.prepare(spec())
        assert engine.calls[0] == ("connect", CALL_TIMEOUT_S)

    def test_a_warning_of_the_engine_is_logged(self, engine, launcher, caplog):
        def warn(config, name):
            return {"Id": "0" * 64, "Warnings": ["Your kernel does not support swap limit capabilities"]}

        engine.create_container_from_config = warn
        launcher.prepare(spec())
        assert "swap limit" in caplog.text


class TestLaunch:
    def test_a_prepared_container_is_started(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.launch(handle)
        assert launcher.observe(handle, timeout_s=0).phase is Phase.RUNNING

    def test_a_container_that_is_gone_refuses(self, launcher, engine):
        handle = launcher.prepare(spec())
        launcher.remove(handle)
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.launch(handle)
        assert refused.value.reference == "worker-removed"


class TestObserve:
    def test_a_look_without_waiting_costs_one_call(self, engine, launcher):
        handle = launcher.prepare(spec())
        before = len(engine.calls)
        launcher.observe(handle, timeout_s=0)
        assert [call for call, *_ in engine.calls[before:]] == ["inspect_container"]

    def test_a_wait_on_a_created_container_is_not_taken_for_an_end(self, engine, launcher):
        state = launcher.observe(launcher.prepare(spec()), timeout_s=5)
        assert (state.phase, state.exit_code) == (Phase.CREATED, None)

    def test_a_wait_that_times_out_reports_a_running_worker(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.launch(handle)
        # What a read timeout looks like on a unix socket.
        engine.faults["wait"] = [requests.exceptions.ConnectionError("UnixHTTPConnectionPool: Read timed out.")]
        assert launcher.observe(handle, timeout_s=0.2).phase is Phase.RUNNING
        assert ("wait", handle.ref, 0.2) in engine.calls

    def test_a_wait_that_breaks_off_is_followed_by_a_look(self, engine, launcher):
        handle = launcher.prepare(spec())
        engine.become(handle.ref, "exited with 3")
        engine.faults["wait"] = [requests.exceptions.ChunkedEncodingError("Response ended prematurely")]
        assert launcher.observe(handle, timeout_s=5).exit_code == 3

    def test_a_container_removed_behind_our_back_is_gone(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.remove(handle)
        assert launcher.observe(handle, timeout_s=5).phase is Phase.GONE

    @pytest.mark.parametrize(
        "error", [lost_connection(), api_error(500, "no such container: a text that looks like gone")]
    )
    def test_an_engine_that_is_away_is_not_taken_for_a_lost_worker(self, engine, launcher, error):
        handle = launcher.prepare(spec())
        engine.faults["inspect_container"] = [error]
        with pytest.raises(EngineUnavailableError):
            launcher.observe(handle, timeout_s=0)


class TestStop:
    def test_a_worker_that_listens_is_not_killed(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.launch(handle)
        launcher.stop(handle, grace_s=2.5)
        assert ("stop", handle.ref, 3) in engine.calls
        assert engine.count("kill") == 0

    def test_a_worker_that_the_stop_left_running_is_killed(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.launch(handle)
        engine.survives.add("stop")
        launcher.stop(handle, grace_s=0)
        assert launcher.observe(handle, timeout_s=0).exit_code == 137

    def test_a_stop_whose_answer_was_lost_goes_on_to_the_kill(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.launch(handle)
        engine.faults["stop"] = [lost_connection()]
        launcher.stop(handle, grace_s=0)
        assert launcher.observe(handle, timeout_s=0).phase is Phase.EXITED

    def test_a_worker_that_survives_the_kill_is_an_alarm(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.launch(handle)
        engine.survives |= {"stop", "kill"}
        with pytest.raises(EngineUnavailableError) as alarm:
            launcher.stop(handle, grace_s=0)
        assert alarm.value.reference == "worker-survived-kill"

    def test_stopping_what_has_ended_or_is_gone_is_harmless(self, engine, launcher):
        handle = launcher.prepare(spec())
        engine.become(handle.ref, "exited with 0")
        launcher.stop(handle, grace_s=1)
        launcher.remove(handle)
        launcher.stop(handle, grace_s=1)

    def test_a_worker_that_ends_between_look_and_kill_is_harmless(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.launch(handle)
        engine.survives.add("stop")
        engine.faults["kill"] = [captured_error("kill on an exited container")]
        engine.wait = lambda container, timeout: engine.become(container, "exited with 0")
        launcher.stop(handle, grace_s=0)


class TestCollect:
    def test_frames_of_both_streams_become_one_output(self, engine, launcher):
        handle = launcher.prepare(spec())
        engine.log_chunks = [b"\x01\0\0\0\0\0\0\x03on", b"e\x02\0\0\0\0\0\0\x03two"]
        log = launcher.collect(handle, max_bytes=100)
        assert (log.data, log.truncated) == (b"onetwo", False)

    def test_a_container_that_is_gone_has_no_output(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.remove(handle)
        assert launcher.collect(handle, max_bytes=100).data == b""

    def test_an_engine_that_is_away_is_told(self, engine, launcher):
        handle = launcher.prepare(spec())
        engine.faults["logs"] = [lost_connection()]
        with pytest.raises(EngineUnavailableError):
            launcher.collect(handle, max_bytes=100)


class TestRemove:
    def test_removing_twice_is_harmless(self, engine, launcher):
        handle = launcher.prepare(spec())
        launcher.remove(handle)
        launcher.remove(handle)
        assert ("remove", handle.ref, True, True) in engine.calls

    def test_a_removal_in_progress_is_harmless(self, engine, launcher):
        handle = launcher.prepare(spec())
        engine.faults["remove"] = [api_error(409, f"removal of container {handle.ref} is already in progress")]
        launcher.remove(handle)

    def test_a_failed_removal_is_told(self, engine, launcher):
        handle = launcher.prepare(spec())
        engine.faults["remove"] = [api_error(500, "driver failed to remove root filesystem")]
        with pytest.raises(EngineUnavailableError, match="root filesystem"):
            launcher.remove(handle)


class TestList:
    def test_only_containers_of_our_instance_are_listed(self, engine, launcher):
        ours = launcher.prepare(spec())
        launcher_for(engine, "instance-b").prepare(spec())
        assert launcher.list() == (ours,)

    def test_a_container_with_damaged_labels_is_listed_to_be_reaped(self, engine, launcher):
        handle = launcher.prepare(spec())
        labels = engine.by_id[handle.ref]["Config"]["Labels"]
        labels |= {Label.ATTEMPT: "one", Label.DEADLINE: "tomorrow"}
        del labels[Label.JOB]
        (found,) = launcher.list()
        assert (found.ref, found.job_id, found.attempt, found.deadline_at) == (handle.ref, "", 0, None)


class TestStatus:
    def test_a_ready_engine_has_no_problem(self, engine, launcher):
        status = launcher.status()
        assert (status.engine_reachable, status.engine_version, status.problem) == (True, "20.10.24", "")
        assert status.worker_image_digest == engine.images["codex-worker:latest"]

    def test_a_missing_image_is_told_apart_from_a_missing_engine(self, engine, launcher):
        engine.images.clear()
        status = launcher.status()
        assert (status.engine_reachable, status.worker_image_digest) == (True, None)
        assert status.problem.startswith("image-missing: ")

    def test_the_image_that_the_status_names_is_the_one_that_jobs_get(self, engine, launcher):
        launcher.prepare(spec("job-1"))
        engine.images |= {"codex-worker:latest": "sha256:" + "2" * 64, "old": engine.images["codex-worker:latest"]}
        digest = launcher.status().worker_image_digest
        launcher.prepare(spec("job-2"))
        assert created(engine)[-1][0]["Image"] == digest

    def test_an_image_without_an_id_is_no_image(self, engine, launcher):
        engine.images["codex-worker:latest"] = ""
        assert launcher.status().problem.startswith("engine-failed: ")


def test_the_rule_is_logged_once(engine, launcher, caplog):
    caplog.set_level(logging.INFO)
    for number in range(2):
        launcher.prepare(spec(f"job-{number}"))
    assert caplog.text.count("by rule configured") == 1


def test_closing_the_launcher_closes_its_connections_and_no_container(engine, launcher):
    launcher.prepare(spec())
    launcher.status()
    launcher.close()
    assert engine.count("close") == 2
    assert len(engine.by_id) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"user": "0:0"}, "never root"),
        ({"user": "10001:0"}, "never root"),
        ({"user": "root"}, "never root"),
        ({"network": "host"}, "WORKER_NETWORK"),
        ({"network": "container:abc"}, "WORKER_NETWORK"),
        ({"memory": "lots"}, "memory limit"),
    ],
)
def test_a_setting_that_would_weaken_the_hardening_is_refused(engine, change, named):
    with pytest.raises(ValueError, match=named):
        launcher_for(engine, **change)
