"""Secrets inside, across and beside one another; redacting twice; the order of secrets."""

import base64
import gzip
import io
import itertools
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.redaction.pattern_search import AhoCorasick, PlainFind
from harness.redaction.redacted import HitClass, Span, merged
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

INNER = "Q7w-Zp4.kV1x"
OUTER = f"aa9{INNER}bb8Lm"
LONGER = f"{INNER}Ty6Rr2Ws"
CROSSING = "kV1xGh5-Jn3"


def _redactor(*values):
    return Redactor(SecretSet(tuple(NamedSecret(f"N{n}", Secret(value)) for n, value in enumerate(values))))


@pytest.mark.parametrize("order", list(itertools.permutations([INNER, OUTER, LONGER, CROSSING])))
def test_nested_overlapping_and_prefix_sharing_secrets_leave_no_tail(order):
    redactor = _redactor(*order)
    text = f"1 {OUTER} 2 {LONGER} 3 {INNER}Gh5-Jn3 4"
    assert redactor.text(text) == "1 [REDACTED] 2 [REDACTED] 3 [REDACTED] 4"


def test_neighbours_that_do_not_overlap_are_two_hits():
    redactor = _redactor(INNER)
    assert redactor.text(INNER + INNER) == "[REDACTED][REDACTED]"
    assert redactor.hits() == {"": {"value": 2}}


def test_spans_that_touch_stay_apart_and_spans_that_overlap_become_one():
    spans = [Span(4, 9, HitClass.ENCODED), Span(0, 4, HitClass.VALUE), Span(8, 12, HitClass.FRAGMENT)]
    assert merged(spans) == [Span(0, 4, HitClass.VALUE), Span(4, 12, HitClass.FRAGMENT)]


_VALUES = st.lists(st.text("abcdeX19", min_size=12, max_size=24), min_size=1, max_size=4, unique=True)


@settings(max_examples=300, deadline=None)
@given(values=_VALUES, noise=st.lists(st.text("abcdeX19 \n", max_size=12), min_size=1, max_size=5), seed=st.randoms())
def test_redacting_twice_changes_nothing_and_the_order_of_secrets_does_not_matter(values, noise, seed):
    text = "".join(part + seed.choice(values)[seed.choice([0, 0, 3]) :] for part in noise)
    once = _redactor(*values).text(text)
    assert _redactor(*values).text(once) == once
    assert _redactor(*reversed(values)).text(text) == once


@settings(max_examples=300, deadline=None)
@given(
    patterns=st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=8, unique=True),
    data=st.binary(max_size=60),
)
def test_the_automaton_finds_what_plain_search_finds(patterns, data):
    assert sorted(AhoCorasick(patterns).hits(data)) == sorted(PlainFind(patterns).hits(data))


@pytest.mark.parametrize("text", ["[REDACTED]1111111119X", "11d111[REDACTED]1111119X", "[REDACTED]" * 3])
def test_the_letters_of_a_marker_are_no_part_of_a_secret(text):
    assert _redactor("11d1111111119X", "REDACTED1234").text(text) == text


def test_a_public_prefix_alone_is_no_secret():
    redactor = _redactor("sk-proj-" + "R4nd0mTa1lOfTheKeyThatIsLong" * 2)
    for public in ("sk-proj-", "keys begin with sk-proj- and T3BlbkFJ", "OPENAI_API_KEY=present", "sk-proj-R4"):
        assert redactor.text(public) == public


def test_the_head_of_a_refused_key_is_replaced_after_the_providers_words():
    body = "Incorrect API key provided: sk-proj-********************abcd. You can find your key in your account."
    assert _redactor(INNER).text(body) == (
        "Incorrect API key provided: [REDACTED]. You can find your key in your account."
    )


def test_text_stays_text_when_only_a_part_of_a_character_matches():
    redactor = _redactor("Zürich-Übergrößenträger-äöü")
    redacted = redactor.text("Zürich-Übergrößenträger-äöé and \ud800 stay text")
    assert "[REDACTED]" in redacted
    assert redacted.endswith(" and \ud800 stay text")
    assert "Übergrößen" not in redacted


def test_a_secret_with_several_lines_is_found_line_by_line():
    redactor = _redactor("first-Line-4711\nOne-0815\nx")
    assert redactor.text("a One-0815 b x") == "a [REDACTED] b x"


