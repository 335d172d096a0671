"""The forms that a report has, as they are named on the command line."""

from __future__ import annotations

from enum import StrEnum


class ReportForm(StrEnum):
    """Who reads it: people in a browser or below a CI job, test dashboards, attestation stores, trace collectors."""

    HTML = "html"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    CTRF = "ctrf"
    INTOTO = "intoto"
    OTLP = "otlp"
