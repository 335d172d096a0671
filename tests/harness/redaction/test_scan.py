"""The second scanner finds what was planted, wherever it is packed, and never repeats it."""

import ast
import base64
import bz2
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leak_forms import KINDS

import harness.redaction
from harness.errors import ExitCode, LeakError
from harness.redaction.scan import KNOWN_VALUE, NOT_SEARCHED, Finding, refuse, scan, scan_bytes
from harness.redaction.secret import NamedSecret, Secret, SecretSet

SHAPES = {
    "sk-key": "sk-proj-" + "aB3dE5fG7hJ9" * 4,
    "github-token": "ghp_" + "aB3dE5fG7hJ9" * 3,
    "github-fine-grained": "github_pat_" + "aB3dE5fG7hJ9" * 6,
    "gitlab-token": "glpat-" + "aB3dE5fG7hJ9" * 2,
    "aws-key-id": "AKIA" + "Q3ZX7KLMN2PTR4WV",
    "google-key": "AIza" + "aB3dE5fG7hJ9" * 2 + "kL1mN2pQ3rS",
    "slack-token": "xoxb-" + "123456789012-aB3dE5fG7hJ9",
    "slack-hook": "https://hooks.slack.com/services/" + "T01AB2CD3/B04EF5GH6/aB3dE5fG7hJ9",
    "stripe-key": "sk_live_" + "aB3dE5fG7hJ9" * 2,
    "pypi-token": "pypi-AgEIcHlwaS5vcmc" + "aB3dE5fG7hJ9" * 5,
    "npm-token": "npm_" + "aB3dE5fG7hJ9" * 3,
    "model-hub-token": "hf_" + "aB3dE5fG7hJ9" * 2 + "kL1mN2pQ3r",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJzb21lb25lIn0." + "c2lnbmF0dXJlLW9mLWl0",
    "private-key": "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n",
    "authorization": '"Authorization": "Bearer ' + 'aB3dE5fG7hJ9xyz"',
    "url-password": "postgresql://ladder:" + "aB3dE5fG7h@127.0.0.1/ladder",
    "named-value": "OPENAI_API_KEY=" + "presentXYZ",
}
HARMLESS = [
    "OPENAI_API_KEY=present OPENAI_ORG_ID=absent",
    "Authorization: Bearer [REDACTED]",
    '"Authorization": "Bearer <token>"',
    "postgresql+psycopg://user:password@host/name",
    "https://[REDACTED]@host/ http://127.0.0.1:8000/@me",
    "risk-assessment-for-everybody-in-2025 sk-estimator-id-1-with-label",
    "sk-proj-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "-----BEGIN PRIVATE KEY-----\n[REDACTED]",
    "AKIAIOSFODNN7EXAMPLE1 is longer than a key id",
]

NOBODY = SecretSet(())
KNOWN = SecretSet(tuple(NamedSecret(name.upper(), Secret(value)) for name, value in KINDS.items()))


