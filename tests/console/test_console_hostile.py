"""Evidence and callers that attack the console as a process: bytes without end, odd files, and raw requests."""

import hashlib
import json
import os
import re
import socket
import zipfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from console_stage import copied
from running_run import RunningRun
from served_console import PATIENCE_S, served
from stored_runs import reseal

from harness.console.file_page import AT_ONCE, LARGEST
from harness.console.stream import MOST_STREAMS
from harness.evidence import layout

MIB = 1 << 20
MOST_MEMORY_MIB = 60
"""Beyond what a console has that has served its first page; a file of a hundred is not in it."""

SMALL_PAGE = 2 * AT_ONCE


@contextmanager
def console(root):
    """A served console, its address and its process."""
    with served(root) as address:
        port = int(address.rpartition(":")[2])
        yield address, port, process_of(port)


def process_of(port):
    """Who listens on a port, by the system's own lists; one of our own children."""
    wanted = f"0100007F:{port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    (inode,) = [line[9] for line in lines if line[1] == wanted and line[3] == "0A"]
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            if any(str(each.readlink()) == f"socket:[{inode}]" for each in Path(f"/proc/{child}/fd").iterdir()):
                return int(child)
    raise AssertionError(port)


def memory_mib(process, what="VmHWM"):
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+)", status)[1]) // 1024


def big_file(path, size, unit=b"a"):
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(unit * (MIB // len(unit)))


@pytest.fixture
def response(bundle):
    """An artifact that the manifest lists."""
    return bundle / "live/L01/response.json"


def address_of(bundle, path="live/L01/response.json"):
    return f"/runs/{bundle.name}/files/{path}"


def test_a_line_of_a_hundred_megabytes_is_shown_cut_and_sent_whole_without_being_held(root, bundle, response):
    big_file(response, 100 * MIB)
    with console(root) as (address, _, process):
        httpx.get(address)
        before = memory_mib(process)
        page = httpx.get(f"{address}{address_of(bundle)}?", timeout=PATIENCE_S)
        assert len(page.content) < SMALL_PAGE
        for query in ("raw=1", "download=1"):
            digest, count = hashlib.sha256(), 0
            with httpx.stream("GET", f"{address}{address_of(bundle)}?{query}", timeout=PATIENCE_S) as answer:
                for piece in answer.iter_bytes():
                    digest.update(piece)
                    count += len(piece)
            assert count == int(answer.headers["content-length"]) == 100 * MIB
            assert answer.headers["x-sha256"] == digest.hexdigest()
        assert memory_mib(process) - before < MOST_MEMORY_MIB
    response.unlink()


def test_a_page_says_how_much_of_a_long_line_and_of_a_long_file_it_shows(client, bundle, response):
    big_file(response, MIB)
    twin = client.get(f"{address_of(bundle)}.json").json()
    assert twin["size"] == MIB
    assert twin["sha256"] == hashlib.sha256(b"a" * MIB).hexdigest()
    assert len(twin["text"]) < 3000
    assert any(f"of {MIB} bytes" in note for note in twin["notes"])
    assert any("Long lines" in note for note in twin["notes"])


def test_a_file_that_has_no_end_in_sight_is_refused_before_it_is_read(client, bundle, response):
    with response.open("wb") as file:
        file.truncate(LARGEST + 1)
    answer = client.get(f"{address_of(bundle)}?raw=1")
    assert answer.status_code == 500
    assert "artifact-unreadable" in answer.text or "has more than" in answer.text
    response.unlink()


def test_a_log_with_a_line_of_a_hundred_megabytes_ends_its_stream_and_takes_no_memory(root, sealed):
    running = RunningRun(sealed, root)
    running.go_on(20)
    log = running.folder / layout.EVENTS
    with log.open("ab") as file:
        for _ in range(100):
            file.write(b"a" * MIB)
    with console(root) as (address, _, process):
        httpx.get(address)
        before = memory_mib(process)
        told = httpx.get(f"{address}/runs/{sealed.name}/events", timeout=PATIENCE_S).text
        assert "line 21: it has more than" in told
        assert told.count("event: done") == 1
        assert httpx.get(address).status_code == 200
        # Lines up to a bound are held while they are read, and no more than that.
        assert memory_mib(process) - before < 2 * MOST_MEMORY_MIB
    running.let_go()
    log.unlink()


def test_a_zip_bomb_is_bytes_and_never_unpacked(root, bundle):
    bomb = bundle / "live/L01/bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x", "w", force_zip64=True) as file:
        for _ in range(500):
            file.write(bytes(MIB))
    reseal(bundle)
    with console(root) as (address, _, process):
        httpx.get(address)
        before = memory_mib(process)
        page = httpx.get(f"{address}{address_of(bundle, 'live/L01/bomb.zip')}")
        assert (page.status_code, len(page.content) < SMALL_PAGE) == (200, True)
        sent = httpx.get(f"{address}{address_of(bundle, 'live/L01/bomb.zip')}?raw=1")
        assert sent.content == bomb.read_bytes()
        assert sent.headers["content-disposition"] == 'attachment; filename="bomb.zip"'
        assert "content-encoding" not in sent.headers
        assert memory_mib(process) - before < MOST_MEMORY_MIB


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "folder-link", "socket"])
def test_what_is_no_plain_file_is_neither_followed_nor_waited_for(client, bundle, response, tmp_path, kind):
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "response.json").write_text("canary-outside")
    response.unlink()
    with ExitStack() as stack:
        match kind:
            case "link":
                response.symlink_to(secret / "response.json")
            case "pipe":
                os.mkfifo(response)
            case "folder":
                response.mkdir()
            case "folder-link":
                response.parent.rename(response.parent.with_name("moved"))
                response.parent.symlink_to(secret)
            case _:
                listening = stack.enter_context(socket.socket(socket.AF_UNIX))
                stack.enter_context(inside(response.parent))
                listening.bind(response.name)
        for query in ("", "?raw=1", "?download=1"):
            answer = client.get(f"{address_of(bundle)}{query}")
            assert answer.status_code == 500
            assert "canary" not in answer.text
            assert "no regular file" in answer.text


