"""What is said about a find: how many, under which source, and whose; never what."""

import json

import pytest
from leak_forms import KINDS, MATRIX, leaked

from harness.redaction.pattern_search import AhoCorasick
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

KEY, IDENTITY, PASSWORD = KINDS.values()
NAMES = dict(zip(("OPENAI_API_KEY", "OPENAI_ORG_ID", "SERVICE_PASSWORD"), KINDS.values(), strict=True))
MESSAGE = "Incorrect API key provided: sk-proj-********abcd."


def _secrets(**values):
    return SecretSet(tuple(NamedSecret(name, Secret(value)) for name, value in values.items()))


@pytest.fixture
def redactor():
    return Redactor(_secrets(**NAMES))


@pytest.fixture(scope="module")
def shared():
    """Building finders takes time; each use of this one has a source of its own."""
    return Redactor(_secrets(**NAMES))


def test_replacements_are_counted_under_a_prefix_of_their_sources(redactor):
    redactor.text(f"{IDENTITY} and {PASSWORD}", source="L01/submit")
    redactor.json(json.dumps({"a": IDENTITY}), source="L01/poll")
    redactor.bytes(KEY.encode(), source="L010/submit")
    assert [redactor.count(prefix) for prefix in ("L01/", "L01/poll", "L010/", "L02/", "")] == [3, 1, 1, 0, 4]
    assert redactor.variables("L01/") == ("OPENAI_ORG_ID", "SERVICE_PASSWORD")
    assert redactor.variables("L010/") == ("OPENAI_API_KEY",)
    assert redactor.variables("L02/") == ()
    assert redactor.variables("") == tuple(sorted(NAMES))


def test_what_only_its_key_announced_is_no_find(redactor):
    redactor.json('{"token": "unknown to us", "api_key": ["x"]}', source="L01/submit")
    assert redactor.hits() == {"L01/submit": {"key": 2}}
    assert (redactor.count("L01/"), redactor.variables("L01/")) == (0, ())


def test_a_value_of_ours_under_a_telling_key_is_a_find(redactor):
    document = json.dumps({"token": f"Bearer {IDENTITY}", "password": "unknown to us"})
    assert json.loads(redactor.json(document, source="L01/submit")) == {"token": "[REDACTED]", "password": "[REDACTED]"}
    assert redactor.hits() == {"L01/submit": {"value": 1, "key": 1}}
    assert (redactor.count("L01/"), redactor.variables("L01/")) == (1, ("OPENAI_ORG_ID",))


def test_a_providers_message_counts_and_names_nobody(redactor):
    redactor.text(MESSAGE, source="L01/submit")
    assert (redactor.count("L01/"), redactor.variables("L01/")) == (1, ())


def test_a_providers_message_beside_a_value_does_not_name_the_others(redactor):
    redactor.text(f"{MESSAGE} {IDENTITY}", source="L01/submit")
    assert redactor.variables("L01/") == ("OPENAI_ORG_ID",)


@pytest.mark.parametrize("form", MATRIX)
@pytest.mark.parametrize("name", NAMES)
def test_every_form_of_a_value_is_put_down_to_its_variable(shared, form, name):
    source = f"{name}/{form}"
    shared.bytes(b"before it: " + leaked(MATRIX[form], NAMES[name]) + b" :after it\n", source=source)
    assert shared.variables(source) == (name,)


def test_a_value_in_json_is_put_down_to_its_variable_whole_or_in_pieces(redactor):
    redactor.json(json.dumps([IDENTITY[:14], IDENTITY[14:]]), source="pieces")
    redactor.json(json.dumps({json.dumps(PASSWORD): 1}), source="key")
    redactor.line(json.dumps({"body": KEY[30:50]}), source="line")
    redactor.json(f"no JSON but {KEY}", source="text")
    found = {source: redactor.variables(source) for source in ("pieces", "key", "line", "text")}
    assert found == {
        "pieces": ("OPENAI_ORG_ID",),
        "key": ("SERVICE_PASSWORD",),
        "line": ("OPENAI_API_KEY",),
        "text": ("OPENAI_API_KEY",),
    }


def test_variables_of_the_same_value_are_all_named_and_values_of_one_variable_once():
    members = [("B", IDENTITY), ("A", IDENTITY), ("C", PASSWORD), ("C", KEY)]
    redactor = Redactor(SecretSet(tuple(NamedSecret(name, Secret(value)) for name, value in members)))
    redactor.text(f"{IDENTITY} {KEY} {PASSWORD}", source="a")
    assert redactor.variables("a") == ("A", "B", "C")


def test_a_later_body_adds_its_variables_to_the_source(redactor):
    for value in (IDENTITY, IDENTITY, PASSWORD):
        redactor.text(value, source="L01/poll")
    assert redactor.variables("L01/poll") == ("OPENAI_ORG_ID", "SERVICE_PASSWORD")


def test_a_stream_is_counted_and_not_attributed(redactor):
    stream = redactor.stream(source="L01/logs")
    stream.feed(IDENTITY.encode())
    stream.close()
    assert (redactor.count("L01/"), redactor.variables("L01/")) == (1, ())


def test_nobody_is_searched_for_alone_until_something_was_found():
    made = []

    def engine(patterns):
        made.append(len(patterns))
        return AhoCorasick(patterns)

    redactor = Redactor(_secrets(**NAMES), search=engine)
    redactor.text("clean", source="a")
    redactor.json('{"clean": 1, "token": "unknown to us"}', source="a")
    redactor.text(MESSAGE, source="a")
    before = len(made)
    assert redactor.text(IDENTITY, source="a") == "[REDACTED]"
    after = len(made)
    redactor.text(IDENTITY, source="b")
    assert before < after == len(made)


def test_a_look_at_the_report_changes_nothing(redactor):
    redactor.text(IDENTITY, source=f"named after {PASSWORD}")
    redactor.text(IDENTITY, source=f"named after {PASSWORD.upper()}")
    assert redactor.hits() == redactor.hits() == {"named after [REDACTED]": {"value": 2}}
    assert redactor.count("") == 2
