"""Which compose is taken, what it is told, and what of it is shown."""

from __future__ import annotations

import socket
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config import Settings
from harness.errors import ExitCode, PrerequisiteError
from harness.stack import env_file, plan
from harness.stack.compose import Compose, choose, open_compose
from harness.stack.engine import socket_of
from harness.stack.secrets import Secrets

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-91c0ffee7d"


def command(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def path_of(folder):
    return {"PATH": str(folder)}


def test_compose_2_is_taken_when_it_works(tmp_path):
    command(tmp_path, "docker", '[ "$1 $2" = "compose version" ]')
    command(tmp_path, "docker-compose", "exit 0")
    assert choose(path_of(tmp_path)) == ("docker", "compose")


def test_a_docker_without_the_plugin_is_passed_over(tmp_path):
    # As Docker CLI 28.2.2 answers without the plugin.
    command(tmp_path, "docker", 'echo "docker: unknown command: docker $1" >&2; exit 1')
    command(tmp_path, "docker-compose", "exit 0")
    assert choose(path_of(tmp_path)) == ("docker-compose",)


def test_a_compose_that_is_there_and_broken_does_not_count(tmp_path):
    command(tmp_path, "docker-compose", 'echo "Not supported URL scheme http+docker" >&2; exit 1')
    with pytest.raises(PrerequisiteError) as caught:
        choose(path_of(tmp_path))
    assert caught.value.reference == "compose-missing"
    assert caught.value.exit_code is ExitCode.PREREQUISITE
    assert "apt-get install" in caught.value.hint


def stack_of(tmp_path, environ, **changes):
    """A compose of its own checkout, so that no test writes into this one."""
    root = tmp_path / "checkout"
    root.mkdir(exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    (tmp_path / "s").unlink(missing_ok=True)
    listener.bind(str(tmp_path / "s"))
    listener.close()
    settings = Settings(root=root, env_file=root / ".env", environ={"DOCKER_HOST": f"unix://{tmp_path}/s", **environ})
    known = frozenset(env_file.read(ROOT / ".env.example"))
    values = env_file.read(ROOT / ".env.example") | changes
    return settings, plan.make_plan(settings, values, known=known, uid=1000, gid=1000)


def test_compose_gets_an_environment_of_its_own(tmp_path):
    command(tmp_path, "docker-compose", "exit 0")
    foreign = {"PYTHONPATH": "/foreign", "VIRTUAL_ENV": "/foreign", "COMPOSE_PROJECT_NAME": "foreign"}
    settings, stack = stack_of(tmp_path, path_of(tmp_path) | foreign)
    compose = open_compose(settings, stack, Secrets({}))
    assert not set(foreign) & set(compose.environ)
    assert compose.environ["HOST_WORKSPACES_DIR"] == str(stack.data_dir / "workspaces")
    assert Path(compose.environ["HOST_WORKSPACES_DIR"]).is_absolute()


def test_secret_values_are_in_the_childs_environment_and_in_no_file_or_argument(tmp_path):
    command(tmp_path, "docker-compose", f'echo "$@" >{tmp_path}/arguments; echo "$OPENAI_API_KEY" >{tmp_path}/seen')
    settings, stack = stack_of(tmp_path, path_of(tmp_path))
    compose = open_compose(settings, stack, Secrets({"OPENAI_API_KEY": CANARY}))
    compose.run("up", "-d")
    assert (tmp_path / "seen").read_text().strip() == CANARY
    assert CANARY not in (tmp_path / "arguments").read_text()
    written = [path for path in settings.root.rglob("*") if path.is_file()]
    assert [path.name for path in written] == ["settings.env"]
    assert CANARY not in written[0].read_text()
    assert stat.S_IMODE(written[0].stat().st_mode) == 0o600
    assert CANARY not in repr(compose)


def test_a_failure_shows_the_end_of_the_output_without_secrets(tmp_path):
    command(tmp_path, "docker-compose", '[ "$1" = version ] || { echo "bad value $API_TOKENS"; exit 1; }')
    settings, stack = stack_of(tmp_path, path_of(tmp_path))
    with pytest.raises(PrerequisiteError) as caught:
        open_compose(settings, stack, Secrets({"API_TOKENS": CANARY})).run("up")
    assert caught.value.reference == "compose-failed"
    assert "bad value [redacted]" in caught.value.message
    assert CANARY not in caught.value.render()


@pytest.mark.parametrize(
    "output",
    [
        # Engine 20.10.24, another container has the port; then another process has it.
        "driver failed programming external connectivity: Bind for 127.0.0.1:8000 failed: port is already allocated",
        "Error starting userland proxy: listen tcp4 127.0.0.1:8000: bind: address already in use",
    ],
)
def test_a_taken_port_has_a_reference_of_its_own_and_names_another(tmp_path, output):
    command(tmp_path, "docker-compose", f"echo '{output}'; exit 1")
    compose = Compose(("docker-compose",), tmp_path, "p", path_of(tmp_path), Secrets({}))
    with pytest.raises(PrerequisiteError) as caught:
        compose.run("up")
    assert caught.value.reference == "port-in-use"
    assert "PORT=8001" in caught.value.hint


def test_an_engine_without_a_local_socket_is_refused():
    settings = Settings(root=ROOT, env_file=ROOT / ".env", environ={"DOCKER_HOST": "tcp://192.0.2.7:2376"})
    with pytest.raises(PrerequisiteError) as caught:
        socket_of(settings)
    assert caught.value.reference == "engine-not-local"


def compose_file_with(tmp_path, **changes):
    """The real compose and the real file, with settings in a folder of the test's own."""
    real = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    settings, stack = stack_of(tmp_path, real, **changes)
    compose = open_compose(settings, stack, Secrets({"OPENAI_API_KEY": CANARY}))
    return replace(compose, root=ROOT)


@pytest.mark.docker
def test_the_compose_file_is_valid_and_checking_it_shows_no_secret(tmp_path):
    compose = compose_file_with(tmp_path)
    command_line = [*compose.command, "-f", str(ROOT / "docker-compose.yml"), "-p", "p", "config", "-q"]
    done = subprocess.run(command_line, env=dict(compose.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.docker
def test_odd_values_reach_the_backend_as_they_are_written(tmp_path):
    import yaml

    odd = '["http://a#b", "c $d"]'
    compose = compose_file_with(tmp_path, ALLOW_ORIGINS=odd, APP_NAME='a "quoted" \\ name # not a comment')
    command_line = [*compose.command, "-f", str(ROOT / "docker-compose.yml"), "-p", "p", "config"]
    done = subprocess.run(command_line, env=dict(compose.environ), capture_output=True, text=True, check=True)
    environment = yaml.safe_load(done.stdout)["services"]["backend"]["environment"]
    # `config` doubles a dollar sign, so that its output can be used as a compose file again.
    assert environment["ALLOW_ORIGINS"].replace("$$", "$") == odd
    assert environment["APP_NAME"] == 'a "quoted" \\ name # not a comment'


def test_the_compose_file_names_no_container_and_binds_loopback_unless_told_otherwise():
    import yaml

    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert all("container_name" not in service for service in services.values())
    assert services["backend"]["ports"] == ["${BIND_ADDRESS:-127.0.0.1}:${PORT:-8000}:8000"]
    assert services["backend"]["cap_drop"] == ["ALL"]
    assert services["backend"]["read_only"] is True
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT", "API_TOKENS"):
        assert services["backend"]["environment"][name] is None
