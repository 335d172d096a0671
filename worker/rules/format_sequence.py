"""R3 and R4: the helper ``format_sequence``, and its use in app.py."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from worker.rules.importing import import_of_name
from worker.rules.problem import EditError
from worker.rules.source import Edit, Source, function, imports, is_call_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "format_sequence"
MODULE: Final = "utils"

UTILS: Final = '''"""Helpers for app.py."""


def format_sequence(seq):
    """Return the items of seq as one comma-joined string."""
    return ",".join(str(item) for item in seq)
'''


def has_helper(source: Source) -> bool:
    """Tell whether a utils.py defines the helper."""
    return function(source, NAME) is not None


def with_helper_used(source: Source) -> bytes:
    """Return app.py importing the helper and calling it in the place of its own join.

    Raises:
        EditError: ``unsupported_layout`` when there is not exactly one join by commas to replace.
    """
    edits: list[Edit] = []
    if not imports(source, MODULE, NAME):
        edits.append(import_of_name(source, MODULE, NAME))
    if not any(is_call_of(node, NAME) for node in ast.walk(source.tree)):
        edits.append(_call(source))
    return source.edited(*edits)


def _call(source: Source) -> Edit:
    joins = list(_joins(source.tree))
    if len(joins) != 1:
        raise EditError.unsupported_layout(source.path)
    join, items = joins[0]
    return source.replacing(join, f"{NAME}({source.segment(items)})")


def _joins(tree: ast.Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords and _is_comma_join(node.func):
            items = _items(node.args[0])
            if items is not None:
                yield node, items


def _is_comma_join(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr == "join"
        and isinstance(called.value, ast.Constant)
        and isinstance(called.value.value, str)
        and called.value.value.strip() == ","
    )


def _items(argument: ast.expr) -> ast.expr | None:
    if isinstance(argument, ast.GeneratorExp | ast.ListComp):
        return _iterated(argument)
    if is_call_of(argument, "map") and len(argument.args) == 2 and _is_str(argument.args[0]):  # noqa: PLR2004  # map(str, items)
        return argument.args[1]
    return None


def _iterated(comprehension: ast.GeneratorExp | ast.ListComp) -> ast.expr | None:
    """Return ITEMS of ``str(one) for one in ITEMS``; anything that does more than that is not a plain join."""
    loop, shown = comprehension.generators[0], comprehension.elt
    plain = len(comprehension.generators) == 1 and not loop.ifs and isinstance(loop.target, ast.Name)
    if plain and is_call_of(shown, "str") and ast.unparse(shown) == f"str({ast.unparse(loop.target)})":
        return loop.iter
    return None


def _is_str(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "str"
