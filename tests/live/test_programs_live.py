"""Programs at a real engine: what they print, what they may not do, and that nothing of them is left."""

import os
import signal

import docker
import pytest

from harness.judging.program_checks import integers_in
from harness.senses import programs
from harness.senses.programs import MOST_OUTPUT_BYTES, run_program

pytestmark = pytest.mark.docker

CANARY = "sk-canary-0123456789abcdef"
INSIDE = """
import errno, os, pathlib, resource, socket, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
print("argv", sys.argv, "uid", os.getuid(), "groups", os.getgroups())
print("CapEff", int(status["CapEff"], 16), "CapBnd", int(status["CapBnd"], 16), "NoNewPrivs", status["NoNewPrivs"])
print("interfaces", [name for _, name in socket.if_nameindex()])
for path in ("/x", "/fetched/x", "/etc/x"):
    try:
        pathlib.Path(path).write_text("x")
    except OSError as refused:
        print("write", path, errno.errorcode[refused.errno])
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as refused:
    print("connect", errno.errorcode[refused.errno])
pathlib.Path("written.txt").write_text("beside the program")
print("files", sorted(map(str, pathlib.Path().rglob("*"))))
print("stdin", repr(sys.stdin.read()), "cpu", resource.getrlimit(resource.RLIMIT_CPU))
print("canary" in str(os.environ))
"""


def without_canary(text):
    return text.replace(CANARY, "[REDACTED]")


class Watched:
    """The real engine; notes what each started container is, and may do something in place of a call."""

    def __init__(self):
        self.connect, self.real, self.inspected, self.instead = programs._connect, None, [], {}

    def __call__(self, environ):
        self.real = self.connect(environ)
        return self

    def __getattr__(self, name):
        return self.instead.get(name) or getattr(self.real, name)

    def start(self, container):
        self.inspected.append(self.real.inspect_container(container))
        self.real.start(container)


@pytest.fixture
def engine(monkeypatch, docker_api):
    """Watch what is started, and see to it at the end that it is gone."""
    watched = Watched()
    monkeypatch.setattr(programs, "_connect", watched)
    yield watched
    for found in watched.inspected:
        with pytest.raises(docker.errors.NotFound):
            docker_api.inspect_container(found["Id"])
        (volume,) = (mount["Name"] for mount in found["Mounts"])
        with pytest.raises(docker.errors.NotFound):
            docker_api.inspect_volume(volume)


@pytest.fixture
def run(engine, worker_image):
    def run(code, *args, image=worker_image, **files):
        given = {"app.py": code.encode(), **files}
        return run_program(os.environ, given, image=image, args=["app.py", *args], redact=without_canary)

    return run


def test_a_program_of_several_files_prints_numbers(run, engine):
    code = "import sys\nfrom pack.steps import fibonacci\nprint(*fibonacci(int(sys.argv[2])), sep='\\n')\n"
    steps = b"def fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n        yield a\n        a, b = b, a + b\n"
    found = run(code, "-n", "7", **{"pack/__init__.py": b"", "pack/steps.py": steps})
    assert (found.exit_code, found.error) == (0, "")
    assert integers_in(found.stdout) == [0, 1, 1, 2, 3, 5, 8]
    (container,) = engine.inspected
    assert not [name for name in container["Config"]["Labels"] if name in {"ladder.project", "ladder.instance"}]


def test_an_image_may_be_named_by_its_id(run, docker_api, worker_image):
    assert run("print(1)", image=docker_api.inspect_image(worker_image)["Id"]).stdout == "1\n"


def test_an_image_that_is_not_there_is_not_pulled(run):
    found = run("print(1)", image="ladder-no-such-image:none")
    assert found.exit_code is None
    assert "No such image" in found.error


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "import missing", "this is no python"])
def test_a_program_that_fails_exits_with_1(run, code):
    found = run(code)
    assert (found.exit_code, found.stdout, found.error) == (1, "", "")


def test_a_project_may_hold_files_named_like_modules_of_the_library(run):
    assert run("print(1)", **{"json.py": b"raise SystemExit(9)", "tarfile.py": b"1/0"}).stdout == "1\n"


@pytest.mark.parametrize(("signal_number", "exit_code"), [(signal.SIGSEGV, 139), (signal.SIGTERM, 143)])
def test_a_program_that_is_killed_by_a_signal_does_not_exit_with_0(run, signal_number, exit_code):
    assert run(f"import os; os.kill(os.getpid(), {int(signal_number)})").exit_code == exit_code


def test_a_program_that_takes_all_memory_is_killed(run):
    assert run("x = bytearray(2 << 30)").exit_code == 137


def test_an_endless_loop_is_killed(run, monkeypatch):
    monkeypatch.setattr(programs, "LONGEST_RUN_S", 1.0)
    found = run("print(1, flush=True)\nwhile True: pass")
    assert (found.exit_code, found.stdout) == (None, "")
    assert found.error == "the program had not ended after 1 s and was killed"


def test_an_endless_output_is_killed(run, monkeypatch):
    monkeypatch.setattr(programs, "LONGEST_RUN_S", 1.0)
    assert "had not ended" in run("while True: print('x' * 1000)").error


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_an_output_that_is_too_long_is_not_judged(run, stream):
    # More than the log keeps, so that its beginning is lost.
    code = f"import sys\nfor _ in range(400): print('1' * 65535, file=sys.{stream})"
    assert run(code).error == f"the program printed more than {MOST_OUTPUT_BYTES} bytes"


def test_an_output_within_the_bound_is_whole_however_it_is_written(run):
    flood = MOST_OUTPUT_BYTES - 2
    code = f"import os\nos.write(1, b'7\\n')\nfor _ in range({flood // 64}): os.write(2, b'\\n' * 64)"
    assert run(code).stdout == "7\n"


def test_what_is_printed_is_redacted(run):
    assert run(f"print('{CANARY}')").stdout == "[REDACTED]\n"


def test_hostile_names_are_refused(run, engine):
    found = run("print(1)", **{"../../etc/x": b""})
    assert "is not put into a container" in found.error
    assert engine.inspected == []


def test_a_program_may_do_nothing_but_compute(run, monkeypatch):
    monkeypatch.setenv("CANARY", "canary")
    found = run(INSIDE, "-n", "5", **{"tests/.wh.x": b""})
    assert found.stdout.splitlines() == [
        "argv ['app.py', '-n', '5'] uid 10001 groups [10001]",
        "CapEff 0 CapBnd 0 NoNewPrivs 1",
        "interfaces ['lo']",
        "write /x EROFS",
        "write /fetched/x EACCES",
        "write /etc/x EROFS",
        "connect ENETUNREACH",
        "files ['app.py', 'tests', 'tests/.wh.x', 'written.txt']",
        "stdin '' cpu (60, 60)",
        "False",
    ]


def test_an_interruption_leaves_nothing(run, engine):
    engine.instead["wait"] = lambda *_args, **_options: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run("while True: pass")
    assert len(engine.inspected) == 1
