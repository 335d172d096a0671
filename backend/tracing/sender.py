"""Sends ended spans and point events to a collector as OTLP/JSON over HTTP, on a thread that nobody waits for.

Spans go to ``/v1/traces``, events as log records to ``/v1/logs``. A collector that is slow, away or broken costs what
it was to be sent, which is counted, and nothing else: the queue is bounded, every call has a deadline, an answer is
read and forgotten. Only the endpoint of the settings is ever called.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog

from backend.tracing.otlp import log_document, span_document, write_span
from backend.tracing.records import DbWrite
from backend.tracing.spans import EventRecord, Span
from backend.tracing.writer import BackgroundWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from backend.tracing.stores import Record

Sent = Span | EventRecord

log = structlog.get_logger(__name__)

TIMEOUT_S: Final = 5.0
_QUEUED: Final = 5_000
_LINGER_S: Final = 1.0
_BATCH: Final = 500
_SUCCESS: Final = range(200, 300)
_MAX_ANSWER_BYTES: Final = 64 * 1024


class OtlpSender:
    """Sends what the recorder has stored.

    Args:
        endpoint: Such as ``http://127.0.0.1:4318``; the paths of OTLP are appended.
        lose: Counts spans and events that could not be sent.
        instance: The process whose records they are.
        version: Of this backend.
    """

    def __init__(self, endpoint: str, lose: Callable[[int], None], *, instance: str, version: str) -> None:
        parts = urlsplit(endpoint)
        self._secure = parts.scheme == "https"
        self._address = parts.netloc
        self._base = parts.path.rstrip("/")
        self._lose, self._instance, self._version = lose, instance, version
        self._failing: set[str] = set()
        self._writer: BackgroundWriter[Sent] = BackgroundWriter(
            "trace-sender", self._write, max_items=_QUEUED, linger_s=_LINGER_S
        )

    def start(self) -> None:
        """Begin to send."""
        self._writer.start()

    def close(self) -> None:
        """Send what waits, if that is possible in time."""
        if not self._writer.close(TIMEOUT_S):
            self._lose(1)

    def heard(self, records: Sequence[Record]) -> None:
        """Take what was stored; spans that have not ended come again when they have."""
        for record in self._sent(records):
            if not self._writer.put(record):
                self._lose(1)

    def _sent(self, records: Sequence[Record]) -> Iterator[Sent]:
        for record in records:
            if isinstance(record, DbWrite):
                if (span := write_span(record, self._instance)) is not None:
                    yield span
            elif isinstance(record, EventRecord) or (isinstance(record, Span) and _is_over(record)):
                yield record

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything taken so far was sent, or given up."""
        return self._writer.flush(timeout_s)

    def _write(self, records: Sequence[Sent]) -> None:
        for start in range(0, len(records), _BATCH):
            batch = records[start : start + _BATCH]
            if spans := [record for record in batch if isinstance(record, Span)]:
                self._send("/v1/traces", span_document(spans, version=self._version), len(spans))
            if events := [record for record in batch if isinstance(record, EventRecord)]:
                self._send("/v1/logs", log_document(events, version=self._version), len(events))

    def _send(self, path: str, document: dict[str, Any], number: int) -> None:
        try:
            status = self._post(path, json.dumps(document, separators=(",", ":")).encode())
        except Exception as error:  # noqa: BLE001  # nobody shall suffer from a collector
            self._fail(path, number, type(error).__name__)
            return
        if status not in _SUCCESS:
            self._fail(path, number, str(status))
            return
        self._failing.discard(path)

    def _post(self, path: str, body: bytes) -> int:
        make = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = make(self._address, timeout=TIMEOUT_S)
        try:
            connection.request("POST", self._base + path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read(_MAX_ANSWER_BYTES)
            return answer.status
        finally:
            connection.close()

    def _fail(self, path: str, number: int, reason: str) -> None:
        self._lose(number)
        if path not in self._failing:
            # Once for each time it begins to fail: the counter tells how much.
            log.warning("trace.not_exported", path=path, reason=reason, records=number)
        self._failing.add(path)


def _is_over(span: Span) -> bool:
    return span.end_ns is not None or span.incomplete
