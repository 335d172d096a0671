"""SQL text as a list of tokens: what is a name, what a value, what only a comment.

It reads the text as the database's own scanner would: SQLite's and PostgreSQL's differ in nested comments, dollar
quotes, brackets, backslashes and in what a question mark is. It reads any text, in time proportional to its length:
what is broken off ends at the end, and the database will refuse it. The doubt that remains: with PostgreSQL's
``standard_conforming_strings`` off, a plain string with a backslash before its last quote ends elsewhere.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

POSTGRESQL: Final = "postgresql"
SQLITE: Final = "sqlite"


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    """A key word or an unquoted name, in lower case: no database here tells its cases apart."""
    QUOTED = auto()
    """A quoted name, without its quotes."""
    VALUE = auto()
    """A literal. Its text is kept only if it is a string, since SQLite takes a string for a table's name."""
    PARAM = auto()
    PUNCT = auto()
    """One character, or ``::``."""


class Token(NamedTuple):
    """A token and its text in normal spelling."""

    kind: Kind
    text: str

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these key words."""
        return self.kind is Kind.WORD and self.text in words


# Every repetition is possessive: none ever gives back what it took, so no text makes the search slow.
_COMMON: Final = r"""
    (?P<comment> /\* )
  | (?P<quoted> "(?:[^"]|"")*+(?:"|\Z) )
  | (?P<number> 0[xXoObB][0-9a-fA-F_]++ | (?:[0-9][0-9_]*+ (?:\.[0-9_]*+)? | \.[0-9][0-9_]*+) (?:[eE][+-]?[0-9]++)? )
  | (?P<word> [^\W\d][\w$]*+ )
  | (?P<cast> :: )
"""
_STRING: Final = r"(?P<string> [xXbBnN]?'(?:[^']|'')*+(?:'|\Z) )"
_ESCAPED: Final = r"(?P<escaped> [eE]'(?:[^'\\]|\\.|'')*+(?:\\?\Z|') )"
_UNICODE: Final = r"""(?P<unicode> [uU]&(?:'(?:[^']|'')*+(?:'|\Z)|"(?:[^"]|"")*+(?:"|\Z)) )"""
_DOLLAR: Final = r"(?P<dollar> \$(?:[^\W\d]\w*+)?\$ )"
_BRACKETS: Final = r"(?P<bracket> \[[^\]]*+(?:\]|\Z) | `(?:[^`]|``)*+(?:`|\Z) )"
_FORMAT: Final = r"(?P<param> %\([^()]{0,128}+\)[sbt] | %[sbt](?!\w) | \$[0-9]++ ) | (?P<percent> %% )"
_MARKS: Final = r"(?P<param> \?[0-9]*+ | [:@$][^\W\d]\w*+ | :[0-9]++ )"
_REST: Final = r"(?P<punct> . )"
_TO_LINE_FEED: Final = r"(?P<skip> --[^\n]*+ )"
_TO_LINE_END: Final = r"(?P<skip> --[^\n\r]*+ )"
"""PostgreSQL ends a comment at a carriage return as well, SQLite does not."""


def _scanner(*kinds: str) -> re.Pattern[str]:
    return re.compile(rf"\s*+(?:{'|'.join(kinds)})", re.VERBOSE | re.DOTALL)


_SCANNERS: Final = {
    POSTGRESQL: _scanner(_ESCAPED, _UNICODE, _STRING, _DOLLAR, _FORMAT, _TO_LINE_END, _COMMON, _REST),
    SQLITE: _scanner(_STRING, _BRACKETS, _TO_LINE_FEED, _COMMON, _MARKS, _REST),
}
_EDGE: Final = re.compile(r"/\*|\*/")
_VALUE: Final = Token(Kind.VALUE, "")
_PARAM: Final = Token(Kind.PARAM, "")


def tokenize(text: str, dialect: str) -> list[Token]:
    """Read a statement as its database does.

    Args:
        text: As it goes to the driver, with the driver's placeholders.
        dialect: SQLAlchemy's name of the database; one that is neither of ours is read as SQLite.
    """
    scan = _SCANNERS.get(dialect, _SCANNERS[SQLITE])
    return list(_tokens(text, scan, nested=dialect == POSTGRESQL))


def _tokens(text: str, scan: re.Pattern[str], *, nested: bool) -> Iterator[Token]:
    position = 0
    # A long statement repeats few words thousands of times.
    made: dict[str, Token] = {}
    while found := scan.match(text, position):
        position, part = found.end(), found[found.lastindex or 0]
        if token := made.get(part):
            yield token
        elif found.lastgroup == "comment":
            position = _comment_end(text, position, nested=nested)
        elif found.lastgroup == "dollar":
            closing = text.find(part, position)
            position = len(text) if closing < 0 else closing + len(part)
            yield _VALUE
        elif found.lastgroup != "skip":
            token = made[part] = _token(found.lastgroup, part)
            yield token


def _token(group: str | None, text: str) -> Token:
    if group == "word":
        return Token(Kind.WORD, text.lower())
    if group == "param":
        return _PARAM
    if group == "number":
        return _VALUE
    if group in _NAMES:
        return _named(text)
    return Token(Kind.PUNCT, "%" if group == "percent" else text)


_NAMES: Final = {"quoted", "bracket", "string", "unicode", "escaped"}


def _named(text: str) -> Token:
    """A name or a string: by its first quote."""
    start = next(index for index, character in enumerate(text) if character in "\"'`[")
    opening = text[start]
    closing = "]" if opening == "[" else opening
    content = text[start + 1 : -1] if text.endswith(closing) and len(text) > start + 1 else text[start + 1 :]
    kind = Kind.VALUE if opening == "'" else Kind.QUOTED
    return Token(kind, content.replace(closing * 2, closing))


def _comment_end(text: str, position: int, *, nested: bool) -> int:
    depth = 1
    for edge in _EDGE.finditer(text, position):
        if edge[0] == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if depth == 0:
            return edge.end()
    return len(text)
