"""A Python file as text and syntax tree together, and edits by the tree's positions.

Only UTF-8 files that parse are taken: in any other coding the same bytes may mean another program (UTF-7 can spell a
newline in plain ASCII). Lines end where Python's tokenizer ends them, not where ``str.splitlines`` does.
"""

from __future__ import annotations

import ast
import codecs
import io
import re
import tokenize
import warnings
from dataclasses import dataclass
from typing import Final, TypeGuard

from worker.rules.problem import EditError

PARSE_ERRORS: Final = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What ``ast.parse`` raises: bad syntax, a NUL byte or a bad coding, too deep for Python, too deep for the parser."""

LINE_END: Final = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace ``data[start:end]``; offsets count bytes of ``Source.data``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed file.

    Attributes:
        data: Its bytes without a byte-order mark, so that the tree's byte columns fit.
        mark: The byte-order mark, or nothing.
        line_starts: Offset of each line in ``data``.
    """

    path: str
    data: bytes
    mark: bytes
    tree: ast.Module
    line_starts: tuple[int, ...]

    @classmethod
    def parse(cls, path: str, data: bytes) -> Source:
        """Parse the bytes of a file.

        Raises:
            EditError: ``unsupported_layout`` when it is not UTF-8 or does not parse.
        """
        mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        tree = parsed(data)
        if tree is None or not _declares_utf8(data):
            raise EditError.unsupported_layout(path)
        text = data.removeprefix(mark)
        return cls(path, text, mark, tree, (0, *(found.end() for found in LINE_END.finditer(text))))

    @property
    def newline(self) -> str:
        """How this file ends its lines, judged by the first."""
        return "\r\n" if b"\r\n" in self.data[: self.line_starts[1] if len(self.line_starts) > 1 else 0] else "\n"

    def line_start(self, line: int) -> int:
        """Offset of a line, counted from 1; the end of the file for the line after the last."""
        return self.line_starts[line - 1] if line <= len(self.line_starts) else len(self.data)

    def offset(self, line: int | None, column: int | None) -> int:
        """Offset of a position as the syntax tree gives it: line from 1, column in bytes."""
        return self.line_start(line or 1) + (column or 0)

    def replacing(self, node: ast.expr, text: str) -> Edit:
        """Make the edit that puts ``text`` in the place of an expression."""
        return Edit(self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset), text)

    def segment(self, node: ast.expr) -> str:
        """Return an expression as it is written."""
        span = self.replacing(node, "")
        return self.data[span.start : span.end].decode()

    def indentation(self, node: ast.stmt) -> str | None:
        """Return the blanks before a statement, or ``None`` when it is not the first on its line."""
        before = self.data[self.line_start(node.lineno) : self.offset(node.lineno, node.col_offset)].decode()
        return None if before.strip() else before

    def edited(self, *edits: Edit) -> bytes:
        """Return the whole file with edits that do not overlap."""
        data = self.data
        for edit in sorted(edits, key=lambda one: one.start, reverse=True):
            data = data[: edit.start] + edit.text.encode() + data[edit.end :]
        return self.mark + data


def parsed(data: bytes) -> ast.Module | None:
    """Parse a file as Python itself would, or return ``None`` when it does not parse."""
    try:
        with warnings.catch_warnings():
            # A questionable escape in a user's string is not ours to report.
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except PARSE_ERRORS:
        return None


def first_line(node: ast.stmt) -> int:
    """Line on which a statement begins, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def last_line(node: ast.stmt) -> int:
    """Line on which a statement ends."""
    return node.end_lineno or node.lineno


def is_docstring(node: ast.AST) -> bool:
    """Tell whether a statement, if it is the first of its body, is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def is_call_of(node: ast.AST, name: str) -> TypeGuard[ast.Call]:
    """Tell whether a node calls a plain name."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def is_count(node: ast.AST | None) -> TypeGuard[ast.Constant]:
    """Tell whether a node is a literal whole number."""
    return isinstance(node, ast.Constant) and type(node.value) is int


def function(source: Source, name: str) -> ast.FunctionDef | None:
    """Return the one top-level function of that name.

    Raises:
        EditError: There are several.
    """
    found = [node for node in source.tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    if len(found) > 1:
        raise EditError.unsupported_layout(source.path)
    return found[0] if found else None


def imports(source: Source, module: str, name: str) -> bool:
    """Tell whether the file has ``from MODULE import NAME`` at its top level, under that name."""
    return any(
        isinstance(node, ast.ImportFrom)
        and (node.module, node.level) == (module, 0)
        and any(alias.name == name and alias.asname in {None, name} for alias in node.names)
        for node in source.tree.body
    )


def _declares_utf8(data: bytes) -> bool:
    # The tokenizer counts a lone carriage return as a line end; detect_encoding does not.
    unified = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(unified).readline)
        data.decode()
    except (SyntaxError, UnicodeDecodeError):
        return False
    return encoding in {"utf-8", "utf-8-sig"}
