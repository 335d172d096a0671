"""What a fetched project printed when it was run in a fresh container: its end, its text and the numbers in it. Pure.

Running is the shell's work; here only what came out is judged. A program that was not run leaves its check undecided.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from harness.judging.operators import compare
from harness.judging.results import Finding, Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.judging.observation import Observation, ProgramRun
    from harness.language.model import Check

_INTEGER: Final = re.compile(r"(?:(?<![\w.-])-)?(?<![\w.])[0-9]{1,1000}(?![\w.]*[\w])")
"""Digits that stand alone: ``1.5``, ``v2`` and ``3rd`` are no integers, and the minus of ``1-2`` is none of 2."""


def program_key(argument: Mapping[str, Any]) -> str:
    """What identifies a run: the same project, image and arguments are run once, however often they are judged."""
    return json.dumps([argument["project"], argument["image"], list(argument["args"])])


def prints(check: Check, observation: Observation) -> Finding:
    """Judge a ``prints`` check."""
    run = observation.programs.get(program_key(check.argument))
    if run is None or run.exit_code is None:
        why = "the program was not run" if run is None else f"the program could not be run: {run.error}"
        return Finding(Outcome.UNDECIDED, "prints", got=why)
    return worst(_look(run, check.argument)) or Finding(Outcome.HELD, "prints")


def _look(run: ProgramRun, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    if "exit_code" in wanted:
        yield compare("prints.exit_code", run.exit_code, wanted["exit_code"])
    if "stdout" in wanted:
        yield compare("prints.stdout", run.stdout, wanted["stdout"])
    if "numbers" in wanted:
        yield compare("prints.numbers", integers_in(run.stdout), wanted["numbers"])


def integers_in(text: str) -> list[int]:
    """The integers of a text, in order."""
    return [int(found) for found in _INTEGER.findall(text)]
