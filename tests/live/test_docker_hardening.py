"""What a container of a worker is granted by a real engine, seen from inside and from the engine's own words."""

from __future__ import annotations

import json

import pytest
from real_launcher import (
    MEMORY,
    PIDS,
    ended,
    output,
)

pytest_plugins = ["launcher_fixtures"]
pytestmark = pytest.mark.docker

LOOK_AROUND = """\
import errno, json, os, socket
from pathlib import Path

def text(*paths):
    return next((Path(p).read_text().strip() for p in paths if Path(p).exists()), None)

def refused(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "allowed"

def connect(address):
    with socket.socket() as s:
        s.settimeout(5)
        s.connect(address)

def run_from_tmp():
    Path("/tmp/x").write_text("#!/bin/sh")
    os.chmod("/tmp/x", 0o755)
    os.execv("/tmp/x", ["x"])

def open_many():
    files = []
    while True:
        files.append(open("/dev/null"))

def fork_many():
    children = []
    try:
        while True:
            child = os.fork()
            if child == 0:
                import signal
                signal.pause()
            children.append(child)
    finally:
        print_count.append(len(children))
        for child in children:
            os.kill(child, 9)

print_count = []
mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
status = dict(line.split(":\\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
    "root": next(m[5].split(",")[0] for m in mounts if m[4] == "/"),
    "tmp": sorted(next(m[5].split(",") + m[-1].split(",") for m in mounts if m[4] == "/tmp")),
    "workspace": next(m[5].split(",")[0] for m in mounts if m[4] == "/workspace"),
    "host_mounts": sorted(m[4] for m in mounts if m[m.index("-") + 1] not in
        {"overlay", "proc", "tmpfs", "devpts", "sysfs", "mqueue", "cgroup", "cgroup2"}),
    "CapEff": status["CapEff"], "CapBnd": status["CapBnd"], "CapPrm": status["CapPrm"],
    "NoNewPrivs": status["NoNewPrivs"], "Seccomp": status["Seccomp"],
    "memory": text("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"),
    "pids": text("/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids.max"),
    "cpu_v1": text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"),
    "cpu_v2": text("/sys/fs/cgroup/cpu.max"),
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "pid_1": text("/proc/1/comm"),
    "docker_socket": [p for p in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(p)],
    "workspace_dir": os.environ["WORKSPACE_DIR"],
    "write_root": refused(lambda: open("/file", "w")),
    "write_etc": refused(lambda: open("/etc/passwd", "a")),
    "run_from_tmp": refused(run_from_tmp),
    "become_root": refused(lambda: os.setuid(0)),
    "make_device": refused(lambda: os.mknod("/workspace/device", 0o20600, os.makedev(1, 1))),
    "mount": refused(lambda: os.chroot("/")),
    "connect": refused(lambda: connect(("192.0.2.1", 80))),
    "many_files": refused(open_many),
    "many_processes": refused(fork_many), "processes": print_count[0],
    "write_workspace": refused(lambda: Path("/workspace/mine").write_text("x")),
}))
"""


class TestHardening:
    @pytest.fixture
    def seen(self, run):
        """What the container looked like from both sides."""
        launcher, handle = run(LOOK_AROUND)
        state = ended(launcher, handle)
        text = launcher.collect(handle, max_bytes=100_000).data.decode()
        assert state.exit_code == 0, text
        return state, json.loads(text)

    def test_everything_that_was_asked_for_was_granted(self, seen):
        state, _ = seen
        assert state.missing == ()

    def test_the_container_is_as_tight_from_inside_as_it_looks_from_outside(self, seen):
        state, inside = seen
        assert (inside["uid"], inside["gid"], inside["groups"]) == (10001, 10001, [10001])
        assert state.granted["user"] == "10001:10001"
        assert inside["root"] == "ro"
        assert state.granted["read_only_root"] is True
        assert {"rw", "nosuid", "nodev", "noexec", "size=65536k"} <= set(inside["tmp"])
        assert inside["CapEff"] == inside["CapBnd"] == inside["CapPrm"] == "0000000000000000"
        assert (inside["NoNewPrivs"], inside["Seccomp"]) == ("1", "2")
        assert inside["memory"] == str(MEMORY)
        assert inside["pids"] == str(PIDS)
        assert inside["cpu_v1"] == "100000" or inside["cpu_v2"] == "100000 100000"
        assert inside["interfaces"] == ["lo"]
        assert inside["pid_1"] == "docker-init"
        assert inside["workspace_dir"] == "/workspace"

    def test_the_workspace_is_the_only_thing_of_the_host(self, seen):
        state, inside = seen
        names = {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts", "/sbin/docker-init", "/usr/sbin/docker-init"}
        assert set(inside["host_mounts"]) - names == {"/workspace"}
        assert inside["workspace"] == "rw"
        assert inside["docker_socket"] == []
        assert state.granted["mounts"] == ["/workspace rw"]

    def test_what_the_options_forbid_is_refused_when_it_is_tried(self, seen):
        _, inside = seen
        assert (inside["write_root"], inside["write_etc"]) == ("EROFS", "EACCES")
        assert inside["run_from_tmp"] == "EACCES"
        assert inside["become_root"] == "EPERM"
        assert inside["make_device"] == "EPERM"
        assert inside["mount"] == "EPERM"
        assert inside["connect"] == "ENETUNREACH"
        assert inside["many_files"] == "EMFILE"
        assert inside["many_processes"] == "EAGAIN"
        assert inside["processes"] < PIDS
        assert inside["write_workspace"] == "allowed"

    def test_the_tmpfs_has_an_end(self, run):
        launcher, handle = run("open('/tmp/big', 'wb').write(b'x' * 1024 * 1024 * 65)", memory="256m")
        assert "[Errno 28] No space left on device" in output(launcher, handle)

    def test_another_projects_folder_cannot_be_reached(self, run, root):
        (root / "another-project").mkdir()
        launcher, handle = run("import os\nprint(os.listdir('/workspace'), os.listdir('/workspace/..'))")
        assert "another-project" not in output(launcher, handle)

    def test_files_that_the_worker_made_can_be_deleted_by_the_backend(self, launcher_for, spec):
        launcher, attempt = launcher_for("import os\nos.mkdir('/workspace/d')\nopen('/workspace/f', 'w')"), spec()
        handle = launcher.prepare(attempt)
        launcher.launch(handle)
        assert ended(launcher, handle).exit_code == 0
        (attempt.workspace / "f").unlink()
        (attempt.workspace / "d").rmdir()
