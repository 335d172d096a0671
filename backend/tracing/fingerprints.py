"""Which statement it was, without its values: the same for each run, each batch and, if possible, each database.

Rule 1, on tokens: comments and white space go; key words and plain names are in lower case; literals (``true`` and
``false`` too) and placeholders become ``?``, with the cast behind them and the sign in front; of rows that follow each
other in VALUES, and of items in an IN list, equal ones count once; the statement's own RETURNING clause goes, since
SQLAlchemy adds it on PostgreSQL alone, and so does the frame that it puts around the rows of an ordered insert there.

Not equal on the two databases is what SQLAlchemy itself writes in other words: ``now()`` and CURRENT_TIMESTAMP, JSON
and array operators, conditions on booleans, an empty IN list, IN lists of pairs, ordered inserts of SQL expressions,
OR IGNORE and ON CONFLICT. NULL stays: it decides what a condition means. A text of more than a mebibyte has none (see
``reading.LONGEST_READ``): of a statement that was not read to its end, nobody can say which it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from backend.tracing.records import Fingerprint
from backend.tracing.tokens import Kind, Token
from backend.tracing.walking import step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VERSION: Final = 1
_VALUE: Final = "?"
_VALUES: Final = frozenset((Kind.VALUE, Kind.PARAM))
_DEEPEST: Final = 20
"""Lists within lists whose items are compared, so that no text takes long."""
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_$]*")
_POSITION: Final = re.compile(r"p\d+")
_BEFORE_SIGN: Final = frozenset("(,=<>+-*/%|")


def fingerprint(tokens: Sequence[Token]) -> Fingerprint:
    """Digest the normal form of a statement."""
    return Fingerprint(VERSION, sha256(normal_form(tokens).encode("utf-8", "surrogatepass")).hexdigest())


def normal_form(tokens: Sequence[Token]) -> str:
    """The statement without its values, words separated by one space."""
    words = _without_frame(_worded(tokens))
    while words and words[-1] == ";":
        words.pop()
    return " ".join(_Rows().once(words))


def _worded(tokens: Sequence[Token]) -> list[str]:
    """Tokens as words, each value as one question mark, without the statement's own RETURNING."""
    words: list[str] = []
    at, depth = 0, 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.kind is Kind.PUNCT:
            depth += step(token)
            words.append(token.text)
        elif token.kind in _VALUES or token.is_word("true", "false"):
            _add_value(words)
            at = _behind_casts(tokens, at)
        elif depth == 0 and token.is_word("returning"):
            at = _behind_statement(tokens, at)
        else:
            words.append(_spelled(token))
    return words


def _add_value(words: list[str]) -> None:
    if len(words) > 1 and words[-1] in {"-", "+"} and words[-2] in _BEFORE_SIGN:
        words.pop()
    words.append(_VALUE)


def _behind_statement(tokens: Sequence[Token], at: int) -> int:
    while at < len(tokens) and tokens[at] != (Kind.PUNCT, ";"):
        at += 1
    return at


def _spelled(token: Token) -> str:
    if token.kind is not Kind.QUOTED or _PLAIN.fullmatch(token.text):
        return token.text
    return '"' + token.text.replace('"', '""') + '"'


def _behind_casts(tokens: Sequence[Token], at: int) -> int:
    """Where ``::NUMERIC(10, 2)``, ``::TIMESTAMP(6) WITH TIME ZONE`` or ``::VARCHAR[]`` ends, if one begins here."""
    while at < len(tokens) and tokens[at] == (Kind.PUNCT, "::"):
        at = _behind_name(tokens, at + 1)
        at = _behind_words(tokens, at, ("precision", "varying"))
        at = _behind_brackets(tokens, at, "()")
        at = _behind_words(tokens, at, ("with", "without", "time", "zone"))
        while (after := _behind_brackets(tokens, at, "[]")) > at:
            at = after
    return at


