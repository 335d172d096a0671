"""One scenario while it is climbed: what it may refer to, what it has captured, and how its requests are sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.exchanges import Purpose
from harness.ids import new_id, new_span_id, traceparent
from harness.language.variables import Scope
from harness.runner.looks import comparing
from harness.runner.scenario_log import ScenarioLog, Sending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.judging.freshness import Baseline
    from harness.judging.observation import Exchange
    from harness.language.model import Ladder, Scenario, Step
    from harness.runner.surroundings import Surroundings
    from harness.senses.calls import Call, Send
    from harness.senses.snapshots import Snapshot
    from harness.traces.records import Told

NOTHING_SENT: Final = "nothing was sent"
TRACE_STEP: Final = "trace"
"""What redactions in the backend's part of the trace are counted under."""


class Scene:
    """The state of one scenario.

    Args:
        around: What the climb was handed.
        ladder: The ladder that the scenario is part of.
        scenario: The one that is climbed.
        folder: Where its artifacts lie.
        reached: Captures of the scenarios that it may refer to.

    Attributes:
        schemas: Parsed JSON Schemas by the name of their file.
        comparing: Id of a step → the steps that compare with what was there before it.
        captures: Name → value.
        began_at: When a step began, in seconds since the epoch, by its id.
        baselines: What a poll's path showed before the step that it must be fresher than, by the poll's id.
        before: Files before a step, by its id and the project's template.
        known: The newest snapshot of each listing, to spare transfers.
        trace_id: Of the scenario's trace, dashed; ``span_id`` is its root, ``step_span_id`` its step of the climb's.
        sending: The newest request, for whoever records it.
        told: The backend's part of the trace; ``None`` when it told none, and then ``why_untold`` says why.
        result_status: ``success`` or ``error``, as the last result said.
        remarks: What notes.txt must say besides what was observed.
    """

    def __init__(
        self,
        around: Surroundings,
        ladder: Ladder,
        scenario: Scenario,
        *,
        folder: str,
        reached: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.around, self.ladder, self.scenario = around, ladder, scenario
        self.log = ScenarioLog(around.records, scenario.id, folder)
        self.schemas: Mapping[str, Any] = {}
        self.comparing = comparing((*scenario.steps, *scenario.cleanup))
        self.captures: dict[str, Any] = {}
        self.began_at: dict[str, float] = {}
        self.baselines: dict[str, Baseline] = {}
        self.before: dict[tuple[str, str], Snapshot] = {}
        self.known: dict[str, Snapshot] = {}
        self.trace_id = new_id()
        self.span_id, self.step_span_id = new_span_id(), new_span_id()
        self.sending = Sending()
        self.told: Told | None = None
        self.why_untold = NOTHING_SENT
        self.result_status = "n/a"
        self.remarks: list[str] = []
        self._reached = reached
        self._already_marked = 0

    @property
    def id(self) -> str:
        """Of the scenario."""
        return self.scenario.id

    @property
    def secret_hits(self) -> int:
        """How often a secret was taken out of what the scenario observed, here or by the subject itself."""
        return self.around.records.redactor.count(f"{self.id}/") + self._already_marked

    def scope(self, step: Step) -> Scope:
        """Where the variables of a step are looked up."""
        return Scope(
            ladder=self.ladder.variables,
            scenario=self.scenario.variables,
            captures=self.captures,
            reached=self._reached,
            step=step.variables,
        )

    def sends(self, step: str, purpose: Purpose) -> Send:
        """A sender that records each exchange."""

        def send(call: Call) -> Exchange:
            exchange = self.send(replace(call, source=self.source(step)))
            self.record(step, purpose, call, exchange=exchange)
            return exchange

        return send

    def send(self, call: Call) -> Exchange:
        """Send once; whoever sends records. What the subject has taken out counts in every answer, kept or not."""
        return self._send(call, self.trace_id)

    @property
    def has_sent(self) -> bool:
        """Whether anything was sent."""
        return bool(self.sending.span_id)

    def ask_for_trace(self, call: Call) -> Exchange:
        """Ask for the scenario's trace, as part of the climb's: a look at a trace must not add to it."""
        exchange = self._send(replace(call, source=self.source(TRACE_STEP)), self.around.origin.trace_id)
        self.record("", Purpose.TRACE, call, exchange=exchange)
        return exchange

    def _send(self, call: Call, trace_id: str) -> Exchange:
        self.sending = Sending(new_span_id(), self.log.elapsed())
        origin = self.around.origin
        sent = replace(call, traceparent=traceparent(trace_id, self.sending.span_id), baggage=origin.trigger.baggage())
        exchange = self.around.subject.send(sent)
        self._already_marked += exchange.marked
        return exchange

    def record(self, step: str, purpose: Purpose, call: Call, *, exchange: Exchange) -> int:
        """Record a request with its answer; returns the number of the event."""
        return self.log.exchange(step, purpose, call, exchange=exchange, sending=self.sending)

    def source(self, step: str) -> str:
        """What redactions in the answers of a step are counted under."""
        return f"{self.id}/{step}"
