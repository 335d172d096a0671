"""The events of a run as a stream (server-sent events): every one once, also after the connection broke.

An event's id is its number in the log, so a browser that comes back is told what it missed and nothing twice. The last
event is ``done``; whoever asks again after that is told to stay away (204).
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from harness.console.following import Follower
from harness.console.log_lines import line_of, told_line
from harness.evidence.faults import EvidenceError
from harness.evidence.reading import RunCondition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from harness.console.rendering import Json
    from harness.console.sources import Sources
    from harness.evidence.reading import RunEntry

PAUSE_S: Final = 0.2
"""Between two looks at a log."""

PING_S: Final = 15
RETRY_MS: Final = 1_000

DONE: Final = "done"
SEALED: Final = "sealed"

_NUMBER: Final = re.compile(r"[0-9]{1,12}")


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
    return EventSourceResponse(_events(sources, entry, after), ping=PING_S, headers={"cache-control": "no-store"})


async def _events(sources: Sources, entry: RunEntry, after: str) -> AsyncIterator[ServerSentEvent]:
    known = int(after) if _NUMBER.fullmatch(after) else 0
    try:
        with Follower(sources.shelf.root, entry) as follower:
            async for line in _lines(follower):
                if after != SEALED and int(line["id"]) > known:
                    yield _sent(line)
        if after != SEALED and follower.state() is RunCondition.FINISHED:
            yield _sent(_sealed(sources, entry.name))
        word = "the run has ended" if follower.state() is RunCondition.FINISHED else "the run did not finish"
    except EvidenceError as error:
        word = error.message
    yield _sent(told_line(DONE, DONE, word))


async def _lines(follower: Follower) -> AsyncIterator[Json]:
    """Lines until nobody writes any more; what was written before the end is read after it was seen."""
    while True:
        is_running = follower.state() is RunCondition.RUNNING
        found = follower.read()
        for each in found:
            if line := line_of(each):
                yield line
        if not is_running and not found:
            return
        await asyncio.sleep(0 if found else PAUSE_S)


def _sealed(sources: Sources, name: str) -> Json:
    trust = sources.trusted.of(sources.shelf.entry(name))
    return told_line(SEALED, SEALED, f"sealed: {trust.files[1]} files", word=trust.word.value)


def _sent(line: Json) -> ServerSentEvent:
    told = {name: value for name, value in line.items() if name not in {"id", "kind"}}
    return ServerSentEvent(data=json.dumps(told), event=line["kind"], id=line["id"], retry=RETRY_MS)
