"""What no run alone can show: runs that are missing, reordered or made anew, told by the chain and its ledger."""

import shutil

import pytest
from sealed_run import reseal
from signed_chain import (
    KEY,
    NAMES,
    head,
    kinds,
    ledger,
    make_chain,
    open_copy,
    sign,
    words,
    write_ledger,
    write_run_folder,
)

from harness.evidence import layout
from harness.evidence.manifest import sha256
from harness.sealing.pinning import pin
from harness.verifying.findings import Result
from harness.verifying.surroundings import Believed
from harness.verifying.verify import verify


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return make_chain(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def root(original, tmp_path):
    return open_copy(original, tmp_path / "evidence")


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
