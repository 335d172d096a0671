import base64
import fcntl
import hashlib
import os
import signal
from pathlib import Path

import pytest

from backend.workspace.errors import FileMissingError, WorkspaceError
from backend.workspace.files import FileEntry, list_files, read_file, workspace_size


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain\n",
        b"windows\r\nline\rends\n",
        "\ufeffwith a mark".encode(),
        b"nul\x00inside",
        "grüße \U0001f600".encode(),
    ],
)
def test_text_is_returned_exactly_as_it_stands(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    content = read_file(tmp_path, "./file", max_bytes=100)
    assert (content.encoding, content.contents.encode(), content.data) == ("utf-8", data, data)
    assert content.sha256 == hashlib.sha256(data).hexdigest()
    assert content.path == "./file"


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"text, then \xc3", b"\xed\xa0\x80 is a surrogate", b"\xc0\xaf is overlong", bytes(range(256)) * 4],
)
def test_bytes_that_are_no_strict_utf8_are_returned_as_unbroken_base64(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    content = read_file(tmp_path, "file", max_bytes=2000)
    assert content.encoding == "base64"
    assert "\n" not in content.contents
    assert base64.b64decode(content.contents, validate=True) == data


def test_a_file_tells_where_it_really_is_behind_all_links(place):
    (place.root / "in").symlink_to("sub/deep")
    (place.root / "result").symlink_to(f"{place.root}/.codex/request.json")
    for path, real in {
        "in/../inner.txt": "sub/inner.txt",
        "result": ".codex/request.json",
        "./app.py/": "app.py",
    }.items():
        content = read_file(place.root, path, max_bytes=100)
        assert (content.path, content.real_path) == (path, real)


def test_a_lease_on_a_file_does_not_make_a_read_wait_for_its_holder(tmp_path):
    file = tmp_path / "leased"
    file.write_text("x")
    # The kernel tells the holder by a signal; whoever holds a lease in a workspace simply does not react.
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        with file.open("r+b") as holder:
            fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            with pytest.raises(FileMissingError) as caught:
                read_file(tmp_path, "leased", max_bytes=10)
    finally:
        signal.signal(signal.SIGIO, before)
    assert caught.value.reference == "file-unreadable"
    assert read_file(tmp_path, "leased", max_bytes=10).contents == "x"


def test_a_large_file_is_read_whole(tmp_path):
    data = os.urandom(3_000_001)
    (tmp_path / "file").write_bytes(data)
    assert read_file(tmp_path, "file", max_bytes=len(data)).data == data


def test_a_listing_holds_files_and_links_to_files_inside_and_is_sorted_by_path(place):
    (place.root / "empty").mkdir()
    (place.root / "sub-file").write_text("x")
    (place.root / "link.py").symlink_to("app.py")
    (place.root / "sub" / "absolute").symlink_to(place.root / "app.py")
    (place.root / "sub" / "up").symlink_to("../with space/a b.txt")
    entries = list_files(place.root)
    assert [entry.path for entry in entries] == [
        ".codex/request.json",
        "app.py",
        "grüße ✓.txt",
        "link.py",
        "sub-file",
        "sub/absolute",
        "sub/deep/deepest.txt",
        "sub/inner.txt",
        "sub/up",
        "with space/a b.txt",
    ]
    assert FileEntry("link.py", len("content of app.py")) in entries
    assert FileEntry("grüße ✓.txt", len("content of grüße ✓.txt".encode())) in entries


def test_a_listing_leaves_out_what_no_read_would_return(place):
    expected = list_files(place.root)
    for name, target in {
        "out": place.outside / "secret",
        "out-folder": place.outside,
        "in-folder": "sub",
        "self": ".",
        "loop": "loop",
        "dangling": "missing",
        "to-fifo": "fifo",
        "passwd": "/etc/passwd",
        "device": "/dev/zero",
        "sub/up-and-out": "../../../outside/secret",
        "through-folder": "out-folder/secret",
    }.items():
        (place.root / name).symlink_to(target)
    os.mkfifo(place.root / "fifo")
    Path(os.fsdecode(os.fsencode(place.root) + b"/undecodable-\xff")).write_text("x")
    Path(os.fsdecode(os.fsencode(place.root) + b"/folder-\xff")).mkdir()
    Path(os.fsdecode(os.fsencode(place.root) + b"/folder-\xff/inner")).write_text("x")
    assert list_files(place.root) == expected


def test_a_listing_leaves_out_what_may_not_be_read(bound_by_modes):
    for name in ("readable", "locked", "write-only"):
        (bound_by_modes / name).write_text("x")
    for name in ("closed", "no-search", "no-list"):
        (bound_by_modes / name).mkdir()
        (bound_by_modes / name / "file").write_text("x")
    (bound_by_modes / "to-locked").symlink_to("locked")
    (bound_by_modes / "to-hidden").symlink_to("no-list/file")
    for name, mode in {"locked": 0, "write-only": 0o200, "closed": 0, "no-search": 0o600, "no-list": 0o300}.items():
        (bound_by_modes / name).chmod(mode)
    (bound_by_modes / "readable").chmod(0o400)
    # A directory that may be searched but not listed hides its names, not the file that a link names.
    assert [entry.path for entry in list_files(bound_by_modes)] == ["readable", "to-hidden"]


def test_a_workspace_that_is_gone_or_is_no_directory_has_no_files(place):
    (place.outside / "link").symlink_to(place.root)
    for root in (place.root / "gone", place.root / "app.py", place.outside / "link"):
        assert list_files(root) == ()


def test_a_tree_deeper_than_any_path_is_listed_as_far_as_a_path_reaches(scratch, make_chain):
    for name in ("a", "z"):
        (scratch / name).mkdir()
        (scratch / name / "file").write_text("x")
    make_chain(scratch / "a", name="d", levels=3000)
    make_chain(scratch / "z", name="d", levels=1500)
    before = len(list(Path("/proc/self/fd").iterdir()))
    listed = [entry.path for entry in list_files(scratch)]
    assert listed == ["a/file", "z/" + "d/" * 1500 + "bottom.txt", "z/file"]
    assert read_file(scratch, listed[1], max_bytes=10).data == b""
    assert read_file(scratch, "z/" + "d/" * 700 + "../" * 700 + "file", max_bytes=10).data == b"x"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_path_is_listed_up_to_the_length_that_can_be_asked_for(scratch, make_chain):
    make_chain(scratch, name="d", levels=2043)
    assert [len(entry.path) for entry in list_files(scratch)] == [4096]
    assert read_file(scratch, list_files(scratch)[0].path, max_bytes=10).data == b""
    (scratch / "d").rename(scratch / "dd")
    assert list_files(scratch) == ()


def test_deep_trees_with_siblings_are_listed_with_a_handful_of_descriptors(scratch):
    here = scratch
    for level in range(60):
        for name in ("a", "m", "z"):
            (here / name).mkdir()
            (here / name / f"file{level}").write_text("x")
        here = here / "m"
    before = {entry.name for entry in Path("/proc/self/fd").iterdir()}
    assert len(list_files(scratch)) == 180
    assert {entry.name for entry in Path("/proc/self/fd").iterdir()} == before


def test_links_that_would_stall_a_listing_are_left_out_and_files_are_not(place):
    for number in range(40):
        (place.root / f"slow{number}").symlink_to("./" * 2000 + f"slow{number + 1}")
    for number in range(500):
        (place.root / f"also-slow{number}").symlink_to("./" * 2000 + "slow0")
    before = [entry.path for entry in list_files(place.root) if "slow" not in entry.path]
    (place.root / "slow40").write_text("end")
    listed = [entry.path for entry in list_files(place.root)]
    assert before == [path for path in listed if "slow" not in path]
    assert "slow40" in listed
    assert "also-slow7" not in listed


def test_all_links_of_a_listing_share_their_steps_so_that_many_cannot_stall_it(place):
    (place.root / "hop3").write_text("end")
    for number in range(3):
        (place.root / f"hop{number}").symlink_to("./" * 2000 + f"hop{number + 1}")
    for number in range(100):
        (place.root / f"link{number:03}").symlink_to("./" * 2000 + "hop0")
    links = [entry.path for entry in list_files(place.root) if entry.path.startswith("link")]
    assert 0 < len(links) < 100
    assert all(read_file(place.root, f"link{number:03}", max_bytes=10).contents == "end" for number in (0, 50, 99))


def test_the_size_counts_allocated_blocks_of_everything_and_follows_no_link(place):
    (place.root / "sparse").touch()
    os.truncate(place.root / "sparse", 10**9)
    (place.root / "out").symlink_to(place.outside)
    (place.root / "big").write_bytes(b"x" * 1_000_000)
    size = workspace_size(place.root, max_entries=100)
    assert size.complete
    assert size.entries == 13
    assert 1_000_000 <= size.disk_bytes < 2_000_000


def test_the_count_of_a_size_stops_at_its_limit_and_says_so(place):
    size = workspace_size(place.root, max_entries=3)
    assert (size.entries, size.complete) == (3, False)


def test_a_size_counts_directories_that_no_path_can_name(scratch, make_chain):
    make_chain(scratch, name="d", levels=3000)
    assert workspace_size(scratch, max_entries=10_000).entries == 3001


def test_a_size_is_not_complete_when_a_directory_hides_what_it_holds(bound_by_modes):
    (bound_by_modes / "hidden").mkdir()
    assert workspace_size(bound_by_modes, max_entries=10).complete
    (bound_by_modes / "hidden").chmod(0)
    assert not workspace_size(bound_by_modes, max_entries=10).complete


def test_the_size_of_a_missing_workspace_is_an_error(tmp_path):
    with pytest.raises(WorkspaceError) as caught:
        workspace_size(tmp_path / "gone", max_entries=10)
    assert caught.value.reference == "workspace-missing"