def test_any_twelve_characters_in_a_row_are_masked():
    value = "k9ZqW3xT7vB1nM5cR8yL2pD6fG4hJ0sA"
    redactor = _redactor(value)
    for start in range(len(value) - 11):
        assert redactor.text(f"<{value[start : start + 12]}>") == "<[REDACTED]>"


def test_digits_that_are_a_secret_do_not_hit_dates_and_times():
    redactor = _redactor("20251114171400")
    assert redactor.text("at 2025-11-14 17:14:00") == "at 2025-11-14 17:14:00"
    assert redactor.text("at 20251114171400") == "at [REDACTED]"


def test_a_password_of_signs_is_found_through_white_space():
    password = "!@#$%^&*()_+{}|:?~"
    assert _redactor(password).text(f"it is {' '.join(password)} so") == "it is [REDACTED] so"


def _encoded(times):
    data = LONGER.encode()
    for _ in range(times):
        data = base64.b64encode(data)
    return data


def _compressed(*texts):
    return b" ".join(gzip.compress(text, mtime=0) for text in texts)


def test_what_is_too_deep_inside_another_encoding_is_opened_where_it_stands_alone():
    # Undoing the escapes takes the tag away, and leaves the very run that could not be opened to its end inside it.
    tag = b"<a " + base64.b64encode(_encoded(6)) + b">"
    escaped = b"".join(b"%%%02x" % byte for byte in _encoded(6))
    redactor = _redactor(LONGER)
    masked = redactor.bytes(escaped)
    assert redactor.bytes(tag) == tag
    assert masked.startswith(b"[REDACTED]")
    assert redactor.bytes(tag + b" " + escaped) == tag + b" " + masked


def test_the_same_encoding_in_two_places_is_masked_in_both():
    assert _redactor(LONGER).bytes(_compressed(_encoded(3), _encoded(3))) == b"[REDACTED] [REDACTED]"


def test_digits_glued_to_letters_do_not_hide_the_same_digits_apart_from_them():
    digits, letters = _encoded(3).hex().encode(), b"z" * 16
    glued = _compressed(digits + letters)
    redactor = _redactor(LONGER)
    assert redactor.bytes(glued) == glued
    assert redactor.bytes(glued + b" " + _compressed(digits + b" " + letters)) == glued + b" [REDACTED]"


@pytest.mark.parametrize("inside", ["\x1b[31m", "\u200b", "\x1b[1m\u200b", "\r\n   "])
def test_what_is_not_seen_does_not_part_an_encoding(inside):
    spelt = _encoded(3).decode()
    parted = inside.join(spelt[at : at + 13] for at in range(0, len(spelt), 13))
    assert _redactor(LONGER).text(f"is {parted} so").startswith("is [REDACTED]")


def test_a_member_of_a_zip_archive_is_opened():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("notes.txt"), f"{LONGER}\n" * 9, zipfile.ZIP_DEFLATED)
    assert b"[REDACTED]" in _redactor(LONGER).bytes(file.getvalue())


def test_no_bomb_takes_the_search_from_what_stands_beside_it():
    redactor = _redactor(LONGER)
    bombs = gzip.compress(bytes(4 << 20), mtime=0) * 30
    escaped = "".join(
        f"%{byte:02x}" for byte in base64.b64encode(base64.b16encode(LONGER.encode())).rstrip(b"=")
    ).encode()
    assert redactor.bytes(bombs + b" " + escaped) == bombs + b" [REDACTED]"


def test_the_number_of_needles_is_known_and_grows_with_the_secrets():
    assert 0 == _redactor().needle_count < _redactor(INNER).needle_count < _redactor(INNER, LONGER).needle_count


def test_a_span_that_begins_inside_a_character_takes_the_whole_character():
    # Its UTF-16 begins with the byte 0x80, which is also the second half of À in UTF-8.
    secret = "".join(map(chr, (0x8041, 0x4243, 0x4445, 0x4647, 0x4849, 0x4A4B)))
    padded = secret + "\u4c4d\u4e4f"
    assert _redactor(padded).text("is ÀABCDEFGHIJKLMNO here") == "is [REDACTED] here"


def test_hits_are_counted_by_source_and_class_and_show_no_value():
    redactor = _redactor(INNER, LONGER)
    redactor.text(f"{LONGER} {' '.join(LONGER)}", source="live/L01/notes.txt")
    redactor.text(INNER[::-1], source=f"named after {LONGER}")
    report = redactor.hits()
    assert report == {"live/L01/notes.txt": {"value": 1, "broken_up": 1}, "named after [REDACTED]": {"value": 1}}
