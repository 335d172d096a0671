"""From what became of an attempt to the state of its job: pure, and the first row that fits decides.

It judges facts that others gathered: the last look at the worker (or the launcher's refusal, or an engine that stayed
away), the stop that this backend recorded before it asked for it, and what was found as a result. The result is judged
last, because a result that was written before a kill says nothing about the end; a kill for memory is read from the
engine's flag and never from exit code 137, which is also our own kill and anybody else's.

Doubts that remain: ``FinishedAt`` is the engine's clock and the recorded stop is ours, so on two machines whose clocks
differ a stop within that difference may be believed or not; and a worker whose engine stays away may still be running.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from backend.launchers.base import LaunchRefusedError, Phase, WorkerState
from worker.contract import MAX_SUMMARY_CHARS, ContractError, ExitCode, FailureKind, JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


class StopReason(StrEnum):
    """Why this backend stopped a worker."""

    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class RecordedStop:
    """A stop that was decided before the worker was touched, so that its end can be told from a crash.

    Attributes:
        requested_at: Aware instant, taken before the engine was asked.
    """

    reason: StopReason
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The engine did not answer until the backend gave up waiting for it; the worker may still be running.

    Attributes:
        message: What was seen last, in the launcher's words.
    """

    message: str

    def __str__(self) -> str:
        return self.message


class NoResult(StrEnum):
    """Why there is no result document to judge."""

    MISSING = "result-missing"


Ending = WorkerState | LaunchRefusedError | EngineLost
"""What became of the worker: the last look at it, a launch that was refused, or silence."""

