"""A place in a list of tokens, and the steps from there that a reader of statements takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from backend.tracing.tokens import SQLITE, Kind, Token

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN: Final = re.compile(r"""[^."]+""")


class Walker:
    """Goes forward through tokens; past the end there is nothing, never an error."""

    def __init__(self, tokens: Sequence[Token], dialect: str) -> None:
        self.dialect = dialect
        self._tokens = tokens
        self._at = 0

    @property
    def ended(self) -> bool:
        """Whether all tokens are behind."""
        return self._at >= len(self._tokens)

    def peek(self, *words: str, ahead: int = 0) -> bool:
        """Whether one of these key words comes next."""
        index = self._at + ahead
        return index < len(self._tokens) and self._tokens[index].is_word(*words)

    def skip(self, *words: str) -> bool:
        """Go over one of these key words, if one comes next."""
        if self.peek(*words):
            self._at += 1
            return True
        return False

    def skip_punct(self, text: str) -> bool:
        """Go over this character, if it comes next."""
        if not self.ended and self._tokens[self._at] == (Kind.PUNCT, text):
            self._at += 1
            return True
        return False

    def word(self) -> str | None:
        """Take the key word or unquoted name that comes next."""
        if self.ended or self._tokens[self._at].kind is not Kind.WORD:
            return None
        self._at += 1
        return self._tokens[self._at - 1].text

    def group(self) -> Sequence[Token]:
        """Take what stands in the parentheses that begin here; nothing if none do."""
        if not self.skip_punct("("):
            return ()
        start, depth = self._at, 1
        while not self.ended and depth:
            depth += step(self._tokens[self._at])
            self._at += 1
        return self._tokens[start : self._at - (depth == 0)]

    def skip_to(self, *words: str) -> bool:
        """Go on to one of these key words outside of parentheses."""
        depth = 0
        while not self.ended:
            if depth == 0 and self.peek(*words):
                return True
            depth += step(self._tokens[self._at])
            self._at += 1
        return False

    def target(self) -> str | None:
        """Take ``[ONLY] name`` or ``ONLY (name)``."""
        if self.peek("only") and not self.peek("set", "where", ahead=1):
            self._at += 1
        self.skip_punct("(")
        return self.name()

    def name(self) -> str | None:
        """Take a name, with a dot behind each schema; ``None`` if none comes next."""
        parts = []
        while not self.ended and self._may_name(self._tokens[self._at]):
            parts.append(self._tokens[self._at].text)
            self._at += 1
            if not self.skip_punct("."):
                return qualified(*parts)
        return None

    def _may_name(self, token: Token) -> bool:
        # SQLite takes 'jobs' for a name where only a name can stand; elsewhere a string is a value and stays unseen.
        if token.kind is Kind.VALUE:
            return token.text != "" and self.dialect == SQLITE
        return token.kind in {Kind.WORD, Kind.QUOTED}


def step(token: Token) -> int:
    """How a token changes the depth of parentheses."""
    if token.kind is not Kind.PUNCT:
        return 0
    return (token.text == "(") - (token.text == ")")


def qualified(*parts: str) -> str:
    """Join the parts of a name; a part whose own dot could pass for the one behind a schema gets quotes."""
    return ".".join(part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in parts)
