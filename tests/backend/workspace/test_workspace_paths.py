import os
import socket
from pathlib import Path

import pytest

from backend.workspace.descriptors import SCAN
from backend.workspace.errors import FileMissingError, FileTooLargeError, InvalidPathError, WorkspaceError
from backend.workspace.files import read_file
from backend.workspace.paths import decode_path, resolve

SECRET = b"outside: never to be read"


def read_raw(root: Path, raw: str, *, max_bytes: int = 1000) -> bytes:
    return read_file(root, decode_path(raw.encode()), max_bytes=max_bytes).data


@pytest.mark.parametrize(
    ("raw", "reference"),
    [
        ("../x", "path-outside"),
        ("../../etc/passwd", "path-outside"),
        ("%2e%2e/x", "path-outside"),
        ("%2e%2e%2Fetc%2Fpasswd", "path-outside"),
        ("..%2Fetc%2Fpasswd", "path-outside"),
        ("sub%2f..%2f..%2fx", "path-outside"),
        ("..", "path-outside"),
        ("missing/../../p1/app.py", "path-outside"),
        ("../p1/app.py", "path-outside"),
        ("app.py/../../p1/app.py", "path-outside"),
        ("/etc/passwd", "path-absolute"),
        ("//etc/passwd", "path-absolute"),
        ("%2Fetc%2Fpasswd", "path-absolute"),
        ("C:\\x", "path-absolute"),
        ("C:/x", "path-absolute"),
        ("c%3A%5Cx", "path-absolute"),
        ("\\\\server\\share", "path-absolute"),
        ("%5C%5Cserver%5Cshare", "path-absolute"),
        ("app.py%00", "path-has-nul"),
        ("%00", "path-has-nul"),
        ("../" * 3000, "path-outside"),
    ],
)
def test_a_path_whose_text_leads_outside_is_invalid(place, raw, reference):
    with pytest.raises(InvalidPathError) as caught:
        read_raw(place.root, raw)
    assert caught.value.reference == reference


def test_an_escape_is_invalid_in_a_deleted_workspace_too(tmp_path):
    with pytest.raises(InvalidPathError):
        read_raw(tmp_path / "gone", "../x")


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("out", "{outside}/secret", "out"),
        ("out", "../../outside/secret", "out"),
        ("out", "{outside}/folder", "out/secret"),
        ("out", "{outside}/folder", "out/missing"),
        ("out", "{outside}/folder", "out/missing/deeper"),
        ("out", "../../outside/folder", "out/secret"),
        ("sub/out", "../../../outside/secret", "sub/out"),
        ("sub/out", "deep/../../../../outside/secret", "sub/out"),
        ("out", "missing/../../../outside/secret", "out"),
        ("out", "/etc/passwd", "out"),
        ("out", "//etc/passwd", "out"),
        ("out", "/", "out/etc/passwd"),
        ("out", "/proc/self/root", "out/etc/passwd"),
        ("out", "{outside}/never-there", "out"),
        ("out", "../never-there", "out"),
        ("out", "/never-there", "out"),
        ("out", "..", "out"),
        ("out", "..", "out/p1/app.py"),
        ("out", "../p1/app.py", "out"),
        ("out", "{root}/../p1/app.py", "out"),
        ("out", "{root}/../../outside/secret", "out"),
        ("out", "{root}2/app.py", "out"),
        ("out", "/workspace/app.py", "out"),
        ("out", "sub/..//../p1/app.py", "out"),
    ],
)
def test_a_link_that_leads_outside_is_invalid(place, *, link, target, path):
    (place.root / link).symlink_to(target.format(outside=place.outside, root=place.root))
    with pytest.raises(InvalidPathError) as caught:
        read_raw(place.root, path)
    assert caught.value.reference == "path-outside"


def test_a_link_that_reaches_outside_through_other_links_is_invalid(place):
    (place.root / "up").symlink_to("sub/..")
    (place.root / "chain").symlink_to("up/up/../out")
    (place.root / "out").symlink_to(place.outside / "secret")
    with pytest.raises(InvalidPathError):
        read_raw(place.root, "chain")


@pytest.mark.parametrize(
    "links",
    [
        {"loop": "loop"},
        {"loop": "b", "b": "loop"},
        {"loop": "b/x", "b": "loop"},
        {"loop": "sub/../loop"},
        {"loop": "./loop/"},
        {"loop": "sub/back", "sub/back": "../loop"},
    ],
)
def test_a_loop_of_links_is_invalid_because_it_never_ends_inside(place, links):
    for name, target in links.items():
        (place.root / name).symlink_to(target)
    for path in ("loop", "loop/", "loop/app.py", "loop/../app.py"):
        with pytest.raises(InvalidPathError) as caught:
            read_raw(place.root, path)
        assert caught.value.reference == "path-loop"


