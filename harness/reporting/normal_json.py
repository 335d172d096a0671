"""Answers and files without what differs from run to run: ids, times, durations, ports and folders become tokens. Pure.

It takes over the tokens of a trace's normal form and adds what stands in bodies. The doubt is on the side of telling
too little: two contents that differ only in such a value, one id in the place of another one included, are the same.
"""

from __future__ import annotations

import re
from typing import Any, Final

from harness.judging.documents import parse
from harness.traces.tokens import tokenised

Json = Any

_TIME: Final = "<time>"
_TOKENS: Final = (
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?", _TIME),
    (r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", _TIME),
    (r"((?:https?://[^\s/:\"']+)|localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):[0-9]{1,5}\b", r"\1:<port>"),
    (r"(?<![0-9A-Za-z])[0-9a-f]{40}(?![0-9A-Za-z])", "<hex>"),
    (r"(?<![0-9A-Za-z])(?=[0-9]*[a-f])(?=[a-f]*[0-9])(?:[0-9a-f]{12}|[0-9a-f]{16})(?![0-9A-Za-z])", "<hex>"),
    (r"\b[0-9]+(?:\.[0-9]+)? ?(?:ms|s|seconds)\b", "<duration>"),
)
_PATTERNS: Final = tuple((re.compile(pattern), token) for pattern, token in _TOKENS)

_DURATION_KEY: Final = re.compile(r"(?:.*_)?(?:duration|elapsed|took|latency)(?:_.*)?|.*_(?:ms|ns|us)", re.DOTALL)
_SEQUENCE: Final = "seq"
"""Counts what a process has seen since it started, so it differs with what came before."""

_UNDER_WAY: Final = ("queued", "in_progress")
"""Whether a job that was accepted has begun when it is looked at, and so whether it has a time, is a matter of time."""
_INSTANT_KEY: Final = "_at"

_SIZE_KEYS: Final = frozenset({"size", "bytes"})
_OF_THE_RUN: Final = ".codex/"
"""What the worker keeps there tells of its own run, with times, so that its size is one of them."""

_SECONDS: Final = (1_000_000_000, 10_000_000_000)
"""Numbers from 2001 to 2286 as seconds since 1970; a thousand times that as milliseconds."""

_DEEPEST: Final = 4
"""JSON in texts in JSON; what lies deeper is compared as text."""


def normal_text(text: str) -> str:
    """A text with its tokens."""
    # Whole ids come first: the last part of one looks like a short one.
    text = tokenised(text)
    for pattern, token in _PATTERNS:
        text = pattern.sub(token, text)
    return text


def normal_body(text: str) -> Json:
    """A body: as JSON when it is an object or a list, else as text."""
    return _normal_string(text, 0)


def normal(value: Json, *, depth: int = 0) -> Json:
    """A JSON value with its tokens."""
    if isinstance(value, str):
        return _normal_string(value, depth)
    if isinstance(value, list):
        return [normal(item, depth=depth) for item in value]
    if isinstance(value, dict):
        return {normal_text(key): _member(value, key, depth) for key in value}
    return _TIME if _is_instant(value) else value


def _member(value: dict[str, Json], key: str, depth: int) -> Json:
    member = value[key]
    if _DURATION_KEY.fullmatch(key.lower()):
        return _durations(member)
    if key.endswith(_INSTANT_KEY) and (member is None or _is_instant(member)):
        return _TIME
    if key == "status" and member in _UNDER_WAY:
        return "<under way>"
    if key == _SEQUENCE and _is_number(member):
        return "<number>"
    if key in _SIZE_KEYS and _is_number(member) and str(value.get("path", "")).startswith(_OF_THE_RUN):
        return "<size>"
    return normal(member, depth=depth)


def _durations(member: Json) -> Json:
    """A duration, or an object of nothing but durations."""
    if isinstance(member, dict):
        return {normal_text(key): _durations(inner) for key, inner in member.items()}
    return "<duration>" if _is_number(member) else normal(member)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _normal_string(text: str, depth: int) -> Json:
    if depth < _DEEPEST and text.lstrip()[:1] in {"{", "["}:
        found = parse(text)
        if isinstance(found, dict | list):
            return normal(found, depth=depth + 1)
    return normal_text(text)


def _is_instant(value: Json) -> bool:
    if not _is_number(value):
        return False
    low, high = _SECONDS
    return bool(low <= value < high or low * 1000 <= value < high * 1000)
