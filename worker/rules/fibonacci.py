"""R6 and R8: the function ``fibonacci``, moved to a module of its own or rewritten where it stands."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Final

from worker.rules.importing import import_of_name
from worker.rules.problem import EditError
from worker.rules.source import Edit, Source, first_line, function, imports, last_line, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "fibonacci"
DEFAULT_DOCSTRING: Final = "Return the first {argument} Fibonacci numbers as a list."
NOTE: Final = "Note: iterative; a TypeError for anything but a whole number, a ValueError for a negative one."
BODY: Final = (
    "if isinstance({argument}, bool) or not isinstance({argument}, int):",
    '\traise TypeError("{argument} must be a whole number")',
    "if {argument} < 0:",
    '\traise ValueError("{argument} must not be negative")',
    "numbers = []",
    "current, following = 0, 1",
    "for _ in range({argument}):",
    "\tnumbers.append(current)",
    "\tcurrent, following = following, current + following",
    "return numbers",
)
BODY_NAMES: Final = frozenset({"numbers", "current", "following", "_", *dir(builtins)})


def module_source(app: Source) -> str:
    """Return the text of a fibonacci.py that holds the function as app.py has it.

    Raises:
        EditError: ``unsupported_layout`` when app.py has no such function, or when it needs more than builtins.
    """
    found = _defined(app)
    if _foreign_names(found):
        raise EditError.unsupported_layout(app.path)
    start, end = app.line_start(first_line(found)), app.line_start(last_line(found) + 1)
    lines = app.data[start:end].decode().rstrip("\r\n")
    return app.newline.join(('"""The Fibonacci numbers."""', "", "", lines, ""))


def without_function(app: Source) -> bytes:
    """Return app.py importing the function in the place of defining it.

    Raises:
        EditError: ``unsupported_layout`` when the import has no line of its own to stand on.
    """
    found = _defined(app)
    start, end = app.line_start(first_line(found)), app.line_start(last_line(found) + 1)
    while end < len(app.data) and app.data[end : end + 1] in {b"\r", b"\n"}:
        end += 1
    return app.edited(Edit(start, end, ""), import_of_name(app, NAME, NAME))


def same_function(one: Source, other: Source) -> bool:
    """Tell whether two files define the function alike."""
    first, second = function(one, NAME), function(other, NAME)
    return first is not None and second is not None and ast.dump(first) == ast.dump(second)


def is_split(app: Source) -> bool:
    """Tell whether app.py takes the function from fibonacci.py."""
    return function(app, NAME) is None and imports(app, NAME, NAME)


def with_iteration(source: Source) -> bytes:
    """Return the file with the function as a guarded loop, its docstring kept and a note added.

    Raises:
        EditError: ``unsupported_layout`` when there is no such function or it does not take one plain argument.
    """
    found = _defined(source)
    argument = _argument(source, found)
    opening, indent = _opening(source, found)
    text = source.newline.join(_rewritten(found, argument, indent))
    edit = Edit(opening, source.offset(found.end_lineno, found.end_col_offset), text)
    after = source.edited(edit)
    return source.edited() if _same_tree(source, after) else after


def _defined(source: Source) -> ast.FunctionDef:
    if (found := function(source, NAME)) is None:
        raise EditError.unsupported_layout(source.path)
    return found


def _foreign_names(found: ast.FunctionDef) -> set[str]:
    nodes = list(ast.walk(found))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    arguments = {node.arg for node in nodes if isinstance(node, ast.arg)}
    return read - made - arguments - set(dir(builtins)) - {NAME}


def _argument(source: Source, found: ast.FunctionDef) -> str:
    taken = found.args
    plain = [*taken.posonlyargs, *taken.args]
    if len(plain) != 1 or taken.vararg or taken.kwonlyargs or taken.kwarg or plain[0].arg in BODY_NAMES:
        raise EditError.unsupported_layout(source.path)
    return plain[0].arg


def _opening(source: Source, found: ast.FunctionDef) -> tuple[int, str]:
    """Return where the body begins, and its indentation; a body on the line of its ``def`` gets lines of its own."""
    first = found.body[0]
    indent = source.indentation(first)
    if indent is not None:
        return source.line_start(first_line(first)), indent
    header = source.data[: source.offset(first.lineno, first.col_offset)]
    return len(header.rstrip(b" \t")), ""


def _rewritten(found: ast.FunctionDef, argument: str, indent: str) -> Iterator[str]:
    step = indent or "    "
    if not indent:
        yield ""
    for line in _docstring(found, argument):
        yield f"{step}{line}" if line else ""
    for line in BODY:
        yield step * (1 + line.count("\t")) + line.lstrip("\t").format(argument=argument)


def _docstring(found: ast.FunctionDef, argument: str) -> tuple[str, ...]:
    text = (ast.get_docstring(found) or "").replace(NOTE, "").strip()
    # What a plain literal in triple quotes cannot spell is not worth a second way of quoting.
    if not text or '"""' in text or text.endswith('"') or "\\" in text:
        text = DEFAULT_DOCSTRING.format(argument=argument)
    return (*f'"""{text}'.split("\n"), "", NOTE, '"""')


def _same_tree(source: Source, after: bytes) -> bool:
    tree = parsed(after)
    return tree is not None and ast.dump(tree) == ast.dump(source.tree)
