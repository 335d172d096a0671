"""A port is free, ours, or somebody's who is named as far as this user may know."""

from __future__ import annotations

import os
import socket

import pytest

from harness.config import Settings
from harness.doctor import port as doctor_port
from harness.doctor.findings import Level
from harness.doctor.view import Published, View
from harness.stack.containers import Backend
from harness.stack.plan import make_plan

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def settings(tmp_path):
    return Settings(root=tmp_path, env_file=tmp_path / ".env", environ={})


def plan_of(settings, port, address="127.0.0.1"):
    values = {"PORT": str(port), "BIND_ADDRESS": address}
    return make_plan(settings, values, known=frozenset(values), uid=1000, gid=1000)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def seen(port, *, project="ladder", home="", address="127.0.0.1"):
    backend = Backend("0123456789abcdef", "running", 0, "", home) if home else None
    published = (Published("ladder_backend_1", project, address, port),)
    return View("20.10", "1.41", "/var/lib/docker", frozenset(), published=published, backend=backend)


def test_a_free_port_is_ok_and_stays_free(settings):
    port = free_port()
    for _ in range(2):
        assert doctor_port.check_port(settings, plan_of(settings, port), None).level is Level.OK


def test_the_process_that_holds_the_port_is_named(settings, taken):
    found = doctor_port.check_port(settings, plan_of(settings, taken), None)
    assert found.level is Level.ERROR
    assert f"(process {os.getpid()})" in found.message
    assert "PORT=8001" in found.repair


def test_a_listener_on_every_address_holds_loopback_too(settings):
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert doctor_port.check_port(settings, plan_of(settings, port), None).level is Level.ERROR


def test_our_own_backend_may_hold_the_port(settings, taken):
    found = doctor_port.check_port(settings, plan_of(settings, taken), seen(taken, home=str(settings.root)))
    assert found.level is Level.OK
    assert "our own backend" in found.message


def test_a_backend_of_another_checkout_is_not_ours(settings, taken, tmp_path_factory):
    elsewhere = str(tmp_path_factory.mktemp("elsewhere"))
    found = doctor_port.check_port(settings, plan_of(settings, taken), seen(taken, home=elsewhere))
    assert found.level is Level.ERROR


def test_a_container_of_another_project_is_named_with_it(settings, taken):
    found = doctor_port.check_port(settings, plan_of(settings, taken), seen(taken, project="second"))
    assert found.level is Level.ERROR
    assert "the container ladder_backend_1 of project second" in found.message


def test_a_port_that_the_engine_forwards_without_listening_is_held_too(settings):
    port = free_port()
    found = doctor_port.check_port(settings, plan_of(settings, port), seen(port, project="", address="0.0.0.0"))
    assert found.level is Level.ERROR
    assert "the container ladder_backend_1" in found.message


def test_the_same_port_of_another_address_is_another_port(settings):
    port = free_port()
    other = seen(port, project="second", address="127.0.0.9")
    assert doctor_port.check_port(settings, plan_of(settings, port), other).level is Level.OK
    everywhere = plan_of(settings, port, address="0.0.0.0")
    assert doctor_port.check_port(settings, everywhere, other).level is Level.ERROR


def test_another_port_of_the_same_address_is_another_port(settings):
    port = free_port()
    assert doctor_port.check_port(settings, plan_of(settings, port), seen(port - 1)).message.endswith("is free")


def test_an_address_of_another_machine_cannot_be_bound(settings):
    found = doctor_port.check_port(settings, plan_of(settings, free_port(), address="192.0.2.7"), None)
    assert found.level is Level.ERROR
    assert "cannot be bound" in found.message


def test_a_port_for_root_only_is_no_fault_because_the_engine_binds_it(settings, monkeypatch):
    monkeypatch.setattr(doctor_port, "bind_error", lambda address, port: PermissionError(13, "Permission denied"))
    assert doctor_port.check_port(settings, plan_of(settings, free_port()), None).level is Level.OK


def test_a_port_for_root_only_that_is_taken_is_told(settings, taken, monkeypatch):
    monkeypatch.setattr(doctor_port, "bind_error", lambda address, port: PermissionError(13, "Permission denied"))
    assert doctor_port.check_port(settings, plan_of(settings, taken), None).level is Level.ERROR


def row(local, remote, state, uid, inode):
    return f"   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 {uid:5} 0 {inode} 1 x 100 0 0 10 0\n"


@pytest.fixture
def proc(tmp_path):
    """Port 8000 (1F40) listens over IPv4 and IPv6, beside a connection of it and a listener of another port."""
    tcp = [
        row("0100007F:1F40", "00000000:0000", "0A", 1000, 501),
        row("0100007F:1F40", "0100007F:9C40", "01", 1000, 502),
        row("0100007F:1F41", "00000000:0000", "0A", 1000, 503),
    ]
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(HEADER + "".join(tcp))
    (tmp_path / "net/tcp6").write_text(HEADER + row(f"{0:032}:1F40", f"{0:032}:0000", "0A", 0, 504))
    return tmp_path


def process(proc, pid, name, *inodes):
    (proc / str(pid) / "fd").mkdir(parents=True)
    (proc / str(pid) / "comm").write_text(f"{name}\n")
    for number, inode in enumerate(inodes):
        (proc / str(pid) / "fd" / str(number)).symlink_to(f"socket:[{inode}]")


def test_only_listeners_of_that_very_port_count(proc):
    assert [listener.inode for listener in doctor_port.listeners(8000, proc)] == ["501", "504"]


def test_every_holder_is_named_by_its_open_socket(proc):
    process(proc, 77, "uvicorn", 7, 501)
    process(proc, 78, "docker-proxy", 504)
    process(proc, 79, "client", 502, 503)
    assert doctor_port.describe_holders(8000, proc) == "docker-proxy (process 78), uvicorn (process 77)"


def test_a_holder_that_only_root_may_see_is_told_by_its_user(proc):
    assert "user 0, 1000" in doctor_port.describe_holders(8000, proc)


def test_a_port_that_nothing_here_holds_is_told_so(tmp_path):
    assert doctor_port.describe_holders(8000, tmp_path) == "somebody who does not show here"
