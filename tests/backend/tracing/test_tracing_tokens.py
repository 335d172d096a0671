"""SQL text as the two databases read it, and any text at all."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.tracing.statements import read_statement
from backend.tracing.tokens import Kind, Token, tokenize

BOTH = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
DIALECTS = st.sampled_from(["sqlite", "postgresql", "other"])
# Long runs of the characters that begin or end something.
SHARDS = st.lists(
    st.sampled_from([*"'\"`[](){}$:?%@;,.\\-/*eExXuU&\n a1", "--", "/*", "*/", "$$", "$a$", "%(", "E'", "U&'", "::"])
    | st.text(max_size=3),
    max_size=60,
).map("".join)


def spelled(text, dialect):
    return [
        token.text if token.kind in {Kind.WORD, Kind.PUNCT} else token.kind.name for token in tokenize(text, dialect)
    ]


@given(st.text() | SHARDS, DIALECTS)
def test_any_text_is_read_to_its_end_and_understood_somehow(text, dialect):
    tokens = tokenize(text, dialect)
    assert len(tokens) <= len(text)
    read_statement(tokens, dialect)


@given(SHARDS, DIALECTS)
def test_a_comment_changes_nothing(text, dialect):
    tokens = tokenize(text, dialect)
    assert tokenize("/* DELETE FROM a; */ " + text, dialect) == tokens
    assert tokenize("-- it's\n" + text, dialect) == tokens


@given(st.text(), DIALECTS)
def test_a_string_is_one_value_whatever_it_holds(content, dialect):
    quoted = "'" + content.replace("'", "''") + "'"
    assert tokenize(f"a {quoted} b", dialect) == [
        Token(Kind.WORD, "a"),
        Token(Kind.VALUE, content),
        Token(Kind.WORD, "b"),
    ]


@given(st.text(min_size=1), DIALECTS)
def test_a_quoted_name_is_one_name_whatever_it_holds(content, dialect):
    quoted = '"' + content.replace('"', '""') + '"'
    assert tokenize(f"a.{quoted}.b", dialect)[2] == Token(Kind.QUOTED, content)
    assert len(tokenize(f"a.{quoted}.b", dialect)) == 5


@given(st.text(), st.text(string.ascii_lowercase, max_size=4))
def test_a_dollar_quoted_string_is_one_value(content, tag):
    mark = f"${tag}$"
    assume(mark not in content + "$")
    assert [token.kind.name for token in tokenize(f"a {mark}{content}{mark} b", "postgresql")] == [
        "WORD",
        "VALUE",
        "WORD",
    ]


@given(
    st.text(alphabet=string.ascii_letters + string.digits + "_é", min_size=1).filter(lambda t: not t[0].isdigit()),
    DIALECTS,
)
def test_an_unquoted_name_is_read_in_lower_case(name, dialect):
    assert tokenize(name, dialect) == [Token(Kind.WORD, name.lower())]


@BOTH
@pytest.mark.parametrize("text", ["'never closed", '"never closed', "/* never closed", "--", "'it''", "a 'b' 'c", ""])
def test_what_is_broken_off_ends_at_the_end(text, dialect):
    assert len(tokenize(text, dialect)) <= 3


@pytest.mark.parametrize(
    ("text", "sqlite", "postgresql"),
    [
        ("/* a /* b */ c */ d", ["c", "*", "/", "d"], ["d"]),
        ("E'\\'' x", ["e", "VALUE"], ["VALUE", "x"]),
        ("$$ it's $$ x", ["$", "$", "it", "VALUE"], ["VALUE", "x"]),
        ("[a b] `c`", ["QUOTED", "QUOTED"], ["[", "a", "b", "]", "`", "c", "`"]),
        ("a ? b", ["a", "PARAM", "b"], ["a", "?", "b"]),
        ("%(a)s %s %% 5", ["%", "(", "a", ")", "s", "%", "s", "%", "%", "VALUE"], ["PARAM", "PARAM", "%", "VALUE"]),
        (":a @b $c ?1 :1", ["PARAM"] * 5, [":", "a", "@", "b", "$", "c", "?", "VALUE", ":", "VALUE"]),
        ("$1 a$b", ["$", "VALUE", "a$b"], ["PARAM", "a$b"]),
        ("a::int", ["a", "::", "int"], ["a", "::", "int"]),
        ("1 1.5e-3 .5 0xFF x'00'", ["VALUE"] * 5, ["VALUE"] * 5),
        ("U&'\\0061' U&\"b\"", ["u", "&", "VALUE", "u", "&", "QUOTED"], ["VALUE", "QUOTED"]),
    ],
)
def test_the_two_databases_read_some_text_differently(text, sqlite, postgresql):
    assert spelled(text, "sqlite") == sqlite
    assert spelled(text, "postgresql") == postgresql
