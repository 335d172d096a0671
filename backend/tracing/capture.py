"""Observes what an engine writes: puts the hooks in, says whether they are there, takes them out.

SQLAlchemy's events tell of statements, but of COMMIT only that it is about to be sent; whether it succeeded is known to
the dialect's methods alone. So those of the engine's own dialect object are wrapped; each does what it did, and
raises what it raised. Engines made from this one by ``execution_options`` share its dialect and its events.

What goes past SQLAlchemy is not seen: ``raw_connection``, a cursor of the driver's, COPY by the driver. Nobody here
does that, and a test holds it (``tests/backend/tracing/test_tracing_reach.py``).

For an asynchronous engine give its ``sync_engine``: the same events come from there, in the context of the task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, event

from backend.tracing.endings import Endings
from backend.tracing.observer import EXCLUDED, Observer
from backend.tracing.records import CaptureState, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from backend.tracing.records import Current, Sink

VERSION: Final = 1
"""Of this recorder: it grows when records of the same statements change."""


def exclude(engine: Engine) -> None:
    """Keep an engine from being observed, as tracing's own store must be."""
    engine.update_execution_options(**{EXCLUDED: True})


def install(engine: Engine, sink: Sink, current: Current) -> Capture:
    """Observe an engine from now on.

    Args:
        engine: With SQLite or PostgreSQL behind it; one that was excluded gives a capture that is off.
        sink: Takes the records, in the thread that ended their transaction.
        current: Asked in the thread or task of each statement.
    """
    endings = Endings(sink)
    capture = Capture(engine, endings, Observer(engine.dialect.name, endings, current))
    if not engine.get_execution_options().get(EXCLUDED):
        capture.put_in()
    return capture


class Capture:
    """The hooks in one engine."""

    version: Final = VERSION

    def __init__(self, engine: Engine, endings: Endings, observer: Observer) -> None:
        self._engine = engine
        self._endings = endings
        self._events: tuple[tuple[str, Callable[..., None]], ...] = (
            ("before_cursor_execute", observer.before),
            ("after_cursor_execute", observer.after),
            ("handle_error", observer.error),
            ("checkin", endings.checked_in),
            ("invalidate", endings.closed),
            ("close", endings.closed),
        )
        self._methods: dict[str, Callable[..., Any]] = {}

    @property
    def hooks(self) -> tuple[str, ...]:
        """Names of the hooks that are in place now."""
        listening = [name for name, function in self._events if event.contains(self._engine, name, function)]
        own = vars(self._engine.dialect)
        return (
            *listening,
            *(f"dialect.{name}" for name, function in self._methods.items() if own.get(name) is function),
        )

    @property
    def active(self) -> bool:
        """Whether every hook is in place, so that "no writes" means that there were none."""
        return len(self.hooks) == len(self._events) + len(_WRAPPERS)

    def state(self) -> CaptureState:
        """What a trace says about its own sight."""
        return CaptureState(self.hooks, self.active, self.version)

    def put_in(self) -> None:
        """Put all hooks in."""
        for name, function in self._events:
            event.listen(self._engine, name, function)
        dialect = self._engine.dialect
        for name, wrapper in _WRAPPERS.items():
            self._methods[name] = wrapper(self._endings, getattr(dialect, name))
            setattr(dialect, name, self._methods[name])

    def uninstall(self) -> None:
        """Take the hooks out; what is unfinished is handed over as open. A second time changes nothing."""
        for name, function in self._events:
            if event.contains(self._engine, name, function):
                event.remove(self._engine, name, function)
        own = vars(self._engine.dialect)
        for name, function in self._methods.items():
            # Somebody may have wrapped it once more; ours then stays below and finds nothing to do.
            if own.get(name) is function:
                delattr(self._engine.dialect, name)
        self._endings.give_up()


def _around_commit(endings: Endings, commit: Callable[..., Any]) -> Callable[..., Any]:
    def do_commit(target: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the dialect's signature
        fairy = _fairy(target)
        outcome = endings.before_end(fairy)
        if outcome is not None and kwargs.get("recover"):
            # A prepared transaction of another connection is committed; this one's own is rolled back before.
            outcome = Outcome.ROLLED_BACK
        try:
            result = commit(target, *args, **kwargs)
        except BaseException as error:
            if outcome is not None:
                endings.not_committed(fairy, error)
            raise
        if outcome is not None:
            endings.committed(fairy, outcome)
        return result

    return do_commit


def _around_rollback(endings: Endings, rollback: Callable[..., Any]) -> Callable[..., Any]:
    def do_rollback(target: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the dialect's signature
        fairy = _fairy(target)
        waiting = endings.before_end(fairy) is not None
        try:
            return rollback(target, *args, **kwargs)
        finally:
            if waiting:
                endings.rolled_back(fairy)

    return do_rollback


def _around_prepare(endings: Endings, prepare: Callable[..., Any]) -> Callable[..., Any]:
    def do_prepare_twophase(connection: Connection, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        result = prepare(connection, *args, **kwargs)
        endings.prepared(_fairy(connection))
        return result

    return do_prepare_twophase


def _fairy(target: Any) -> Any:  # noqa: ANN401  # the dialect's signature
    """The pool's connection: methods for two phases get SQLAlchemy's in its place."""
    return target.connection if isinstance(target, Connection) else target


_WRAPPERS: Final = {
    "do_commit": _around_commit,
    "do_rollback": _around_rollback,
    "do_prepare_twophase": _around_prepare,
    "do_commit_twophase": _around_commit,
    "do_rollback_twophase": _around_rollback,
}
