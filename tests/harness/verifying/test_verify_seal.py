"""Every way of tampering with sealed runs is refused, and for the right reason."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import rfc8785
from sealed_run import put_manifest, reseal

sys.path.append(str(Path(__file__).parents[1] / "evidence"))

from sample_run import write_run_folder

from harness.evidence import layout
from harness.evidence.manifest import sha256
from harness.sealing.envelope import envelope
from harness.sealing.keys import SigningKey
from harness.sealing.ledger import parse
from harness.sealing.pinning import pin
from harness.verifying.findings import Result
from harness.verifying.seal_checks import MAX_FILE
from harness.verifying.surroundings import Believed
from harness.verifying.verify import verify

KEY, OTHER = SigningKey.new("ci"), SigningKey.new()
NAMES = [f"2025-11-14T17:14:0{second}Z" for second in (5, 6, 7, 8)]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Four signed runs in one chain, and the key that they are signed with."""
    root = tmp_path_factory.mktemp("signed")
    for _ in NAMES:
        write_run_folder(root, signer=KEY)
    pin(KEY.public, root / layout.KEYS)
    return root


@pytest.fixture
def root(original, tmp_path):
    """A copy that may be broken."""
    copy = tmp_path / "evidence"
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


# The chain, which no run alone can show.


@pytest.mark.parametrize("with_its_line", [True, False])
def test_a_run_that_was_dropped_in_the_middle_breaks_the_chain(root, with_its_line):
    shutil.rmtree(root / NAMES[1])
    if with_its_line:
        write_ledger(root, [line for line in ledger(root) if line.run != NAMES[1]])
    assert "broken-chain" in words(root)


def test_the_first_run_cannot_be_dropped_either(root):
    shutil.rmtree(root / NAMES[0])
    write_ledger(root, ledger(root)[1:])
    assert "broken-chain" in words(root)


def test_lines_that_were_reordered_break_the_chain(root):
    one, two, three, four = ledger(root)
    write_ledger(root, [one, three, two, four])
    assert "broken-chain" in words(root)


def test_runs_that_changed_places_are_told(root):
    (root / NAMES[1]).rename(root / "kept")
    (root / NAMES[2]).rename(root / NAMES[1])
    (root / "kept").rename(root / NAMES[2])
    assert {"ledger-mismatch", "renamed"} <= words(root)


def test_a_line_that_was_edited_or_is_missing_is_told(root):
    one, two, three, four = ledger(root)
    for lines in ([one, two, four], [two, three, four], [one, type(two)(two.run, "9" * 64, two.prev), three, four]):
        write_ledger(root, lines)
        assert "ledger-mismatch" in words(root)


def test_a_ledger_that_was_removed_is_missed(root):
    (root / layout.LEDGER).unlink()
    assert "ledger-mismatch" in words(root)


def test_a_ledger_that_is_a_link_is_not_followed(root):
    (root / layout.LEDGER).rename(root / "kept")
    (root / layout.LEDGER).symlink_to(root / "kept")
    assert "ledger-unreadable" in words(root)


def test_a_line_that_a_kill_has_left_out_is_no_fault(root):
    write_ledger(root, ledger(root)[:-1])
    report = verify(root / NAMES[3], strict=False)
    assert report.failed == ()
    (remark,) = [each for check in report.checks for each in check.remarks if check.name == "chain"]
    assert (remark.kind, remark.part) == ("ledger-behind", NAMES[3])
    assert report.seal.head == report.seal.manifest_sha256


def test_the_newest_runs_that_were_cut_off_are_missed_by_a_published_head(root):
    published = head(root)
    shutil.rmtree(root / NAMES[3])
    write_ledger(root, ledger(root)[:-1])
    assert words(root) == set()
    assert words(root, head=published) == {"head-mismatch"}


def test_a_chain_that_the_holder_of_the_key_made_anew_is_told_by_a_published_head(root):
    published = head(root)
    shutil.rmtree(root)
    for _ in NAMES:
        write_run_folder(root, signer=KEY, run_id="019a83c1-6e10-7abc-8def-0123456789ac")
    pin(KEY.public, root / layout.KEYS)
    assert words(root) == set()
    assert words(root, head=published) == {"head-mismatch"}


def test_a_run_that_the_holder_of_the_key_sealed_again_is_told_by_the_next_one(root):
    folder = root / NAMES[1]
    (folder / layout.STATE).write_text("{}")
    reseal(folder)
    sign(folder)
    one, two, three, four = ledger(root)
    write_ledger(
        root, [one, type(two)(two.run, sha256((folder / layout.MANIFEST).read_bytes()), two.prev), three, four]
    )
    found, _ = kinds(folder)
    assert "broken-chain" in found
    assert "bad-signature" not in found


def test_a_head_that_was_published_before_the_newest_runs_is_still_on_the_chain(root):
    report = verify(root / NAMES[0], strict=False, believed=Believed(head=ledger(root)[1].manifest_sha256))
    assert report.failed == ()
    assert [each.kind for check in report.checks for each in check.remarks if check.name == "chain"] == ["head-older"]


def test_a_partial_run_that_was_renamed_by_hand_is_no_sealed_run(root):
    folder = root / "2025-11-14T17:14:09Z"
    folder.mkdir()
    (folder / layout.RUN).write_bytes((root / NAMES[0] / layout.RUN).read_bytes())
    found, result = kinds(folder)
    assert "missing-file" in found
    assert result is Result.BROKEN


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
