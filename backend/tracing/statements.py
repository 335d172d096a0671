"""What a statement does, read from its tokens: write, schema change, transaction control, or nothing of these.

It reads only as far as the answer needs: the command, the tables it names as its own, and the common table expressions
in front, which may write as well. What it cannot tell is ``None``: CALL, DO and EXECUTE may write anything. A function
that writes and is called from SELECT is not seen; no reader of text could.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from backend.tracing.records import Op
from backend.tracing.tokens import POSTGRESQL, Kind, Token
from backend.tracing.walking import Walker, step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Deed(StrEnum):
    """What a statement is to the recorder."""

    NOTHING = "nothing"
    """It reads, or sets something that is no row."""
    WRITE = "write"
    DDL = "ddl"
    CONTROL = "control"
    """It begins or ends a transaction or a savepoint."""


class Control(StrEnum):
    """What a statement does to the transaction."""

    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    RELEASE = "release"
    ROLLBACK_TO = "rollback_to"
    PREPARED = "prepared"
    """It prepares a transaction, or ends one that was prepared."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement does.

    Attributes:
        op: Of a write; ``None`` when the text does not tell, or when its parts do different things.
        tables: Of a write; ``None`` when the text does not tell.
        countable: The driver's row count is that of the one write in it.
        control: Of transaction control; of a write if such control stands beside it in the same text.
        command: First word of a schema change.
        kind: Kind of the object of a schema change.
        name: The object of a schema change, or a savepoint.
    """

    deed: Deed
    op: Op | None = None
    tables: tuple[str, ...] | None = None
    countable: bool = True
    control: Control | None = None
    command: str | None = None
    kind: str | None = None
    name: str | None = None


NOTHING: Final = Statement(Deed.NOTHING)
_UNKNOWN: Final = Statement(Deed.WRITE, countable=False)
_DEEPEST: Final = 20
"""Statements within statements that are read; people write two or three."""

_READING: Final = re.compile(
    "analyze|attach|checkpoint|close|deallocate|declare|describe|detach|discard|fetch|listen|load|lock|move|notify|"
    "pragma|reset|set|show|table|unlisten|use|vacuum|values"
)
_CONTROL: Final = {
    "begin": Control.BEGIN,
    "start": Control.BEGIN,
    "commit": Control.COMMIT,
    "end": Control.COMMIT,
    "rollback": Control.ROLLBACK,
    "abort": Control.ROLLBACK,
    "savepoint": Control.SAVEPOINT,
    "release": Control.RELEASE,
}
_CHANGING: Final = re.compile("alter|cluster|comment|create|drop|grant|import|reassign|refresh|reindex|revoke")
_NAMED_CHANGES: Final = frozenset(("alter", "create", "drop"))
_OBJECTS: Final = re.compile(
    "aggregate|collation|conversion|database|domain|extension|function|index|language|operator|policy|procedure|"
    "publication|role|rule|schema|sequence|server|statistics|subscription|table|tablespace|trigger|type|user|view"
)
_PROGRAMS: Final = ("function", "procedure", "trigger")
_WORDS_BEFORE_OBJECT: Final = 6
_SEMICOLON: Final = Token(Kind.PUNCT, ";")
_MAIN: Final = ("select", "insert", "update", "delete", "merge", "values", "table")


def read_statement(tokens: Sequence[Token], dialect: str) -> Statement:
    """Tell what a text of one or more statements does."""
    parts = [_read(part, dialect) for part in _split(tokens, dialect)]
    if len(parts) == 1:
        return parts[0]
    deeds = [part for part in parts if part.deed is not Deed.NOTHING]
    if writes := [part for part in deeds if part.deed is Deed.WRITE]:
        control = next((part.control for part in deeds if part.control), None)
        return replace(_joined(writes), countable=False, control=control)
    return deeds[0] if deeds else NOTHING


def _split(tokens: Sequence[Token], dialect: str) -> list[Sequence[Token]]:
    """Cut a text into its statements.

    SQLite's driver takes one at a time, so that the semicolons of a trigger's body are no ends. PostgreSQL takes
    several; there only rules, which have them in parentheses, and bodies from BEGIN ATOMIC to END have such semicolons.
    """
    if dialect != POSTGRESQL and _makes_program(tokens):
        return [tokens]
    parts, start, brackets, body = [], 0, 0, 0
    for index, token in enumerate(tokens):
        brackets += step(token)
        body += _step_of_body(tokens, index, inside=body > 0)
        if token == _SEMICOLON and brackets <= 0 and not body:
            parts.append(tokens[start:index])
            start = index + 1
    return [part for part in [*parts, tokens[start:]] if part]


def _makes_program(tokens: Sequence[Token]) -> bool:
    first = [token.text for token in tokens[:_WORDS_BEFORE_OBJECT] if token.kind is Kind.WORD]
    return first[:1] == ["create"] and any(word in _PROGRAMS for word in first)


def _step_of_body(tokens: Sequence[Token], index: int, *, inside: bool) -> int:
    token = tokens[index]
    if inside:
        return token.is_word("case") - token.is_word("end")
    return int(token.is_word("atomic") and index > 0 and tokens[index - 1].is_word("begin"))


def _joined(writes: Sequence[Statement]) -> Statement:
    """Several writes as one: tables in order, the op only if it is the same."""
    if len(writes) == 1:
        return writes[0]
    ops = {write.op for write in writes}
    known = [write.tables for write in writes if write.tables is not None]
    tables = tuple(dict.fromkeys(name for names in known for name in names))
    complete = len(known) == len(writes)
    return Statement(Deed.WRITE, ops.pop() if len(ops) == 1 else None, tables if complete else None, countable=False)


def _read(tokens: Sequence[Token], dialect: str, depth: int = 0) -> Statement:
    return _read_from(Walker(tokens, dialect), depth)


def _read_from(walk: Walker, depth: int) -> Statement:
    if depth > _DEEPEST:
        return _UNKNOWN
    while walk.skip_punct("("):
        pass
    ctes = _read_ctes(walk, depth) if walk.skip("with") else []
    main = _read_main(walk, depth)
    writes = [cte for cte in ctes if cte.deed is Deed.WRITE]
    if not writes:
        return main
    if main.deed is Deed.WRITE:
        return replace(_joined([main, *writes]), op=main.op)
    return replace(_joined(writes), countable=False)


def _read_ctes(walk: Walker, depth: int) -> list[Statement]:
    """``[RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (statement) [SEARCH … | CYCLE …] [, …]``."""
    walk.skip("recursive")
    found = []
    while walk.name() is not None:
        walk.group()
        walk.skip("as")
        walk.skip("not")
        walk.skip("materialized")
        found.append(_read(walk.group(), walk.dialect, depth + 1))
        if walk.peek("search", "cycle"):
            walk.skip_to(*_MAIN)
        if not walk.skip_punct(","):
            break
    return found


def _read_main(walk: Walker, depth: int) -> Statement:
    if walk.ended:
        return NOTHING
    word = walk.word() or ""
    if _READING.fullmatch(word):
        return NOTHING
    if word in _CONTROL:
        return _read_control(walk, _CONTROL[word])
    if _CHANGING.fullmatch(word):
        return _read_change(walk, word)
    if reader := _COMMANDS.get(word):
        return reader(walk)
    inner = _INNER.get(word)
    return _UNKNOWN if inner is None else inner(walk, depth)


def _write(walk: Walker, op: Op) -> Statement:
    name = walk.target()
    return Statement(Deed.WRITE, op, None if name is None else (name,))


def _insert(walk: Walker) -> Statement:
    replacing = walk.skip("or") and walk.word() == "replace"
    walk.skip("into")
    return _write(walk, Op.REPLACE if replacing else Op.INSERT)


def _replace(walk: Walker) -> Statement:
    walk.skip("into")
    return _write(walk, Op.REPLACE)


def _update(walk: Walker) -> Statement:
    if walk.skip("or"):
        walk.word()
    return _write(walk, Op.UPDATE)


def _delete(walk: Walker) -> Statement:
    walk.skip("from")
    return _write(walk, Op.DELETE)


def _merge(walk: Walker) -> Statement:
    walk.skip("into")
    return _write(walk, Op.MERGE)


def _truncate(walk: Walker) -> Statement:
    walk.skip("table")
    names = []
    while True:
        names.append(walk.target())
        walk.skip_punct(")")
        walk.skip_punct("*")
        if not walk.skip_punct(","):
            break
    known = tuple(name for name in names if name is not None)
    return Statement(Deed.WRITE, Op.TRUNCATE, known if len(known) == len(names) else None)


def _select(walk: Walker) -> Statement:
    """SELECT … INTO makes a table on PostgreSQL."""
    if walk.dialect != POSTGRESQL or not walk.skip_to("into", "from") or not walk.skip("into"):
        return NOTHING
    while walk.skip("temporary", "temp", "unlogged", "table"):
        pass
    return Statement(Deed.DDL, command="CREATE", kind="TABLE", name=walk.name())


def _prepare(walk: Walker) -> Statement:
    return Statement(Deed.CONTROL, control=Control.PREPARED) if walk.skip("transaction") else NOTHING


def _copy(walk: Walker, depth: int) -> Statement:
    if inner := walk.group():
        return replace(_read(inner, walk.dialect, depth + 1), countable=False)
    name = walk.name()
    walk.group()
    return Statement(Deed.WRITE, Op.COPY, None if name is None else (name,)) if walk.skip("from") else NOTHING


def _explain(walk: Walker, depth: int) -> Statement:
    """PostgreSQL carries out what it analyses; SQLite only explains."""
    options = [token.text for token in walk.group()]
    run = "analyze" in options and options[options.index("analyze") + 1 :][:1] not in (["off"], ["false"])
    while walk.peek("analyze", "verbose", "query", "plan"):
        run = walk.word() == "analyze" or run
    inner = _read_from(walk, depth + 1)
    return replace(inner, countable=False) if run else NOTHING


def _read_control(walk: Walker, control: Control) -> Statement:
    if control in {Control.SAVEPOINT, Control.RELEASE}:
        walk.skip("savepoint") if control is Control.RELEASE else None
        return Statement(Deed.CONTROL, control=control, name=walk.name())
    if walk.skip("prepared"):
        return Statement(Deed.CONTROL, control=Control.PREPARED)
    walk.skip("work", "transaction")
    if control is Control.ROLLBACK and walk.skip("to"):
        walk.skip("savepoint")
        return Statement(Deed.CONTROL, control=Control.ROLLBACK_TO, name=walk.name())
    return Statement(Deed.CONTROL, control=control)


def _read_change(walk: Walker, command: str) -> Statement:
    kind = None
    for _ in range(_WORDS_BEFORE_OBJECT):
        if (word := walk.word()) is None or _OBJECTS.fullmatch(word):
            kind = word
            break
    found = Statement(Deed.DDL, command=command.upper(), kind=kind and kind.upper())
    if kind is None or command not in _NAMED_CHANGES:
        return found
    walk.skip("concurrently")
    if walk.skip("if"):
        walk.skip("not")
        walk.skip("exists")
    return found if walk.peek("on") else replace(found, name=walk.target())


_COMMANDS: Final[dict[str, Callable[[Walker], Statement]]] = {
    "insert": _insert,
    "replace": _replace,
    "update": _update,
    "delete": _delete,
    "merge": _merge,
    "truncate": _truncate,
    "select": _select,
    "prepare": _prepare,
}
_INNER: Final[dict[str, Callable[[Walker, int], Statement]]] = {"copy": _copy, "explain": _explain}
