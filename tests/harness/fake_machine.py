"""A machine made of a few fake commands, on which the set-up scripts can run without touching the real one.

PATH holds only what is put there. The fake daemon is a real process that answers on a real socket, because process ids,
start times and sockets are what the scripts decide by.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = "bash cat chmod cut dirname env flock grep mkdir mv rm sed setsid sleep tail tee timeout touch tr"

DAEMON = """#!{python} -I
import json, os, socketserver, sys
from http.server import BaseHTTPRequestHandler
run = os.environ["LADDER_RUN_DIR"]
if os.path.exists(run + "/docker.pid"):
    sys.exit("pid file found, ensure docker is not running or delete " + run + "/docker.pid")
open(run + "/docker.pid", "w").write(str(os.getpid()))
class Handler(BaseHTTPRequestHandler):
    def address_string(self): return "socket"
    def do_GET(self):
        answers = {{"/version": {{"Version": "20.10.24"}}, "/containers/json": json.loads({containers!r})}}
        body = json.dumps(answers[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
Server(run + "/docker.sock", Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """Fake commands in ``bin``, the daemon's files in ``run``, what the scripts remember in ``state``."""

    home: Path

    @classmethod
    def build(cls, home: Path) -> Machine:
        machine = cls(home)
        for folder in (machine.bin, machine.run):
            folder.mkdir()
        for tool in TOOLS.split():
            (machine.bin / tool).symlink_to(shutil.which(tool))
        machine.command("python3", f'exec {sys.executable} "$@"')
        machine.command("id", "echo 0")
        machine.command("apt-get", 'echo "apt-get $*" >>"$CALLS"; exit 100')
        machine.command("dpkg-query", "exit 1")
        machine.command("docker-compose", "exit 0")
        (home / "os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
        return machine

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def state(self) -> Path:
        return self.home / "state"

    @property
    def calls(self) -> list[str]:
        path = self.home / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def daemon_pid(self) -> int:
        return int((self.run / "docker.pid").read_text())

    def command(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        path.chmod(0o755)

    def install_daemon(self, *, containers: str = "[]", name: str = "dockerd") -> Path:
        path = self.bin / name
        path.write_text(DAEMON.format(python=sys.executable, containers=containers))
        path.chmod(0o755)
        return path

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": str(self.bin),
            "CALLS": str(self.home / "calls"),
            "LADDER_SBIN": "",
            "LADDER_RUN_DIR": str(self.run),
            "LADDER_ENGINE_DIR": str(self.state),
            "LADDER_SETUP_DIR": str(self.home / "setup"),
            "LADDER_OS_RELEASE": str(self.home / "os-release"),
            "LADDER_ENGINE_TIMEOUT": "20",
        }

    def call(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run one script of ``scripts/`` on this machine."""
        script, *rest = arguments
        command = [str(ROOT / "scripts" / script), *rest]
        return subprocess.run(
            command, env=self.environ | environ, capture_output=True, text=True, timeout=60, check=False
        )

    def tear_down(self) -> None:
        """End the daemon, if one is left."""
        if (self.run / "docker.pid").exists() and (Path("/proc") / str(self.daemon_pid) / "comm").exists():
            comm = (Path("/proc") / str(self.daemon_pid) / "comm").read_text().strip()
            if comm == "dockerd":
                os.kill(self.daemon_pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether the process lives; one that only waits to be reaped does not."""
    try:
        status = (Path("/proc") / str(pid) / "status").read_text()
    except OSError:
        return False
    return "State:\tZ" not in status