ResultFound = ResultStatus | ContractError | NoResult
"""What was found as result: the status of a valid one, the fault of an invalid one, or none."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything known about an attempt that has ended.

    Attributes:
        ending: A worker that was never created, because a stop came first, looks like one that was never started.
        stop: The first stop that was recorded; ``None`` when there was none.
        interruptions: How often the engine's answers broke off while the worker ran; a restarted engine ends workers
            in a way that looks like a crash.
    """

    ending: Ending
    result: ResultFound
    stop: RecordedStop | None = None
    interruptions: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a job.

    Attributes:
        failure_kind: ``None`` when the result is the worker's own and valid.
        summary: Cause and exit code in at most 500 characters; empty when the result brings its own summary.
        warnings: Kebab-case findings that change nothing: ``oom-killed-child``, ``stop-unconfirmed``,
            ``not-granted:<name>`` for each hardening that the engine did not grant.
    """

    status: JobStatus
    failure_kind: FailureKind | None
    summary: str
    warnings: tuple[str, ...] = ()


_STOPS: Final = {
    StopReason.CANCELLED: (FailureKind.CANCELLED, "The job was cancelled."),
    StopReason.TIMEOUT: (FailureKind.TIMEOUT, "The job passed its deadline and was stopped."),
    StopReason.SHUTDOWN: (FailureKind.CANCELLED, "The job was cancelled because the backend shut down."),
}
_MEANINGS: Final = {
    int(ExitCode.USAGE): "its environment names no workspace",
    int(ExitCode.WORKSPACE_UNUSABLE): "it could not open its workspace",
    int(ExitCode.INTERNAL): "a fault of the worker itself",
    int(ExitCode.RESULT_UNWRITABLE): "it could not write its result",
    # Under an init a missing program is no failed start: the init runs, finds nothing and exits so.
    126: "its program, or one that it ran, is not executable",
    127: "its program, or one that it ran, was not found",
}
_SIGNAL_BASE: Final = 128
_FROM_OUTSIDE: Final = (signal.SIGKILL, signal.SIGTERM)


def classify(attempt: Attempt) -> Outcome:
    """Decide how a job ends (backend-contract §2.4, docker-facts §5).

    Raises:
        ValueError: The worker still runs, so there is nothing to decide yet.
    """
    if isinstance(attempt.ending, WorkerState) and attempt.ending.phase is Phase.RUNNING:
        msg = "a worker that still runs has no outcome"
        raise ValueError(msg)
    kind, summary = next(_failures(attempt), (None, ""))
    good = kind is None and attempt.result is ResultStatus.SUCCESS
    status = JobStatus.COMPLETED if good else JobStatus.ERROR
    return Outcome(status, kind, summary[:MAX_SUMMARY_CHARS], tuple(_warnings(attempt)))


Row = tuple[FailureKind, str]


def _failures(attempt: Attempt) -> Iterator[Row]:
    """Yield every row of the table that fits, in the order of the table."""
    yield from _never_started(attempt.ending, attempt.stop)
    yield from _stopped(attempt.ending, attempt.stop)
    yield from _ended_badly(attempt.ending, attempt.interruptions)
    yield from _without_result(attempt.result)


def _never_started(ending: Ending, stop: RecordedStop | None) -> Iterator[Row]:
    if isinstance(ending, LaunchRefusedError):
        # A worker that was stopped and removed before its start was stopped; nothing was missing.
        if stop is None or ending.reference != "worker-removed":
            yield FailureKind.LAUNCH_FAILED, f"The worker could not be started ({ending.reference}): {ending}"
        return
    # A stop before the start leaves a container that nothing is wrong with.
    if isinstance(ending, WorkerState) and _failed_to_start(ending, stop):
        number = f" (exit code {ending.exit_code})" if ending.exit_code else ""
        reason = ending.problem or "no reason was given"
        yield FailureKind.LAUNCH_FAILED, f"The worker was never started{number}: {reason}"


def _failed_to_start(state: WorkerState, stop: RecordedStop | None) -> bool:
    return state.phase is Phase.CREATED and bool(state.problem or state.exit_code or stop is None)


def _stopped(ending: Ending, stop: RecordedStop | None) -> Iterator[Row]:
    if stop is None or _ended_before(ending, stop):
        return
    if stop.reason is StopReason.TIMEOUT and isinstance(ending, EngineLost):
        # That the deadline passed is no proof of a kill while the engine cannot be asked.
        return
    kind, sentence = _STOPS[stop.reason]
    code = ending.exit_code if isinstance(ending, WorkerState) else None
    yield kind, sentence if code is None else f"{sentence} Exit code {code}."


def _ended_before(ending: Ending, stop: RecordedStop) -> bool:
    """Whether the worker ended by itself before the stop was asked for; an unknown end counts as caused by it."""
    finished_at = ending.finished_at if isinstance(ending, WorkerState) else None
    return finished_at is not None and finished_at < stop.requested_at


def _ended_badly(ending: Ending, interruptions: int) -> Iterator[Row]:
    if isinstance(ending, WorkerState):
        yield from _bad_end(ending, interruptions)
    else:
        # Only silence comes this far: a refusal has fitted a row above.
        yield FailureKind.LOST, f"The worker is out of sight, and so is its end: {ending}."


def _bad_end(state: WorkerState, interruptions: int) -> Iterator[Row]:
    if state.oom_killed and state.exit_code:
        yield FailureKind.OOM, f"The worker was killed for using too much memory. Exit code {state.exit_code}."
    if state.phase is Phase.GONE:
        yield FailureKind.LOST, "The worker has vanished without a readable end: its launcher knows it no more."
    if state.exit_code:
        yield FailureKind.CRASHED, _crash(state.exit_code, interruptions)


def _crash(code: int, interruptions: int) -> str:
    doubt = " The engine's answers broke off meanwhile, so the engine may have been restarted." if interruptions else ""
    return f"The worker ended with exit code {code}: {_meaning(code)}.{doubt}"


def _meaning(code: int) -> str:
    try:
        number = signal.Signals(code - _SIGNAL_BASE)
    except ValueError:
        return _MEANINGS.get(code, "it crashed")
    return f"killed by {number.name}" + (", which this backend did not send" if number in _FROM_OUTSIDE else "")


def _without_result(result: ResultFound) -> Iterator[Row]:
    if isinstance(result, ContractError):
        fault = f"({result.reference}): {result}"
        yield FailureKind.RESULT_INVALID, f"The worker ended with exit code 0 and left an invalid result {fault}"
    elif result is NoResult.MISSING:
        yield FailureKind.RESULT_MISSING, "The worker ended with exit code 0 and left no result."


def _warnings(attempt: Attempt) -> Iterator[str]:
    ending = attempt.ending
    if isinstance(ending, EngineLost) and attempt.stop is not None:
        yield "stop-unconfirmed"
    if isinstance(ending, WorkerState):
        if ending.oom_killed and ending.exit_code == 0:
            # A child was killed for memory and the worker went on: the result decides.
            yield "oom-killed-child"
        yield from (f"not-granted:{name}" for name in ending.missing)
