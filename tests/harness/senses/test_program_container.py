"""What is asked of the engine for a run, and what is put into it."""

import io
import json
import tarfile

import pytest

from harness.senses.program_container import LOG_FILE_BYTES, UnsafeNameError, archive_of, create_body
from harness.senses.programs import MOST_OUTPUT_BYTES
from harness.stack.judge_containers import labels as labels_of_judges
from worker.contract import Label

LABELS = labels_of_judges()


def unpacked(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {entry.name: (entry, opened.extractfile(entry).read()) for entry in opened}


def test_the_engine_gets_one_file_and_the_project_lies_within():
    files = {"app.py": b"print(1)", "tests/a b\\c: \n é.py": b"\xff\x00", "empty": b"", "x" * 255: b"1", ".wh.x": b""}
    outer = unpacked(archive_of(files))
    assert list(outer) == ["project.tar"]
    inner = unpacked(outer["project.tar"][1])
    assert {name: data for name, (_, data) in inner.items()} == files
    for entry, _ in [*outer.values(), *inner.values()]:
        assert (entry.isreg(), entry.mode, entry.uid, entry.mtime) == (True, 0o644, 0, 0)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../app.py",
        "a/../../b",
        "a/..",
        ".",
        "./a",
        "a/./b",
        "a//b",
        "a/",
        "a\0b",
        "\ud800",
        "x" * 256,
        "é" * 128,
        "a/" * 600 + "b",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(UnsafeNameError) as refused:
        archive_of({"app.py": b"", name: b""})
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b/c", "a")])
def test_a_file_that_is_also_a_folder_is_refused(names):
    with pytest.raises(UnsafeNameError, match="'a' is a file"):
        archive_of(dict.fromkeys(names, b""))


def test_the_container_may_do_nothing_but_compute():
    body = create_body("sha256:0", ["app.py", "-n", "5"], LABELS)
    host = body["HostConfig"]
    assert (body["Image"], body["User"], body["Entrypoint"]) == ("sha256:0", "10001:10001", ["python3"])
    assert body["Cmd"][-3:] == ["app.py", "-n", "5"]
    assert (host["NetworkMode"], host["ReadonlyRootfs"], host["Privileged"]) == ("none", True, False)
    assert (host["CapDrop"], host["SecurityOpt"]) == (["ALL"], ["no-new-privileges:true"])
    assert host["Memory"] == host["MemorySwap"] > 0
    assert host["NanoCpus"] > 0
    assert host["PidsLimit"] > 0
    assert "Binds" not in host
    assert [mount["Type"] for mount in host["Mounts"]] == ["volume"]
    assert not any("Source" in mount for mount in host["Mounts"])


def test_the_witness_does_not_take_it_for_one_of_the_subjects():
    labels = create_body("x", [], LABELS)["Labels"]
    assert labels["ladder.component"] == "judge"
    assert not labels.keys() & set(Label)


def test_an_output_within_the_bound_is_in_the_log_from_its_beginning():
    longest = {"log": "\\u003c", "stream": "stderr", "time": "2026-11-21T06:14:00.123456789Z"}
    # One byte needs at most a line of its own; the engine drops the first file when the second is full.
    line = json.dumps(longest, separators=(",", ":")).replace("\\\\", "\\") + "\n"
    assert MOST_OUTPUT_BYTES * len(line) < LOG_FILE_BYTES
