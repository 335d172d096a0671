"""Sends ended spans to a collector as OTLP/JSON over HTTP, on a thread of its own that nobody waits for.

A collector that is slow, away or broken costs spans, which are counted, and nothing else: the queue is bounded, every
call has a deadline, an answer is read and forgotten. Only the endpoint of the settings is ever called.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from backend.tracing.otlp import span_document, write_span
from backend.tracing.records import DbWrite
from backend.tracing.spans import Span
from backend.tracing.writer import BackgroundWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from backend.tracing.stores import Record

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
        endpoint: Such as ``http://127.0.0.1:4318``; ``/v1/traces`` is appended.
        lose: Counts spans that could not be sent.
        instance: The process whose spans they are.
        version: Of this backend.
    """

    def __init__(self, endpoint: str, lose: Callable[[int], None], *, instance: str, version: str) -> None:
        parts = urlsplit(endpoint)
        self._secure = parts.scheme == "https"
        self._address = parts.netloc
        self._path = parts.path.rstrip("/") + "/v1/traces"
        self._lose, self._instance, self._version = lose, instance, version
        self._failing = False
        self._writer: BackgroundWriter[Span] = BackgroundWriter(
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
        for span in self._spans(records):
            if not self._writer.put(span):
                self._lose(1)

    def _spans(self, records: Sequence[Record]) -> Iterator[Span]:
        for record in records:
            if isinstance(record, Span) and (record.end_ns is not None or record.incomplete):
                yield record
            elif isinstance(record, DbWrite) and (span := write_span(record, self._instance)) is not None:
                yield span

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything taken so far was sent, or given up."""
        return self._writer.flush(timeout_s)

    def _write(self, spans: Sequence[Span]) -> None:
        for start in range(0, len(spans), _BATCH):
            self._send(spans[start : start + _BATCH])

    def _send(self, spans: Sequence[Span]) -> None:
        try:
            body = json.dumps(span_document(spans, version=self._version), separators=(",", ":")).encode()
            status = self._post(body)
        except Exception as error:  # noqa: BLE001  # nobody shall suffer from a collector
            self._fail(len(spans), type(error).__name__)
            return
        if status not in _SUCCESS:
            self._fail(len(spans), str(status))
            return
        self._failing = False

    def _post(self, body: bytes) -> int:
        make = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = make(self._address, timeout=TIMEOUT_S)
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read(_MAX_ANSWER_BYTES)
            return answer.status
        finally:
            connection.close()

    def _fail(self, number: int, reason: str) -> None:
        self._lose(number)
        if not self._failing:
            log.warning("trace.not_exported", reason=reason, spans=number)
        self._failing = True
