"""Credentials as anybody would recognise them: published token shapes, keys, headers and URLs with a password.

The rules know nothing about the values of a run, and share no code with the redactor. They run on RE2, whose time is
linear in the text whatever the text is. A rule fires on what looks random; placeholders such as ``user:password`` are
let pass. The doubt: a secret without a shape of its own is found by its exact value only (``scan.py``).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Match(Protocol):
    def start(self, group: int = 0) -> int: ...

    def group(self, group: int = 0) -> bytes: ...


class _Pattern(Protocol):
    def finditer(self, text: bytes) -> Iterator[_Match]: ...


class _Options(Protocol):
    encoding: object
    Encoding: _Encodings


class _Encodings(Protocol):
    LATIN1: object


class _Re2(Protocol):
    """The part of ``google-re2`` in use; it ships no types."""

    def Options(self) -> _Options: ...  # noqa: N802  # the library's name

    def compile(self, pattern: bytes, options: _Options) -> _Pattern: ...


PLACEHOLDERS: Final = (
    b"password",
    b"passwd",
    b"secret",
    b"example",
    b"your",
    b"changeme",
    b"xxx",
    b"***",
    b"...",
    b"token",
)
LONG: Final = 40
FEWEST_KINDS: Final = 6
"""Different characters; ``xxxxxxxx`` and ``12345`` are no credentials."""
PRESENCE: Final = (b"present", b"absent")


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape of a credential.

    Attributes:
        keywords: Lower-case; a text without any of them is not searched.
        pattern: RE2 syntax over bytes; its last group is the credential.
        believable: Whether what was found can be a credential and is no placeholder.
    """

    name: str
    keywords: tuple[bytes, ...]
    pattern: bytes
    believable: Callable[[bytes], bool]


def _random(value: bytes) -> bool:
    """Digits and letters mixed; words joined by dashes are not."""
    digits = sum(value.count(digit) for digit in b"0123456789")
    letters = sum(chr(byte).isalpha() for byte in value)
    # A single digit is a version or counts something.
    return min(digits, letters) > 1 and _own(value)


def _own(value: bytes) -> bool:
    """No placeholder; in something long a word may stand by chance."""
    lower = value.lower()
    placeholder = len(lower) < LONG and any(word in lower for word in PLACEHOLDERS)
    return len(set(lower)) >= FEWEST_KINDS and not placeholder


def _not_presence(value: bytes) -> bool:
    return value not in PRESENCE and _own(value)


def _always(value: bytes) -> bool:
    return bool(value)


_START: Final = rb"(?:^|[^A-Za-z0-9_-])"

_IS: Final = rb"\\?[\"']?\s*[:=,]\s*\\?[\"']?"
_PART: Final = rb"[^\s:/@\"'<>\[\]{}$\\]"

RULES: Final = (
    Rule("sk-key", (b"sk-",), _START + rb"(sk-[A-Za-z0-9_-]{20,})", _random),
    Rule("github-token", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), rb"(gh[pousr]_[A-Za-z0-9]{36})", _random),
    Rule("github-fine-grained", (b"github_pat_",), rb"(github_pat_[A-Za-z0-9_]{60,})", _random),
    Rule("gitlab-token", (b"glpat-",), rb"(glpat-[A-Za-z0-9_-]{20,})", _random),
    Rule("aws-key-id", (b"akia", b"asia"), _START + rb"((?:AKIA|ASIA)[A-Z2-7]{16})(?:[^A-Za-z0-9]|$)", _own),
    Rule("google-key", (b"aiza",), _START + rb"(AIza[A-Za-z0-9_-]{35})", _random),
    Rule("slack-token", (b"xox",), _START + rb"(xox[abeoprs]-[A-Za-z0-9-]{10,})", _random),
    Rule("slack-hook", (b"hooks.slack.com",), rb"hooks\.slack\.com/services/([A-Za-z0-9/]{30,})", _random),
    Rule("stripe-key", (b"k_live_",), _START + rb"([rs]k_live_[A-Za-z0-9]{20,})", _random),
    Rule("pypi-token", (b"pypi-",), _START + rb"(pypi-AgE[A-Za-z0-9_-]{50,})", _random),
    Rule("npm-token", (b"npm_",), _START + rb"(npm_[A-Za-z0-9]{36})", _random),
    Rule("model-hub-token", (b"hf_",), _START + rb"(hf_[A-Za-z0-9]{34})", _random),
    Rule("jwt", (b"eyj",), rb"(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})", _always),
    Rule(
        "private-key",
        (b"private key",),
        rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:\\[rn]|\s)+([A-Za-z0-9+/=]{16})",
        _always,
    ),
    Rule(
        "authorization",
        (b"authorization",),
        rb"(?i)authorization" + _IS + rb"(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{12,})",
        _own,
    ),
    Rule(
        "url-password", (b"://",), rb"[A-Za-z][A-Za-z0-9+.-]*://" + _PART + rb"{1,64}:(" + _PART + rb"{4,128})@", _own
    ),
    Rule(
        "named-value",
        (b"openai_",),
        rb"OPENAI_(?:API_KEY|ORG_ID|PROJECT)(?:=|\\?[\"']\s*:\s*)\\?[\"']?([A-Za-z0-9_-]{8,})",
        _not_presence,
    ),
)


def matches(data: bytes) -> Iterator[tuple[str, int]]:
    """Name of the rule and offset of each credential in the data."""
    lower = data.lower()
    for rule in RULES:
        if any(keyword in lower for keyword in rule.keywords):
            for found in _compiled(rule.pattern).finditer(data):
                if rule.believable(found.group(1)):
                    yield rule.name, found.start(1)


@cache
def _compiled(pattern: bytes) -> _Pattern:
    re2 = cast("_Re2", importlib.import_module("re2"))
    options = re2.Options()
    # Evidence is bytes, not always UTF-8; RE2 would not look behind a byte that it cannot decode.
    options.encoding = options.Encoding.LATIN1
    return re2.compile(pattern, options)
