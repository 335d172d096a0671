"""``ladder redact`` as a filter: bytes in, redacted bytes out, and no needles means no filter."""

import io

import pytest
from leak_forms import KINDS, MATRIX, leaked

from harness.errors import ExitCode, PrerequisiteError, UsageError
from harness.redaction import filter as redact_filter

IDENTITY = KINDS["id of 28"]


class _Dripping(io.RawIOBase):
    """A pipe that gives seven bytes at a time."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size=-1):
        return self._file.read(min(7, size))


@pytest.fixture
def env_file(tmp_path):
    path = tmp_path / "needles.env"
    path.write_text(f"SOME_ID={IDENTITY}\n")
    return path


def _filtered(source, env_file):
    out = io.BytesIO()
    assert redact_filter.run(source, out, env_file) is ExitCode.OK
    return out.getvalue()


def test_the_values_of_the_file_do_not_pass(env_file):
    lines = b"\n".join(leaked(form, IDENTITY) for form in MATRIX.values())
    redacted = _filtered(io.BytesIO(b"\xff binary stays\n" + lines), env_file)
    assert redacted.startswith(b"\xff binary stays\n")
    assert IDENTITY.encode() not in redacted


def test_a_dripping_pipe_gives_the_same_bytes(env_file):
    data = b"start " + leaked(MATRIX["base64 wrapped at 76"], IDENTITY) + IDENTITY.encode() * 3 + b" end"
    assert _filtered(_Dripping(data), env_file) == _filtered(io.BytesIO(data), env_file)


def test_a_missing_file_is_a_wrong_use(tmp_path):
    with pytest.raises(UsageError) as caught:
        redact_filter.run(io.BytesIO(b""), io.BytesIO(), tmp_path / "missing.env")
    assert caught.value.reference == "env-file-missing"


def test_a_value_that_cannot_be_searched_for_is_refused(tmp_path):
    path = tmp_path / "needles.env"
    path.write_text("PIN=1234\n")
    with pytest.raises(PrerequisiteError, match="PIN"):
        redact_filter.run(io.BytesIO(b""), io.BytesIO(), path)
