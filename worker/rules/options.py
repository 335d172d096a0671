"""R5: app.py takes its count from the command line, with the count it had so far as the default."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, TypeGuard

from worker.rules.count import COUNT_NAME, fibonacci_calls, option_calls
from worker.rules.importing import import_of_module
from worker.rules.problem import EditError
from worker.rules.source import Edit, first_line, is_count

if TYPE_CHECKING:
    from worker.rules.source import Source

OUR_NAMES: Final = frozenset({"argparse", "parser", "args"})


def with_options(source: Source) -> bytes:
    """Return the file with an ``-n/--N`` option; a file that has one stays as it is.

    Raises:
        EditError: ``unsupported_layout`` when there is not exactly one call of ``fibonacci`` with the count, when it
            would be read while the module is imported, or when a name that the option needs is taken.
    """
    if any(option_calls(source.tree)):
        return source.edited()
    call, statement = _printing(source)
    indent = source.indentation(statement)
    if indent is None or _names(source.tree) & OUR_NAMES:
        raise EditError.unsupported_layout(source.path)
    default = source.segment(call.args[0])
    lines = (
        'parser = argparse.ArgumentParser(description="Print the first Fibonacci numbers.")',
        f'parser.add_argument("-n", "--N", type=int, default={default}, help="how many numbers to print")',
        "args = parser.parse_args()",
        "if args.N < 0:",
        '    parser.error("N must not be negative")',
    )
    at = source.line_start(first_line(statement))
    return source.edited(
        import_of_module(source, "argparse"),
        Edit(at, at, "".join(f"{indent}{line}{source.newline}" for line in lines)),
        source.replacing(call.args[0], "args.N"),
    )


def _printing(source: Source) -> tuple[ast.Call, ast.stmt]:
    calls = [call for call in fibonacci_calls(source.tree) if _is_the_count(call.args[0])]
    if len(calls) == 1:
        for body in _deferred_bodies(source.tree):
            if (statement := _innermost(source, body, calls[0])) is not None:
                return calls[0], statement
    raise EditError.unsupported_layout(source.path)


def _is_the_count(argument: ast.expr) -> bool:
    return is_count(argument) or (isinstance(argument, ast.Name) and argument.id == COUNT_NAME)


def _deferred_bodies(tree: ast.Module) -> list[list[ast.stmt]]:
    # Reading the command line while the module is imported would end the program that imports it.
    return [node.body for node in tree.body if isinstance(node, ast.FunctionDef) or _is_main_guard(node)]


def _is_main_guard(node: ast.stmt) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"__name__ == '__main__'", "'__main__' == __name__"}


def _innermost(source: Source, body: list[ast.stmt], call: ast.Call) -> ast.stmt | None:
    holding: ast.stmt | None = None
    for node in (inner for statement in body for inner in ast.walk(statement)):
        # ast.walk goes outside in, so the last statement that holds the call is the innermost.
        if isinstance(node, ast.stmt) and any(inner is call for inner in ast.walk(node)):
            # Nothing may come between an `if` and its `elif`: there it would take the `elif` over.
            holding = holding if _is_elif(source, node) else node
    return holding


def _is_elif(source: Source, node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and source.data[source.offset(node.lineno, node.col_offset) :].startswith(b"elif")


def _names(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