def _behind_name(tokens: Sequence[Token], at: int) -> int:
    while at < len(tokens) and tokens[at].kind in {Kind.WORD, Kind.QUOTED}:
        at += 1
        if at >= len(tokens) or tokens[at] != (Kind.PUNCT, "."):
            break
        at += 1
    return at


def _behind_words(tokens: Sequence[Token], at: int, words: Sequence[str]) -> int:
    while at < len(tokens) and tokens[at].is_word(*words):
        at += 1
    return at


def _behind_brackets(tokens: Sequence[Token], at: int, pair: str) -> int:
    if at >= len(tokens) or tokens[at] != (Kind.PUNCT, pair[0]):
        return at
    end = at + 1
    while end < len(tokens) and (tokens[end].kind is Kind.VALUE or tokens[end] == (Kind.PUNCT, ",")):
        end += 1
    return end + 1 if end < len(tokens) and tokens[end] == (Kind.PUNCT, pair[1]) else at


def _without_frame(words: list[str]) -> list[str]:
    """Put bare VALUES for ``SELECT p0::T, … FROM (VALUES …) AS imp_sen(p0, …, sen_counter) ORDER BY sen_counter``.

    See SQLAlchemy's ``SQLCompiler._deliver_insertmanyvalues_batches`` and the frame's maker in ``visit_insert``.
    """
    if "imp_sen" not in words:
        return words
    name = words.index("imp_sen")
    ends = [at for at in range(name, len(words) - 2) if words[at : at + 3] == ["order", "by", "sen_counter"]]
    starts = [at for at in range(name) if words[at : at + 2] == ["select", "p0"]]
    rows = [at for at in range(name) if words[at : at + 3] == ["from", "(", "values"]]
    if not (ends and starts and rows) or not _only_positions(words[starts[0] + 1 : rows[0]]):
        return words
    return [*words[: starts[0]], *words[rows[0] + 2 : name - 2], *words[ends[0] + 3 :]]


def _only_positions(words: Sequence[str]) -> bool:
    """Whether it is a list of positions with their casts, and computes nothing."""
    depth, expected = 0, True
    for at, word in enumerate(words):
        if expected and not (_POSITION.fullmatch(word) and words[at + 1 : at + 2] in ([], [","], ["::"])):
            return False
        depth += (word == "(") - (word == ")")
        expected = word == "," and depth == 0
    return True


@dataclass(slots=True)
class _List:
    """A list whose items are compared: the rows of VALUES, the items of IN, or (``compared`` is off) anything else."""

    compared: bool
    bare: bool
    """It has no parentheses of its own, as the rows of VALUES."""
    start: int
    last: list[str] = field(default_factory=list)


class _Rows:
    """Writes words in order and leaves out an item that repeats the one before it."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._lists: list[_List] = []

    def once(self, words: Iterable[str]) -> list[str]:
        before = ""
        for word in words:
            if self._inside_bare and word not in {"(", ","}:
                self._leave()
            self._take(word, before)
            before = word
        if self._inside_bare:
            self._leave()
        return self._out

    @property
    def _inside_bare(self) -> bool:
        return bool(self._lists) and self._lists[-1].bare

    def _take(self, word: str, before: str) -> None:
        if word == ")" and self._lists:
            self._leave()
        if word == "," and self._lists:
            self._end_item()
        self._out.append(word)
        if word == "," and self._lists:
            self._lists[-1].start = len(self._out)
        elif word == "(":
            self._open(compared=before == "in", bare=False)
        elif word == "values":
            self._open(compared=True, bare=True)

    def _open(self, *, compared: bool, bare: bool) -> None:
        self._lists.append(_List(compared and len(self._lists) < _DEEPEST, bare, len(self._out)))

    def _leave(self) -> None:
        self._end_item()
        self._lists.pop()

    def _end_item(self) -> None:
        inner = self._lists[-1]
        if not inner.compared:
            return
        item = self._out[inner.start :]
        if item and item == inner.last:
            del self._out[inner.start - 1 :]
        inner.last = item
