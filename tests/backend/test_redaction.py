"""Known secrets are found in every form in which a worker could write them, and nothing else is touched."""

import base64
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.redaction import MARKER, Redactor, Secret

VALUE = "sk-proj-4fQ9zT+/x7==kLm2"
redactor = Redactor({"OPENAI_API_KEY": Secret(VALUE)})

# Building a redactor takes up to a tenth of a second, and more on a busy machine.
patient = settings(deadline=None, max_examples=30)

secrets = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=8, max_size=60)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


def test_a_secret_shows_itself_nowhere():
    secret = Secret(VALUE)
    assert {repr(secret), str(secret), f"{secret}", f"{secret:>40}", "%s" % secret} == {MARKER}  # noqa: UP031  # a way of printing
    assert secret.reveal() == VALUE
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(secret)
    assert not Secret("  ")


@patient
@given(secrets, st.text(), st.text())
def test_a_secret_is_found_wherever_it_stands(value, before, after):
    found = Redactor({"S": Secret(value)}).redact(f"{before}{value}{after}")
    assert value not in found.text or value in f"{before}{MARKER}{after}"
    assert found.hits >= 1


@patient
@given(st.binary(max_size=40), secrets, st.binary(max_size=40))
def test_a_secret_is_found_in_base64_at_every_offset(before, value, after):
    text = base64.b64encode(before + value.encode() + after).decode()
    url_safe = base64.urlsafe_b64encode(before + value.encode() + after).decode()
    redactor = Redactor({"S": Secret(value)})
    assert redactor.redact(text).hits >= 1
    assert redactor.redact(url_safe).hits >= 1


@patient
@given(secrets)
def test_a_secret_is_found_in_json_and_the_json_stays_valid(value):
    for ascii_only in (True, False):
        text = json.dumps({"key": [f"a {value} b"]}, ensure_ascii=ascii_only)
        found = Redactor({"S": Secret(value)}).redact(text)
        assert found.hits >= 1
        json.loads(found.text)


@given(json_values)
def test_a_value_without_secrets_comes_back_as_it_was(value):
    clean, hits = redactor.redact_value(value)
    assert (clean, hits) == (value, 0)
    assert json.dumps(clean) == json.dumps(value)


@given(st.text())
def test_a_text_without_secrets_comes_back_as_it_was(text):
    assert redactor.redact(text).text == text


@given(json_values, st.integers(0, 20))
def test_a_secret_in_a_value_does_not_survive(value, place):
    planted = {"a": value, "list": [value, f"x{VALUE}"], f"{VALUE}": place}
    clean, hits = redactor.redact_value(planted)
    assert hits == 2
    assert VALUE not in json.dumps(clean)


@pytest.mark.parametrize(
    "gap",
    [" ", "\n", "\r\n", "\t", "\u200b", "\u2060", "\ufeff", "\x1b[0m", "\x1b[38;5;1m", "  \n  ", "\u200b\x1b[1m "],
)
def test_a_secret_broken_up_is_found(gap):
    assert redactor.redact(f"<{gap.join(VALUE)}>").text == f"<{MARKER}>"


def test_a_secret_with_blanks_is_found_with_any_blanks():
    phrase = Redactor({"S": Secret("correct horse battery")})
    for text in ("correct horse battery", "correcthorsebattery", "correct\nhorse\n  battery"):
        assert phrase.redact(f"<{text}>").text == f"<{MARKER}>"


@pytest.mark.parametrize("start", ["c", "co", "correct horse b", "correct"])
def test_no_text_makes_the_search_slow(start):
    """A secret with blanks met 100,000 blanks: each way to share them out was tried, for hours."""
    phrase = Redactor({"S": Secret("c o r r e c t  h o r s e   b a t t e r y")})
    assert phrase.redact((start + " " * 100_000) * 3).hits == 0


def test_of_two_secrets_with_one_beginning_no_tail_is_left():
    both = Redactor({"SHORT": Secret("abcdefgh"), "LONG": Secret("abcdefghijkl")})
    assert both.redact("x abcdefghijkl y").text == f"x {MARKER} y"


def test_each_line_of_a_long_secret_is_a_secret():
    pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhki\nG9w0BAQEFAASCBKcwgg\n-----END KEY-----"
    assert redactor_for(pem).redact("line: G9w0BAQEFAASCBKcwgg").text == f"line: {MARKER}"


def redactor_for(value):
    return Redactor({"S": Secret(value)})


@pytest.mark.parametrize("value", ["", "   ", "short", "1234567"])
def test_a_value_too_short_tears_no_words_apart(value):
    short = redactor_for(value)
    assert short.redact(f"this is {value}, short and 1234567").hits == 0
    assert short.unsearchable == (("S",) if value.strip() else ())


def test_a_secret_split_over_a_list_is_found_and_one_split_over_two_fields_is_not_joined():
    value, hits = redactor.redact_value({"logs": ["a " + VALUE[:9], VALUE[9:] + " b"], "n": [1, VALUE[:9], VALUE[9:]]})
    assert value == {"logs": [f"a {MARKER} b"], "n": [1, VALUE[:9], VALUE[9:]]}
    assert hits == 1


def test_what_is_no_json_value_is_taken_as_what_it_would_be_printed_as():
    class Loud:
        def __str__(self):
            return f"Loud({VALUE})"

    assert redactor.redact_value({"error": ValueError(VALUE), "loud": Loud(), "tuple": (VALUE, 1)}) == (
        {"error": MARKER, "loud": f"Loud({MARKER})", "tuple": [MARKER, 1]},
        3,
    )


def test_numbers_are_searched_and_others_keep_their_type():
    digits = redactor_for("12345678901")
    assert digits.redact_value([12345678901, -123456789012, 12.5, True, None]) == (
        [MARKER, f"-{MARKER}2", 12.5, True, None],
        2,
    )


def test_the_longest_trace_of_a_secret_is_within_the_stated_length():
    widest = "".join(f"\\u{ord(character):04x}" for character in VALUE)
    assert redactor.longest >= 2 * len(widest)
    assert Redactor({}).longest == 0
