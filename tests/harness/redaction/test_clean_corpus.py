"""Nothing is replaced that is no secret: sources, results, logs, ids, digests and images come back byte for byte."""

import random
import string
from pathlib import Path

import pytest
from leak_forms import KINDS

from harness.redaction.redactor import Redactor
from harness.redaction.scan import scan, scan_bytes
from harness.redaction.secret import NamedSecret, Secret, SecretSet

ROOT = Path(__file__).parents[3]
CORPUS = Path(__file__).parent / "corpus"
LARGE_ENOUGH = 1_000_000


def _corpus():
    sources = [
        path for part in ("harness", "backend", "worker", "scripts") for path in sorted((ROOT / part).rglob("*"))
    ]
    listed = [*sources, *sorted(CORPUS.iterdir()), *sorted((ROOT / "requirements").iterdir()), ROOT / "LICENSE"]
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in listed if _is_source(path)}


def _is_source(path):
    return path.is_file() and "__pycache__" not in path.parts


def _random_secrets(count):
    chosen = random.Random(50)
    signs = string.ascii_letters + string.digits + "-_"
    values = ["".join(chosen.choices(signs, k=chosen.choice([12, 28, 40, 164]))) for _ in range(count)]
    return [*KINDS.values(), *values]


@pytest.fixture(scope="module")
def redactor():
    return Redactor(
        SecretSet(tuple(NamedSecret(f"N{n}", Secret(value)) for n, value in enumerate(_random_secrets(47))))
    )


def test_nothing_in_the_clean_corpus_is_changed(redactor):
    corpus = _corpus()
    changed = [name for name, data in corpus.items() if redactor.bytes(data, source=name) != data]
    assert changed == []
    assert redactor.hits() == {}
    assert sum(map(len, corpus.values())) > LARGE_ENOUGH


@pytest.mark.parametrize("name", ["result.json", "events.jsonl"])
def test_clean_json_is_not_changed(redactor, name):
    for line in (CORPUS / name).read_text().splitlines() if name.endswith("l") else [(CORPUS / name).read_text()]:
        assert redactor.json(line) == line


def test_presence_lines_survive_byte_for_byte():
    lines = (CORPUS / "presence.txt").read_bytes()
    data = lines + lines.replace(b"\n", b"\r\n")
    secrets = SecretSet(tuple(NamedSecret("OPENAI_API_KEY", Secret(value)) for value in KINDS.values()))
    stream = Redactor(secrets).stream()
    assert stream.feed(data) + stream.close() == data


def test_the_second_scanner_finds_nothing_in_the_clean_corpus():
    assert scan(CORPUS, SecretSet(())) == ()
    found = {finding.render() for name, data in _corpus().items() for finding in scan_bytes(name, data)}
    assert found == set()
