"""Which runs are asked for. Pure: wishes are read into a sieve once, and each run passes it or does not.

Wishes narrow one another. A verdict is that of the run; where a scenario is named too, it is that scenario's, because
"the runs in which L05 failed" is what is meant. What is no evidence has no verdict here, whatever its record says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from harness.errors import UsageError
from harness.indexing.facts import bare_id
from harness.indexing.instants import first_us, last_us
from harness.indexing.words import CONDITIONS, FINISHED, INTERRUPTED, PARTIAL
from harness.judging.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from harness.indexing.facts import Contents, Facts
    from harness.indexing.wishes import Wishes

SHORTEST_PREFIX: Final = 8
VERDICTS: Final = tuple(verdict.value for verdict in Verdict)

_NAME: Final = re.compile(r"[\w./-]{1,200}", re.ASCII)
_TRACE: Final = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},32}}")
_LADDER_SUFFIX: Final = ".ladder.yaml"


@dataclass(frozen=True, slots=True)
class Sieve:
    """Wishes that make sense.

    Attributes:
        condition: Or ``interrupted``.
        verdict: Of the run, or of the scenario that is named.
        scenario: How its line in the contents looks, or begins.
        trace: How the line of a trace begins in the contents.
        from_us: Microseconds since 1970, the bounds included.
    """

    condition: str = ""
    verdict: str = ""
    scenario: str = ""
    ladder: str = ""
    trace: str = ""
    from_us: int | None = None
    to_us: int | None = None

    @classmethod
    def of(cls, wishes: Wishes, now: datetime) -> Self:
        """Read wishes.

        Raises:
            UsageError: ``status-unknown``, ``date-invalid``, ``trace-prefix-invalid``, ``scenario-name-invalid`` or
                ``flags-contradict``.
        """
        condition, verdict = _status(wishes.status)
        from_us = first_us("--since", wishes.since, now) if wishes.since else None
        to_us = last_us("--until", wishes.until, now) if wishes.until else None
        if from_us is not None and to_us is not None and from_us > to_us:
            message = f"--since {wishes.since} is later than --until {wishes.until}"
            raise UsageError("flags-contradict", message, "no run can lie between them: exchange the two")
        scenario = _scenario(wishes.scenario, verdict)
        return cls(condition, verdict, scenario, wishes.ladder, _trace(wishes.trace), from_us, to_us)

    @property
    def needs_contents(self) -> bool:
        """Whether more must be known of a run than its facts."""
        return bool(self.scenario or self.trace)

    def sifted(self, runs: Sequence[Facts], contents: Mapping[str, Contents]) -> Sequence[Facts]:
        """The runs that are meant, in the same order; ``contents`` are there when they are needed."""
        for test in self._tests(contents):
            runs = [each for each in runs if test(each)]
        return runs

    def _tests(self, contents: Mapping[str, Contents]) -> Iterator[Callable[[Facts], bool]]:
        first, last = self.from_us, self.to_us
        if first is not None:
            yield lambda facts: int(facts.began_us) >= first
        if last is not None:
            yield lambda facts: int(facts.began_us) <= last
        if self.condition or self.verdict:
            yield self._fits_end
        if self.ladder:
            yield self._fits_ladder
        if self.scenario:
            yield lambda facts: self.scenario in contents[facts.folder].scenarios
        if self.trace:
            yield lambda facts: self.trace in contents[facts.folder].traces

    def _fits_end(self, facts: Facts) -> bool:
        if self.condition == INTERRUPTED:
            return facts.condition == PARTIAL or (facts.condition == FINISHED and facts.status == INTERRUPTED)
        if self.condition:
            return facts.condition == self.condition
        return facts.condition == FINISHED and bool(self.scenario or facts.verdict == self.verdict)

    def _fits_ladder(self, facts: Facts) -> bool:
        name = facts.file.rpartition("/")[2]
        return self.ladder in {facts.ladder, facts.file, name, name.removesuffix(_LADDER_SUFFIX)}


def _status(word: str) -> tuple[str, str]:
    """The condition that a word means, and the verdict."""
    if not word or word.upper() in VERDICTS:
        return "", word.upper()
    if word.lower() in {*CONDITIONS, INTERRUPTED}:
        return word.lower(), ""
    known = ", ".join((*VERDICTS, *CONDITIONS, INTERRUPTED))
    raise UsageError(
        "status-unknown", f"--status {word[:80]!r} is neither a verdict nor a condition", f"one of {known}"
    )


def _scenario(name: str, verdict: str) -> str:
    if not name:
        return ""
    if not _NAME.fullmatch(name):
        message = f"--scenario {name[:80]!r} is neither a scenario's id nor its folder"
        raise UsageError("scenario-name-invalid", message, "write L05, or live/L05; `ladder list` names them")
    return f"\n{name}\t{verdict}\n" if verdict else f"\n{name}\t"


def _trace(text: str) -> str:
    if not text:
        return ""
    if not _TRACE.fullmatch(wanted := bare_id(text)):
        message = f"--trace {text[:80]!r} is not the beginning of a trace id"
        raise UsageError("trace-prefix-invalid", message, f"write {SHORTEST_PREFIX} or more of its hex digits")
    return f"\n{wanted}"
