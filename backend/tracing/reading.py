"""What is known of a statement that SQLAlchemy carries out: from what it compiled, else from the text.

Texts are read once: an application has few of them and repeats them. A compiled INSERT, UPDATE or DELETE of one table
says itself which; the text is read all the same, for the fingerprint and for what is written besides.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlalchemy.engine.interfaces import ExecuteStyle
from sqlalchemy.sql.expression import TableClause

from backend.tracing.fingerprints import fingerprint
from backend.tracing.records import Op
from backend.tracing.statements import Deed, read_statement
from backend.tracing.tokens import tokenize
from backend.tracing.walking import qualified

if TYPE_CHECKING:
    from sqlalchemy.engine.default import DefaultExecutionContext

    from backend.tracing.records import Fingerprint
    from backend.tracing.statements import Statement

KEPT: Final = 512
LONGEST_KEPT: Final = 8 * 1024
LONGEST_READ: Final = 1024 * 1024
"""Characters; of a longer text only what it begins with is read, and it has no fingerprint.

Reading so much takes a quarter of a second, and SQLAlchemy twice as long to spell it: it has room for 2,500 rows of ten
columns in one VALUES. Rows that are handed over as parameter sets make no text longer.
"""


class Reader:
    """Reads the statements of one database, each text once."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._kept = lru_cache(maxsize=KEPT)(self._read)

    def read(self, text: str) -> tuple[Statement, Fingerprint | None]:
        """Tell what a text does, and which statement it is."""
        return self._kept(text) if len(text) <= LONGEST_KEPT else self._read(text)

    def _read(self, text: str) -> tuple[Statement, Fingerprint | None]:
        tokens = tokenize(text[:LONGEST_READ], self._dialect)
        statement = read_statement(tokens, self._dialect)
        worth = statement.deed in {Deed.WRITE, Deed.DDL} and len(text) <= LONGEST_READ
        return statement, fingerprint(tokens) if worth else None


def in_batches(context: DefaultExecutionContext) -> bool:
    """Whether SQLAlchemy calls the driver once for each part of this statement's rows."""
    return context.execute_style is ExecuteStyle.INSERTMANYVALUES


def compiled_over(context: DefaultExecutionContext, read: Statement) -> Statement:
    """Put op and table of the compiled statement over those of its text, where the one says all of the other."""
    op = _compiled_op(context)
    if op is None or read.op is not op or read.tables is None or len(read.tables) != 1:
        return read
    if context.execution_options.get("schema_translate_map"):
        # The schema is put into the text only.
        return read
    table = getattr(getattr(context.compiled, "statement", None), "table", None)
    if not isinstance(table, TableClause):
        return read
    schema = getattr(table, "schema", None)
    name = qualified(*(str(part) for part in (schema, table.name) if part))
    return read if read.tables[0] == name else replace(read, tables=(name,))


def _compiled_op(context: DefaultExecutionContext) -> Op | None:
    if context.isinsert:
        return Op.INSERT
    if context.isupdate:
        return Op.UPDATE
    return Op.DELETE if context.isdelete else None
