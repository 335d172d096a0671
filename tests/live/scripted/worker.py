"""The program of the scripted worker image: it does what its instruction says, good or bad.

The instruction is a JSON object: ``do`` names a function below, the other keys are its arguments. It believes its
request, because the backend wrote it; everything else about it is as careless or hostile as a test needs.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

WORKSPACE = Path(os.environ["WORKSPACE_DIR"])
CODEX = WORKSPACE / ".codex"
REQUEST = CODEX / "request.json"
RESULT = CODEX / "result.json"
MEBIBYTE = 1 << 20


def document(**changes):
    request = json.loads(REQUEST.read_text())
    return {
        "contract_version": 1,
        "project_id": request["project_id"],
        "job_id": request["job_id"],
        "engine": "template",
        "written_by": "worker",
        "status": "success",
        "summary": "Done as told.",
        "created_files": [],
        "modified_files": [],
        "errors": [],
        "logs": [],
        "timestamp": "2025-11-14T17:14:05.000000Z",
    } | changes


def say(line, stream=sys.stdout):
    stream.write(f"{line}\n")
    stream.flush()


def succeed(**changes):
    RESULT.write_text(json.dumps(document(**changes), indent=2) + "\n")


def hold(exit_code=0):
    say("ready")
    while not (WORKSPACE / "go").exists():
        time.sleep(0.02)
    succeed()
    sys.exit(exit_code)


def write_file(path, text):
    (WORKSPACE / path).write_text(text)
    succeed()


def succeed_for_some():
    """Half of all projects get what they asked for; which, the last digit of their id tells."""
    lucky = int(json.loads(REQUEST.read_text())["project_id"][-1], 16) % 2
    # A judge that asks for a container's work looks whether the result is as young as the container.
    now = {"timestamp": datetime.now(UTC).isoformat()}
    succeed(**now if lucky else now | {"status": "error", "errors": ["out_of_luck"]})


# How an attempt can end


def leave_nothing():
    pass


def leave_half():
    RESULT.write_text(json.dumps(document())[:60])


def leave_list():
    RESULT.write_text("[]")


def leave_fields(**changes):
    succeed(**changes)


def leave_link(target):
    RESULT.symlink_to(target)


def leave_fifo():
    os.mkfifo(RESULT)


def leave_directory():
    RESULT.mkdir()


def leave_huge():
    succeed(summary="x" * 2 * MEBIBYTE)


def keep_result():
    succeed()
    shutil.copy(RESULT, WORKSPACE / "kept.json")


def leave_kept_result():
    shutil.copy(WORKSPACE / "kept.json", RESULT)


def succeed_and_exit(code):
    succeed()
    sys.exit(code)


def succeed_and_segfault():
    succeed()
    os.kill(os.getpid(), signal.SIGSEGV)


def exhaust_memory():
    succeed()
    taken = []
    while True:
        taken.append(b"x" * MEBIBYTE)


def exhaust_memory_in_a_child():
    child = subprocess.run([sys.executable, "-c", "t = []\nwhile True: t.append(b'x' * 1048576)"], check=False)
    succeed(logs=[f"child={child.returncode}"])


def fork_without_end():
    children = []
    error = None
    while error is None:
        try:
            child = os.fork()
        except OSError as refused:
            error = refused
        else:
            if child == 0:
                signal.pause()
            children.append(child)
    succeed(status="error", errors=["no_more_processes"], logs=[str(len(children)), str(error)])


def ignore_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    succeed()
    say("ready")
    while True:
        signal.pause()


# What a worker can leave lying about


def flood():
    for number in range(60_000):
        sys.stdout.write(f"line {number}\n")
    sys.stdout.write("x" * (MEBIBYTE // 2))
    sys.stdout.flush()
    sys.stdout.buffer.write(b"\xff\xfe\0 the very end")
    succeed()


def fill_tmp():
    try:
        with Path("/tmp/big").open("wb") as file:  # the one place of its own that it may fill
            while True:
                file.write(b"x" * MEBIBYTE)
    except OSError as error:
        succeed(status="error", errors=["disk_full"], logs=[str(error)])


def write_big_file():
    with (WORKSPACE / "big.bin").open("wb") as file:
        file.truncate(200 * MEBIBYTE)
    succeed()


def lock_everything():
    deepest = WORKSPACE / "locked" / "deeper"
    deepest.mkdir(parents=True)
    for path in (WORKSPACE / "unreadable.txt", deepest / "file.txt"):
        path.write_text("locked in")
        path.chmod(0)
    succeed()
    for path in (deepest, deepest.parent):
        path.chmod(0)


def leave_special_files():
    os.mkfifo(WORKSPACE / "fifo")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(WORKSPACE / "socket"))
    (WORKSPACE / "loop").symlink_to("loop")
    (WORKSPACE / "dangling").symlink_to("nowhere")
    (WORKSPACE / "plain.txt").write_text("plain")
    (WORKSPACE / os.fsdecode(b"bad-\xff-name")).write_text("a name that is no text")
    succeed()


# What a hostile worker tries


def link_files_out(target):
    for path in (WORKSPACE / "app.py", REQUEST, RESULT):
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def link_codex_out(target):
    shutil.rmtree(CODEX)
    CODEX.symlink_to(target)


def tell_secret():
    value = os.environ["OPENAI_API_KEY"]
    half = len(value) // 2
    encoded = base64.b64encode(f"key={value}!".encode()).decode()
    told = [value, encoded, value[:half], value[half:], value[::-1], "".join(f"\\u{ord(c):04x}" for c in value)]
    for line in told:
        say(line)
    say(f"\x1b[31m{value[:half]}\x1b[0m{value[half:]}", sys.stderr)
    succeed(summary=f"the key is {value}", logs=told, errors=[], leaked={value: [encoded, {"deep": value}]})


def look_around(**places):
    from attacks import findings

    succeed(logs=[json.dumps(findings(**places))])


def main():
    instruction = json.loads(json.loads(REQUEST.read_text())["instruction"])
    globals()[instruction.pop("do")](**instruction)


main()
