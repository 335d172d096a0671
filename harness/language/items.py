"""Items of ``expect``, ``until`` and ``stop_if``: nodes to checks, each in its one normal form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from harness.language.durations import seconds
from harness.language.model import Check, CheckKind, Severity
from harness.language.nodes import plain
from harness.language.variables import is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.language.nodes import Node, Source

PROJECT: Final = "${pid}"
"""The project that is meant when a check or link names none."""


def checks(nodes: Iterable[Node], source: Source) -> tuple[Check, ...]:
    """Make the checks of one list, in order."""
    return tuple(_check(node, source) for node in nodes)


def _check(node: Node, source: Source) -> Check:
    kind = next(kind for kind in CheckKind if kind.value in node.value)
    written: dict[str, Any] = plain(node)
    argument = written.pop(kind.value)
    usual = Severity.INFO if kind is CheckKind.JUDGE else Severity.FAIL
    severity = Severity(written.pop("severity", usual))
    nested = kind in _NESTING
    return Check(
        kind=kind,
        mark=source.mark(node.place),
        severity=severity,
        argument=None if nested else _ARGUMENTS.get(kind, _as_written)(argument),
        operators=_operators(written),
        children=checks(node.items(kind.value), source) if nested else (),
        text=json.dumps(plain(node), ensure_ascii=False),
    )


def _operators(written: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _eq(wanted) if name == "length" else wanted for name, wanted in written.items()}


def _eq(wanted: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON values
    return wanted if isinstance(wanted, dict) else {"eq": wanted}


def _as_written(argument: Any) -> Any:  # noqa: ANN401  # JSON values
    return argument


def _status(argument: int | list[int]) -> tuple[int, ...]:
    return tuple(argument) if isinstance(argument, list) else (argument,)


def _headers(argument: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name.lower(): _operators(wanted) for name, wanted in argument.items()}


def _duration(argument: Mapping[str, str]) -> dict[str, float]:
    return {name: seconds(bound) for name, bound in argument.items()}


def _files_changed(argument: Mapping[str, Any]) -> dict[str, Any]:
    lists = ("created", "modified", "deleted")
    wanted = {name: _operators(_eq(value)) if name in lists else value for name, value in argument.items()}
    return {"project": PROJECT} | wanted


def _container(argument: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _eq(value) if name != "label" else value for name, value in argument.items()}


def _prints(argument: dict[str, Any]) -> dict[str, Any]:
    usual: dict[str, Any] = {"project": PROJECT, "exit_code": 0}
    return {
        name: _operators(_eq(value)) if name in {"exit_code", "numbers", "stdout"} else value
        for name, value in (usual | argument).items()
    }


def _judge(argument: dict[str, Any]) -> dict[str, Any]:
    usual: dict[str, Any] = {"votes": 3, "threshold": 0.7, "tools": None, "context": None, "model": None}
    criteria = [{"weight": 1, **each} for each in argument.get("criteria", [_THE_RUBRIC])]
    looked_at = {name: _value(argument[name]) for name in ("of", "tools") if name in argument}
    return usual | argument | looked_at | {"criteria": criteria}


_THE_RUBRIC: Final = {"name": "rubric", "text": "How well the data meets the rubric."}
"""The one criterion where a ladder names none."""


def _value(written: str) -> dict[str, str]:
    """As for ``save``: what holds ``${`` is a template, which is filled in, and anything else is JMESPath."""
    return {"value" if is_template(written) else "path": written}


_NESTING: Final = frozenset({CheckKind.ANY_OF, CheckKind.ALL_OF, CheckKind.NOT})
_ARGUMENTS: Final[Mapping[CheckKind, Callable[[Any], Any]]] = {
    CheckKind.STATUS: _status,
    CheckKind.HEADERS: _headers,
    CheckKind.DURATION: _duration,
    CheckKind.FILES_CHANGED: _files_changed,
    CheckKind.CONTAINER: _container,
    CheckKind.PRINTS: _prints,
    CheckKind.JUDGE: _judge,
}
