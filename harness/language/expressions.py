"""JMESPath and RE2: compiled once, checked before anything is sent, and unable to hang or break a run.

An expression that makes no sense for a document, such as ``sort`` of a missing list, has no value there: null, which
fails every check. RE2 has no backtracking, so no pattern can take longer than the text is long.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from harness.language.findings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOTS: Final = ("status", "headers", "body", "text", "doc")
"""What an expression may start from."""

EXCERPT: Final = "excerpt(doc)"
"""The one value of ``save`` that is no JMESPath."""


class ExpressionError(ValueError):
    """A text that is no JMESPath, or no RE2 pattern.

    Attributes:
        offset: Characters from the beginning to the fault; 0 when unknown.
    """

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class _Compiled(Protocol):
    parsed: Any

    def search(self, value: Any) -> Any: ...  # noqa: ANN401  # JSON values


class _Pattern(Protocol):
    def search(self, text: str) -> object | None: ...


@lru_cache(maxsize=1024)
def _compile(expression: str) -> _Compiled:
    from jmespath import compile as compile_expression
    from jmespath.exceptions import JMESPathError

    try:
        compiled: _Compiled = compile_expression(expression)
    except RecursionError:
        raise ExpressionError("nested too deep") from None
    except JMESPathError as error:
        # The library draws a caret of its own on further lines.
        message = str(error).split(", for expression")[0].split(":\n")[0].partition("\n")[0]
        raise ExpressionError(message.rstrip(":"), getattr(error, "lex_position", None) or 0) from error
    return compiled


def search(expression: str, document: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON values
    """What an expression gives for a document; null also when it makes no sense there.

    Raises:
        ExpressionError: It is no JMESPath.
    """
    from jmespath.exceptions import JMESPathError

    try:
        return _compile(expression).search(document)
    except (JMESPathError, RecursionError):
        return None


def check_expression(expression: str, *, roots: tuple[str, ...] = ROOTS) -> None:
    """Refuse what could never give a value: bad syntax, unknown functions, unknown roots.

    Raises:
        ExpressionError: With the reason.
    """
    from jmespath.functions import Functions

    tree = _compile(expression).parsed
    try:
        names, used = list(_functions(tree)), list(_roots(tree))
    except RecursionError:
        raise ExpressionError("nested too deep") from None
    for name in names:
        if name not in Functions.FUNCTION_TABLE:
            known = did_you_mean(name, Functions.FUNCTION_TABLE)
            raise ExpressionError(f"unknown function {name!r}{known}", max(expression.find(name), 0))
    for name in used:
        if name not in roots:
            message = f"{name!r} is none of {', '.join(roots)}{did_you_mean(name, roots)}"
            raise ExpressionError(message, max(expression.find(name), 0))


def _functions(tree: Mapping[str, Any]) -> Iterator[str]:
    if tree["type"] == "function_expression":
        yield tree["value"]
    for child in tree.get("children", ()):
        yield from _functions(child)


_ON_THE_LEFT: Final = frozenset(
    {
        *("subexpression", "index_expression", "projection", "value_projection", "filter_projection"),
        *("flatten", "pipe"),
    }
)
"""Here the first part is applied to the document, and the rest to what that gives."""


def _roots(tree: Mapping[str, Any]) -> Iterator[str]:
    kind, children = tree["type"], tree.get("children", ())
    if kind == "field":
        yield tree["value"]
    elif kind in _ON_THE_LEFT:
        yield from _roots(children[0])
    elif kind not in {"literal", "expref"}:
        for child in children:
            yield from _roots(child)


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> _Pattern:
    import re2  # type: ignore[import-untyped]  # the package has no stubs

    options = re2.Options()
    options.log_errors = False
    try:
        compiled: _Pattern = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise ExpressionError(
            reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        ) from error
    return compiled


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that RE2 does not know.

    Raises:
        ExpressionError: With RE2's reason.
    """
    _pattern(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found anywhere in a text.

    Raises:
        ExpressionError: It is no RE2 pattern.
    """
    # A lone surrogate cannot be encoded, and RE2 reads bytes.
    return _pattern(pattern).search(text.encode("utf-8", "replace").decode()) is not None
