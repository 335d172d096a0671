"""R10: the one way in which the text of an instruction enters a file, as a comment that can never be anything else.

The text is escaped to printable ASCII on one physical line, it never stands on the first two lines (there Python looks
for a coding), and the syntax tree before and after must be equal. A comment cannot be continued by a backslash, so no
instruction, whatever its characters, becomes code or hides code from a reader.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from worker.rules.problem import EditError
from worker.rules.source import LINE_END, PARSE_ERRORS, parsed

if TYPE_CHECKING:
    from worker.rules.source import Source

PREFIX: Final = "# Edit applied: "
MAX_COMMENT_CHARS: Final = 200
FIRST_SAFE_LINE: Final = 3


def with_comment(source: Source, instruction: str) -> bytes:
    """Append one comment line that quotes the instruction.

    Raises:
        EditError: ``edit_would_break`` when the program would not be the same as before.
    """
    ending = source.newline
    text = source.data.decode()
    if text and not text.endswith(("\n", "\r")):
        text += ending
    text += ending * max(0, FIRST_SAFE_LINE - 1 - len(LINE_END.findall(text.encode())))
    data = source.mark + f"{text}{PREFIX}{escaped(instruction.strip())}{ending}".encode()
    if not same_program(source.mark + source.data, data):
        raise EditError.edit_would_break(source.path)
    return data


def escaped(text: str) -> str:
    """Escape every backslash and everything outside printable ASCII; at most 200 characters, no escape cut in half."""
    whole = ""
    for one in text:
        piece = one.encode("unicode_escape").decode("ascii")
        if len(whole) + len(piece) > MAX_COMMENT_CHARS:
            break
        whole += piece
    return whole


def same_program(before: bytes, after: bytes) -> bool:
    """Tell whether two files have the same syntax tree, positions aside."""
    trees = (parsed(before), parsed(after))
    try:
        old, new = (None if tree is None else ast.dump(tree) for tree in trees)
    except PARSE_ERRORS:
        return False
    return old is not None and old == new
