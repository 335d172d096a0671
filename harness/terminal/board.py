"""Where a climb stands, ready to be drawn at any instant: every text in it is safe to be shown already.

The climb changes it from one thread while a display reads it from another. So each row is replaced whole, never
changed, and a picture may at worst be one change old.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.evidence.run_record import ScenarioRecord
    from harness.language.model import Ladder, Scenario
    from harness.senses.polling import Waiting
    from harness.terminal.wording import Wording


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario.

    Attributes:
        began: By the clock of the display; ``None`` before it has started.
        record: ``None`` before it has ended.
    """

    id: str
    title: str
    began: float | None = None
    record: ScenarioRecord | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has started and has no verdict yet."""
        return self.began is not None and self.record is None


@dataclass(frozen=True, slots=True)
class Doing:
    """What the running scenario is at.

    Attributes:
        waiting: Of a poll, once it has said what it waits for.
        told_at: When it said so; what it waits for runs out from then on.
    """

    scenario: str
    step: str = ""
    action: str = ""
    waiting: Waiting | None = None
    told_at: float = 0.0


class Board:
    """All scenarios of one ladder, and what the running one is at."""

    def __init__(self, words: Wording, *, folder: str, file: str, began: float) -> None:
        self._words = words
        self._rows: dict[str, Row] = {}
        self.folder, self.file, self.began = words.safe(folder), words.safe(file), began
        self.doing: Doing | None = None
        self.step_width = 0

    @classmethod
    def of(cls, words: Wording, ladder: Ladder, scenarios: Sequence[Scenario], *, folder: str, began: float) -> Board:
        """A board on which nothing has started."""
        board = cls(words, folder=folder, file=ladder.file, began=began)
        for each in scenarios:
            board._put(Row(words.safe(each.id), words.safe(each.title)))
        steps = (step.id for each in scenarios for step in (*each.steps, *each.cleanup))
        board.step_width = max((len(step) for step in steps), default=0)
        return board

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, in the order of the climb."""
        return tuple(self._rows.values())

    @property
    def records(self) -> tuple[ScenarioRecord, ...]:
        """The ends that were reached so far."""
        return tuple(row.record for row in self.rows if row.record is not None)

    def scenario_started(self, scenario: Scenario, now: float) -> None:
        """It runs from now on."""
        row = Row(self._words.safe(scenario.id), self._words.safe(scenario.title), began=now)
        self._put(row)
        self.doing = Doing(row.id)

    def step_started(self, step: str, action: str) -> None:
        """The running scenario is at this step."""
        scenario = self.doing.scenario if self.doing else ""
        self.doing = Doing(scenario, self._words.safe(step), self._words.safe(action))

    def waiting(self, waiting: Waiting, now: float) -> None:
        """The present step waits."""
        self.doing = replace(self.doing or Doing(""), waiting=self._words.waiting(waiting), told_at=now)

    def scenario_ended(self, record: ScenarioRecord) -> None:
        """It has its verdict."""
        end = self._words.record(record)
        known = self._rows.get(end.id)
        self._put(Row(end.id, end.title, known.began if known else None, end))
        if self.doing and self.doing.scenario == end.id:
            self.doing = None

    def _put(self, row: Row) -> None:
        self._rows[row.id] = row
