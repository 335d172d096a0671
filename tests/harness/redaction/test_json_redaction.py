"""Redacted JSON is the same document: it parses, keeps its shape, its order and its numbers."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leak_forms import KINDS

from harness.redaction.json_tokens import Role, may_announce, tokens
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

KEY, IDENTITY, PASSWORD = KINDS.values()
DIGITS = "83917264550193"
DOCUMENTS = 1000


@pytest.fixture(scope="module")
def redactor():
    values = {**KINDS, "number": DIGITS}
    return Redactor(SecretSet(tuple(NamedSecret(name, Secret(value)) for name, value in values.items())))


def _shape(value):
    if isinstance(value, dict):
        return [("object", [_shape(item) for item in value.values()])]
    if isinstance(value, list):
        return ["array", [_shape(item) for item in value]]
    return type(value).__name__


def _names(value):
    if isinstance(value, dict):
        return [list(value), [_names(item) for item in value.values()]]
    return [_names(item) for item in value] if isinstance(value, list) else None


def _random_string(chosen):
    value = chosen.choice([KEY, IDENTITY, PASSWORD])
    return chosen.choice(
        [
            value,
            f"words {value} words",
            json.dumps({"inner": value}),
            " ".join(value),
            value[: chosen.randrange(len(value))] + "\n" + chosen.choice(["\\", '"', "é", "\U0001f600", "\x1b[0m"]),
            value.encode().hex(),
            "plain words",
            "",
            "present",
            "\\u0041 \\n",
        ]
    )


def _random_document(chosen, depth):
    kind = chosen.randrange(6 if depth else 4)
    if kind == 4:
        return [_random_document(chosen, depth - 1) for _ in range(chosen.randrange(4))]
    if kind == 5:
        names = chosen.sample(["a", "token", "total_tokens", "Env", "logs", "é", 'quo"te', "name", "value"], k=4)
        return {name: _random_document(chosen, depth - 1) for name in names}
    return chosen.choice([_random_string(chosen), 7, -1.5e300, 0.1, True, None, 10**30])


def test_a_thousand_documents_stay_valid_and_keep_shape_names_and_numbers(redactor):
    chosen = random.Random(20251114)
    for _ in range(DOCUMENTS):
        document = _random_document(chosen, 4)
        text = json.dumps(document, ensure_ascii=chosen.random() < 0.5, indent=chosen.choice([None, 2]))
        redacted = redactor.json(text)
        after = json.loads(redacted)
        assert _shape(after) == _shape(document)
        assert _names(after) == _names(document)
        for value in (KEY, IDENTITY, PASSWORD):
            assert value not in json.dumps(after, ensure_ascii=False)
            assert json.dumps(value)[1:-1] not in redacted
        assert redactor.json(redacted) == redacted


# Names of these signs announce nothing.
_NAMES = st.text('xyzß"\\é\n', max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(document=_JSON, place=st.sampled_from(["{} tail", '"{}"', "\\{}\\", "\ud83d{}\ude00"]))
def test_any_document_with_a_secret_in_it_stays_valid(redactor, document, place):
    text = json.dumps([document, place.format(PASSWORD), document])
    after = json.loads(redactor.json(text))
    assert [after[0], after[2]] == [document, document]
    assert "[REDACTED]" in after[1]
    json.dumps(after, ensure_ascii=False).encode("utf-8", "surrogatepass")


def test_a_clean_document_comes_back_byte_for_byte(redactor):
    text = '{ "b" : 1E400,\t"a": [1.0, -0, 1e-7, 12345678901234567890], "b": "twice",\n "total_tokens": 5 }\n'
    assert redactor.json(text) == text


def test_the_value_under_a_name_that_announces_a_secret_is_replaced_whatever_it_is(redactor):
    document = {
        "Authorization": "Bearer unknown-to-us",
        "config": {"Env": ["A=b", "OPENAI_API_KEY=present", "OPENAI_ORG_ID=presentXYZ"], "total_tokens": 7},
        "token": {"nested": ["deep", 1, True, None, "absent"]},
        "tokens": "not a name of a secret",
        "headers": [{"name": "Set-Cookie", "value": "a=b"}, {"name": "Accept", "value": "*/*"}],
    }
    assert json.loads(redactor.json(json.dumps(document))) == {
        "Authorization": "[REDACTED]",
        "config": {"Env": ["[REDACTED]", "OPENAI_API_KEY=present", "[REDACTED]"], "total_tokens": 7},
        "token": {"nested": ["[REDACTED]", 1, True, None, "absent"]},
        "tokens": "not a name of a secret",
        "headers": [{"name": "Set-Cookie", "value": "[REDACTED]"}, {"name": "Accept", "value": "*/*"}],
    }


_TELLING = st.sampled_from(
    ["token", "total_tokens", "name", "value", "Cookie", "apiKey", "api\nkey", "Coo\u212aie", "to"]
)
_ANNOUNCING = st.recursive(
    st.integers() | _TELLING,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(_TELLING, inner), max_size=4),
    max_leaves=8,
)


def _spelt(value, escaped):
    """JSON of a tree in which an object is a list of pairs, so that names may stand twice."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return "{" + ",".join(f"{_spelt(name, escaped)} : {_spelt(item, escaped)}" for name, item in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_spelt(item, escaped) for item in value) + "]"
    return json.dumps(value).replace("o", "\\u006f" if escaped and isinstance(value, str) else "o")