def _zipped(name, data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def _tarred(name, data):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


PACKINGS = {
    "plain": lambda data: b"before " + data + b" after",
    "base64": lambda data: b'{"body": "' + base64.b64encode(b'{"inner": "' + data + b'"}') + b'"}',
    "base64, wrapped": lambda data: base64.encodebytes(b"some words and then " + data + b" and words after it"),
    "base64 of base64": lambda data: base64.b64encode(base64.b64encode(b"it: " + data)),
    "hex": lambda data: b"dump " + data.hex().encode(),
    "gzip": lambda data: gzip.compress(b"log line\n" + data, mtime=0),
    "bzip2": lambda data: bz2.compress(b"log line\n" + data),
    "zip": lambda data: _zipped("trace/network.json", b"log line\n" + data),
    "tar": lambda data: _tarred("logs/out.txt", b"log line\n" + data),
    "gzip of tar": lambda data: gzip.compress(_tarred("logs/out.txt", b"log line\n" + data), mtime=0),
    "base64 of gzip": lambda data: base64.b64encode(gzip.compress(data, mtime=0)),
    "JSON \\u00XX": lambda data: "".join(f"\\u{byte:04x}" for byte in data).encode(),
    "percent": lambda data: "".join(f"%{byte:02x}" for byte in data).encode(),
}


def _scan_one(tmp_path, data, secrets=NOBODY):
    (tmp_path / "live").mkdir(exist_ok=True)
    (tmp_path / "live" / "notes.txt").write_bytes(data)
    return scan(tmp_path, secrets)


@pytest.mark.parametrize("rule", SHAPES)
def test_a_planted_credential_is_found_by_its_shape(tmp_path, rule):
    found = _scan_one(tmp_path, b"words before " + SHAPES[rule].encode() + b" words after")
    assert rule in {finding.rule for finding in found}
    assert {finding.path for finding in found} == {"live/notes.txt"}


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_planted_credential_is_found_wherever_it_is_packed(tmp_path, packing):
    found = _scan_one(tmp_path, PACKINGS[packing](SHAPES["sk-key"].encode()))
    assert "sk-key" in {finding.rule for finding in found}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_known_value_is_found_and_its_variable_named(tmp_path, kind, packing):
    found = _scan_one(tmp_path, PACKINGS[packing](KINDS[kind].encode()), KNOWN)
    assert (KNOWN_VALUE, kind.upper()) in {(finding.rule, finding.variable) for finding in found}


@pytest.mark.parametrize("before", [b"", b"a", b"ab"])
@pytest.mark.parametrize("glued", [b"x", b"xy", b"/download/it/"])
def test_a_known_value_in_base64_is_found_whatever_is_glued_to_it(tmp_path, glued, before):
    data = glued + base64.b64encode(before + KINDS["id of 28"].encode())
    assert "ID OF 28" in {finding.variable for finding in _scan_one(tmp_path, data, KNOWN)}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_credential_is_let_pass(tmp_path, text):
    assert _scan_one(tmp_path, text.encode()) == ()


def test_a_finding_tells_file_rule_and_place(tmp_path):
    key = SHAPES["sk-key"].encode()
    assert _scan_one(tmp_path, b"12345 " + key) == (Finding("live/notes.txt", "sk-key", 6),)
    archive = _zipped("trace/network.json", b"123 " + key)
    assert Finding("live/notes.txt!trace/network.json", "sk-key", 4) in _scan_one(tmp_path, archive)


def test_a_part_that_cannot_be_opened_is_no_clean_part(tmp_path):
    broken = gzip.compress(b"log line" * 100)[:-12]
    assert _scan_one(tmp_path, broken) == (Finding("live/notes.txt", NOT_SEARCHED, 0),)


def test_what_lies_deeper_than_we_open_is_no_clean_part(tmp_path):
    data = b"word"
    for _ in range(6):
        data = gzip.compress(data, mtime=0)
    assert NOT_SEARCHED in {finding.rule for finding in _scan_one(tmp_path, data)}


def test_a_secret_in_a_file_name_is_found_and_not_repeated(tmp_path):
    (tmp_path / f"notes-{KINDS['id of 28']}.txt").write_text("clean")
    found = scan(tmp_path, KNOWN)
    assert [finding.variable for finding in found] == ["ID OF 28"]
    assert KINDS["id of 28"] not in found[0].render()


def test_a_member_whose_name_is_the_leak_is_found_and_not_repeated(tmp_path):
    found = _scan_one(tmp_path, _zipped(f"{SHAPES['npm-token']}.txt", KINDS["id of 28"].encode()), KNOWN)
    assert {finding.rule for finding in found} >= {"file-name", KNOWN_VALUE}
    assert not any(SHAPES["npm-token"] in finding.render() for finding in found)


def test_a_text_that_decodes_to_the_beginning_of_an_archive_is_no_broken_archive(tmp_path):
    for begin in (b"\x1f\x8b\x08", b"PK\x03\x04", b"BZh9"):
        assert _scan_one(tmp_path, b"digest " + base64.b64encode(begin + bytes(range(40)))) == ()


@settings(max_examples=300, deadline=None)
@given(packing=st.sampled_from(sorted(PACKINGS)), place=st.integers(0, 400), byte=st.integers(0, 255))
def test_no_damage_makes_the_scanner_stumble(packing, place, byte):
    data = bytearray(PACKINGS[packing](b"some ordinary words " * 20))
    data[place % len(data)] = byte
    assert all(finding.rule == NOT_SEARCHED for finding in scan_bytes("x", bytes(data)))


def test_links_are_not_followed(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text(SHAPES["jwt"])
    staged = tmp_path / "staged"
    staged.mkdir()
    (staged / "link.txt").symlink_to(outside)
    assert scan(staged, NOBODY) == ()


def test_findings_end_the_run_with_exit_5_and_never_show_the_text(tmp_path):
    values = [*SHAPES.values(), *KINDS.values()]
    found = _scan_one(tmp_path, json.dumps(values).encode() + "\n".join(values).encode(), KNOWN)
    with pytest.raises(LeakError) as caught:
        refuse(found)
    said = caught.value.render()
    assert caught.value.exit_code is ExitCode.LEAK
    assert caught.value.reference == "secret-in-evidence"
    assert "live/notes.txt" in said
    assert "KEY OF 164" in said
    assert "aB3dE5fG7h" not in said
    assert not any(value[at : at + 8] in said for value in KINDS.values() for at in range(len(value) - 7))


def test_no_findings_end_nothing():
    refuse(())


def test_the_second_scanner_shares_no_code_with_the_redactor():
    package = Path(harness.redaction.__file__).parent
    own = {"harness.redaction.scan", "harness.redaction.scan_opening", "harness.redaction.scan_rules"}
    allowed = own | {"harness.errors", "harness.redaction.secret"}
    for name in ("scan.py", "scan_opening.py", "scan_rules.py"):
        tree = ast.parse((package / name).read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {module for module in imported if module.startswith("harness")} <= allowed
