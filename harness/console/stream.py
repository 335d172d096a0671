"""The events of a run as a stream (server-sent events): every one once, also after the connection broke.

An event's id is where the logs of the run stand behind it, so a browser that comes back is told what it missed and
nothing twice. The last event is ``done``; whoever asks again after that is told to stay away (204). Streams are
counted, since each looks at its run several times a second: one too many is refused and hinders nobody.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from harness.console import answers
from harness.console.following import Place
from harness.console.log_lines import told_line
from harness.console.position import Position
from harness.console.refusals import Refusal
from harness.console.trial_logs import RunLogs
from harness.evidence.faults import EvidenceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.datastructures import State
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry

    Told = tuple[str, Json]
    """The id of an event, and its line."""

PAUSE_S: Final = 0.2
"""Between two looks at a log."""

PING_S: Final = 15
RETRY_MS: Final = 1_000

PATIENCE_S: Final = 60
"""For a reader who takes nothing off the line; it comes back where it stopped."""

MOST_STREAMS: Final = 64
"""At a time: a browser keeps one for each window."""

DONE: Final = "done"
SEALED: Final = "sealed"


def stream(sources: Sources, request: Request) -> Response:
    """Answer with the events of a run after the one that the caller has.

    Raises:
        MissingError: There is no such run.
        EvidenceError: The source cannot be read.
    """
    entry = sources.shelf.entry(request.path_params["run"])
    after = request.headers.get("last-event-id") or request.query_params.get("after", "")
    if after == DONE:
        return Response(status_code=204)
    state = request.app.state
    if getattr(state, "streams", 0) >= MOST_STREAMS:
        message = f"{MOST_STREAMS} logs are being followed already"
        refusal = Refusal(503, "streams-taken", message, "close another window, and load this page again")
        return answers.refused(request.url.path, refusal, {"retry-after": "5"})
    return _Counted(_events(sources, entry, after), state)


class _Counted(EventSourceResponse):
    """A stream that counts while it is open."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], state: State) -> None:
        super().__init__(events, ping=PING_S, headers={"cache-control": "no-store"}, send_timeout=PATIENCE_S)
        self._counted = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._counted.streams = getattr(self._counted, "streams", 0) + 1
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            # Nobody is there who could be told.
            return
        finally:
            self._counted.streams -= 1


async def _events(sources: Sources, entry: RunEntry, after: str) -> AsyncIterator[ServerSentEvent]:
    place = Place(sources.shelf.root, entry.name)
    try:
        if after != SEALED:
            wanted = entry.record.trials if entry.record else 0
            with RunLogs(place, Position.of(after), wanted=wanted) as logs:
                async for told in _told(logs):
                    yield _sent(*told)
        is_finished = await run_in_threadpool(place.is_finished)
        if after != SEALED and is_finished:
            yield _sent(SEALED, await run_in_threadpool(_sealed, sources, entry.name))
        word = "the run has ended" if is_finished else "the run did not finish"
    except EvidenceError as error:
        word = error.message
    yield _sent(DONE, told_line(DONE, DONE, word))


async def _told(logs: RunLogs) -> AsyncIterator[Told]:
    """Lines until nobody writes any more; what was written before the end is read after it was seen."""
    while not logs.is_over:
        batch: list[Told] = []
        is_any = await run_in_threadpool(logs.turn, _into(batch, logs))
        for told in batch:
            yield told
        if not is_any and not logs.is_over:
            await asyncio.sleep(PAUSE_S)


def _into(batch: list[Told], logs: RunLogs) -> Callable[[Json], None]:
    return lambda line: batch.append((str(logs.position), line))


def _sealed(sources: Sources, name: str) -> Json:
    trust = sources.trusted.of(sources.shelf.entry(name))
    return told_line(SEALED, SEALED, f"sealed: {trust.files[1]} files", word=trust.word.value)


def _sent(name: str, line: Json) -> ServerSentEvent:
    told = {key: value for key, value in line.items() if key != "kind"}
    return ServerSentEvent(data=json.dumps(told), event=line["kind"], id=name, retry=RETRY_MS)
