"""What a hostile worker tries in order to get out of its container; each try is told as what the kernel answered."""

import ctypes
import errno
import os
import socket
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER = 0x10000000
PTRACE_ATTACH = 16
ALLOWED = "allowed"


def answer(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return ALLOWED


def call(name, *arguments):
    """Tell what a C function answers that gives -1 for a failure."""
    done = getattr(LIBC, name)(*arguments)
    return ALLOWED if done != -1 else errno.errorcode[ctypes.get_errno()]


def connect(family, address):
    with socket.socket(family) as tried:
        tried.settimeout(5)
        tried.connect(address)


def writable_directories():
    found = []
    for directory, names, _ in os.walk("/"):
        if directory == "/":
            names[:] = [name for name in names if name not in {"proc", "sys"}]
        trial = Path(directory) / "intruder"
        if answer(lambda trial=trial: trial.touch()) == ALLOWED:
            found.append(directory)
            trial.unlink()
    return sorted(found)


def documents_in_reach():
    """Every request or result of any project that can be found."""
    found = [
        f"{directory}/{name}"
        for directory, _, names in os.walk("/")
        if not directory.startswith(("/proc", "/sys"))
        for name in names
        if name in {"request.json", "result.json", "backend.db"}
    ]
    return sorted(found)


def processes():
    names = (entry / "comm" for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return sorted(name.read_text().strip() for name in names)


def findings(*, port, pid, directory):
    """Everything that was tried.

    Args:
        port: Where the backend listens on the host.
        pid: The backend's process on the host.
        directory: A directory of the host.
    """
    return {
        "ids": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
        "documents": documents_in_reach(),
        "writable": writable_directories(),
        "host_directory": answer(lambda: list(Path(directory).iterdir())),
        "processes": processes(),
        "sockets": [path for path in ("/var/run/docker.sock", "/run/docker.sock") if Path(path).exists()],
        "engine": answer(lambda: connect(socket.AF_UNIX, "/var/run/docker.sock")),
        "backend_on_loopback": answer(lambda: connect(socket.AF_INET, ("127.0.0.1", port))),
        "bridge_gateway": answer(lambda: connect(socket.AF_INET, ("172.17.0.1", port))),
        "raw_socket": answer(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()),
        "interfaces": sorted(name for _, name in socket.if_nameindex()),
        "setuid": answer(lambda: os.setuid(0)),
        "setgid": answer(lambda: os.setgid(0)),
        "setgroups": answer(lambda: os.setgroups([0])),
        "own_user_namespace": call("unshare", CLONE_NEWUSER),
        "mount": call("mount", b"none", b"/workspace", b"tmpfs", 0, None),
        "remount": call("mount", None, b"/", None, 0x1020, None),
        "chroot": call("chroot", b"/workspace"),
        "trace_the_backend": call("ptrace", PTRACE_ATTACH, pid, None, None),
        "kill_the_backend": answer(lambda: os.kill(pid, 0)),
        "device": answer(lambda: os.mknod("/workspace/device", 0o60600, os.makedev(8, 0))),
        "core_pattern": answer(lambda: Path("/proc/sys/kernel/core_pattern").write_text("|/bin/sh")),
        "sysrq": answer(lambda: Path("/proc/sysrq-trigger").write_text("")),
        "own_program": answer(lambda: Path("/opt/scripted/worker.py").open("a").close()),
        "give_away": answer(lambda: os.chown("/workspace", 0, 0)),
    }
