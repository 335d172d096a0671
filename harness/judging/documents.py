"""Answers as documents: strict JSON, the text that is wrapped in it, and the value that expressions look at. Pure.

JSON is what RFC 8259 says, so ``NaN`` and half a document are no JSON, and what is none has no value: null, which every
check fails. What no reader can be sure of stays open: of a repeated key the last one counts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from harness.language.expressions import search

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.judging.observation import Exchange


MAX_DEPTH: Final = 200
"""What can be read can then be searched, spelt and stored, all of which go down by recursion."""


def parse(text: str) -> Any:  # noqa: ANN401  # JSON values
    """The value of a JSON text; ``None`` when it is none, is nested beyond reason, or has numbers without an end."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return None if _is_too_deep(value) else value


def _is_too_deep(value: Any) -> bool:  # noqa: ANN401  # JSON values
    """Whether the containers of a value are nested beyond ``MAX_DEPTH``; one level after the other."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for parent in level if isinstance(parent, dict | list) for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _refuse(word: str) -> NoReturn:
    msg = f"{word} is no JSON"
    raise ValueError(msg)


def view(exchange: Exchange, doc: Any = None) -> dict[str, Any]:  # noqa: ANN401  # JSON values
    """The roots of every expression: ``status headers body text doc``."""
    return {
        "status": exchange.status,
        "headers": exchange.headers,
        "body": exchange.body,
        "text": exchange.text,
        "doc": doc,
    }


def unwrapped(exchange: Exchange, expression: str | None) -> Any:  # noqa: ANN401  # JSON values
    """The document of an answer: the JSON text that the expression finds, parsed; the body when it finds nothing.

    A text that is no JSON gives ``None``: half a result is no document.
    """
    found = search(expression, view(exchange)) if expression else None
    if found is None:
        return exchange.body
    return parse(found) if isinstance(found, str) else found
