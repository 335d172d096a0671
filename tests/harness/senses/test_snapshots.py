"""Hashes of a project's files, made of what was received."""

import base64
import hashlib
from urllib.parse import unquote

import pytest
from sensing import exchange, silence

from harness.senses import snapshots
from harness.senses.snapshots import Snapshot, changes, take

LISTING = "/api/v1/p/files"


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Files:
    """A file API over a mapping; it may be made to lie."""

    def __init__(self, **files):
        self.files = {name.replace("__", "/"): data for name, data in files.items()}
        self.calls, self.etags, self.broken, self.sizes = [], {}, {}, {}
        self.always_unchanged = False

    def __call__(self, sent):
        self.calls.append(sent.request)
        path = sent.request.path
        if path == LISTING:
            listed = [{"path": name, "size": self.sizes.get(name, len(data))} for name, data in self.files.items()]
            return self.broken.get(LISTING) or exchange({"files": listed})
        return self.read(unquote(path.removeprefix(f"{LISTING}/")), sent.request.headers.get("if-none-match"))

    def read(self, name, offered):
        if name in self.broken:
            return self.broken[name]
        data = self.files[name]
        etag = self.etags.get(name, f'"{sha(data)}"')
        if offered and (offered == etag or self.always_unchanged):
            return exchange(status=304, headers={"etag": etag})
        try:
            body = {"path": name, "contents": data.decode(), "encoding": "utf-8"}
        except UnicodeDecodeError:
            body = {"path": name, "contents": base64.b64encode(data).decode(), "encoding": "base64"}
        return exchange(body, headers={"etag": etag})

    def reads(self):
        return [request for request in self.calls if request.path != LISTING]


def taken(files, known=None):
    return take(files, LISTING, known or Snapshot())


def hashes(snapshot):
    return {path: content.sha256 for path, content in snapshot.files.items()}


def test_each_file_is_hashed_by_the_bytes_that_were_received():
    found = taken(Files(**{"app.py": b"print()\r\n\xef\xbb\xbf", "tests__bin": b"\xff\x00", "empty": b""}))
    assert hashes(found) == {
        "app.py": sha(b"print()\r\n\xef\xbb\xbf"),
        "tests/bin": sha(b"\xff\x00"),
        "empty": sha(b""),
    }
    assert found.doubt == ""


def test_the_folder_of_the_contract_is_not_read():
    files = Files(**{".codex__result.json": b"{}", ".codexx": b"x"})
    assert hashes(taken(files)) == {".codexx": sha(b"x")}
    assert len(files.reads()) == 1


def test_no_project_means_no_files_and_no_doubt():
    files = Files()
    files.broken[LISTING] = exchange({"error": "not_found"}, status=404)
    assert taken(files) == Snapshot()


def test_names_are_sent_so_that_they_arrive():
    odd = "a b#c?d%2e/é.py"
    assert list(taken(Files(**{odd: b"x"})).files) == [odd]


def test_an_unchanged_file_is_not_transferred_again():
    files = Files(**{"app.py": b"1", "big.bin": b"2"})
    first = taken(files)
    files.files["app.py"] = b"3"
    second = taken(files, first)
    assert hashes(second) == {"app.py": sha(b"3"), "big.bin": sha(b"2")}
    assert [request.headers.get("if-none-match") for request in files.reads()[2:]] == [
        f'"{sha(b"1")}"',
        f'"{sha(b"2")}"',
    ]
    assert changes("submit", first, second).modified == ("app.py",)


@pytest.mark.parametrize("etag", ['"something-else"', f'"{sha(b"other")}"', f'W/"{sha(b"1")}"', ""])
def test_an_etag_that_is_not_the_hash_of_what_came_is_never_used(etag):
    files = Files(**{"app.py": b"1"})
    files.etags["app.py"] = etag
    first = taken(files)
    files.always_unchanged = True
    files.files["app.py"] = b"2"
    assert hashes(taken(files, first)) == {"app.py": sha(b"2")}


def test_a_file_of_another_size_is_read_whatever_the_server_would_say():
    files = Files(**{"app.py": b"1"})
    first = taken(files)
    files.always_unchanged = True
    files.files["app.py"] = b"22"
    assert hashes(taken(files, first)) == {"app.py": sha(b"22")}


@pytest.mark.parametrize("etag", ['"weak"', None])
def test_not_modified_without_having_been_asked_is_no_content(etag):
    files = Files(**{"app.py": b"1"})
    if etag:
        files.etags["app.py"] = etag
    first = taken(files) if etag else Snapshot()
    files.broken["app.py"] = exchange(status=304)
    assert "could not be read (304)" in taken(files, first).doubt


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (exchange({"error": "x"}, status=404), "404"),
        (exchange({"error": "x"}, status=413), "413"),
        (silence("ReadTimeout"), "ReadTimeout"),
        (exchange({"contents": "x"}, error="BodyTooLarge"), "BodyTooLarge"),
        (exchange({"contents": "[REDACTED]=", "encoding": "base64"}), "form"),
        (exchange({"contents": None}), "form"),
        (exchange(["x"]), "form"),
    ],
)
def test_a_listed_file_that_cannot_be_read_is_a_doubt_about_all(answer, why):
    files = Files(**{"app.py": b"1", "other.py": b"2"})
    files.broken["app.py"] = answer
    found = taken(files)
    assert why in found.doubt
    assert "before the step" in changes("submit", found, Snapshot()).doubt
    assert "after the step" in changes("submit", Snapshot(), found).doubt


@pytest.mark.parametrize(
    "listing",
    [
        exchange({"error": "x"}, status=500),
        silence(),
        exchange({"files": [{"path": "a"}]}),
        exchange({"files": [{"path": 1, "size": 1}]}),
        exchange({"files": None}),
        exchange([]),
        exchange("x"),
        exchange({}),
    ],
)
def test_a_listing_that_cannot_be_used_is_a_doubt(listing):
    files = Files()
    files.broken[LISTING] = listing
    found = taken(files)
    assert found.doubt
    assert not found.files


@pytest.mark.parametrize(("bound", "value"), [("MOST_FILES", 1), ("MOST_BYTES", 3)])
def test_beyond_a_bound_nothing_is_read(monkeypatch, bound, value):
    monkeypatch.setattr(snapshots, bound, value)
    files = Files(a=b"11", b=b"22")
    assert "too many to read" in taken(files).doubt
    assert files.reads() == []


def test_changes_compare_both_sides():
    before, after = taken(Files(a=b"1", b=b"1")), taken(Files(b=b"2", c=b"1"))
    found = changes("submit", before, after)
    assert (found.created, found.modified, found.deleted, found.doubt) == (("c",), ("b",), ("a",), "")
    assert found.since == "submit"
