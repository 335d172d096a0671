"""Which names announce a secret, whatever stands beside them.

A name is split into words at every sign that is no letter or digit and at camelCase humps, and judged word by word: so
``total_tokens`` is a count and stays, ``apiToken`` is a secret. Numbers, booleans and statements of presence are never
replaced, because they are what evidence is made of. The doubt: a secret under an innocent name is left to the needles.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})

WORDS: Final = frozenset({"token", "secret", "password", "apikey", "env"})

_HINT: Final = re.compile("auth|cookie|token|secret|password|api|env")
"""No name announces a secret without one of these in it."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PRESENCE: Final = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*=)?(?:present|absent)|")


def words(name: str) -> list[str]:
    """Split a name: ``OPENAI_API_KEY`` gives openai, api, key; ``HTTPToken`` gives http, token."""
    return [word.lower() for word in _WORD.findall(name)]


def hints_at_secret(names: str) -> bool:
    """Whether one of some names, with anything between them, may announce a secret; many are dismissed at once."""
    return _HINT.search(names.lower()) is not None


def announces_secret(name: str) -> bool:
    """Whether the value under this name is replaced without being looked at."""
    if not hints_at_secret(name):
        return False
    if name.strip().lower() in HEADERS:
        return True
    parts = words(name)
    return not WORDS.isdisjoint(parts) or ("api", "key") in pairwise(parts)


def states_presence(value: str) -> bool:
    """Whether a value says only that something is there: ``present``, ``NAME=absent``, or nothing at all."""
    return _PRESENCE.fullmatch(value) is not None
