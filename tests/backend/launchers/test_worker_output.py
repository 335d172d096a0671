"""The newest output, out of frames, in bounded memory."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.launchers.worker_output import ROTATED_BYTES, LogStream, NewestBytes


def frame(payload, stream=1):
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4) + payload


@given(st.lists(st.binary(max_size=50)), st.integers(1, 100), st.integers(1, 30))
def test_however_the_stream_is_cut_the_newest_bytes_are_kept(payloads, max_bytes, cut):
    stream = b"".join(frame(payload) for payload in payloads)
    log = LogStream(max_bytes)
    for start in range(0, len(stream), cut):
        log.feed(stream[start : start + cut])
    whole = b"".join(payloads)
    assert log.bytes() == whole[-max_bytes:]
    assert log.truncated == (len(whole) > max_bytes)


def test_a_huge_frame_is_never_held_whole():
    newest = NewestBytes(10)
    for _ in range(1000):
        newest.feed(b"x" * 7)
        assert len(newest._buffer) <= 27
    assert newest.bytes() == b"x" * 10


def test_a_stream_that_breaks_within_a_header_gives_what_came_before():
    log = LogStream(100)
    log.feed(frame(b"one") + b"\x01\0")
    assert log.bytes() == b"one"


def engine_line(payload):
    """One line of the engine's log file, at its longest."""
    entry = {"log": payload.decode("latin-1"), "stream": "stderr", "time": "2026-11-21T04:07:48.649661768Z"}
    return len(json.dumps(entry, separators=(",", ":"))) + 1


@pytest.mark.parametrize("payload", [b"\n", b"<&>\n", b"plain text\n", bytes(range(256))])
def test_a_log_that_may_have_been_rotated_is_called_truncated(payload):
    log = LogStream(100_000_000)
    log_file_bytes = 0
    while log_file_bytes < ROTATED_BYTES:
        log.feed(frame(payload))
        log_file_bytes += engine_line(payload)
    assert log.truncated


def test_a_log_far_below_the_rotation_is_whole():
    log = LogStream(100_000_000)
    log.feed(frame(b"plain text of a worker\n") * 10_000)
    assert not log.truncated
