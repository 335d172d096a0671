"""The span that the running code works in.

It is a context variable: tasks and thread-pool calls of the event loop inherit it, a plain thread does not and is
handed it by ``carried``. While a span is current, every log line of its thread names it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backend.tracecontext import SpanContext

Given = ParamSpec("Given")
Result = TypeVar("Result")

_CURRENT: ContextVar[SpanContext | None] = ContextVar("ladder_current_span", default=None)


def current_span() -> SpanContext | None:
    """The ids of the innermost open span; ``None`` outside of every trace."""
    return _CURRENT.get()


@contextmanager
def inside(span: SpanContext | None) -> Iterator[None]:
    """Work in a span within the block; ``None`` leaves everything as it is."""
    if span is None:
        yield
        return
    token = _CURRENT.set(span)
    ids = {"trace_id": span.correlation_id, "span_id": span.span_id, "trace_flags": f"{span.flags:02x}"}
    try:
        with structlog.contextvars.bound_contextvars(**ids):
            yield
    finally:
        _CURRENT.reset(token)


def carried(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Bind a function to the present span, so that another thread can run it there."""
    context = copy_context()

    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        # A copy for each call: one context cannot be entered twice at a time.
        return context.copy().run(function, *args, **kwargs)

    return run
