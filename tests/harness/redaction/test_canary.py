"""The self-check passes with a redactor that works, and stops the run when anything is wrong with it or with itself."""

import base64
import gzip
import html
import io
import json
import logging
import random
import sqlite3
import traceback
import zipfile

import pytest

from harness.errors import ExitCode, PrerequisiteError
from harness.redaction.canary import check, new_canary
from harness.redaction.redactor import Redactor
from harness.redaction.secret import SecretSet


def _stream(redactor, text):
    stream = redactor.stream()
    data = text.encode()
    return b"".join(stream.feed(data[at : at + 7]) for at in range(0, len(data), 7)) + stream.close()


def _logging(redactor, text):
    class Redacting(logging.Formatter):
        def format(self, record):
            return redactor.text(super().format(record))

    file = io.StringIO()
    handler = logging.StreamHandler(file)
    handler.setFormatter(Redacting())
    logger = logging.Logger("canary")  # noqa: LOG001  # one that no other handler listens to
    logger.addHandler(handler)
    logger.info("said %s", text, extra={"more": text})
    return file.getvalue().encode()


def _traceback(redactor, text):
    try:
        try:
            raise ValueError(text)  # noqa: TRY301  # a chain of errors is the point
        except ValueError as error:
            raise RuntimeError(text[:200]) from error
    except RuntimeError as error:
        return redactor.text("".join(traceback.format_exception(error))).encode()


def _database(redactor, text):
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE logs (line TEXT)")
        database.execute("INSERT INTO logs VALUES (?)", (redactor.text(text),))
        dump = "\n".join(database.iterdump()).encode()
    database.close()
    return dump


def _archive(redactor, text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("member.txt", redactor.bytes(gzip.compress(text.encode())))
    return file.getvalue()


WAYS_OUT = {
    "text": lambda redactor, text: redactor.text(text).encode(),
    "bytes in base64": lambda redactor, text: redactor.bytes(base64.b64encode(text.encode())),
    "JSON": lambda redactor, text: redactor.json(json.dumps({"logs": text.splitlines(), "raw": text})).encode(),
    "HTML": lambda redactor, text: redactor.text(f"<pre>{html.escape(text)}</pre>").encode(),
    "event stream": lambda redactor, text: redactor.text(
        "".join(f"data: {line}\n\n" for line in text.split())
    ).encode(),
    "stream": _stream,
    "logging": _logging,
    "traceback": _traceback,
    "database": _database,
    "archive member": _archive,
}


@pytest.fixture
def canary():
    return new_canary(random.Random(20251114))


def test_no_canary_passes_any_way_out(canary):
    check(canary, WAYS_OUT)


def test_two_canaries_have_nothing_in_common():
    one, other = new_canary(random.SystemRandom()), new_canary(random.SystemRandom())
    assert not one.is_found_in(other.text.encode())


def test_a_way_out_that_forgets_the_redactor_stops_the_run_and_is_named(canary):
    forgetful = {**WAYS_OUT, "a forgotten report": lambda _redactor, text: text.encode()}
    with pytest.raises(PrerequisiteError, match="a forgotten report") as caught:
        check(canary, forgetful)
    assert (caught.value.reference, caught.value.exit_code) == ("canary-leaked", ExitCode.PREREQUISITE)


def test_a_way_out_that_lets_a_fragment_pass_stops_the_run(canary):
    cut = {
        "first 20 of a line": lambda redactor, text: redactor.text(text).encode() + text.splitlines()[0][23:43].encode()
    }
    with pytest.raises(PrerequisiteError) as caught:
        check(canary, cut)
    assert caught.value.reference == "canary-leaked"


def test_a_search_that_finds_nothing_without_redaction_is_blind(canary):
    with pytest.raises(PrerequisiteError) as caught:
        check(canary, {"nothing at all": lambda _redactor, _text: b"always the same"})
    assert (caught.value.reference, caught.value.exit_code) == ("canary-blind", ExitCode.PREREQUISITE)


def test_the_negative_control_finds_every_canary_behind_every_way_out(canary):
    off = Redactor(SecretSet())
    assert [name for name, write in WAYS_OUT.items() if not canary.is_found_in(write(off, canary.text))] == []


def test_a_canary_shows_no_value(canary):
    assert "CANARY_KEY" in repr(canary)
    assert not canary.is_found_in(repr(canary).encode())
