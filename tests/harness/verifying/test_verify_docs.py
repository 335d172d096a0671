"""``docs/sealing.md`` names every fault and remark about a seal, and no command or flag that is not there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/sealing.md").read_text()
NAMED = set(re.findall(r"`([^`\n]+)`", TEXT))
SOURCES = ["seal_checks.py", "freshness_checks.py", "release_checks.py"]


def kinds(source):
    return re.findall(r'Finding\(\s*"([a-z-]+)"', (ROOT / "harness/verifying" / source).read_text())


@pytest.mark.parametrize("source", SOURCES)
def test_every_kind_is_named(source):
    assert kinds(source)
    assert set(kinds(source)) - NAMED == set()


def test_so_are_the_words_of_signatures_chains_and_keys():
    text = "".join(
        (ROOT / "harness/sealing" / name).read_text() for name in ("envelope.py", "ledger.py", "key_files.py")
    )
    words = set(re.findall(r'= "([a-z]+(?:-[a-z]+)+)"', text)) | set(
        re.findall(r'PrerequisiteError\("([a-z-]+)"', text)
    )
    assert {"bad-signature", "broken-chain", "signing-key-exposed"} <= words
    # What keeps a key from being made is no matter of a run.
    assert words - {"signing-key-unwritable"} - NAMED == set()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"ladder (verify|key \w+)", TEXT))))
def test_every_command_and_flag_of_it_is_there(command):
    arguments = [sys.executable, "-m", "harness", *command.split(), "--help"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    used = re.findall(rf"ladder {command}[^`\n|]*", TEXT)
    flags = {flag for line in used for flag in re.findall(r"--[a-z]+", line)}
    assert {flag for flag in flags if flag not in done.stdout} == set()