@settings(max_examples=400, deadline=None)
@given(document=_ANNOUNCING, escaped=st.booleans())
def test_no_name_that_announces_a_secret_is_passed_over(document, escaped):
    text = _spelt(document, escaped)
    announced = [token for token in tokens(text.encode()) if token.role is Role.ANNOUNCED]
    assert may_announce(text) or not announced


def test_the_value_of_a_telling_header_is_replaced_where_nothing_else_tells(redactor):
    text = '{"headers": [{"value": "a=b", "name": "Accept"}, {"name": "Cookie", "value": "a=b"}]}'
    assert redactor.json(text) == text.replace('"Cookie", "value": "a=b"', '"Cookie", "value": "[REDACTED]"')


def test_a_document_without_telling_names_needs_no_second_walk():
    assert not may_announce('{"total_tokens": 5, "name": "Cookie", "logs": ["OPENAI_API_KEY=present"]}')


def test_a_name_spelt_with_escapes_announces_all_the_same(redactor):
    assert json.loads(redactor.json('{"\\u0074oken": "unknown"}')) == {"token": "[REDACTED]"}


def test_presence_lines_survive_byte_for_byte(redactor):
    text = (
        '{"logs": ["OPENAI_API_KEY=present", "OPENAI_ORG_ID=absent", "OPENAI_PROJECT=present"], "api_key": "present"}'
    )
    assert redactor.json(text) == text


def test_keys_that_become_the_same_are_numbered(redactor):
    text = json.dumps({IDENTITY: 1, KEY: 2, "[REDACTED]-2": 3, PASSWORD: 4})
    assert json.loads(redactor.json(text)) == {"[REDACTED]": 1, "[REDACTED]-3": 2, "[REDACTED]-2": 3, "[REDACTED]-4": 4}


def test_a_secret_split_over_the_items_of_a_list_is_masked_in_each(redactor):
    half = len(IDENTITY) // 2
    after = json.loads(redactor.json(json.dumps(["log", IDENTITY[:half], IDENTITY[half:], "log"])))
    assert after == ["log", "[REDACTED]", "[REDACTED]", "log"]


def test_a_secret_spelt_letter_by_letter_is_masked_in_each_item(redactor):
    after = json.loads(redactor.json(json.dumps(["log", *IDENTITY, "log"])))
    assert set(after[2:-2]) == {"[REDACTED]"}


def test_a_number_that_spells_a_secret_becomes_a_string(redactor):
    assert json.loads(redactor.json(f'{{"n": {DIGITS}, "m": 839}}')) == {"n": "[REDACTED]", "m": 839}


def test_a_secret_spelt_in_escapes_leaves_the_escapes_beside_it(redactor):
    text = '"' + "".join(f"\\u{ord(char):04x}" for char in IDENTITY) + '\\n"'
    assert json.loads(redactor.json(text)) == "[REDACTED]\n"


def test_a_span_that_begins_inside_an_escape_takes_the_whole_escape():
    redactor = Redactor(SecretSet((NamedSecret("N", Secret("nKq7-wZ9-abc")),)))
    assert json.loads(redactor.json('"line\\nKq7-wZ9-abc"')) == "line[REDACTED]"


def test_a_span_that_ends_inside_an_escape_takes_all_of_it():
    redactor = Redactor(SecretSet((NamedSecret("N", Secret("Kq7-wZ9-abcu")),)))
    assert json.loads(redactor.json('"a Kq7-wZ9-abc\\u0041 b"')) == "a [REDACTED] b"


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "[" * 200_000, f"not JSON but {IDENTITY}"])
def test_what_is_no_json_is_redacted_as_text(redactor, text):
    assert redactor.json(text) == redactor.text(text)


def test_deep_documents_cost_no_recursion(redactor):
    text = '{"token":' * 200 + '["x"]' + "}" * 200
    assert json.loads(redactor.json(text)) == json.loads(text.replace('"x"', '"[REDACTED]"'))


def test_hits_in_json_are_counted_by_class():
    redactor = Redactor(SecretSet((NamedSecret("ID", Secret(IDENTITY)),)))
    redactor.json(json.dumps({"token": "unknown", "a": IDENTITY}), source="result.json")
    assert redactor.hits() == {"result.json": {"key": 1, "value": 1}}
