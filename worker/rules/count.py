"""R9: the one count of an app.py, found in its syntax tree.

The count is ``N = K`` at the top level, the literal default of a ``-n`` or ``--N`` option, or the literal argument of a
call of ``fibonacci``. Where there are two of them nobody can say which one is meant, and the rule refuses.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from worker.rules.problem import EditError
from worker.rules.source import is_call_of, is_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.rules.source import Source

COUNT_NAME: Final = "N"
OPTION_NAMES: Final = frozenset({"-n", "--N"})


def with_count(source: Source, count: int) -> bytes:
    """Return the file with its count set.

    Raises:
        EditError: ``unsupported_layout`` when there is no count, or more than one.
    """
    literal = find_count(source)
    return source.edited() if literal.value == count else source.edited(source.replacing(literal, str(count)))


def find_count(source: Source) -> ast.Constant:
    """Return the literal that says how many numbers are printed.

    Raises:
        EditError: ``unsupported_layout`` when there is none, or more than one.
    """
    found = [*_assigned(source.tree), *_option_defaults(source.tree), *_arguments(source.tree)]
    if len(found) != 1:
        raise EditError.unsupported_layout(source.path)
    return found[0]


def option_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the ``add_argument`` calls that declare the count's option."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            flags = {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
            if flags & OPTION_NAMES:
                yield node


def fibonacci_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of ``fibonacci`` with one plain argument, except those that it makes itself."""
    outside = (node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name == "fibonacci"))
    for node in (inner for statement in outside for inner in ast.walk(statement)):
        if is_call_of(node, "fibonacci") and len(node.args) == 1 and not node.keywords:
            yield node


def _assigned(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and _targets(node) == [COUNT_NAME] and is_count(node.value):
            yield node.value


def _targets(node: ast.Assign | ast.AnnAssign) -> list[str | None]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id if isinstance(target, ast.Name) else None for target in targets]


def _option_defaults(tree: ast.AST) -> Iterator[ast.Constant]:
    for call in option_calls(tree):
        yield from (word.value for word in call.keywords if word.arg == "default" and is_count(word.value))


def _arguments(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in fibonacci_calls(tree):
        if is_count(argument := node.args[0]):
            yield argument
