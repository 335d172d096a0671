"""Where a new import line goes, so that it runs before everything that needs it and moves nothing else."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from worker.rules.problem import EditError
from worker.rules.source import Edit, first_line, is_docstring, last_line

if TYPE_CHECKING:
    from worker.rules.source import Source


def import_of_name(source: Source, module: str, name: str) -> Edit:
    """Add ``from MODULE import NAME`` behind the imports at the top of the file.

    Raises:
        EditError: The line before or after is shared by several statements.
    """
    head = _header(source.tree)
    count = len(head)
    while count < len(source.tree.body) and isinstance(source.tree.body[count], ast.Import | ast.ImportFrom):
        count += 1
    return _line_behind(source, source.tree.body[:count], f"from {module} import {name}")


def import_of_module(source: Source, module: str) -> Edit:
    """Add ``import MODULE`` before the imports at the top of the file, behind its docstring.

    Raises:
        EditError: The line before or after is shared by several statements.
    """
    return _line_behind(source, _header(source.tree), f"import {module}")


def _header(tree: ast.Module) -> list[ast.stmt]:
    count = 1 if tree.body and is_docstring(tree.body[0]) else 0
    while count < len(tree.body) and _is_future(tree.body[count]):
        count += 1
    return tree.body[:count]


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _line_behind(source: Source, head: list[ast.stmt], statement: str) -> Edit:
    following = source.tree.body[len(head) : len(head) + 1]
    if not head:
        # Above the first statement: what stands there, such as an interpreter line, stays first.
        at = source.line_start(first_line(following[0])) if following else len(source.data)
        return Edit(at, at, f"{_break(source, at)}{statement}{source.newline * 2}")
    if following and first_line(following[0]) <= last_line(head[-1]):
        raise EditError.unsupported_layout(source.path)
    at = source.line_start(last_line(head[-1]) + 1)
    same_group = isinstance(head[-1], ast.ImportFrom) and not _is_future(head[-1]) and statement.startswith("from ")
    gap = "" if same_group else source.newline
    return Edit(at, at, f"{_break(source, at)}{gap}{statement}{source.newline}")


def _break(source: Source, at: int) -> str:
    return source.newline if at and source.data[at - 1 : at] not in {b"\n", b"\r"} else ""
