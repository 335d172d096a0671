"""``python -m backend``: read the settings, bring up the backend, serve until told to stop.

A start that fails says why in one line and ends with exit code 3; nothing is served then.
"""

from __future__ import annotations

import logging
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from backend.app import create_app
from backend.config import load_settings
from backend.errors import StartupError
from backend.logs import configure_logs
from backend.redaction import Redactor

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

    from backend.config import Settings

log = structlog.get_logger(__name__)

PREREQUISITE_EXIT = 3
CLOSE_CONNECTIONS_S = 5
"""How long open connections may take to finish once the process was told to stop."""


class Server(uvicorn.Server):
    """A server that wakes waiting requests first when it is told to stop."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take the signal."""
        if (backend := getattr(self._app.state, "backend", None)) is not None:
            backend.announce_stop()
        super().handle_exit(sig, frame)


def main() -> int:
    """Run the backend; returns the exit code of the process."""
    # Bad settings are told in the same form as everything else.
    configure_logs("json", Redactor({}))
    try:
        settings = load_settings()
        redactor = Redactor(settings.all_secrets)
        configure_logs(settings.log_format, redactor)
        for name in redactor.unsearchable:
            log.warning("secret.too_short_to_search_for", setting=name)
        return _serve(settings)
    except StartupError as error:
        log.error("backend.not_started", reference=error.reference, problem=str(error), hint=error.hint)  # noqa: TRY400  # the reason is the message
        return PREREQUISITE_EXIT


def _serve(settings: Settings) -> int:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_CONNECTIONS_S,
        lifespan="on",
    )
    server = Server(config, app)
    # The server would print the traceback of a refused start; `main` tells its reason in one line.
    logging.getLogger("uvicorn.error").addFilter(lambda _: not hasattr(app.state, "refusal"))
    # The server sends itself every signal once more when it has stopped; a stop that was asked for is no failure, and
    # must not end in death by SIGTERM or in a traceback.
    for number in HANDLED_SIGNALS:
        signal.signal(number, server.handle_exit)
    # The server leaves by SystemExit when it could not start.
    with suppress(SystemExit):
        server.run()
    if (refusal := getattr(app.state, "refusal", None)) is not None:
        raise refusal
    return 0 if server.started else PREREQUISITE_EXIT


if __name__ == "__main__":
    sys.exit(main())
