"""Reading YAML: places, and the traps of YAML 1.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.language.nodes import plain, texts
from harness.language.source import MAX_CHARACTERS, MAX_DEPTH, parse


def value_of(text):
    _, root, findings = parse(text, "x.yaml")
    assert findings == []
    return plain(root)


def faults(text):
    return [(str(fault.mark), fault.rule.value, fault.message) for fault in parse(text, "x.yaml")[2]]


def test_each_node_knows_its_line_and_column():
    _, root, _ = parse("a: 1\nb:\n  - x\n  - {c: 'd'}\n", "x.yaml")
    second = root.value["b"].value[1]
    assert (root.value["a"].key_place, root.value["a"].place) == ((1, 1), (1, 4))
    assert (second.place, second.value["c"].key_place, second.value["c"].place) == ((4, 5), (4, 6), (4, 9))


def test_columns_count_characters_and_not_bytes():
    _, root, _ = parse("é😀: {ключ: x}\n", "x.yaml")
    assert root.value["é😀"].value["ключ"].place == (1, 12)


def test_a_second_key_is_refused_and_the_first_one_kept():
    assert faults("a: 1\nb: 2\na: 3\n") == [
        ("x.yaml:3:1", "duplicate-key", "the key 'a' stands here a second time; first in line 1")
    ]
    assert plain(parse("a: 1\na: 3\n", "x.yaml")[1]) == {"a": 1}


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "On", "YES", "true", "False"])
def test_a_boolean_key_is_refused(word):
    [(place, rule, message)] = faults(f"a:\n  {word}: 1\n")
    assert (place, rule) == ("x.yaml:2:3", "bool-key")
    assert message == f"the key {word!r} is a boolean in YAML 1.1; write it in quotes, or use another word"


def test_a_boolean_word_in_quotes_is_a_key():
    assert value_of("'on': 1\n\"yes\": 2\n") == {"on": 1, "yes": 2}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("012", "012"),
        ("0x1f", "0x1f"),
        ("0o17", "0o17"),
        ("12:30:45", "12:30:45"),
        ("2025-11-14", "2025-11-14"),
        ("2025-11-14T17:14:00Z", "2025-11-14T17:14:00Z"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("9" * 41, "9" * 41),
    ],
)
def test_a_plain_value_is_read_as_json_would(written, read):
    found = value_of(f"a: {written}\n")["a"]
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a: &x [1]\nb: *x\n", "x.yaml:2:1", "anchors"),
        ("a: &x [*x]\n", "x.yaml:1:4", "anchors"),
        ("a: !!python/object:os.system x\n", "x.yaml:1:4", "tag"),
        ("a: !mine x\n", "x.yaml:1:4", "tag"),
        ("a: !!binary eA==\n", "x.yaml:1:4", "tag"),
        ("<<: {a: 1}\n", "x.yaml:1:1", "template"),
        ("a: [\n", "x.yaml:2:1", "node content"),
        ("a: b: c\n", "x.yaml:1:5", "mapping values"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1", "one ladder"),
        ("", "x.yaml:1:1", "empty"),
        ("# only a comment\n", "x.yaml:1:1", "empty"),
        ("a: \x00\n", "x.yaml:1:1", "control characters"),
        ("[" * 3000, "x.yaml:1:1", ""),
        ("a: " + "x" * MAX_CHARACTERS, "x.yaml:1:1", "characters"),
    ],
)
def test_what_is_not_part_of_the_language_is_refused(text, place, word):
    [(found, rule, message)] = faults(text)
    assert rule == "not-yaml"
    assert found == place or text.startswith("[[")
    assert word in message


def test_keys_are_texts():
    assert [(rule, place) for place, rule, _ in faults("1: a\n2025-11-14: b\n[x]: c\n")] == [
        ("wrong-type", "x.yaml:1:1"),
        ("wrong-type", "x.yaml:2:1"),
        ("wrong-type", "x.yaml:3:1"),
    ]


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text):
    _, root, findings = parse(text, "x.yaml")
    assert root is not None or findings
    for node in texts(root) if root else ():
        assert node.place[0] >= 1
        assert node.place[1] >= 1


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 5_000, "- " * 5_000, "\n".join(f"{' ' * depth}a:" for depth in range(900))]
)
def test_nesting_beyond_reason_is_told_and_breaks_no_process(text):
    [(_, rule, message)] = faults(text)
    assert (rule, message) == ("not-yaml", f"nested more than {MAX_DEPTH} deep")


def test_nesting_within_reason_is_read():
    assert value_of("[" * MAX_DEPTH + "]" * MAX_DEPTH)
