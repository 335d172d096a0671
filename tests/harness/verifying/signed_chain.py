"""A chain of signed runs that a test may break, and what the verifier says of it."""

import json
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "evidence"))

from sample_run import write_run_folder

from harness.evidence import layout
from harness.sealing.envelope import envelope
from harness.sealing.keys import SigningKey
from harness.sealing.ledger import parse
from harness.sealing.pinning import pin
from harness.verifying.surroundings import Believed
from harness.verifying.verify import verify

KEY, OTHER = SigningKey.new("ci"), SigningKey.new()
NAMES = [f"2025-11-14T17:14:0{second}Z" for second in (5, 6, 7, 8)]


def make_chain(root):
    """Four signed runs in one chain, and the key that they are signed with."""
    for _ in NAMES:
        write_run_folder(root, signer=KEY)
    pin(KEY.public, root / layout.KEYS)
    return root


def open_copy(original, copy):
    """A copy that may be broken."""
    shutil.copytree(original, copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o700)
    return copy


def kinds(folder, **believed):
    """Kinds of all faults, and the result in one word."""
    report = verify(folder, strict=False, believed=Believed(**believed))
    return {each.kind for check in report.checks for each in check.faults}, report.result


def words(root, run=2, **believed):
    return kinds(root / NAMES[run], **believed)[0]


def ledger(root):
    return parse((root / layout.LEDGER).read_bytes()).lines


def write_ledger(root, lines):
    (root / layout.LEDGER).write_bytes(b"".join(line.spelt() for line in lines))


def head(root):
    return ledger(root)[-1].manifest_sha256


def manifest(folder):
    return json.loads((folder / layout.MANIFEST).read_text())


def sign(folder, key=KEY, **facts):
    (folder / layout.ENVELOPE).write_text(envelope((folder / layout.MANIFEST).read_bytes(), key, **facts))
