"""Texts of the generated project, and the rules that change only prose: R1, R2, R7 and the example of R5."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from worker.rules.problem import EditError

if TYPE_CHECKING:
    from worker.rules.source import Source

APP: Final = '''"""Print the first Fibonacci numbers, joined by commas."""

N = {count}


def fibonacci(n):
    """Return the first n Fibonacci numbers as a list."""
    numbers = [0, 1]
    while len(numbers) < n:
        numbers.append(numbers[-2] + numbers[-1])
    return numbers[:n]


def main():
    """Print the numbers on one line."""
    print(",".join(str(number) for number in fibonacci(N)))


if __name__ == "__main__":
    main()
'''

TEST: Final = '''"""Test of app.py; run it with unittest or pytest, from any directory."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import fibonacci


class FibonacciTest(unittest.TestCase):
    """The numbers, whatever module they come from."""

    def test_first_ten_numbers(self):
        """There are ten of them, and the last is 34."""
        numbers = fibonacci(10)
        self.assertEqual(len(numbers), 10)
        self.assertEqual(numbers[-1], 34)


if __name__ == "__main__":
    unittest.main()
'''

README: Final = """# Fibonacci

A small command-line program that prints the first Fibonacci numbers, joined by commas.

- `app.py` is the program.
- `tests/test_cli.py` is its test: `python -m unittest tests/test_cli.py`.
"""

USAGE_HEADING: Final = "## Usage"
USAGE: Final = (USAGE_HEADING, "", "Print the numbers:", "", "    python app.py")
EXAMPLE_LINE: Final = "    python app.py -n 5"
EXAMPLE: Final = ("## Arguments", "", "Say how many numbers to print with `-n` or `--N`:", "", EXAMPLE_LINE)
CHANGELOG: Final = "# Changelog\n\n## {today}\n\n- Initial entry.\n"
DOCUMENTED: Final = ("app", "fibonacci", "utils")


def with_final_newline(data: bytes) -> bytes:
    """Return a text that ends in a newline, in the manner of its other lines."""
    if data.endswith(b"\n"):
        return data
    return data + (b"\r\n" if b"\r\n" in data else b"\n")


def with_usage(readme: bytes) -> bytes:
    """Return a README with a section on usage.

    Raises:
        EditError: It is not UTF-8.
    """
    return _with_section(readme, USAGE, unless=USAGE_HEADING)


def with_example(readme: bytes) -> bytes:
    """Return a README with an example of the ``-n`` option.

    Raises:
        EditError: It is not UTF-8.
    """
    return _with_section(readme, EXAMPLE, unless=EXAMPLE_LINE)


def module_page(name: str, source: Source | None) -> bytes:
    """Write the page on one module: its functions with the first line of their docstrings."""
    lines = [f"# {name}", ""]
    if source is None:
        lines.append(f"The project has no module `{name}.py` yet.")
    else:
        found = [node for node in source.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        lines += [f"The module `{name}.py`.", "", *(_described(node) for node in found)]
    return "\n".join((*lines, "")).encode()


def _described(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    about = (ast.get_docstring(node) or "").partition("\n")[0]
    arguments = ", ".join(argument.arg for argument in (*node.args.posonlyargs, *node.args.args))
    return f"- `{node.name}({arguments})`: {about or 'no description.'}"


def _with_section(readme: bytes, section: tuple[str, ...], *, unless: str) -> bytes:
    try:
        text = readme.decode()
    except UnicodeDecodeError as error:
        raise EditError.unsupported_layout("README.md") from error
    if unless in (line.rstrip() for line in re.split(r"\r\n?|\n", text)):
        return readme
    newline = "\r\n" if "\r\n" in text else "\n"
    above = with_final_newline(readme) if readme else readme
    gap = newline if above and not above.endswith((b"\n\n", b"\r\n\r\n")) else ""
    return above + f"{gap}{newline.join(section)}{newline}".encode()
