"""scripts/engine on a machine of fakes: what it uses, what it clears away, what it refuses, what it stops."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fake_machine import ROOT, Machine, is_running


@pytest.fixture
def machine():
    # A socket's path may have 107 characters, and pytest's own folders are longer.
    home = Path(tempfile.mkdtemp(prefix="lm-"))
    built = Machine.build(home)
    yield built
    built.tear_down()
    shutil.rmtree(home)


def error_of(done):
    return done.stderr.partition("error[")[2].partition("]")[0]


def test_an_engine_that_answers_is_used_as_it_is(machine):
    machine.install_daemon()
    machine.call("engine", "ensure")
    (machine.state / "owned").unlink()
    pid = machine.daemon_pid
    again = machine.call("engine", "ensure")
    assert again.returncode == 0
    assert "20.10.24 answers at" in again.stderr
    assert not (machine.state / "owned").exists()
    assert machine.call("engine", "stop", "--all").returncode == 0
    assert is_running(pid)


def test_files_of_a_dead_engine_are_removed_even_when_its_pid_now_belongs_to_somebody_else(machine):
    machine.install_daemon()
    (machine.run / "docker/containerd").mkdir(parents=True)
    for name in ("docker.pid", "docker/containerd/containerd.pid"):
        (machine.run / name).write_text(str(os.getpid()))
    (machine.run / "docker.sock").touch()
    done = machine.call("engine", "ensure")
    assert done.returncode == 0, done.stderr
    for name in ("docker.pid", "docker.sock", "docker/containerd/containerd.pid"):
        assert f"removing {machine.run}/{name}" in done.stderr
    assert machine.daemon_pid != os.getpid()


def test_the_pid_file_of_a_living_containerd_is_kept(machine):
    machine.install_daemon()
    sleeper = machine.bin / "containerd"
    shutil.copy(shutil.which("sleep"), sleeper)
    pid_file = machine.run / "docker/containerd/containerd.pid"
    pid_file.parent.mkdir(parents=True)
    with subprocess.Popen([sleeper, "60"]) as alive:
        pid_file.write_text(str(alive.pid))
        assert machine.call("engine", "ensure").returncode == 0
        assert pid_file.read_text() == str(alive.pid)
        alive.kill()


def test_a_daemon_that_runs_but_does_not_answer_is_neither_doubled_nor_taken_for_ours(machine):
    silent = machine.bin / "dockerd"
    shutil.copy(shutil.which("sleep"), silent)
    with subprocess.Popen([silent, "60"]) as alive:
        (machine.run / "docker.pid").write_text(str(alive.pid))
        done = machine.call("engine", "ensure", LADDER_ENGINE_TIMEOUT="0")
        assert (done.returncode, error_of(done)) == (3, "engine-silent")
        assert not (machine.state / "owned").exists()
        alive.kill()


def test_the_engine_that_was_started_is_stopped_and_no_other(machine):
    machine.install_daemon()
    assert machine.call("engine", "ensure").returncode == 0
    pid = machine.daemon_pid
    assert machine.call("engine", "status").returncode == 0
    assert machine.call("engine", "stop").returncode == 0
    assert not is_running(pid)
    assert machine.call("engine", "status").returncode == 3


def test_the_engine_does_not_inherit_this_shells_secrets(machine):
    machine.install_daemon()
    assert machine.call("engine", "ensure", OPENAI_API_KEY="canary-5d1e").returncode == 0
    assert b"canary-5d1e" not in (Path("/proc") / str(machine.daemon_pid) / "environ").read_bytes()


def test_a_pid_that_was_given_to_another_process_is_not_stopped(machine):
    machine.state.mkdir()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (machine.state / "owned").write_text(f"{stranger.pid} 12345 process\n")
        assert machine.call("engine", "stop", "--all").returncode == 0
        assert is_running(stranger.pid)
        stranger.kill()


def test_an_engine_with_running_containers_is_left_alone_unless_all_is_asked_for(machine):
    machine.install_daemon(containers='[{"Names": ["/somebodys_database"]}]')
    machine.call("engine", "ensure")
    pid = machine.daemon_pid
    left = machine.call("engine", "stop")
    assert left.returncode == 0
    assert "somebodys_database" in left.stderr
    assert is_running(pid)
    machine.call("engine", "stop", "--all")
    assert not is_running(pid)


def test_an_engine_that_a_surrounding_command_needs_is_left_running(machine):
    machine.install_daemon()
    machine.call("engine", "ensure")
    assert machine.call("engine", "stop", LADDER_ENGINE_HELD="1").returncode == 0
    assert is_running(machine.daemon_pid)


def test_without_root_the_command_that_helps_is_named(machine):
    machine.install_daemon()
    machine.command("id", "echo 1000")
    done = machine.call("engine", "ensure")
    assert (done.returncode, error_of(done)) == (3, "engine-needs-root")
    assert "hint: sudo scripts/engine ensure" in done.stderr
    assert not (machine.run / "docker.pid").exists()


def test_on_an_unknown_distribution_nothing_is_started(machine):
    machine.install_daemon()
    (machine.home / "os-release").write_text("ID=plan9\n")
    done = machine.call("engine", "ensure")
    assert (done.returncode, error_of(done)) == (3, "distribution-unknown")
    assert not (machine.run / "docker.pid").exists()


def test_without_apt_a_distribution_counts_as_unknown(machine):
    (machine.bin / "apt-get").unlink()
    done = machine.call("engine", "ensure")
    assert (done.returncode, error_of(done)) == (3, "distribution-unknown")


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9"])
def test_an_engine_that_was_named_and_does_not_answer_is_never_replaced_by_another(machine, host):
    machine.install_daemon()
    done = machine.call("engine", "ensure", DOCKER_HOST=host)
    assert (done.returncode, error_of(done)) == (3, "engine-unreachable")
    assert not (machine.run / "docker.pid").exists()


def test_a_missing_engine_is_installed_after_one_refresh_of_the_lists(machine):
    machine.install_daemon(name="dockerd.packed")
    machine.command(
        "apt-get",
        'echo "$*" >>"$CALLS"\n'
        f'case "$*" in *update*) touch "{machine.home}/fresh";;\n'
        f'*install*) [ -e "{machine.home}/fresh" ] || exit 100\n'
        f'mv "{machine.bin}/dockerd.packed" "{machine.bin}/dockerd"; echo "Setting up docker.io (20.10.24) ...";; esac',
    )
    done = machine.call("engine", "ensure")
    assert done.returncode == 0, done.stderr
    verbs = [next(verb for verb in ("install", "update") if verb in call.split()) for call in machine.calls]
    assert verbs == ["install", "update", "install"]
    assert "installing for the Docker engine: docker.io" in done.stderr
    assert "Setting up docker.io" in done.stderr


def test_an_installation_that_fails_twice_names_its_cause(machine):
    machine.command("apt-get", 'echo "E: Unable to locate package docker.io"; exit 100')
    done = machine.call("engine", "ensure")
    assert (done.returncode, error_of(done)) == (3, "packages-not-installed")
    assert "Unable to locate package" in done.stderr.partition("error[")[2]


def test_packages_that_are_there_are_not_installed_again(machine):
    machine.command("dpkg-query", "echo 'install ok installed'")
    done = machine.call("apt-packages", "a test", "docker.io", "mmdebstrap")
    assert (done.returncode, done.stderr, machine.calls) == (0, "", [])


def test_a_missing_package_without_root_names_the_command(machine):
    machine.command("id", "echo 1000")
    done = machine.call("apt-packages", "a test", "mmdebstrap")
    assert (done.returncode, error_of(done)) == (3, "root-needed")
    assert "sudo apt-get install -y mmdebstrap" in done.stderr


def test_a_missing_compose_is_installed_too(machine):
    machine.install_daemon()
    (machine.bin / "docker-compose").unlink()
    done = machine.call("engine", "ensure")
    assert (done.returncode, error_of(done)) == (3, "packages-not-installed")
    assert "docker-compose" in " ".join(machine.calls)


def test_a_daemon_that_dies_while_starting_is_reported_with_its_last_words(machine):
    machine.command("dockerd", "echo 'failed to start daemon: Devices cgroup is not mounted' >&2; exit 1")
    done = machine.call("engine", "ensure")
    assert (done.returncode, error_of(done)) == (3, "engine-died")
    assert "Devices cgroup is not mounted" in done.stderr


def test_a_socket_that_this_user_may_not_use_has_an_exit_code_of_its_own(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import engine_api

    def forbidden(host: str, path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(engine_api, "get", forbidden)
    monkeypatch.setattr(sys, "argv", ["engine_api.py", "version", "unix:///var/run/docker.sock"])
    assert engine_api.main() == 13


def test_a_forbidden_socket_is_never_taken_for_a_missing_engine(machine):
    machine.install_daemon()
    machine.command("python3", "exit 13")
    done = machine.call("engine", "ensure")
    assert (done.returncode, error_of(done)) == (3, "engine-forbidden")
    assert not (machine.run / "docker.pid").exists()


def with_engine(machine, *command):
    return [sys.executable, str(ROOT / "scripts/with_engine.py"), *command]


def test_an_engine_started_for_a_command_is_stopped_after_it_and_the_code_is_the_commands(machine):
    machine.install_daemon()
    script = f'cat "{machine.run}/docker.pid"; "{ROOT}/scripts/engine" stop; "{ROOT}/scripts/engine" status && exit 7'
    done = subprocess.run(
        with_engine(machine, "bash", "-c", script), env=machine.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    assert not is_running(int(done.stdout))


def test_an_engine_that_answered_before_a_command_still_answers_after_it(machine):
    machine.install_daemon()
    machine.call("engine", "ensure")
    done = subprocess.run(
        with_engine(machine, "bash", "-c", "exit 0"), env=machine.environ, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert is_running(machine.daemon_pid)


def test_a_terminated_command_takes_its_engine_with_it(machine):
    machine.install_daemon()
    script = f'cat "{machine.run}/docker.pid"; exec sleep 60'
    with subprocess.Popen(
        with_engine(machine, "bash", "-c", script),
        env=machine.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        pid = machine.daemon_pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert not is_running(pid)
