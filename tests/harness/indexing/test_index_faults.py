"""Whatever state the index is in, the list is whole, the fault is told, and what is not ours is left alone."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from indexed_runs import add_run, edit, remembered, with_index, without_index

from harness.indexing.place import FILE, HIDDEN, locked
from harness.indexing.store import VERSION, Index

DRIVER = Path(__file__).with_name("index_driver.py")


@pytest.fixture
def root(tmp_path):
    for number in range(4):
        add_run(tmp_path, number)
    with_index(tmp_path)
    return tmp_path


def listed(root):
    """The list as it must be, and what is told beside it."""
    index = Index(root, patience_s=0.05)
    assert with_index(root, index) == without_index(root)
    return index.warnings


def set_aside(root):
    return [path.name for path in (root / HIDDEN).iterdir() if path.name.endswith(".damaged")]


def connected(root):
    return sqlite3.connect(root / HIDDEN / FILE, isolation_level=None)


def run_sql(root, *statements):
    connection = connected(root)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_sound_index_is_not_spoken_of(root):
    assert listed(root) == []
    assert len(remembered(root)) == 4
    assert (root / HIDDEN / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database" * 1000),
        lambda path: os.truncate(path, 5000),
        lambda path: path.write_bytes(path.read_bytes().replace(b"PASS", b"FAIL")),
    ],
    ids=["garbage", "cut", "altered"],
)
def test_a_damaged_index_is_renamed_told_and_made_anew(root, damage):
    damage(root / HIDDEN / FILE)
    (warning,) = listed(root)
    (aside,) = set_aside(root)
    assert "is damaged" in warning
    assert f"renamed to {aside}" in warning
    assert len(remembered(root)) == 4
    assert listed(root) == []


def test_what_is_in_a_run_is_not_believed_either_when_it_was_altered(root):
    path = root / HIDDEN / FILE
    path.write_bytes(path.read_bytes().replace(b"L02\tFAIL", b"L02\tPASS"))
    index = Index(root)
    assert with_index(root, index, with_contents=True) == without_index(root)
    assert "is damaged" in index.warnings[0]


def test_a_new_index_that_another_process_put_there_meanwhile_is_not_set_aside(root, monkeypatch):
    path = root / HIDDEN / FILE
    sound = path.read_bytes()
    path.write_bytes(b"no database" * 1000)

    def quicker(folder, patience_s, real=locked):
        path.with_name("new").write_bytes(sound)
        path.with_name("new").chmod(0o600)
        path.with_name("new").rename(path)
        return real(folder, patience_s)

    monkeypatch.setattr("harness.indexing.store.locked", quicker)
    assert Index(root).facts() == {}
    assert set_aside(root) == []
    assert path.read_bytes() == sound


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE runs",
        "ALTER TABLE runs DROP COLUMN verdict",
        "UPDATE runs SET verdict = 5",
        "UPDATE runs SET verdict = 'FAIL'",
        "UPDATE runs SET verdict = x'ff'",
        "PRAGMA application_id = 1",
        "PRAGMA user_version = 0",
    ],
)
def test_tables_that_are_not_as_they_were_written_are_no_index(root, statement):
    run_sql(root, statement)
    (warning,) = listed(root)
    assert "is damaged" in warning
    assert len(remembered(root)) == 4


def test_rows_that_somebody_took_out_or_put_in_change_nothing(root):
    run_sql(root, "DELETE FROM runs WHERE folder LIKE '%17:14%'")
    run_sql(root, "UPDATE runs SET folder = '1999-01-01T00:00:00Z' WHERE folder LIKE '%17:15%'")
    listed(root)
    assert len(remembered(root)) == 4


def test_an_index_of_a_newer_version_is_left_to_the_ladder_that_made_it(root):
    run_sql(root, f"PRAGMA user_version = {VERSION + 1}")
    before = (root / HIDDEN / FILE).read_bytes()
    (warning,) = listed(root)
    assert "newer ladder" in warning
    assert (root / HIDDEN / FILE).read_bytes() == before
    assert set_aside(root) == []
    index = Index(root)
    index.forget()
    assert with_index(root, index) == without_index(root)
    assert listed(root) == []


def test_a_locked_index_is_not_waited_for_without_end(root):
    other = connected(root)
    other.execute("BEGIN EXCLUSIVE")
    (warning,) = listed(root)
    assert "locked by another program" in warning
    other.close()
    assert listed(root) == []


def test_a_process_that_holds_the_lock_of_the_folder_keeps_nobody_from_listing(root):
    import fcntl

    add_run(root, 9)
    folder = os.open(root / HIDDEN, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    (warning,) = listed(root)
    assert "being written by another process" in warning
    os.close(folder)
    assert listed(root) == []
    assert len(remembered(root)) == 5


def test_an_index_of_somebody_else_is_neither_believed_nor_touched(root, monkeypatch):
    run_sql(root, "UPDATE runs SET verdict = 'FAIL'")
    before = (root / HIDDEN / FILE).read_bytes()
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    (warning,) = listed(root)
    assert "somebody else" in warning
    assert (root / HIDDEN / FILE).read_bytes() == before


def test_no_index_is_made_below_a_root_of_somebody_else(tmp_path, monkeypatch):
    add_run(tmp_path, 0)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert listed(tmp_path) == []
    assert not (tmp_path / HIDDEN).exists()


@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_an_index_that_others_may_write_is_not_believed(root, mode):
    (root / HIDDEN / FILE).chmod(mode)
    assert "others may write" in listed(root)[0]


def test_an_index_that_is_a_link_is_not_followed(root):
    (root / HIDDEN / FILE).rename(root / "elsewhere")
    (root / HIDDEN / FILE).symlink_to(root / "elsewhere")
    assert "a link" in listed(root)[0]
    (root / HIDDEN / FILE).unlink()
    os.link(root / "elsewhere", root / HIDDEN / FILE)
    assert "a link" in listed(root)[0]


@pytest.mark.parametrize("make", [lambda path: path.write_text("x"), lambda path: path.symlink_to("/tmp"), os.mkfifo])
def test_whatever_stands_where_the_folder_of_the_index_should_be_the_list_is_whole(tmp_path, make):
    add_run(tmp_path, 0)
    make(tmp_path / HIDDEN)
    (warning,) = listed(tmp_path)
    assert "its folder is none or a link" in warning
    index = Index(tmp_path)
    index.forget()
    assert index.warnings


def test_a_folder_in_the_place_of_the_file_is_left_alone(root):
    (root / HIDDEN / FILE).unlink()
    (root / HIDDEN / FILE).mkdir()
    assert len(listed(root)) == 1
    assert (root / HIDDEN / FILE).is_dir()


def test_a_root_that_cannot_be_written_is_listed_without_an_index(tmp_path, monkeypatch):
    add_run(tmp_path, 0)
    real = os.mkdir

    def read_only(path, *arguments, **options):
        if path == HIDDEN:
            raise OSError(30, "Read-only file system")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "mkdir", read_only)
    assert listed(tmp_path) == []


def test_a_full_disk_is_told_and_stops_nothing(root, monkeypatch):
    add_run(root, 9)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.indexing.store.Index._create", full)
    assert "No space left on device" in listed(root)[0]


def test_a_write_that_was_killed_leaves_the_old_index_or_the_new(root):
    edit(next(path for path in root.iterdir() if path.name.startswith("2025")), verdict="FAIL")
    subprocess.run([sys.executable, DRIVER, "kill", root], check=True, timeout=120)
    assert listed(root) == []
    assert len(remembered(root)) == 4


def test_sixteen_processes_that_list_and_record_at_once_lose_nothing_and_fail_nowhere(tmp_path):
    done = subprocess.run(
        [sys.executable, DRIVER, "race", tmp_path, "16"], check=False, timeout=300, capture_output=True, text=True
    )
    assert (done.stderr, done.stdout.split()) == ("", ["ok"] * 16)
    assert len(without_index(tmp_path)) == 48
    assert listed(tmp_path) == []
    assert len(remembered(tmp_path)) == 48
    assert set_aside(tmp_path) == []
