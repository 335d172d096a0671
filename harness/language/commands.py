"""What ``ladder validate``, ``list`` and ``schema`` say, as values: the command line prints them and exits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.errors import ExitCode
from harness.language import graph
from harness.language.findings import count
from harness.language.loading import check
from harness.language.structure import schema_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.language.findings import Finding
    from harness.language.model import Ladder


class GraphForm(StrEnum):
    """How a gate graph is shown."""

    TABLE = "table"
    DOT = "dot"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found in some files.

    Attributes:
        files: How many were read.
    """

    findings: tuple[Finding, ...]
    files: int

    @property
    def exit_code(self) -> ExitCode:
        """0 when there is nothing to find, else 2."""
        return ExitCode.USAGE if self.findings else ExitCode.OK

    def render(self) -> str:
        """For people: each finding with its line and a caret, and the sum."""
        read = f"{self.files} file{'' if self.files == 1 else 's'}"
        return "\n".join([*(finding.render() for finding in self.findings), f"{read}: {count(len(self.findings))}"])

    def as_json(self) -> str:
        """For programs."""
        found = [
            {
                "file": finding.mark.file,
                "line": finding.mark.line,
                "column": finding.mark.column,
                "rule": finding.rule,
                "message": finding.message,
            }
            for finding in self.findings
        ]
        return json.dumps({"files": self.files, "findings": found}, indent=2, ensure_ascii=False)


def validate(paths: Sequence[Path], environ: Mapping[str, str]) -> Validation:
    """Look for faults in files; needs no network.

    Raises:
        UsageError: A file cannot be read.
    """
    return Validation(tuple(finding for path in paths for finding in check(path, environ)), len(paths))


def show(ladder: Ladder, form: GraphForm) -> str:
    """The gate graph of a ladder."""
    shown: dict[GraphForm, Callable[[Ladder], str]] = {
        GraphForm.TABLE: graph.as_table,
        GraphForm.DOT: graph.as_dot,
        GraphForm.JSON: graph.as_json,
    }
    return shown[form](ladder)


def schema() -> str:
    """The JSON Schema of the language, as ``ladder schema`` exports it."""
    return schema_text()