@contextmanager
def inside(folder):
    """Stay in a folder, since the name of a socket must be short."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


NAMES = ("..", "../secret.txt", "/etc/passwd", "a\nb", "a\x00b", "<img src=x onerror=alert(1)>", "javascript:alert(1)",
         "a\\..\\b", "%2e%2e", "x" * 5000, "con", "")  # fmt: skip


def test_names_in_a_manifest_lead_nowhere_and_are_text_on_every_page(client, bundle):
    (bundle.parent / "secret.txt").write_text("canary-beside-the-bundles")
    manifest = json.loads((bundle / layout.MANIFEST).read_text())
    one = manifest["files"][0]
    manifest["files"] += [{**one, "path": name} for name in NAMES]
    manifest["files"] += [{**one, "path": f"live/L01/{name}"} for name in NAMES]
    (bundle / layout.MANIFEST).write_text(json.dumps(manifest))
    for path in (f"/runs/{bundle.name}", f"/runs/{bundle.name}/L01"):
        text = client.get(path).text
        assert "<img" not in text
        assert 'href="javascript:' not in text
    asked = ("..", "../secret.txt", "/etc/passwd", "%2Fetc%2Fpasswd", "a%0Ab", "a%00b", "javascript:alert(1)",
             "%3Cimg%20src=x%20onerror=alert(1)%3E", "%252e%252e", "con", "")  # fmt: skip
    for name in asked:
        answer = client.get(f"/runs/{bundle.name}/files/{name}")
        assert answer.status_code in {404, 500}, name
        assert "canary" not in answer.text
        assert "root:" not in answer.text
        assert "<img" not in answer.text


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("path", [layout.RUN, "cases/live-L01.json", "live/L01/response.json", layout.STATE])
def test_documents_nested_without_end_break_no_page_of_the_console(client, bundle, path):
    (bundle / path).write_text(f'{{"x": {DEEP}, {(bundle / path).read_text().lstrip()[1:]}')
    reseal(bundle)
    assert client.get("/").status_code == 200
    told = {path: client.get(path).status_code for path in pages_of(bundle)}
    # What cannot be read says so; nothing is answered with a fault of the program.
    assert {*told.values()} <= {200, 500}, told
    assert client.get(address_of(bundle, path) + "?raw=1").content == (bundle / path).read_bytes()


def pages_of(bundle):
    run = f"/runs/{bundle.name}"
    return ("/traces", "/live", run, f"{run}/L01", f"{run}/export.html", f"/compare?a={bundle.name}&b={bundle.name}")


def test_a_record_of_sixty_megabytes_is_read_and_its_pages_stay_small(client, bundle):
    record = json.loads((bundle / layout.RUN).read_text())
    record["settings"] = {f"k{number}": "v" * 1000 for number in range(58_000)}
    (bundle / layout.RUN).write_text(json.dumps(record))
    reseal(bundle)
    for path in ("/", f"/runs/{bundle.name}", f"/runs/{bundle.name}/L01", address_of(bundle, layout.RUN) + "?"):
        answer = client.get(path)
        assert (answer.status_code, len(answer.content) < 2 * MIB) == (200, True), path
    (bundle / layout.RUN).unlink()


def test_numbers_that_are_none_or_have_no_end_are_shown_as_they_are(client, bundle):
    record = json.loads((bundle / layout.RUN).read_text())
    record |= {"duration_s": 1e308, "trials": 10**400}
    record["scenarios"][0]["duration_s"] = float("nan")
    (bundle / layout.RUN).write_text(json.dumps(record))
    case = json.loads((bundle / "cases/live-L01.json").read_text())
    case["api_calls_used"][0] |= {"duration_ms": float("inf"), "status": 10**300}
    (bundle / "cases/live-L01.json").write_text(json.dumps(case))
    reseal(bundle)
    for path in ("/", *pages_of(bundle)):
        assert client.get(path).status_code == 200, path


class Raw:
    """Sends bytes as they are."""

    def __init__(self, port, name):
        self._port, self._name = port, name

    def ask(self, head):
        """The answer to one request, after which the connection is closed."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S) as connection:
            connection.sendall(self.spelt(f"{head}\nConnection: close\n\n"))
            pieces = iter(lambda: connection.recv(1 << 16), b"")
            return b"".join(pieces)

    def spelt(self, head):
        host = f"127.0.0.1:{self._port}"
        return head.replace("HOST", host).replace("RUN", self._name).replace("\n", "\r\n").encode("latin-1")


