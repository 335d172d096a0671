"""The second scanner: reads staged evidence once more, as a stranger would, before it takes its final name.

It opens archives and encodings, looks for the shapes of credentials and for the known values, and says file, rule and
place, never the text. It shares no code with the redactor and trusts nothing about it. A part that could not be opened
is a finding too. The doubt: it proves the presence of leaks, not their absence.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from harness.errors import LeakError
from harness.redaction.scan_opening import parts
from harness.redaction.scan_rules import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.redaction.scan_opening import Part
    from harness.redaction.secret import SecretSet

KNOWN_VALUE: Final = "known-value"
NOT_SEARCHED: Final = "not-searched"
FILE_NAME: Final = "file-name"
WITHHELD: Final = "(name withheld)"
MOST_LISTED: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place at which something that looks like a secret was found.

    Attributes:
        path: Below the scanned directory; members of archives follow after ``!``.
        rule: Name of a rule, ``known-value``, ``file-name`` or ``not-searched``.
        offset: Bytes from the beginning of the file or member; of the encoded text when it stood inside one.
        variable: Name of the variable whose value it is, if it is known.
    """

    path: str
    rule: str
    offset: int
    variable: str = ""

    def render(self) -> str:
        """One line without the text that was found."""
        return f"{self.path}: {self.rule} at byte {self.offset}" + (f" ({self.variable})" if self.variable else "")


@dataclass(frozen=True, slots=True)
class _Spelling:
    variable: str
    text: bytes


def scan(root: Path, secrets: SecretSet) -> tuple[Finding, ...]:
    """Search every regular file below a directory, its name included.

    Args:
        root: A staging directory; links in it are not followed.
        secrets: The values of the run.
    """
    spellings = tuple(_spellings(secrets))
    found: set[Finding] = set()
    for directory, directories, names in os.walk(root):
        for name in (*directories, *names):
            path = Path(directory, name)
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found.update(scan_bytes(path.relative_to(root).as_posix(), data, spellings))
    return tuple(sorted(found))


def scan_bytes(path: str, data: bytes, spellings: Iterable[_Spelling] = ()) -> set[Finding]:
    """Search one file that is in memory."""
    known = tuple(spellings)
    # A file has hundreds of parts and few names.
    in_name = cache(lambda name: next(_hits(name.encode("utf-8", "surrogateescape"), known), None))
    return {finding for part in parts(path, data) for finding in _in_part(part, known, in_name=in_name)}


def refuse(findings: Iterable[Finding]) -> None:
    """End the run when anything was found.

    Raises:
        LeakError: ``secret-in-evidence``; names file, rule, place and variable.
    """
    listed = [finding.render() for finding in findings]
    if listed:
        more = f"; and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
        raise LeakError(
            "secret-in-evidence",
            "evidence was not sealed, because a second search found secrets in it: "
            + "; ".join(listed[:MOST_LISTED])
            + more,
            "look at the staged files (.partial), revoke what leaked, and report the form that was missed",
        )


_Hit = tuple[str, int, str]
"""Rule, place and variable."""


def _in_part(part: Part, spellings: Iterable[_Spelling], *, in_name: Callable[[str], _Hit | None]) -> Iterator[Finding]:
    of_name = in_name(part.path)
    # Where the name itself is the leak, it is not repeated.
    path = part.path if of_name is None else WITHHELD
    if of_name:
        yield Finding(path, FILE_NAME, 0, of_name[2])
    if not part.searched:
        yield Finding(path, NOT_SEARCHED, 0)
    for rule, at, variable in _hits(part.data, spellings):
        yield Finding(path, rule, at if part.offset is None else part.offset, variable)


def _hits(data: bytes, spellings: Iterable[_Spelling]) -> Iterator[_Hit]:
    yield from ((rule, at, "") for rule, at in matches(data))
    for spelling in spellings:
        at = data.find(spelling.text)
        if at >= 0:
            yield KNOWN_VALUE, at, spelling.variable


def _spellings(secrets: SecretSet) -> Iterator[_Spelling]:
    for member in secrets:
        value = member.secret.reveal().strip()
        data = value.encode("utf-8", "surrogatepass")
        yield _Spelling(member.name, data)
        yield _Spelling(member.name, json.dumps(value)[1:-1].encode())
        yield _Spelling(member.name, quote(data, safe="").encode())
        yield _Spelling(member.name, data.hex().encode())
        yield _Spelling(member.name, data.hex().upper().encode())
        for shift in range(3):
            # The first and the last group may hold bits of a neighbour.
            yield _Spelling(member.name, base64.b64encode(b"." * shift + data)[4:-4])
