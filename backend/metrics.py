"""Counters and histograms for Prometheus, in a registry of their own: two backends in one process do not mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.contract import FailureKind, JobStatus

# A job takes from a tenth of a second (template engine) to many minutes (a coding agent).
_JOB_SECONDS = (0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """Everything that ``/metrics`` shows; labels are closed sets, never ids."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._job_seconds = Histogram(
            "job_duration_seconds",
            "Time from the start of a job to its end.",
            ["job_type", "status"],
            buckets=_JOB_SECONDS,
            registry=self.registry,
        )
        self._failures = Counter(
            "job_failures", "Jobs that ended with a failure kind.", ["failure_kind"], registry=self.registry
        )
        self._requests = Histogram(
            "http_request_duration_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._queued = Gauge("jobs_queued", "Jobs that wait for their turn.", registry=self.registry)
        self._running = Gauge("jobs_in_progress", "Jobs that run.", registry=self.registry)
        self._reaped = Counter(
            "workers_reaped", "Workers without a running job that were removed.", registry=self.registry
        )

        self._pipelines = Counter(
            "pipeline_runs", "Pipelines that ended.", ["intent_type", "status"], registry=self.registry
        )
        self._step_seconds = Histogram(
            "step_duration_seconds",
            "Time from the start of a pipeline's step to its end.",
            ["agent_name"],
            buckets=_JOB_SECONDS,
            registry=self.registry,
        )
        self._trace_dropped = Counter(
            "trace_dropped", "Trace records that were lost, by what lost them.", ["stage"], registry=self.registry
        )
        self._trace_incomplete = Counter(
            "trace_incomplete", "Traces with a span whose end was never seen.", registry=self.registry
        )
        self._capture = Gauge(
            "capture_active", "Whether a hook watches database writes.", ["hook"], registry=self.registry
        )

    def job_ended(
        self, job_type: str, status: JobStatus, failure_kind: FailureKind | None, *, duration_s: float
    ) -> None:
        """Count one ended job."""
        self._job_seconds.labels(job_type, status.value).observe(duration_s)
        if failure_kind is not None:
            self._failures.labels(failure_kind.value).inc()

    def request_ended(self, method: str, route: str, *, status: int, duration_s: float) -> None:
        """Count one answered request; ``route`` is the template, never the path."""
        self._requests.labels(method, route, str(status)).observe(duration_s)

    def worker_reaped(self) -> None:
        """Count one removed orphan."""
        self._reaped.inc()

    def pipeline_ended(self, intent_type: str, status: str) -> None:
        """Count one ended pipeline."""
        self._pipelines.labels(intent_type, status).inc()

    def step_ended(self, agent_name: str, *, duration_s: float, trace_id: str) -> None:
        """Count one ended step; its trace is an example, shown in the OpenMetrics format only."""
        self._step_seconds.labels(agent_name).observe(duration_s, {"trace_id": trace_id})

    def trace_dropped(self, stage: str, number: int = 1) -> None:
        """Count trace records that were lost."""
        self._trace_dropped.labels(stage).inc(number)

    def trace_incomplete(self, number: int = 1) -> None:
        """Count traces with a span whose end was never seen."""
        self._trace_incomplete.inc(number)

    def capture_is(self, hook: str, active: Callable[[], bool]) -> None:
        """Show whether a hook watches database writes; asked each time, because somebody may take it out."""
        self._capture.labels(hook).set_function(active)

    def render(
        self, *, queued: int, running: int, encode: Callable[[CollectorRegistry], bytes] = generate_latest
    ) -> bytes:
        """Give everything, in the text format of Prometheus or another; the gauges are read at this moment."""
        self._queued.set(queued)
        self._running.set(running)
        return encode(self.registry)
