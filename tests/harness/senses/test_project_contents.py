"""A project's files as they came, whole or not at all."""

import base64
from urllib.parse import unquote

import pytest
from sensing import exchange, silence

from harness.senses import project_contents
from harness.senses.project_contents import Contents, fetch

LISTING = "/api/v1/p/files"


class Files:
    """A file API over a mapping."""

    def __init__(self, files):
        self.files, self.asked, self.answers, self.size = files, [], {}, None

    def __call__(self, sent):
        path = sent.request.path
        if path == LISTING:
            listed = [
                {"path": name, "size": len(data) if self.size is None else self.size}
                for name, data in self.files.items()
            ]
            return self.answers.get(LISTING) or exchange({"files": listed})
        name = unquote(path.removeprefix(f"{LISTING}/"), errors="surrogatepass")
        self.asked.append(name)
        contents = base64.b64encode(self.files[name]).decode()
        return self.answers.get(name) or exchange({"path": name, "contents": contents, "encoding": "base64"})


def test_each_file_is_fetched_as_it_came():
    files = Files({"app.py": b"print()\r\n", "tests/a b#?%2e.bin": b"\xff\x00", "empty": b""})
    files.answers["app.py"] = exchange({"contents": "prïnt()\r\n", "encoding": "utf-8"})
    assert fetch(files, LISTING) == Contents(
        {"app.py": "prïnt()\r\n".encode(), "tests/a b#?%2e.bin": b"\xff\x00", "empty": b""}
    )


def test_the_folder_of_the_contract_is_not_taken():
    files = Files({".codex/result.json": b"{}", ".codex": b"x", ".codexx": b"x", "a/.codex/b": b"x"})
    assert fetch(files, LISTING).files == {".codexx": b"x", "a/.codex/b": b"x"}
    assert files.asked == [".codexx", "a/.codex/b"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (exchange({"error": "x"}, status=404), "404"),
        (exchange(status=304), "304"),
        (silence("ReadTimeout"), "ReadTimeout"),
        (exchange({"contents": "x"}, error="BodyTooLarge"), "BodyTooLarge"),
        (exchange({"contents": "[REDACTED]=", "encoding": "base64"}), "form"),
        (exchange({"contents": "é", "encoding": "base64"}), "form"),
        (exchange({"contents": None}), "form"),
        (exchange(["x"]), "form"),
    ],
)
def test_half_a_project_is_none(answer, why):
    files = Files({"other.py": b"2", "app.py": b"1"})
    files.answers["app.py"] = answer
    found = fetch(files, LISTING)
    assert not found.files
    assert "app.py is listed but could not be read" in found.doubt
    assert why in found.doubt


@pytest.mark.parametrize(
    "listing",
    [
        exchange({"error": "not_found"}, status=404),
        silence(),
        exchange({"files": []}, error="BodyTooLarge"),
        exchange({"files": [{"path": "a"}]}),
        exchange({}),
        exchange("x"),
    ],
)
def test_a_listing_that_cannot_be_used_is_a_doubt(listing):
    files = Files({})
    files.answers[LISTING] = listing
    found = fetch(files, LISTING)
    assert found.doubt
    assert not found.files


@pytest.mark.parametrize(("bound", "value"), [("MOST_FILES", 1), ("MOST_BYTES", 3)])
def test_beyond_a_bound_nothing_is_read(monkeypatch, bound, value):
    monkeypatch.setattr(project_contents, bound, value)
    files = Files({"a": b"11", "b": b"22"})
    assert "too many to read" in fetch(files, LISTING).doubt
    assert files.asked == []


@pytest.mark.parametrize("size", [0, -1_000_000])
def test_a_listing_that_lies_about_sizes_does_not_lift_the_bound(monkeypatch, size):
    monkeypatch.setattr(project_contents, "MOST_BYTES", 3)
    files = Files({"a": b"11", "b": b"22", "c": b"33"})
    files.size = size
    assert "too many to read" in fetch(files, LISTING).doubt
    assert files.asked == ["a", "b"]


def test_a_name_that_is_no_text_is_asked_for_and_shown_in_one_line():
    name = "a\n\ud800"
    files = Files({name: b""})
    files.answers[name] = exchange(status=404)
    assert fetch(files, LISTING).doubt == r"'a\n\ud800' is listed but could not be read (404)"
