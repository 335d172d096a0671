"""Puts recording together: store, recorder, traces of jobs, retention."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from backend.tracing.attributes import Cleaner
from backend.tracing.capture import install
from backend.tracing.current import current_span
from backend.tracing.job_traces import JobTraces
from backend.tracing.recorder import Limits, Recorder
from backend.tracing.retention import Retention
from backend.tracing.sender import OtlpSender
from backend.tracing.store import open_store
from worker.contract import VERSION

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from backend.config import Settings
    from backend.metrics import Metrics
    from backend.redaction import Redactor
    from backend.tracing.capture import Capture
    from backend.tracing.stores import TraceStore

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tracing:
    """Everything that records, put together and not yet started.

    Attributes:
        store: ``None`` when recording is off.
        prefix: What the instance names of all processes of this backend begin with.
        sender: ``None`` when no collector is named.
    """

    store: TraceStore | None
    recorder: Recorder
    jobs: JobTraces
    metrics: Metrics
    prefix: str
    sender: OtlpSender | None = None

    def watch(self, engine: Engine) -> Capture | None:
        """Record what an engine writes from now on; ``None`` when nothing is recorded."""
        if self.store is None:
            return None
        try:
            capture = install(engine, self.recorder, _current)
        except Exception as error:  # noqa: BLE001  # recording never keeps a backend from starting
            self.recorder.lose("capture")
            log.warning("trace.not_watching", error=type(error).__name__)
            return None
        self.recorder.capture = capture.state
        for hook in capture.hooks:
            self.metrics.capture_is(hook, partial(_is_in_place, capture, hook))
        return capture

    def start(self) -> None:
        """Begin to store, and mark what earlier processes left open."""
        self.recorder.start()
        if self.sender is not None:
            self.sender.start()
        if self.store is None:
            return
        try:
            self.metrics.trace_incomplete(self.store.abandon(self.prefix, self.recorder.instance))
        except Exception as error:  # noqa: BLE001  # recording never keeps a backend from starting
            self.recorder.lose("store")
            log.warning("trace.not_settled", error=type(error).__name__)

    def close(self) -> None:
        """Store and send what waits, and let go of the database."""
        self.recorder.close()
        if self.sender is not None:
            self.sender.close()
        if self.store is not None:
            self.store.close()


def _is_in_place(capture: Capture, hook: str) -> bool:
    return hook in capture.hooks


def _current() -> tuple[str, str] | None:
    span = current_span()
    return None if span is None else (span.trace_id, span.span_id)


def assemble_tracing(settings: Settings, redactor: Redactor, metrics: Metrics, *, name: str) -> Tracing:
    """Put recording together, on a database that is up to date.

    Args:
        settings: Those named TRACE_*.
        redactor: Takes out secrets.
        metrics: Counts what is lost.
        name: Under which this backend finds its workers again, and its traces.
    """
    store = open_store(settings.database_url) if settings.trace_enabled else None
    prefix = f"{name}:"
    cleaner = Cleaner(redactor)
    limits = Limits(queued=settings.trace_queue_size, per_trace=settings.trace_max_records)
    recorder = Recorder(store, cleaner, metrics, instance=prefix + secrets.token_hex(8), limits=limits)
    if store is not None:
        retention = Retention(store, settings.trace_max_count, settings.trace_max_age_days, recorder)
        recorder.listeners.append(retention.heard)
    jobs = JobTraces(recorder, metrics, cleaner, store)
    return Tracing(store, recorder, jobs, metrics, prefix, _make_sender(settings, recorder))


def _make_sender(settings: Settings, recorder: Recorder) -> OtlpSender | None:
    if not settings.otel_exporter_otlp_endpoint or not recorder.on:
        return None
    sender = OtlpSender(
        settings.otel_exporter_otlp_endpoint,
        lambda number: recorder.lose("export", number=number),
        instance=recorder.instance,
        version=VERSION,
    )
    recorder.listeners.append(sender.heard)
    return sender
