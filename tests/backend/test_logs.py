"""Log lines: one JSON object each, whoever writes them, and never a secret."""

import io
import json
import logging
import sys
from pathlib import Path

import pytest
import structlog

from backend.logs import configure_logs
from backend.redaction import Redactor, Secret

CANARY = "canary-5Tg6Yh7Uj8"


@pytest.fixture
def written(monkeypatch):
    """Standard output and error of this process, as one text."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    root, configured = logging.getLogger(), structlog.get_config()
    before = root.handlers[:], root.level
    yield stream
    root.handlers[:], root.level = before
    structlog.configure(**configured)
    assert CANARY not in stream.getvalue()


@pytest.fixture
def lines(written):
    """Configures JSON logs and gives what was written since."""
    configure_logs("json", Redactor({"S": Secret(CANARY)}))
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_says_when_who_what_and_how_bad(lines):
    structlog.get_logger("backend.test").warning("job.ended", job_id="j", n=1, kind=None)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "job.ended",
        "level": "warning",
        "logger": "backend.test",
        "job_id": "j",
        "n": 1,
        "kind": None,
    }


def test_bound_ids_are_on_every_line_also_of_libraries(lines):
    with structlog.contextvars.bound_contextvars(trace_id="t-1"):
        structlog.get_logger("backend.test").info("ours")
        logging.getLogger("some.library").warning("theirs %s", "formatted")
    assert [(line["event"], line["trace_id"]) for line in lines()] == [("ours", "t-1"), ("theirs formatted", "t-1")]


@pytest.mark.parametrize(
    "how", ["event", "value", "key", "deep", "object", "path", "bytes", "exception", "library", "args"]
)
def test_no_way_of_logging_shows_a_secret(lines, how):
    log, library = structlog.get_logger("backend.test"), logging.getLogger("some.library")
    ways = {
        "event": lambda: log.info(f"it is {CANARY}"),
        "value": lambda: log.info("x", value=CANARY),
        "key": lambda: log.info("x", **{CANARY: 1}),
        "deep": lambda: log.info("x", value={"a": [{"b": CANARY}]}),
        "object": lambda: log.info("x", error=ValueError(CANARY)),
        "path": lambda: log.info("x", path=Path(CANARY)),
        "bytes": lambda: log.info("x", data=CANARY.encode()),
        "exception": lambda: _fail(log.exception),
        "library": lambda: _fail(library.exception),
        "args": lambda: library.error("failed: %r", {"key": CANARY}),
    }
    ways[how]()
    (line,) = lines()
    assert "[REDACTED]" in json.dumps(line)


def _fail(report):
    try:
        int(CANARY)
    except ValueError:
        report("failed")


def test_an_exception_is_one_line_with_its_traceback(lines):
    _fail(structlog.get_logger("backend.test").exception)
    (line,) = lines()
    assert "Traceback" in line["exception"]
    assert line["level"] == "error"


def test_a_newline_in_a_value_starts_no_new_line(lines):
    structlog.get_logger("backend.test").info("x", value='a\n{"event": "forged"}')
    (line,) = lines()
    assert line["value"] == 'a\n{"event": "forged"}'


def test_chatter_of_libraries_is_not_repeated(lines):
    for name in ("uvicorn.access", "sqlalchemy.engine.Engine", "alembic.runtime.migration", "docker.utils", "urllib3"):
        logging.getLogger(name).info("chatter")
    structlog.get_logger("backend.test").debug("chatter")
    assert lines() == []


def test_the_console_format_shows_no_secret_either(written, monkeypatch):
    monkeypatch.setattr(sys, "stdout", written)
    configure_logs("console", Redactor({"S": Secret(CANARY)}))
    structlog.get_logger("backend.test").info("x", value=CANARY)
    assert "[REDACTED]" in written.getvalue()


def test_a_line_that_cannot_be_written_is_not_printed_as_it_came(lines, written, monkeypatch):
    monkeypatch.setattr(logging.getLogger().handlers[0], "stream", None)
    monkeypatch.setattr(sys, "stderr", written)
    structlog.get_logger("backend.test").info("x", value=CANARY)
    assert written.getvalue() == ""
