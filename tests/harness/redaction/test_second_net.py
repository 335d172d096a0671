"""A line of JSON whose parts have been redacted is looked at once more: cheaply, and for all that is spelt out."""

import json
from pathlib import Path

import pytest
from leak_forms import KINDS, MATRIX, leaked

from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

KEY, IDENTITY, PASSWORD = KINDS.values()
CORPUS = Path(__file__).parent / "corpus"


class CountedSearch:
    """The usual engine, and how many of it were made."""

    def __init__(self):
        self.made = 0

    def __call__(self, patterns):
        self.made += 1
        return AhoCorasick(patterns)


def _secrets():
    return SecretSet(tuple(NamedSecret(name, Secret(value)) for name, value in KINDS.items()))


@pytest.fixture(scope="module")
def redactor():
    return Redactor(_secrets())


@pytest.mark.parametrize("part", [IDENTITY, KEY[30:50], PASSWORD.encode().hex()], ids=["whole", "in part", "spelt"])
def test_a_line_that_holds_a_secret_is_redacted_as_a_document(part):
    redactor = Redactor(_secrets())
    text = json.dumps({"seq": 7, "Cookie": "a=b", "body": f"it is {part} so"})
    assert redactor.line(text, source="events.jsonl") == (
        '{"seq": 7, "Cookie": "[REDACTED]", "body": "it is [REDACTED] so"}'
    )
    assert redactor.count("events.jsonl") == 1


def test_a_line_in_which_nothing_is_spelt_out_comes_back_as_it_is(redactor):
    for text in ('{"token": "unknown to us", "gaps": "' + " ".join(IDENTITY) + '"}', "no JSON", "", '"\ud800"'):
        assert redactor.line(text) == text


def test_the_clean_corpus_comes_back_as_it_is(redactor):
    lines = [*(CORPUS / "events.jsonl").read_text().splitlines(), json.dumps((CORPUS / "presence.txt").read_text())]
    assert [redactor.line(line) for line in lines] == lines


@pytest.mark.parametrize("form", MATRIX)
def test_what_was_redacted_part_by_part_is_not_changed_again(redactor, form):
    for value in KINDS.values():
        part = redactor.text(f"before {leaked(MATRIX[form], value).decode('latin-1')} after")
        line = json.dumps({"seq": 1, "part": part, "again": [part, "OPENAI_API_KEY=present"]})
        assert redactor.line(line) == line


def test_many_lines_and_streams_need_no_more_searches_than_one():
    engine = CountedSearch()
    redactor = Redactor(_secrets(), search=engine)
    redactor.stream()
    made = engine.made
    redactor.stream()
    redactor.line('{"clean": true}')
    redactor.json('{"clean": true}')
    assert engine.made == made