# What each may be answered with; parsers of HTTP differ in what they take for none.
ODD_REQUESTS = {
    "two hosts": ("GET / HTTP/1.1\nHost: HOST\nHost: evil.example", {421, 400}),
    "the same host twice": ("GET / HTTP/1.1\nHost: HOST\nHost: HOST", {421, 400}),
    "no host": ("GET / HTTP/1.1", {421, 400}),
    "no host, as before 1.1": ("GET / HTTP/1.0", {421, 400}),
    "a host behind another": ("GET / HTTP/1.1\nHost: HOST@evil.example", {421, 400}),
    "a whole address of another host": ("GET http://HOST/ HTTP/1.1\nHost: evil.example", {421, 400}),
    "a path like a host": ("GET //evil.example/ HTTP/1.1\nHost: HOST", {404}),
    "a path like a host and up": ("GET //evil.example/%2e%2e/ HTTP/1.1\nHost: HOST", {404}),
    "a slash too many": ("GET /runs/RUN/ HTTP/1.1\nHost: HOST", {404}),
    "an encoded slash to elsewhere": ("GET /runs/RUN%2f..%2f..%2fetc HTTP/1.1\nHost: HOST", {404}),
    "an encoded zero byte": ("GET /runs/%00 HTTP/1.1\nHost: HOST", {404}),
    "a zero byte": ("GET /runs/\x00 HTTP/1.1\nHost: HOST", {400}),
    "bytes that are no text": ("GET /runs/%ff%fe HTTP/1.1\nHost: HOST", {404}),
    "a query that is no text": ("GET /?q=%ff%ed%a0%80&status=%00 HTTP/1.1\nHost: HOST", {200}),
    "an encoded line feed": ("GET /%0d%0aX-Evil:1 HTTP/1.1\nHost: HOST", {404}),
    "a target without end": (f"GET /{'a' * 60_000} HTTP/1.1\nHost: HOST", {404}),
    "two lengths of one body": (
        "GET / HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\nContent-Length: 3",
        {400, 200},
    ),
    "a tunnel": ("CONNECT evil.example:443 HTTP/1.1\nHost: HOST", {400, 405}),
    "no HTTP at all": ("\x16\x03\x01\x02", {400}),
    "a place in a log that was never told": ("GET /runs/RUN/events?after=1/2-/x HTTP/1.1\nHost: HOST", {200}),
    "a place that is no text": ("GET /runs/RUN/events HTTP/1.1\nHost: HOST\nLast-Event-ID: \xff\xfe/1/2", {200}),
    "a look at a stream without its body": ("HEAD /runs/RUN/events HTTP/1.1\nHost: HOST", {200}),
}


