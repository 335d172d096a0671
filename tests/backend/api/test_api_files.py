"""Reading and listing files, with every form of a path sent exactly as it is written here (contract §1.4)."""

import base64
import hashlib
import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from support.api_calls import new_job, new_project, require_envelope

from backend.workspace.files import list_files

SECRET = "outside: never to be read"
SPECIAL = [
    "a b.txt",
    "grüße ✓.txt",
    "100%.txt",
    "question?.txt",
    "hash#.txt",
    "semi;colon.txt",
    "back\\slash.txt",
    "C:foo",
    "~root",
]


@pytest.fixture(scope="module")
def project(client):
    return new_project(client)


@pytest.fixture(scope="module")
def root(project, tmp_path_factory):
    """The project's directory as a hostile worker may leave it."""
    root = Path(project["workspace_path"])
    outside = tmp_path_factory.mktemp("outside")
    for folder in (root / "sub", outside / "folder"):
        folder.mkdir()
    (outside / "secret").write_text(SECRET)
    (outside / "folder" / "secret").write_text(SECRET)
    (root / "sub" / "inner.txt").write_text("inner")
    links = {
        "link-out": outside / "secret",
        "symlinked-escape": outside / "folder",
        "relative-out": Path("../../../x"),
        "dangling-out": outside / "missing",
        "dangling-in": Path("missing-here"),
        "link-in": Path("app.py"),
        "sub/link-up": Path("../app.py"),
        "linked-folder": Path("sub"),
        "absolute-in": root / "app.py",
        "loop": Path("loop"),
        "loop-a": Path("loop-b"),
        "loop-b": Path("loop-a"),
        "to-null": Path("/dev/null"),
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    for name in SPECIAL:
        (root / name).write_text(f"I am {name}")
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
    (root / ("n" * 255)).write_text("longest name")
    (root / "new\nline").write_text("unreachable")
    Path(os.fsdecode(bytes(root) + b"/bad-\xff-name")).write_text("unreachable")
    return root


def at(served, project, path):
    answer = served.raw_file(project["id"], path)
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "../../etc/passwd",
        "sub/../../x",
        "%2e%2e/x",
        "%2E%2e/x",
        "%2e%2e%2Fetc%2Fpasswd",
        "..%2Fetc%2Fpasswd",
        "sub%2f..%2f..%2fx",
        "..",
        "%2e%2e",
        "missing/../../x",
        "/etc/passwd",
        "//etc/passwd",
        "%2Fetc%2Fpasswd",
        "%2F%2Fetc%2Fpasswd",
        "C:%5Cx",
        "C:/x",
        "c:/",
        "%5C%5Cserver%5Cshare",
        "%5C/server",
        "C:/../.codex/result.json",
        "/.codex/result.json",
        "link-out",
        "symlinked-escape/secret",
        "symlinked-escape/missing",
        "symlinked-escape/",
        "relative-out",
        "dangling-out",
        "dangling-out/x",
        "to-null",
        "%00",
        "app.py%00",
        "%00/../app.py",
        ".codex/%00/../result.json",
        "loop",
        "loop-a",
        "loop/x",
    ],
)
def test_a_path_that_leads_out_or_can_never_be_valid_is_400(served, project, root, path):
    status, body = at(served, project, path)
    assert (status, body["error"], body["detail"]) == (400, "bad_request", "Invalid path")


@pytest.mark.parametrize("path", ["C:\\x", "\\\\server\\share"])
def test_raw_drive_and_share_forms_are_400(served, project, root, path):
    assert served.raw_file(project["id"], path).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "does-not-exist.txt",
        "sub/missing",
        "missing/deep/down",
        "dangling-in",
        "n" * 256,
        "sub/" + "n" * 256,
        "%C3%A9" * 128,
        "/".join(["d" * 99] * 41),
        "./" * 2050 + "app.py",
        "./" * 2050 + ".codex/result.json",
        "sub",
        "sub/",
        ".",
        "./",
        "",
        "app.py/x",
        "app.py//",
        "app.py/.",
        ".codex/result.json//",
        ".codex/result.json/.",
        ".codex/result.json/x",
        ".codex",
        "fifo",
        "s",
        "linked-folder",
        "C:missing",
        "..%5C..%5Cetc",
        "%252e%252e%252f",
        "%252e%252e%252fapp.py",
        "~missing",
        "%ff",
        "app.py%ff",
        "sub/%c3%28",
        "%ed%a0%80",
        "bad-%ff-name",
        "%",
        "%zz",
        "app%2",
    ],
)
def test_a_path_that_is_safe_and_names_no_file_is_404(served, project, root, path):
    status, body = at(served, project, path)
    assert (status, body["error"], body["detail"]) == (404, "not_found", "File not found")