def test_forty_links_in_a_row_are_followed_and_one_more_is_a_loop(place):
    (place.root / "link40").symlink_to("app.py")
    for number in range(40):
        (place.root / f"link{number}").symlink_to(f"link{number + 1}")
    assert read_raw(place.root, "link1") == b"content of app.py"
    with pytest.raises(InvalidPathError):
        read_raw(place.root, "link0")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("app.py", "app.py"),
        ("app.py/", "app.py"),
        ("./app.py", "app.py"),
        ("sub/../app.py", "app.py"),
        ("sub/deep/../../app.py", "app.py"),
        ("sub//inner.txt", "sub/inner.txt"),
        ("sub/./deep/../inner.txt", "sub/inner.txt"),
        ("missing/../app.py", "app.py"),
        ("missing/more/../../sub/inner.txt", "sub/inner.txt"),
        (".codex/request.json", ".codex/request.json"),
        ("with%20space/a%20b.txt", "with space/a b.txt"),
        ("with space/a b.txt", "with space/a b.txt"),
        ("gr%C3%BC%C3%9Fe%20%E2%9C%93.txt", "grüße ✓.txt"),
        ("sub%2Finner.txt", "sub/inner.txt"),
    ],
)
def test_a_path_that_stays_inside_is_read(place, raw, name):
    assert read_raw(place.root, raw).decode() == f"content of {name}"


@pytest.mark.parametrize(
    ("link", "target", "path", "name"),
    [
        ("in", "app.py", "in", "app.py"),
        ("in", "app.py", "in/", "app.py"),
        ("in", "./sub/../app.py", "in", "app.py"),
        ("in", "sub", "in/inner.txt", "sub/inner.txt"),
        ("in", "sub/", "in/inner.txt", "sub/inner.txt"),
        ("in", "sub/deep", "in/../inner.txt", "sub/inner.txt"),
        ("in", ".", "in/in/app.py", "app.py"),
        ("sub/in", "../app.py", "sub/in", "app.py"),
        ("sub/in", "..", "sub/in/sub/inner.txt", "sub/inner.txt"),
        ("in", "missing/../app.py", "in", "app.py"),
        ("in", "{root}/app.py", "in", "app.py"),
        ("in", "/{root}//./sub/inner.txt", "in", "sub/inner.txt"),
        ("sub/deep/in", "{root}", "sub/deep/in/app.py", "app.py"),
    ],
)
def test_a_link_that_stays_inside_is_followed(place, *, link, target, path, name):
    (place.root / link).symlink_to(target.format(root=place.root))
    assert read_raw(place.root, path).decode() == f"content of {name}"


@pytest.mark.parametrize(
    "raw",
    [
        "does-not-exist.txt",
        "missing/deeper",
        "missing/../also-missing",
        "missing/./x/..",
        "",
        ".",
        "./",
        "sub",
        "sub/",
        "sub/..",
        "app.py/x",
        "app.py/.",
        "app.py//",
        "app.py/../app.py",
        "app.py/x/../../app.py",
        "x" * 256,
        "é" * 128,
        "x" * 256 + "/../app.py",
        "sub/" + "./" * 2050 + "inner.txt",
        "a/" * 3000,
        "C:foo",
        "..%5C..%5Cetc",
        "%252e%252e%252f",
        "%252e%252e%252fetc%252fpasswd",
        "~root",
        "~",
        "%ff",
        "sub/%ff%fe",
        "%C0%AE%C0%AE/x",
        "line%0Abreak",
        "...",
        "..a",
        "%zz",
        "nested/C:/x",
    ],
)
def test_a_harmless_path_without_a_regular_file_is_missing(place, raw):
    with pytest.raises(FileMissingError):
        read_raw(place.root, raw)


def test_forms_of_other_systems_are_plain_names_here(place):
    for name in ("C:foo", "..\\..\\etc", "%2e%2e%2f", "~root", "..a", "\\x"):
        (place.root / name).write_text(name)
        assert read_file(place.root, name, max_bytes=100).contents == name


@pytest.mark.parametrize(
    "target", ["missing", "sub/missing", "missing/deeper", "{root}/missing", "missing/../missing", ".", "sub"]
)
def test_a_dangling_link_that_stays_inside_is_missing(place, target):
    (place.root / "dangling").symlink_to(target.format(root=place.root))
    with pytest.raises(FileMissingError):
        read_raw(place.root, "dangling")


def test_a_name_of_exactly_255_bytes_and_a_path_of_exactly_4096_are_read(place):
    (place.root / ("x" * 255)).write_text("long")
    assert read_raw(place.root, "x" * 255) == b"long"
    assert len(path := "./" * 2045 + "app.py") == 4096
    assert read_raw(place.root, path) == b"content of app.py"


