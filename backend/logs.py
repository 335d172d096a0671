"""Structured logs: one JSON object a line in a container, readable lines on a terminal, never a secret.

Every line passes the redactor as its last step before it is rendered; loggers of libraries go the same way.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from backend.redaction import Redactor

# These would repeat our own request log, or print SQL with parameters.
_QUIET = ("uvicorn.access", "sqlalchemy.engine", "alembic", "docker", "urllib3")


def configure_logs(log_format: str, redactor: Redactor) -> None:
    """Send all logs of this process to standard output.

    Args:
        log_format: ``json`` or ``console``.
        redactor: Removes secrets from every field.
    """

    def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        del logger, method
        return redactor.redact_dict(event)[0]

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str) if log_format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    # When a line cannot be written, the standard library would print it, as it came, to standard error.
    logging.raiseExceptions = False
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
