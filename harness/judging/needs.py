"""What a check must see to be judged: the skeleton of what was observed, or its contents. Pure.

The skeleton is what a run in the mode ``metadata_only`` keeps: codes, times, sizes, digests, ids, names of files, words
of closed sets. Each kind of check declares what it needs; a ``path`` by what its expression can come to. Whatever is
not known to be enough counts as contents, so that nothing is judged on what was taken out. The doubt: a subject may put
text where a word is expected. Such a value is taken out as well, and ``lacks`` sees that it is not there.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from harness.judging.documents import view
from harness.language.expressions import search
from harness.language.model import Check, CheckKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.judging.observation import Observation

EXCLUDED: Final = "[CONTENT_EXCLUDED]"
"""Stands where contents were."""


class Needs(StrEnum):
    """What a check must see."""

    SKELETON = "skeleton"
    CONTENT = "content"


BY_KIND: Final[Mapping[CheckKind, Needs]] = {
    CheckKind.STATUS: Needs.SKELETON,
    CheckKind.HEADERS: Needs.SKELETON,
    CheckKind.DURATION: Needs.SKELETON,
    CheckKind.NO_SECRETS: Needs.SKELETON,
    CheckKind.FILES_CHANGED: Needs.SKELETON,
    CheckKind.CONTAINER: Needs.SKELETON,
    CheckKind.SCHEMA: Needs.CONTENT,
    CheckKind.PRINTS: Needs.CONTENT,
    CheckKind.JUDGE: Needs.CONTENT,
}
"""Of ``path`` the expression decides, of ``any_of``, ``all_of`` and ``not`` what is inside."""

_STRUCTURAL: Final = frozenset({"exists", "length"})
"""Operators that ask nothing of a list or an object but that it is there, and how long it is."""

FILE_NAMES: Final = frozenset({"path", "created_files", "modified_files", "deleted_files"})
_WORDS: Final = frozenset(
    {
        *("id", "status", "mode", "engine", "written_by", "job_type", "failure_kind", "phase", "state", "code"),
        *("error", "errors", "error_type", "error_code", "verdict", "layer", "kind", "op", "outcome", "tables", "rows"),
        *("committed_rows", "fingerprint", "active", "incomplete", "timestamp", "exit_code", "oom_killed", "sqlstate"),
        *("size", "bytes", "count", "attempt", "sha256", "digest", "schema_version", "version", "truncated"),
    }
)
_WORD_ENDS: Final = ("_id", "_ids", "_at", "_ms", "_ns", "_s", "_bytes", "_count", "_digest", "_sha256", "_tokens")
_BRANCHES: Final = frozenset(
    {"body", "doc", "files", "jobs", "attempts", "result", "spans", "db_writes", "events", "capture", "usage"}
)
_ROOTS: Final = frozenset({"status", "headers"})
_FUNCTIONS: Final = frozenset(
    {"contains", "ends_with", "length", "max", "min", "not_null", "reverse", "sort", "starts_with", "to_array", "type"}
)
_THROUGH: Final = frozenset({"not_null", "reverse", "sort", "to_array", "max", "min"})
"""Functions that give what they were given, or a part of it."""


def is_leaf(name: str) -> bool:
    """Whether the value under a key belongs to the skeleton, if it has the shape of a word, a number or a file name."""
    return name in _WORDS or name in FILE_NAMES or name.endswith(_WORD_ENDS)


def needs_of(check: Check) -> Needs:
    """What a check must see."""
    if check.kind is CheckKind.PATH:
        return needs_of_path(check.argument, check.operators)
    if check.kind in BY_KIND:
        return BY_KIND[check.kind]
    found = {needs_of(child) for child in check.children}
    return Needs.CONTENT if Needs.CONTENT in found else Needs.SKELETON


def needs_of_item(item: Any) -> Needs:  # noqa: ANN401  # JSON values
    """What a check must see, by the item as it is written in a ladder."""
    if not isinstance(item, dict):
        return Needs.CONTENT
    kind = next((each for each in CheckKind if each.value in item), None)
    if kind is CheckKind.PATH:
        operators = {key: value for key, value in item.items() if key not in {"path", "severity"}}
        return needs_of_path(str(item["path"]), operators)
    if kind is None or kind in BY_KIND:
        return BY_KIND[kind] if kind else Needs.CONTENT
    children = item[kind.value] if isinstance(item[kind.value], list) else [item[kind.value]]
    found = {needs_of_item(child) for child in children}
    return Needs.CONTENT if Needs.CONTENT in found else Needs.SKELETON


def needs_of_path(expression: str, operators: Mapping[str, Any]) -> Needs:
    """What an expression must see, if its value is asked for no more than these operators ask."""
    tree = _tree(expression)
    if tree is None or not all(_is_known(name) for name in _names(tree)) or not _functions(tree) <= _FUNCTIONS:
        return Needs.CONTENT
    is_structural = operators.keys() <= _STRUCTURAL
    ends = set(_ends(tree))
    return Needs.SKELETON if is_structural or all(map(_is_whole, ends)) else Needs.CONTENT


def lacks(check: Check, observation: Observation) -> bool:
    """Whether something that a check looks at has been taken out of what is stored, variables included."""
    if check.kind is CheckKind.PATH:
        value = search(check.argument, view(observation.exchange, observation.doc))
        if check.operators.keys() <= _STRUCTURAL and not isinstance(value, str):
            return _is_excluded(check.operators)
        return _is_excluded(value) or _is_excluded(check.operators)
    return _is_excluded(check.argument) or any(lacks(child, observation) for child in check.children)


def _is_excluded(value: Any) -> bool:  # noqa: ANN401  # JSON values
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str) and EXCLUDED in one:
            return True
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            left += one
    return False


def _is_known(name: str) -> bool:
    return name in _ROOTS or name in _BRANCHES or is_leaf(name)


def _is_whole(name: str) -> bool:
    """Whether a value of that name is kept as it was, and not only its shape."""
    return name in _ROOTS or is_leaf(name)


@lru_cache(maxsize=1024)
def _tree(expression: str) -> Mapping[str, Any] | None:
    from jmespath import compile as compile_expression
    from jmespath.exceptions import JMESPathError

    try:
        parsed: Mapping[str, Any] = compile_expression(expression).parsed
    except (JMESPathError, RecursionError):
        return None
    # What hangs below a header is kept as it came, whatever it is called.
    return {"type": "field", "value": "headers"} if re.fullmatch(r'headers\."?[\w-]+"?', expression) else parsed


def _names(tree: Mapping[str, Any]) -> Iterator[str]:
    if tree["type"] == "field":
        yield tree["value"]
    for child in tree.get("children", ()):
        yield from _names(child)


def _functions(tree: Mapping[str, Any]) -> set[str]:
    own = {tree["value"]} if tree["type"] == "function_expression" else set()
    return own.union(*(_functions(child) for child in tree.get("children", ())))


_LAST: Final = frozenset({"subexpression", "index_expression", "projection", "value_projection", "pipe"})
_EVERY: Final = frozenset(
    {"flatten", "or_expression", "and_expression", "multi_select_list", "multi_select_dict", "key_val_pair", "expref"}
)


def _ends(tree: Mapping[str, Any]) -> Iterator[str]:
    """Names of the fields that the value of an expression can be the value of."""
    kind, children = tree["type"], tree.get("children", ())
    if kind in {"field", "current", "identity"}:
        # The whole of what it is applied to is called nothing, and nothing of that name is kept.
        yield tree.get("value", "")
    elif kind in _LAST:
        yield from _of_chain(children)
    elif kind == "filter_projection":
        yield from _of_chain(children[:2])
    elif kind in _EVERY or (kind == "function_expression" and tree["value"] in _THROUGH):
        for child in children:
            yield from _ends(child)


def _of_chain(children: Any) -> Iterator[str]:  # noqa: ANN401  # nodes of the library's tree
    """The last part of a chain that names anything; an index or the whole of it takes the part before."""
    for child in reversed(children):
        if child["type"] not in {"identity", "current", "index", "slice"}:
            yield from _ends(child)
            return
