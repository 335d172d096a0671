"""What differs from run to run becomes a token, and what tells what happened stays."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reporting.normal_json import normal, normal_body, normal_text

SAME = [
    ("job 30184b25-07ae-4e80-b2c0-85960b36742f", "job 2a2c2645-25cf-4489-98d8-0123456789ab"),
    ("at 2026-11-21T10:09:03.557956Z", "at 2026-11-21T10:09:33Z"),
    ("at 2026-11-21 10:09:03,55+02:00", "at 2025-01-01 00:00:00"),
    ("Sat, 21 Nov 2026 10:09:02 GMT", "Sun, 22 Nov 2026 11:00:00 GMT"),
    ("http://127.0.0.1:8000/docs", "http://127.0.0.1:34567/docs"),
    ("localhost:8000", "localhost:9"),
    ("https://backend.example:8443/x", "https://backend.example:443/x"),
    ("/workspaces/30184b25/app.py", "/home/u/var/workspaces/p2/app.py"),
    ("/tmp/a1/x", "/tmp/b2/y"),
    ("bf314e09f097 ended", "7ab68c29e893 ended"),
    ("span 6af06da7050cfc9e", "span e7ada951210cc844"),
    ("took 0.412 s", "took 15 s"),
    ("took 12ms", "took 900 ms"),
    ("sha256:" + "a1" * 32, "sha256:" + "b2" * 32),
    ({"duration_ms": 1.5}, {"duration_ms": 2000}),
    ({"elapsed": 1}, {"elapsed": 2}),
    ({"timings_ms": {"launch": 1, "run": {"inner": 2}}}, {"timings_ms": {"launch": 3, "run": {"inner": 4}}}),
    ({"started_at": None}, {"started_at": "2026-11-21T10:09:33Z"}),
    ({"created": 1795255743.9}, {"created": 1795255999}),
    ({"created": 1795255743900}, {"created": 1795255999000}),
    ({"status": "queued"}, {"status": "in_progress"}),
    ({"seq": 4}, {"seq": 9}),
    ({"path": ".codex/trace.jsonl", "size": 16249}, {"path": ".codex/trace.jsonl", "size": 16000}),
    (
        '{"a": "{\\"id\\": \\"30184b25-07ae-4e80-b2c0-85960b36742f\\"}"}',
        '{"a": "{\\"id\\":\\"2a2c2645-25cf-4489-98d8-0123456789ab\\"}"}',
    ),
    ('{"b": 1, "a": 2}', '{"a": 2, "b": 1}'),
]
DIFFERENT = [
    ("status 200", "status 500"),
    ("app.py:12", "app.py:13"),
    ("1234567890123 files", "1234567890124 files"),
    ("three seconds", "four seconds"),
    ("http://a.example:1/x", "http://b.example:1/x"),
    ({"status": "queued"}, {"status": "completed"}),
    ({"status": "completed"}, {"status": "failed"}),
    ({"finished_at": None}, {"finished_at": "never"}),
    ({"path": "app.py", "size": 422}, {"path": "app.py", "size": 423}),
    ({"ok": True}, {"ok": 1}),
    ({"n": 1}, {"n": "1"}),
    ({"deadbeefcafe": 1}, {"deadbeefcaff": 1}),
    ({"sleep_seconds": 15}, {"sleep_seconds": 16}),
    ("[1, 2]", "[2, 1]"),
    ("{half", "{half of it"),
    ({"bytes": 1}, {"bytes": 2}),
]


def same(one, other):
    made = [normal_body(each) if isinstance(each, str) else normal(each) for each in (one, other)]
    return repr(made[0]) == repr(made[1]) or (made[0] == made[1] and not isinstance(one, dict))


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_differs_from_run_to_run_is_the_same(one, other):
    assert same(one, other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_tells_what_happened_is_not_the_same(one, other):
    assert not same(one, other)


def test_a_text_is_told_with_its_tokens():
    text = "job 30184b25-07ae-4e80-b2c0-85960b36742f on http://localhost:8000 ended 2026-11-21T10:09:03Z after 2.5 s"
    assert normal_text(text) == "job <id> on http://localhost:<port> ended <time> after <duration>"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_a_value_is_the_same_as_itself_and_normal_only_once(value):
    made = normal(value)
    assert made == normal(value)
    assert normal(made, depth=99) == normal(made, depth=99)


def test_json_in_texts_without_end_does_not_end_the_comparison():
    text = "[1]"
    for _ in range(12):
        text = json.dumps([text])
    assert normal_body(text) == normal_body(text)
    assert normal_body("[" * 100_000) == "[" * 100_000
