"""Every way of tampering with a sealed run or its signature is refused, and for the right reason."""

import json
import os
import shutil

import pytest
import rfc8785
from sealed_run import put_manifest, reseal
from signed_chain import (
    KEY,
    NAMES,
    OTHER,
    head,
    kinds,
    make_chain,
    manifest,
    open_copy,
    sign,
    words,
)

from harness.evidence import layout
from harness.evidence.manifest import sha256
from harness.sealing.pinning import pin
from harness.verifying.findings import Result
from harness.verifying.seal_checks import MAX_FILE
from harness.verifying.surroundings import Believed
from harness.verifying.verify import verify


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return make_chain(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def root(original, tmp_path):
    return open_copy(original, tmp_path / "evidence")


def test_runs_as_they_were_sealed_are_verified(root):
    for name in NAMES:
        report = verify(root / name, strict=False, believed=Believed(head=head(root)))
        assert (report.failed, report.result) == ((), Result.VERIFIED)
        assert (report.seal.keyid, report.seal.key_name) == (KEY.public.keyid, "ci")
        assert report.seal.head == head(root)
        assert report.seal.manifest_sha256 == sha256((root / name / layout.MANIFEST).read_bytes())


# Each kind of the table of tampering, on the third run of four.


def flip_a_byte(folder):
    data = bytearray((folder / layout.STATE).read_bytes())
    data[10] ^= 1
    (folder / layout.STATE).write_bytes(data)


def delete_a_file(folder):
    (folder / layout.STATE).unlink()


def add_a_file(folder):
    (folder / "live/L01/more.json").write_text("{}")


def swap_two_files(folder):
    one, other = folder / layout.SUMMARY, folder / layout.STATE
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def put_a_link(folder):
    (folder / layout.STATE).unlink()
    (folder / layout.STATE).symlink_to(folder / layout.RUN)


def put_a_pipe(folder):
    (folder / layout.STATE).unlink()
    os.mkfifo(folder / layout.STATE)


def hash_again_without_the_key(folder):
    (folder / layout.STATE).write_text("{}")
    reseal(folder)


def sign_with_another_key(folder):
    sign(folder, OTHER)


def sign_something_else(folder):
    sign(folder, payload_type="application/vnd.in-toto+json")


def reformat_the_manifest(folder):
    (folder / layout.MANIFEST).write_text(json.dumps(manifest(folder), indent=1))


def repeat_a_key(folder):
    text = (folder / layout.MANIFEST).read_text()
    (folder / layout.MANIFEST).write_text(text[:-1] + ',"status":"finished"}')


def listed_as(path):
    def tamper(folder):
        found = manifest(folder)
        found["files"][0] |= {"path": path}
        put_manifest(folder, found)

    return tamper


def list_a_file_twice(folder):
    found = manifest(folder)
    found["files"].append(found["files"][0])
    put_manifest(folder, found)


def list_a_file_in_two_cases(folder):
    found = manifest(folder)
    found["files"].append(found["files"][0] | {"path": found["files"][0]["path"].upper()})
    put_manifest(folder, found)


def list_another_size(folder):
    found = manifest(folder)
    found["files"][0]["size"] += 1
    put_manifest(folder, found)


def let_a_file_grow_beyond_measure(folder):
    os.truncate(folder / layout.STATE, MAX_FILE + 1)
    found = manifest(folder)
    next(file for file in found["files"] if file["path"] == layout.STATE)["size"] = MAX_FILE + 1
    put_manifest(folder, found)


def change_the_sums(folder):
    text = (folder / layout.SUMS).read_text()
    (folder / layout.SUMS).write_text(f"{'0' * 64}{text[64:]}")


TAMPERED = {
    "flip_a_byte": (flip_a_byte, "hash-mismatch"),
    "delete_a_file": (delete_a_file, "missing-file"),
    "add_a_file": (add_a_file, "unlisted-file"),
    "swap_two_files": (swap_two_files, "hash-mismatch"),
    "put_a_link": (put_a_link, "not-regular"),
    "put_a_pipe": (put_a_pipe, "not-regular"),
    "hash_again_without_the_key": (hash_again_without_the_key, "bad-signature"),
    "sign_with_another_key": (sign_with_another_key, "unknown-key"),
    "sign_something_else": (sign_something_else, "wrong-type"),
    "reformat_the_manifest": (reformat_the_manifest, "not-canonical"),
    "repeat_a_key": (repeat_a_key, "not-canonical"),
    "list_a_path_outside": (listed_as("../outside.txt"), "unsafe-path"),
    "list_an_absolute_path": (listed_as("/etc/passwd"), "unsafe-path"),
    "list_a_path_with_a_backslash": (listed_as("live\\x"), "unsafe-path"),
    "list_a_file_twice": (list_a_file_twice, "name-clash"),
    "list_a_file_in_two_cases": (list_a_file_in_two_cases, "name-clash"),
    "list_another_size": (list_another_size, "size-mismatch"),
    "let_a_file_grow_beyond_measure": (let_a_file_grow_beyond_measure, "too-large"),
    "change_the_sums": (change_the_sums, "sums-mismatch"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_with_a_run_is_refused_for_its_reason(root, name):
    tamper, kind = TAMPERED[name]
    tamper(root / NAMES[2])
    found, result = kinds(root / NAMES[2])
    assert kind in found
    assert result is Result.BROKEN


def test_a_device_in_place_of_a_file_is_not_read(root):
    (root / NAMES[2] / layout.STATE).unlink()
    (root / NAMES[2] / layout.STATE).symlink_to("/dev/zero")
    assert "not-regular" in words(root)


def test_an_envelope_that_was_removed_leaves_the_run_unsigned(root):
    (root / NAMES[2] / layout.ENVELOPE).unlink()
    assert kinds(root / NAMES[2]) == (set(), Result.UNSIGNED)


@pytest.mark.parametrize(
    "totals", [(layout.JUNIT, 'failures="1"', 'failures="0"'), (layout.CTRF, '"failed": 1', '"failed": 0')]
)
def test_a_total_of_a_report_that_was_changed_is_told_whatever_fits_it(root, totals):
    path, before, after = totals
    file = root / NAMES[2] / path
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after, 1))
    reseal(root / NAMES[2])
    report = verify(root / NAMES[2], strict=True)
    assert "verdict-mismatch" in {each.kind for check in report.checks for each in check.faults}


@pytest.mark.parametrize(
    "change",
    [
        lambda run: run.update(verdict="PASS"),
        lambda run: run["scenarios"][1].update(verdict="PASS"),
        lambda run: run["scenarios"][0].update(verdict="LIMITED"),
    ],
)
def test_a_verdict_that_was_changed_is_told_whatever_fits_it(root, change):
    folder = root / NAMES[2]
    run = json.loads((folder / layout.RUN).read_text())
    change(run)
    (folder / layout.RUN).write_text(json.dumps(run))
    verdicts = [{name: each[name] for name in ("folder", "verdict", "reason")} for each in run["scenarios"]]
    put_manifest(folder, manifest(folder) | {"verdicts": verdicts})
    reseal(folder)
    report = verify(folder, strict=True)
    assert "verdict-mismatch" in {each.kind for check in report.checks for each in check.faults}


# Signatures that are none.


def forge(folder):
    document = json.loads((folder / layout.ENVELOPE).read_text())
    document["signatures"][0]["sig"] = "A" * 86 + "=="
    (folder / layout.ENVELOPE).write_text(json.dumps(document))


def blank(folder):
    document = json.loads((folder / layout.ENVELOPE).read_text())
    document["signatures"][0]["sig"] = ""
    (folder / layout.ENVELOPE).write_text(json.dumps(document))


def empty(folder):
    (folder / layout.ENVELOPE).write_text("")


def none(folder):
    document = json.loads((folder / layout.ENVELOPE).read_text())
    (folder / layout.ENVELOPE).write_text(json.dumps(document | {"signatures": []}))


def of_another_run(folder):
    (folder / layout.ENVELOPE).write_bytes((folder.parent / NAMES[0] / layout.ENVELOPE).read_bytes())


@pytest.mark.parametrize("change", [forge, blank, empty, none, of_another_run])
def test_a_signature_that_is_none_is_refused(root, change):
    change(root / NAMES[2])
    assert kinds(root / NAMES[2]) == ({"bad-signature"}, Result.BROKEN)


def test_what_lies_in_place_of_a_signature_and_is_no_file_is_refused(root):
    (root / NAMES[2] / layout.ENVELOPE).unlink()
    (root / NAMES[2] / layout.ENVELOPE).symlink_to(root / NAMES[1] / layout.ENVELOPE)
    found, result = kinds(root / NAMES[2])
    assert result is Result.BROKEN
    assert "not-regular" in found


def test_without_a_pinned_key_nothing_is_verified(root):
    shutil.rmtree(root / layout.KEYS)
    assert kinds(root / NAMES[2]) == ({"unknown-key"}, Result.BROKEN)


def test_a_key_under_the_name_of_another_one_verifies_nothing_and_is_told(root):
    sign(root / NAMES[2], OTHER)
    (root / layout.KEYS / f"{KEY.public.keyid}.pub.pem").write_text(OTHER.public.pem)
    report = verify(root / NAMES[2], strict=False)
    found = {each.kind for check in report.checks for each in check.findings if check.name == "signature"}
    assert found == {"unknown-key", "key-not-pinned"}


def test_keys_of_ones_own_are_believed_and_not_those_that_came_with_the_runs(root, tmp_path):
    sign(root / NAMES[2], OTHER)
    pin(OTHER.public, root / layout.KEYS)
    assert words(root) == set()
    pin(KEY.public, tmp_path / "mine")
    assert words(root, keys=tmp_path / "mine") == {"unknown-key"}
    assert words(root, run=1, keys=tmp_path / "mine") == set()


def test_a_manifest_is_signed_as_it_is_spelt_and_not_as_it_is_meant(root):
    folder = root / NAMES[2]
    (folder / layout.MANIFEST).write_bytes(rfc8785.dumps(manifest(folder)) + b"\n")
    assert {"not-canonical", "bad-signature"} <= words(root)