@pytest.mark.parametrize("path", ["new%0Aline", "%0a", "app.py%0A", "..%0A/x", "sub%0a/../app.py"])
def test_a_newline_in_the_path_is_404(served, project, root, path):
    status, body = at(served, project, path)
    assert status == 404
    assert body["detail"] in {"File not found", "Not Found"}


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("app.py", "app.py"),
        ("./app.py", "app.py"),
        ("sub/../app.py", "app.py"),
        ("sub%2F..%2Fapp.py", "app.py"),
        ("missing/../app.py", "app.py"),
        ("%61pp%2Epy", "app.py"),
        ("app.py/", "app.py"),
        ("app.py%2F", "app.py"),
        ("sub//inner.txt", "sub/inner.txt"),
        ("sub/inner.txt", "sub/inner.txt"),
        ("link-in", "app.py"),
        ("sub/link-up", "app.py"),
        ("linked-folder/inner.txt", "sub/inner.txt"),
        ("absolute-in", "app.py"),
        ("tests/test_cli.py", "tests/test_cli.py"),
        (".codex/request.json", ".codex/request.json"),
        (".codex/result.json", ".codex/result.json"),
        ("n" * 255, "n" * 255),
        ("./" * 2045 + "app.py", "app.py"),
        ("a%20b.txt", "a b.txt"),
        ("gr%C3%BC%C3%9Fe%20%E2%9C%93.txt", "grüße ✓.txt"),
        ("100%25.txt", "100%.txt"),
        ("question%3F.txt", "question?.txt"),
        ("hash%23.txt", "hash#.txt"),
        ("semi;colon.txt", "semi;colon.txt"),
        ("back%5Cslash.txt", "back\\slash.txt"),
        ("C:foo", "C:foo"),
        ("~root", "~root"),
    ],
)
def test_a_path_that_stays_inside_is_read_and_echoed_as_asked(served, project, root, path, file):
    status, body = at(served, project, path)
    asked = bytes(path, "ascii")
    decoded = asked
    for code in {asked[at : at + 3] for at in range(len(asked)) if asked[at : at + 1] == b"%"} - {b"%25"}:
        decoded = decoded.replace(code, bytes.fromhex(code[1:].decode()))
    assert status == 200
    assert body == {
        "path": decoded.replace(b"%25", b"%").decode(),
        "contents": (root / file).read_text(),
        "encoding": "utf-8",
    }


@pytest.mark.parametrize("target", [b"app.py?x=1", b"app.py?../../x", b"app.py?%00"])
def test_a_query_is_no_part_of_the_path(served, project, root, target):
    assert served.raw_file(project["id"], target).status == 200


@pytest.mark.parametrize("target", [b"\xff", b"gr\xc3\xbc\xc3\x9fe", b"a b", b"app.py\x00", b"app.py\x01", b"{}|<>^`"])
def test_bytes_that_no_url_may_hold_never_make_a_fault_of_ours(served, project, root, target):
    assert served.raw_file(project["id"], target).status in {400, 404}


def test_nothing_outside_was_ever_told(served, project, root):
    for path in ("link-out", "symlinked-escape/secret", "../../outside0/secret"):
        assert SECRET.encode() not in served.raw_file(project["id"], path).body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain\n",
        b"\xef\xbb\xbfwith mark",
        b"cr\rlf\r\nlf\n",
        b"nul \x00 inside",
        "\u2028 \u202e ✓".encode(),
        b"\x1b[31m\x7f",
    ],
)
def test_text_comes_back_exactly(served, project, root, data):
    (root / "exact.txt").write_bytes(data)
    status, body = at(served, project, "exact.txt")
    assert (status, body["encoding"]) == (200, "utf-8")
    assert body["contents"].encode() == data


@pytest.mark.parametrize(
    "data", [b"\xff", b"text then \xc3", b"\xed\xa0\x80", b"\xc0\x80", bytes(range(256)) * 40, b"ok" * 1000 + b"\x80"]
)
def test_bytes_that_are_no_strict_utf8_come_back_as_plain_base64(served, project, root, data):
    (root / "exact.bin").write_bytes(data)
    status, body = at(served, project, "exact.bin")
    assert (status, body["encoding"]) == (200, "base64")
    assert body["contents"] == base64.standard_b64encode(data).decode()


def test_a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_413(client, served, project, root):
    limit = served.settings.max_file_bytes
    with (root / "large").open("wb") as file:
        file.truncate(limit)
    assert len(client.get(f"/{project['id']}/files/large").json()["contents"]) == limit
    with (root / "large").open("ab") as file:
        file.write(b"x")
    require_envelope(client.get(f"/{project['id']}/files/large"), 413, "File too large")


def test_every_answer_has_an_etag_of_the_bytes(client, project, root):
    (root / "tagged").write_bytes(b"one")
    url = f"/{project['id']}/files/tagged"
    first = client.get(url)
    assert first.headers["etag"] == f'"{hashlib.sha256(b"one").hexdigest()}"'
    assert client.get(url).headers["etag"] == first.headers["etag"]
    (root / "tagged").write_bytes(b"two")
    assert client.get(url).headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', 'W/"other",{} , "more"', "*"])