@pytest.fixture(scope="module")
def odd(sealed, tmp_path_factory):
    """A console for requests that leave nothing behind."""
    root = tmp_path_factory.mktemp("odd") / "evidence"
    root.mkdir()
    copied(sealed, root / sealed.name)
    (root / "evil.txt").write_text("canary")
    with console(root) as (_, port, process):
        yield Raw(port, sealed.name), port, process


@pytest.mark.parametrize("what", ODD_REQUESTS)
def test_an_odd_request_is_answered_and_nothing_of_it_comes_back_as_a_header(odd, what):
    raw, port, _ = odd
    head, status = ODD_REQUESTS[what]
    answer = raw.ask(head)
    assert int(answer.split(b" ", 2)[1]) in status
    headers, _, body = answer.partition(b"\r\n\r\n")
    assert b"evil" not in headers.lower()
    assert b"canary" not in body
    if head.startswith("HEAD"):
        assert body == b""
    assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200


def test_two_hundred_streams_that_do_nothing_leave_room_for_pages(root, sealed):
    running = RunningRun(sealed, root)
    running.go_on(20)
    with console(root) as (address, port, process), ExitStack() as stack:
        raw = Raw(port, sealed.name)
        statuses = []
        for _ in range(200):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S))
            connection.sendall(raw.spelt("GET /runs/RUN/events HTTP/1.1\nHost: HOST\n\n"))
            statuses.append(connection.recv(12)[-3:])
        assert (statuses.count(b"200"), statuses.count(b"503")) == (MOST_STREAMS, 200 - MOST_STREAMS)
        for path in ("/", "/live", f"/runs/{sealed.name}"):
            assert httpx.get(f"{address}{path}").status_code == 200
        assert memory_mib(process) < 200
    running.let_go()


def test_many_who_read_nothing_of_a_large_file_cost_little_and_nobody_else_waits(root, bundle, response):
    big_file(response, 100 * MIB)
    with console(root) as (address, port, process):
        raw = Raw(port, bundle.name)
        httpx.get(address)
        before = memory_mib(process)
        with ExitStack() as stack:
            for _ in range(60):
                lazy = stack.enter_context(socket.socket())
                lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                lazy.settimeout(PATIENCE_S)
                lazy.connect(("127.0.0.1", port))
                lazy.sendall(raw.spelt(f"GET {address_of(bundle)}?raw=1 HTTP/1.1\nHost: HOST\n\n"))
                assert lazy.recv(12)[-3:] == b"200"
            assert httpx.get(f"{address}/live").status_code == 200
            assert memory_mib(process) - before < 2 * MOST_MEMORY_MIB
    response.unlink()
