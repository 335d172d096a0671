"""What verifying found: faults and remarks by check, each naming the file, the part of it, and what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        kind: A stable word.
        file: Below the run's folder.
        part: Such as ``event 7``, ``write 2``, ``call 3``, ``summary`` or a field; empty when it is the whole file.
        what: What was expected, or what is there instead.
        is_fault: False for a remark, which fails nothing.
    """

    kind: str
    file: str
    part: str
    what: str
    is_fault: bool = True


@dataclass(frozen=True, slots=True)
class Checked:
    """One check.

    Attributes:
        count: How many things it looked at.
    """

    name: str
    count: int
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What fails it."""
        return tuple(each for each in self.findings if each.is_fault)

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """What is to be known and fails nothing."""
        return tuple(each for each in self.findings if not each.is_fault)


class Result(StrEnum):
    """What a bundle is, in one word; there is always one."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Seal:
    """What there is to tell of a seal.

    Attributes:
        is_signed: Whether a signature lies there, right or not.
        keyid: Of the pinned key that has made it; empty when none has.
        key_name: What that key is called.
        manifest_sha256: Of the manifest as it is stored; empty when it cannot be read.
        head: Of the newest manifest of the chain, to publish; without a chain it is the one before.
    """

    is_signed: bool = False
    keyid: str = ""
    key_name: str = ""
    manifest_sha256: str = ""
    head: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one bundle.

    Attributes:
        run: Name of its folder.
        run_id: As ``run.json`` says; empty when that cannot be read.
    """

    run: str
    run_id: str
    seal: Seal
    checks: tuple[Checked, ...]

    @property
    def result(self) -> Result:
        """The one word."""
        if self.failed:
            return Result.BROKEN
        return Result.VERIFIED if self.seal.keyid else Result.UNSIGNED

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return tuple(check.name for check in self.checks if check.faults)


class UnreadableError(Exception):
    """A file that a check needs cannot be read; the finding says why."""

    def __init__(self, kind: str, file: str, what: str) -> None:
        super().__init__(what)
        self.finding = Finding(kind, file, "", what)
