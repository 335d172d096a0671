"""The Docker launcher against a real engine: what was asked for is granted, seen from inspect and from inside.

Needs the worker image, of which only ``python3`` is used. Everything made here carries an instance of its own and is
removed at the end, also after a failure.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from real_launcher import (
    CANARY,
    DEADLINE,
    DEAF,
    FOREVER,
    IMAGE,
    PATIENCE_S,
    ended,
    kind,
    output,
    wait_until_ready,
)

from backend.classification import Attempt, NoResult, RecordedStop, StopReason, classify
from backend.launchers.base import LaunchRefusedError, Phase
from backend.launchers.host_path import WorkspaceMap
from worker.contract import FailureKind, Label

pytest_plugins = ["launcher_fixtures"]
pytestmark = pytest.mark.docker


class TestSecrets:
    def test_a_secret_reaches_the_worker_and_no_place_that_others_may_see(self, run, engine):
        began = datetime.now(UTC) - timedelta(seconds=1)
        launcher, handle = run("import os\nprint(len(os.environ['OPENAI_API_KEY']))")
        assert output(launcher, handle) == f"{len(CANARY)}\n"
        launcher.remove(handle)
        until = datetime.now(UTC) + timedelta(seconds=1)
        events = list(engine.events(since=began, until=until, filters={"container": handle.ref}, decode=True))
        assert {event["Action"] for event in events} >= {"create", "start", "die", "destroy"}
        assert CANARY not in json.dumps(events)

    def test_a_secret_is_in_no_label_name_command_or_listing(self, run, engine):
        launcher, handle = run(FOREVER)
        (listed,) = engine.containers(filters={"id": handle.ref})
        raw = engine.inspect_container(handle.ref)
        assert CANARY in json.dumps(raw.pop("Config")["Env"])
        assert CANARY not in json.dumps([listed, raw, engine.top(handle.ref)])
        assert CANARY not in repr(launcher.observe(handle, timeout_s=0)) + repr(launcher.list())


class TestLaunchFaults:
    def test_a_missing_image_refuses(self, launcher_for, spec):
        with pytest.raises(LaunchRefusedError) as refused:
            launcher_for("", image="ladder-no-such-image:latest").prepare(spec())
        assert refused.value.reference == "image-missing"
        assert launcher_for("", image="ladder-no-such-image:latest").status().problem.startswith("image-missing: ")

    def test_a_missing_workspace_refuses_and_is_not_made(self, launcher_for, spec):
        attempt = spec()
        attempt.workspace.rmdir()
        with pytest.raises(LaunchRefusedError) as refused:
            launcher_for("").prepare(attempt)
        assert refused.value.reference == "workspace-missing"
        assert not attempt.workspace.exists()

    def test_a_workspace_removed_before_the_start_refuses(self, launcher_for, spec):
        launcher, attempt = launcher_for(""), spec()
        handle = launcher.prepare(attempt)
        attempt.workspace.rmdir()
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.launch(handle)
        assert refused.value.reference == "workspace-missing"
        assert launcher.observe(handle, timeout_s=PATIENCE_S).phase is Phase.CREATED

    def test_a_missing_network_refuses_at_the_start(self, launcher_for, spec):
        launcher = launcher_for("", network="ladder-no-such-network")
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.launch(launcher.prepare(spec()))
        assert refused.value.reference == "network-missing"

    def test_a_program_that_is_not_in_the_image_ends_with_127(self, run):
        launcher, handle = run("", command=("no-such-program",))
        state = ended(launcher, handle)
        assert (state.exit_code, kind(state)) == (127, FailureKind.CRASHED)

    def test_an_attempt_that_was_launched_before_is_adopted(self, launcher_for, spec):
        attempt = spec()
        first, second = launcher_for(FOREVER), launcher_for(FOREVER)
        handle = first.prepare(attempt)
        first.launch(handle)
        assert second.prepare(attempt) == handle
        second.launch(handle)
        assert second.observe(handle, timeout_s=0).phase is Phase.RUNNING
        assert [h for h in second.list() if h.job_id == attempt.job_id] == [handle]

    def test_a_name_taken_by_a_stranger_refuses(self, launcher_for, spec, engine):
        launcher, attempt = launcher_for(""), spec()
        instance, name = launcher._settings.instance, launcher._maker._name(attempt)
        # Labelled for the clean-up only; job and attempt are not ours.
        body = {"Image": IMAGE, "Cmd": ["none"], "Labels": {Label.INSTANCE: f"{instance}-stranger"}}
        engine.create_container_from_config(body, name=name)
        with pytest.raises(LaunchRefusedError) as refused:
            launcher.prepare(attempt)
        assert refused.value.reference == "name-taken"


class TestEnds:
    @pytest.mark.parametrize(
        ("program", "code"),
        [("", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 11)", 139)],
    )
    def test_the_exit_code_is_the_programs_own(self, run, program, code):
        state = ended(*run(program))
        assert state.exit_code == code
        # No order between the two: the engine notes a start when it has carried it out, which may be after the end.
        assert state.started_at
        assert state.finished_at
        assert state.image_digest.startswith("sha256:")

    def test_a_wait_that_times_out_says_that_the_worker_runs(self, run):
        launcher, handle = run(FOREVER)
        assert launcher.observe(handle, timeout_s=0.1).phase is Phase.RUNNING
        assert launcher.observe(handle, timeout_s=0.1).exit_code is None

    def test_a_wait_on_a_worker_that_was_never_started_is_not_its_end(self, launcher_for, spec):
        launcher = launcher_for("")
        state = launcher.observe(launcher.prepare(spec()), timeout_s=PATIENCE_S)
        assert (state.phase, state.exit_code) == (Phase.CREATED, None)

    def test_the_main_process_killed_for_memory_is_oom(self, run):
        state = ended(*run("bytearray(500 << 20)"))
        assert (state.oom_killed, kind(state)) == (True, FailureKind.OOM)

    def test_a_child_killed_for_memory_leaves_the_end_to_the_result(self, run):
        program = "import subprocess as s\nprint(s.run(['python3', '-c', 'bytearray(500 << 20)']).returncode)"
        launcher, handle = run(program)
        state = ended(launcher, handle)
        assert (state.oom_killed, state.exit_code) == (True, 0)
        assert classify(Attempt(state, NoResult.MISSING)).warnings == ("oom-killed-child",)

    def test_a_worker_removed_behind_our_back_is_gone(self, run, engine):
        launcher, handle = run(FOREVER)
        engine.remove_container(handle.ref, force=True)
        state = launcher.observe(handle, timeout_s=PATIENCE_S)
        assert (state.phase, kind(state)) == (Phase.GONE, FailureKind.LOST)
        assert launcher.collect(handle, max_bytes=100).data == b""
        launcher.stop(handle, grace_s=1)
        launcher.remove(handle)

    def test_a_worker_killed_by_somebody_else_has_crashed(self, run, engine):
        launcher, handle = run(FOREVER)
        wait_until_ready(launcher, handle)
        engine.kill(handle.ref)
        assert kind(ended(launcher, handle)) is FailureKind.CRASHED


class TestStop:
    def stopped(self, launcher, handle, grace_s):
        recorded = RecordedStop(StopReason.TIMEOUT, datetime.now(UTC))
        launcher.stop(handle, grace_s=grace_s)
        state = launcher.observe(handle, timeout_s=0)
        assert state.phase is Phase.EXITED
        assert kind(state, recorded) is FailureKind.TIMEOUT
        return state

    def test_sigterm_reaches_the_worker_through_the_init(self, run):
        launcher, handle = run("import signal, sys\nsignal.signal(15, lambda *_: sys.exit(7))\n" + FOREVER)
        wait_until_ready(launcher, handle)
        assert self.stopped(launcher, handle, PATIENCE_S).exit_code == 7

    def test_a_worker_without_a_handler_ends_with_143(self, run):
        launcher, handle = run(FOREVER)
        wait_until_ready(launcher, handle)
        assert self.stopped(launcher, handle, PATIENCE_S).exit_code == 143

    def test_a_worker_that_ignores_sigterm_is_killed_after_the_grace(self, run):
        launcher, handle = run(DEAF)
        wait_until_ready(launcher, handle)
        assert self.stopped(launcher, handle, 0).exit_code == 137

    def test_stopping_twice_or_before_the_start_is_harmless(self, launcher_for, spec):
        launcher = launcher_for(FOREVER)
        handle = launcher.prepare(spec())
        launcher.stop(handle, grace_s=1)
        assert launcher.observe(handle, timeout_s=0).phase is Phase.CREATED
        launcher.launch(handle)
        launcher.stop(handle, grace_s=1)
        launcher.stop(handle, grace_s=1)

    def test_removing_kills_and_is_harmless_twice(self, run):
        launcher, handle = run(DEAF)
        launcher.remove(handle)
        launcher.remove(handle)
        assert launcher.observe(handle, timeout_s=0).phase is Phase.GONE


class TestOutput:
    def test_both_streams_are_collected(self, run):
        launcher, handle = run("import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr)")
        assert sorted(output(launcher, handle).split()) == ["err", "out"]

    def test_bytes_that_are_no_text_and_have_no_newline_survive(self, run):
        launcher, handle = run("import sys\nsys.stdout.buffer.write(b'abc' * 20_000)")
        assert output(launcher, handle) == "abc" * 20_000

    def test_a_long_output_is_cut_to_its_newest_bytes(self, run):
        launcher, handle = run("for n in range(20_000): print(n)")
        ended(launcher, handle)
        log = launcher.collect(handle, max_bytes=100)
        assert log.truncated
        assert log.data.endswith(b"19998\n19999\n")
        assert len(log.data) == 100

    def test_a_log_that_the_engine_rotated_is_called_truncated(self, run):
        # Short lines: the log file is far bigger than what was written, so only the estimate can tell.
        launcher, handle = run("for n in range(120_000): print(n % 10)")
        ended(launcher, handle)
        log = launcher.collect(handle, max_bytes=10_000_000)
        assert len(log.data) < 240_000
        assert log.truncated

    def test_the_output_of_a_running_worker_can_be_read(self, run):
        launcher, handle = run(FOREVER)
        wait_until_ready(launcher, handle)


class TestInstances:
    def test_two_backends_on_one_engine_do_not_see_each_other(self, launcher_for, spec, instance):
        a, b = (launcher_for("", instance=f"{instance}-{name}") for name in "ab")
        attempt = spec()
        of_a, of_b = a.prepare(attempt), b.prepare(attempt)
        assert of_a.ref != of_b.ref
        assert (a.list(), b.list()) == ((of_a,), (of_b,))

    def test_a_handle_survives_a_restart_of_the_backend(self, launcher_for, spec, instance):
        mine = f"{instance}-restart"
        handle = launcher_for("", instance=mine).prepare(spec())
        (found,) = launcher_for("", instance=mine).list()
        assert found == handle
        assert found.deadline_at == DEADLINE

    def test_containers_of_every_phase_are_listed(self, launcher_for, spec, instance):
        launcher = launcher_for("", instance=f"{instance}-phases")
        fresh, done = launcher.prepare(spec()), launcher.prepare(spec())
        launcher.launch(done)
        ended(launcher, done)
        assert set(launcher.list()) == {fresh, done}


class TestVolume:
    """A backend whose workspaces are on a named volume, on an engine that knows no subpaths."""

    @pytest.fixture
    def volume_mounts(self, engine, instance):
        """A volume with one workspace in it, as our own container's inspect answer would show it."""
        name = f"{instance}-{secrets.token_hex(4)}"
        engine.create_volume(name, labels={Label.INSTANCE: instance})
        body = {
            "Image": IMAGE,
            "Entrypoint": ["python3", "-c", "import os; os.umask(0); os.mkdir('/data/project-1', 0o777)"],
            "User": "0",
            "Labels": {Label.INSTANCE: f"{instance}-volume"},
            "HostConfig": {"Mounts": [{"Type": "volume", "Source": name, "Target": "/data"}]},
        }
        helper = engine.create_container_from_config(body)["Id"]
        engine.start(helper)
        engine.wait(helper, timeout=PATIENCE_S)
        yield engine.inspect_container(helper)["Mounts"]
        for container in engine.containers(all=True, filters={"volume": name}):
            engine.remove_container(container["Id"], force=True)
        engine.remove_volume(name, force=True)

    def test_only_the_projects_directory_of_the_volume_is_mounted(self, launcher_for, spec, volume_mounts):
        launcher = launcher_for("import os\nopen('/workspace/mine', 'w')\nprint(os.listdir('/workspace'))")
        launcher._maker._map = WorkspaceMap(Path("/data"), "", volume_mounts, (1, 41))
        handle = launcher.prepare(spec(workspace=Path("/data/project-1")))
        launcher.launch(handle)
        assert output(launcher, handle) == "['mine']\n"
        assert launcher.observe(handle, timeout_s=0).missing == ()


class TestProbe:
    def test_the_mapping_of_this_machine_is_proven(self, launcher_for, root):
        launcher = launcher_for("")
        status = launcher.probe_workspace(root)
        assert (status.problem, status.engine_reachable) == ("", True)
        assert list(root.iterdir()) == []
        assert launcher.list() == ()

    def test_a_mapping_to_another_directory_is_found_out(self, launcher_for, root, tmp_path):
        wrong = tmp_path / "wrong"
        wrong.mkdir()
        launcher = launcher_for("", host_workspaces_dir=str(wrong))
        assert launcher.probe_workspace(root).problem.startswith("workspace-missing: ")
        assert launcher.list() == ()