def test_text_that_no_file_system_can_encode_is_missing(place):
    for path in ("\ud800", "a/\udcff", "sub/\udfff/../../app.py"):
        with pytest.raises(FileMissingError) as caught:
            read_file(place.root, path, max_bytes=10)
        assert caught.value.reference == "path-not-utf8"


def test_a_file_with_a_newline_in_its_name_is_missing_although_it_is_there(place):
    (place.root / "line\nbreak").write_text("x")
    with pytest.raises(FileMissingError) as caught:
        read_raw(place.root, "line%0Abreak")
    assert caught.value.reference == "path-has-newline"


def test_a_fifo_is_missing_and_opening_it_never_waits_for_a_writer(place):
    os.mkfifo(place.root / "fifo")
    (place.root / "to-fifo").symlink_to("fifo")
    for path in ("fifo", "fifo/", "to-fifo"):
        with pytest.raises(FileMissingError):
            read_raw(place.root, path)


def test_a_socket_is_missing(place, monkeypatch):
    monkeypatch.chdir(place.root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(FileMissingError):
            read_raw(place.root, "socket")


@pytest.mark.parametrize("device", ["null", "zero", "tty"])
def test_a_device_is_missing_and_never_opened(device):
    with pytest.raises(FileMissingError) as caught:
        read_raw(Path("/dev"), device)
    assert caught.value.reference == "file-not-regular"


def test_an_unreadable_file_or_directory_is_missing(bound_by_modes):
    (bound_by_modes / "locked").mkdir()
    (bound_by_modes / "locked" / "file").write_text("x")
    (bound_by_modes / "locked.txt").write_text("x")
    (bound_by_modes / "locked").chmod(0)
    (bound_by_modes / "locked.txt").chmod(0)
    for path in ("locked/file", "locked.txt", "locked/../locked.txt"):
        with pytest.raises(FileMissingError) as caught:
            read_raw(bound_by_modes, path)
        assert caught.value.reference == "file-unreadable"


def test_a_missing_workspace_or_a_link_in_its_place_has_no_file(place):
    for root in (place.root / "gone", place.root / "app.py", place.outside / "link"):
        (place.outside / "link").unlink(missing_ok=True)
        (place.outside / "link").symlink_to(place.root)
        with pytest.raises(FileMissingError) as caught:
            read_raw(root, "app.py")
        assert caught.value.reference == "workspace-missing"


def test_a_file_above_the_limit_is_too_large_and_one_at_the_limit_is_not(place):
    (place.root / "file").write_bytes(b"x" * 11)
    assert len(read_raw(place.root, "file", max_bytes=11)) == 11
    with pytest.raises(FileTooLargeError):
        read_raw(place.root, "file", max_bytes=10)


def test_what_a_path_means_is_pinned_and_told_by_its_real_components(place):
    (place.root / "in").symlink_to("sub/deep")
    root_fd = os.open(place.root, SCAN)
    try:
        with resolve(root_fd, "in/../deep/deepest.txt/") as resolved:
            (place.root / "sub/deep/deepest.txt").unlink()
            assert resolved.parts == ("sub", "deep", "deepest.txt")
            assert resolved.target.stat.st_ino == os.fstat(resolved.target.fd).st_ino
        with resolve(root_fd, "sub/..") as resolved:
            assert resolved.parts == ()
            assert resolved.target.is_directory
    finally:
        os.close(root_fd)


def test_no_descriptor_is_left_open_by_any_outcome(place):
    (place.root / "loop").symlink_to("loop")
    (place.root / "in").symlink_to(f"{place.root}/sub/deep/../inner.txt")
    (place.root / "out").symlink_to(place.outside / "secret")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (
        "app.py",
        "in",
        "out",
        "loop",
        "sub",
        "app.py/x",
        "missing",
        "sub/deep/../../..",
        "x" * 300,
        "in/../x",
    ):
        try:
            read_file(place.root, path, max_bytes=5)
        except WorkspaceError:
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_links_that_would_take_very_many_steps_are_given_up(place):
    for number in range(40):
        (place.root / f"slow{number}").symlink_to("./" * 2000 + f"slow{number + 1}")
    with pytest.raises(FileMissingError) as caught:
        read_raw(place.root, "slow0")
    assert caught.value.reference == "path-too-long"


def test_a_message_shows_a_foreign_path_escaped_and_short(place):
    with pytest.raises(InvalidPathError) as caught:
        read_file(place.root, "/\x1b[2J\u202e" + "x" * 500, max_bytes=10)
    assert str(caught.value).isascii()
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 200
