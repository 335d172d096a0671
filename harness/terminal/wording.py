"""The words for what a climb says, and the one way that text takes to a screen: redacted, then made safe to look at.

Redaction comes first, because spelling out a control character or cutting a line would tear a secret apart and hide it
from the search. What has passed is safe to be written to a terminal, but it is no markup of any kind.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.evidence.printable import one_line, shortened
from harness.judging.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.evidence.run_record import ScenarioRecord
    from harness.redaction.redacted import RedactedText
    from harness.senses.polling import Waiting

LONGEST: Final = 1000
"""Characters of one text."""

LONGEST_WHY: Final = 160
"""Characters of why a poll is not ready; an answer's body may be in it."""

_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Wording:
    """Makes foreign text fit to be shown."""

    redact: Callable[[str], RedactedText]

    def safe(self, text: str, *, limit: int = LONGEST) -> str:
        """One line without secrets and without anything that a terminal obeys."""
        return shortened(one_line(self.redact(text)), limit)

    def record(self, record: ScenarioRecord) -> ScenarioRecord:
        """The same end with every text made safe."""
        return replace(
            record,
            id=self.safe(record.id),
            title=self.safe(record.title),
            result_status=self.safe(record.result_status),
            reason=self.safe(record.reason),
            missed=tuple(self.safe(line) for line in record.missed),
            limits=tuple(self.safe(line) for line in record.limits),
        )

    def waiting(self, waiting: Waiting) -> Waiting:
        """The same state with its reason made safe and short."""
        return replace(waiting, why=self.safe(waiting.why, limit=LONGEST_WHY))


def span(seconds: float) -> str:
    """A duration for people: ``3.2 s``, ``2 min 05 s``, ``1 h 02 min``."""
    whole = int(seconds)
    if whole < _MINUTE:
        # 59.96 would be rounded to 60.0.
        return f"{int(max(0.0, seconds) * 10) / 10:.1f} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def poll_state(waiting: Waiting, since_s: float = 0.0) -> str:
    """What a poll is doing, ``since_s`` seconds after it said so."""
    doing = "under way"
    if waiting.next_wait_s > 0:
        doing = f"next in {span(waiting.next_wait_s - since_s)}"
    elif waiting.held_s:
        doing = "held by the server"
    return f"attempt {waiting.attempt}, {doing}, {span(waiting.left_s - since_s)} left"


def tally(records: Iterable[ScenarioRecord]) -> tuple[tuple[Verdict, int], ...]:
    """How often each verdict was reached, those that were, in the order of their declaration."""
    found = Counter(record.verdict for record in records)
    return tuple((verdict, found[verdict]) for verdict in Verdict if found[verdict])


@dataclass(frozen=True, slots=True)
class Remark:
    """What has to be said about a scenario, or about several that were blocked for the same reason.

    Attributes:
        text: Their ids, and why.
        lines: Missed checks, then limitations; each begins with its place in the file.
    """

    verdict: Verdict
    text: str
    lines: tuple[str, ...] = ()


def remarks(records: Sequence[ScenarioRecord]) -> list[Remark]:
    """Those that are not a plain PASS, in order; blocked ones come last, because they are a consequence."""
    said = [_remark(each) for each in records if each.verdict is not Verdict.BLOCKED and not _is_plain(each)]
    blocked: dict[str, list[str]] = {}
    for each in records:
        if each.verdict is Verdict.BLOCKED:
            blocked.setdefault(each.reason, []).append(each.id)
    return said + [Remark(Verdict.BLOCKED, _with(", ".join(ids), reason)) for reason, ids in blocked.items()]


def check_lines(record: ScenarioRecord) -> tuple[str, ...]:
    """Missed checks and limitations, one line each; what the reason says already is not said again."""
    return (
        *(f"missed: {line}" for line in record.missed if line != record.reason),
        *(f"limitation: {line}" for line in record.limits),
    )


def _remark(record: ScenarioRecord) -> Remark:
    return Remark(record.verdict, _with(record.id, record.reason), check_lines(record))


def _is_plain(record: ScenarioRecord) -> bool:
    return record.verdict is Verdict.PASS and not record.missed and not record.limits


def _with(subject: str, reason: str) -> str:
    return f"{subject}: {reason}" if reason else subject
