"""What a stranger put into a bundle is read below its folder only, waited for never, and compared as what it is."""

import os

import pytest
from stored_runs import read_entry

from harness.evidence import layout
from harness.reporting import stored
from harness.reporting.logs import logs_of
from harness.reporting.side_by_side import MOST_PLACES, places
from harness.reporting.stored import LostError, data_of, object_of, text_of


def test_a_pipe_in_the_place_of_a_log_is_not_waited_for(bundle):
    record = read_entry(bundle).record
    assert logs_of(bundle, record) == (bundle / layout.EVENTS,)
    (bundle / layout.EVENTS).unlink()
    os.mkfifo(bundle / layout.EVENTS)
    assert logs_of(bundle, record) == ()


def test_a_log_behind_a_link_is_none_of_the_run(trials, tmp_path):
    record = read_entry(trials).record
    assert len(logs_of(trials, record)) == 4
    (trials / layout.TRACES).rename(tmp_path / "elsewhere")
    (trials / layout.TRACES).symlink_to(tmp_path / "elsewhere")
    assert logs_of(trials, record) == (trials / layout.EVENTS,)


@pytest.mark.parametrize("path", ["../x", "/etc/hostname", "a//b", "no/such", "", "pipe", "link", "folder", "behind/x"])
def test_what_is_no_file_of_the_folder_is_lost(tmp_path, path):
    folder = tmp_path / "bundle"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "x").write_text("outside")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(tmp_path / "x")
    (folder / "behind").symlink_to(tmp_path)
    with pytest.raises(LostError):
        data_of(folder, path)


def test_what_is_too_large_no_text_or_no_object_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "MAX_BYTES", 8)
    for data in (b"123456789", b"\xff", b"[1]", b"{"):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(LostError):
            object_of(tmp_path, "x")
    (tmp_path / "x").write_bytes(b'{"a": 1}')
    assert object_of(tmp_path, "x") == {"a": 1}
    assert text_of(tmp_path, "x") == '{"a": 1}'


def test_places_name_what_differs_and_no_more_than_can_be_read():
    assert places({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == (("a[1].b", "2", "3"),)
    assert places({"a": True}, {"a": 1}) == (("a", "true", "1"),)
    assert places({"a": 1}, {"a": 1.0}) == ()
    assert places("one\ntwo", "one\nthree") == (("line 2", "two", "three"),)
    assert places(None, {"a": 1}) == (("", "null", '{"a": 1}'),)
    assert len(places(list(range(99)), list(range(1, 100)))) == MOST_PLACES
