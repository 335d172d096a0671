"""The figures of the judge that need no container: starting, stepping, remembering, redacting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.bench.cold_start import measure_cold_starts
from tests.bench.local_server import serving
from tests.bench.many_runs import RUNS, measure_many_runs
from tests.bench.peer import NoPeerError, installed_peer
from tests.bench.redaction_speed import measure_redaction
from tests.bench.steps import Steps, measure_memory, measure_steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.figures import Comparison, Measure

COLD_STARTS: Final = 15
LISTS: Final = 11
STEP_ROUNDS: Final = 7
MEMORY_ROUNDS: Final = 2
REDACTION_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """What was measured.

    Attributes:
        remarks: What could not be, and why.
    """

    comparisons: tuple[Comparison, ...]
    measures: tuple[Measure, ...]
    remarks: tuple[str, ...]


def measure_judge(place: Path, say: Callable[[str], None]) -> Judged:
    """Measure one thing after the other; processes, files and the server are gone at the end.

    Args:
        place: An empty folder.
        say: Gets what is being measured.

    Raises:
        BenchError: Something did not happen that was to be measured.
    """
    say(f"{COLD_STARTS} cold starts of each command")
    cold = measure_cold_starts(rounds=COLD_STARTS)
    say(f"{LISTS} lists of {RUNS} runs, and three without an index")
    listing = measure_many_runs(place / "runs", rounds=LISTS)
    peer, remarks = _peer(say)
    with serving() as address:
        steps = Steps(place, address, peer)
        say(f"{STEP_ROUNDS} times 1 and 500 steps on each side")
        ratio, stepping = measure_steps(steps, rounds=STEP_ROUNDS)
        say(f"{MEMORY_ROUNDS} climbs of 5,000 steps")
        memory = measure_memory(steps, rounds=MEMORY_ROUNDS)
    say("the redactor")
    redaction = measure_redaction(rounds=REDACTION_ROUNDS)
    return Judged((ratio,), (*cold, *listing, *stepping, *memory, *redaction), remarks)


def _peer(say: Callable[[str], None]) -> tuple[Path | None, tuple[str, ...]]:
    say("the peer: Tavern, in a virtual environment of its own")
    try:
        return installed_peer(), ()
    except NoPeerError as error:
        return None, (f"Tavern was not measured, because it cannot be installed: {error}",)