def test_a_file_that_still_has_the_tag_is_304_without_a_body(client, project, root, form):
    url = f"/{project['id']}/files/sub/inner.txt"
    etag = client.get(url).headers["etag"]
    answer = client.get(url, headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)


def test_tags_may_be_sent_in_several_headers(served, client, project, root):
    etag = client.get(f"/{project['id']}/files/app.py").headers["etag"]
    path = f"{served.settings.api_v1_str}/{project['id']}/files/app.py"
    answer = served.raw(path, headers=f'If-None-Match: "other"\r\nIf-None-Match: {etag}\r\n')
    assert answer.status == 304


@pytest.mark.parametrize("form", ['"other"', "", "{} x", "x{}"])
def test_another_tag_gets_the_file(client, project, root, form):
    url = f"/{project['id']}/files/app.py"
    etag = client.get(url).headers["etag"]
    assert client.get(url, headers={"If-None-Match": form.format(etag)}).status_code == 200


def test_the_listing_has_every_readable_file_once_sorted_with_its_size(client, project, root):
    listing = client.get(f"/{project['id']}/files").json()
    assert set(listing) == {"files"}
    assert all(set(entry) == {"path", "size"} for entry in listing["files"])
    sizes = {entry["path"]: entry["size"] for entry in listing["files"]}
    paths = [entry["path"] for entry in listing["files"]]
    assert paths == sorted(sizes)
    inside = [".codex/request.json", ".codex/result.json", "README.md", "app.py", "tests/test_cli.py", "sub/inner.txt"]
    for path in [*inside, *SPECIAL, "link-in", "sub/link-up", "absolute-in", "n" * 255]:
        assert sizes[path] == len((root / path).read_bytes())
    outside = {"link-out", "relative-out", "dangling-out", "dangling-in", "loop", "loop-a", "to-null", "fifo", "s"}
    assert not outside & set(sizes)
    assert not [path for path in sizes if path.startswith(("symlinked-escape", "linked-folder", "bad-"))]


def test_what_is_listed_can_be_read_and_has_that_size(client, project, root):
    (root / "exact.bin").unlink(missing_ok=True)
    (root / "large").unlink(missing_ok=True)
    for entry in client.get(f"/{project['id']}/files").json()["files"]:
        if "\n" in entry["path"]:
            continue
        quoted = "/".join(httpx_quote(part) for part in entry["path"].split("/"))
        body = client.get(f"/{project['id']}/files/{quoted}").json()
        assert (body["path"], len(body["contents"].encode())) == (entry["path"], entry["size"])


def httpx_quote(part: str) -> str:
    return "".join(f"%{byte:02X}" for byte in part.encode())


def test_the_listing_agrees_with_the_workspace_module(client, finished):
    listing = client.get(f"/{finished['id']}/files").json()["files"]
    found = [{"path": e.path, "size": e.size} for e in list_files(Path(finished["workspace_path"]))]
    assert listing == found


def test_a_workspace_that_is_gone_has_no_files_and_its_project_still_answers(client):
    project = new_project(client)
    shutil.rmtree(project["workspace_path"])
    answer = client.get(f"/{project['id']}/files")
    assert (answer.status_code, answer.json()) == (200, {"files": []})
    require_envelope(client.get(f"/{project['id']}/files/app.py"), 404, "File not found")
    require_envelope(client.get(f"/{project['id']}/files/%2e%2e/x"), 400, "Invalid path")
    assert client.get(f"/projects/{project['id']}").status_code == 200


def test_a_job_in_a_workspace_that_is_gone_ends_with_launch_failed_and_not_with_a_500(client):
    project = new_project(client)
    shutil.rmtree(project["workspace_path"])
    job = new_job(client, project)
    assert (job["status"], job["failure_kind"]) == ("error", "launch_failed")


def test_a_workspace_replaced_by_a_link_out_shows_nothing(client, tmp_path):
    project = new_project(client)
    (tmp_path / "app.py").write_text(SECRET)
    shutil.rmtree(project["workspace_path"])
    Path(project["workspace_path"]).symlink_to(tmp_path)
    assert client.get(f"/{project['id']}/files").json() == {"files": []}
    require_envelope(client.get(f"/{project['id']}/files/app.py"), 404, "File not found")


def test_the_folder_is_the_stored_one(served, client, tmp_path):
    project = new_project(client)
    other = tmp_path / "elsewhere"
    shutil.move(project["workspace_path"], other)
    with served.backend.database.write() as session:
        session.connection().exec_driver_sql(
            "UPDATE projects SET workspace_path = ? WHERE id = ?", (str(other), project["id"])
        )
    assert client.get(f"/{project['id']}/files/app.py").status_code == 200
