"""No text takes the redactor more than its share of work, and what is left unread is taken for a secret."""

import base64
import gzip
import json
import random
import string
from typing import ClassVar

import pytest

from harness.redaction import json_tokens, searching
from harness.redaction.effort import MOST, Effort, SpentError
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

KEY = "sk-proj-" + "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=156))
OTHER = "Vx7-pQ2.mN9+kL4/hJ1"


class Counted(Effort):
    """Remembers what was spent; unlike the real one it knows no bound."""

    made: ClassVar = []

    def __init__(self, most=0):
        super().__init__()
        self.spent = 0
        self.made.append(self)

    def spend(self, units):
        self.spent += units


def _redactor(**values):
    return Redactor(SecretSet(tuple(NamedSecret(name, Secret(value)) for name, value in values.items())))


def _repeated(unit):
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _keys(form):
    return lambda size: "{" + ",".join(f'"{form.format(number)}":1' for number in range(size // len(form))) + "}"


def _listed(value):
    return lambda size: json.dumps([value] * (size // len(value)))


def _bombs(size):
    bomb = base64.b64encode(gzip.compress(bytes(1 << 20), mtime=0)).decode()
    return json.dumps([bomb] * (size // len(bomb)))


SHAPES = {
    "plain text": _repeated("lorem ipsum dolor "),
    "keys": _keys(KEY + "{}"),
    "the same keys": _keys(KEY),
    "keys that are taken": lambda size: _keys("[REDACTED]-{}")(size)[:-1] + f',"{KEY}":1}}',
    "announced": lambda size: json.dumps([{"token": "unknown"}] * (size // 20)),
    "values": _listed(KEY),
    "fragments": _listed(KEY[20:40]),
    "seeds": _repeated(KEY[8:16]),
    "letters apart": _listed("-".join(KEY)),
    "base64": _listed(base64.b64encode(KEY.encode()).decode()),
    "hexadecimal": _listed(KEY.encode().hex()),
    "escaped": lambda size: '["' + "".join(f"\\u{ord(char):04x}" for char in KEY) * (size // 984) + '"]',
    "line ends": lambda size: json.dumps((KEY + "\n") * (size // 165)),
    "backslashes": lambda size: '"' + "\\" * (size // 2 * 2) + '"',
    "markers": _listed("[REDACTED]"),
    "bombs": _bombs,
}


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(Counted, "made", [])
    monkeypatch.setattr(searching, "Effort", Counted)
    return Counted.made


def _units(redactor, document, counted):
    counted.clear()
    redactor.json(document)
    return sum(effort.spent for effort in counted)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_twice_the_text_is_at_most_twice_the_work(shape, counted):
    redactor = _redactor(KEY=KEY)
    # Whole windows, so that what two of them share weighs the same.
    once, twice = (shape(size) for size in (searching.WINDOW_STEP, 2 * searching.WINDOW_STEP))
    assert _units(redactor, twice, counted) <= 2.5 * _units(redactor, once, counted) + 1000


def test_what_is_left_when_the_share_is_spent_is_replaced_unread(monkeypatch):
    monkeypatch.setattr(searching, "MOST", searching.WINDOW_STEP * 5)
    redactor = _redactor(KEY=KEY)
    readable = "words of the beginning "
    text = readable.ljust(searching.WINDOW_STEP + searching.WINDOW_SHARED) + f"{KEY} " * 8000 + "the end"
    redacted = redactor.text(text, source="L01/logs")
    assert redacted.startswith(readable)
    assert redacted.endswith("[REDACTED]")
    assert len(redacted) < len(text)
    assert "the end" not in redacted
    assert redactor.hits()["L01/logs"]["unread"] == 1
    assert redactor.text(redacted) == redacted


def test_a_document_that_is_not_read_to_its_end_is_replaced_as_a_whole(monkeypatch):
    monkeypatch.setattr(searching, "MOST", searching.WINDOW_STEP * 3)
    redactor = _redactor(KEY=KEY)
    document = json.dumps({"a": [KEY, " " * searching.WINDOW_STEP], "b": ["words, "] * searching.WINDOW_STEP})
    assert redactor.json(document, source="L01/submit") == '"[REDACTED]"'
    assert redactor.hits() == {"L01/submit": {"value": 1, "unread": 1}}
    assert redactor.variables("L01/") == ("KEY",)


def test_a_find_that_reaches_into_what_is_left_does_not_hide_that_it_was_left(monkeypatch):
    monkeypatch.setattr(searching, "WINDOW_STEP", 96)
    monkeypatch.setattr(searching, "WINDOW_SHARED", 64)
    monkeypatch.setattr(searching, "MOST", 3000)
    text = "x " * 44 + OTHER + " " + "y " * 900
    spans = _redactor(OTHER=OTHER)._all.spans(text.encode())
    assert [(span.start, span.end, span.hit.name) for span in spans] == [(88, 107, "VALUE"), (107, 1908, "UNREAD")]


def test_what_was_left_unread_counts_as_a_find_and_is_put_down_to_nobody(monkeypatch):
    monkeypatch.setattr(searching, "MOST", 1000)
    redactor = _redactor(KEY=KEY)
    redactor.text("x" * 2000, source="L01/submit")
    assert (redactor.count("L01/"), redactor.variables("L01/")) == (1, ())


def test_a_stream_has_no_bound():
    stream = _redactor(KEY=KEY).stream()
    written = stream.feed(f"{KEY}\n".encode() * 20_000) + stream.close()
    assert written == b"[REDACTED]\n" * 20_000


def test_an_answer_of_thirty_two_mebibytes_is_within_the_share(counted):
    # In windows that are all alike, a whole answer costs as much as it has windows.
    windows = (32 << 20) / searching.WINDOW_STEP
    for text in ("lorem ipsum dolor sit amet\n", "\x01"):
        document = json.dumps([text * (searching.WINDOW_STEP // len(json.dumps(text)) - 2)])
        assert _units(_redactor(KEY=KEY), document, counted) * windows < MOST


def test_a_document_of_too_many_parts_is_replaced_as_a_whole(monkeypatch):
    monkeypatch.setattr(json_tokens, "MOST_TOKENS", 100)
    redactor = _redactor(KEY=KEY, OTHER=OTHER)
    few, many = ([{"token": "unknown"}] * count for count in (10, 100))
    assert json.loads(redactor.json(json.dumps(few))) == [{"token": "[REDACTED]"}] * 10
    assert redactor.json(json.dumps(many), source="keys") == '"[REDACTED]"'
    assert redactor.json(json.dumps([1] * 100 + [OTHER]), source="value") == '"[REDACTED]"'
    assert redactor.json(json.dumps([1] * 100)) == json.dumps([1] * 100)
    assert redactor.hits() == {"": {"key": 10}, "keys": {"key": 1}, "value": {"value": 1}}
    assert redactor.variables("value") == ("OTHER",)


def test_the_owner_of_what_stands_far_inside_a_large_text_is_found():
    redactor = _redactor(KEY=KEY, OTHER=OTHER)
    text = "lorem ipsum dolor " * 40_000
    redactor.text(f"{text} {OTHER} {text}", source="a")
    assert redactor.variables("a") == ("OTHER",)


def test_an_escape_at_the_edge_of_a_find_in_a_long_string_of_escapes_is_taken_whole():
    redactor = _redactor(N="nKq7-wZ9-abc")
    for before in ("", "\\\\" * 40, "\\\\" * 41 + "\\u00e9"):
        assert json.loads(redactor.json(f'"{before}line\\nKq7-wZ9-abc\\n"')) == json.loads(
            f'"{before}line[REDACTED]\\n"'
        )


def test_the_share_ends_where_it_is_spent():
    effort = Effort(10)
    effort.spend(10)
    with pytest.raises(SpentError):
        effort.spend(1)
