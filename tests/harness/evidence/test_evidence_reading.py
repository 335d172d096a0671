"""Runs as they are found again: finished, running, partial or damaged, and which one a name means."""

import json
import os
from datetime import timedelta
from itertools import accumulate
from pathlib import Path

import pytest
from sample_run import NOW, RUN_ID, PlainRedactor, running_record, write_run_folder

from harness.errors import UsageError
from harness.evidence.bundle import Staging
from harness.evidence.checking import Fault, faults_of
from harness.evidence.faults import EvidenceError
from harness.evidence.journal import iter_events
from harness.evidence.outcome import write_run
from harness.evidence.reading import RunCondition, list_runs, load_run, read_entry
from harness.evidence.resolving import resolve_run
from harness.evidence.show import show_document, show_text
from harness.evidence.timestamps import epoch_ms, is_folder_name, timestamp
from harness.redaction.redacted import RedactedText

OTHER_ID = "019a83c9-0000-7abc-8def-0123456789ab"


@pytest.fixture
def bundle(tmp_path):
    folder = write_run_folder(tmp_path / "evidence").folder
    # What a test breaks must be writable.
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700)
    return folder


def listed(folder):
    (entry,) = list_runs(folder.parent)
    return entry


def test_a_whole_bundle_has_no_fault_and_gives_back_what_was_stored(bundle):
    run = load_run(listed(bundle))
    assert (run.entry.condition, run.entry.why, run.faults) == (RunCondition.FINISHED, "", ())
    assert run.record.run_id == RUN_ID
    assert run.state.captures == {"L01": {"pid": "p"}}
    assert len(list(iter_events(run.events))) == 20


def flip_a_byte(folder):
    data = bytearray((folder / "run.json").read_bytes())
    data[-3] ^= 1
    (folder / "run.json").write_bytes(data)


def swap_two_files(folder):
    one, other = folder / "summary.txt", folder / "live/summary.txt"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def into_a_link(folder):
    (folder / "summary.txt").rename(folder / "elsewhere")
    (folder / "summary.txt").symlink_to("elsewhere")


def into_a_fifo(folder):
    (folder / "summary.txt").unlink()
    os.mkfifo(folder / "summary.txt")


def edit_the_sums(folder):
    path = folder / "SHA256SUMS"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(["0" * 64 + lines[0][64:], *lines[1:]]))


def edit_the_manifest(folder):
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    document["files"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(document))


def name_outside(folder):
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    document["files"][0]["path"] = "../../etc/passwd"
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (flip_a_byte, Fault("run.json", "hash-mismatch")),
        (swap_two_files, Fault("live/summary.txt", "hash-mismatch")),
        (lambda folder: (folder / "summary.md").unlink(), Fault("summary.md", "missing-file")),
        (lambda folder: (folder / "stranger.txt").write_text("x"), Fault("stranger.txt", "unlisted-file")),
        (lambda folder: (folder / "live/L01/more").symlink_to("/etc"), Fault("live/L01/more", "not-regular")),
        (into_a_link, Fault("summary.txt", "not-regular")),
        (into_a_fifo, Fault("summary.txt", "not-regular")),
        (edit_the_sums, Fault("events.jsonl", "hash-mismatch")),
        (edit_the_manifest, Fault("manifest.json", "hash-mismatch")),
        (name_outside, Fault("../../etc/passwd", "unsafe-path")),
        (lambda folder: (folder / "manifest.json").write_text("{"), Fault("manifest.json", "not-readable")),
        (lambda folder: (folder / "SHA256SUMS").write_text("nonsense\n"), Fault("SHA256SUMS", "sums-mismatch")),
        (lambda folder: (folder / "SHA256SUMS").write_text(""), Fault("SHA256SUMS", "sums-mismatch")),
    ],
)
def test_whatever_changed_after_the_end_is_found(bundle, tamper, fault):
    tamper(bundle)
    assert fault in faults_of(bundle)


DEEP = 1500


@pytest.fixture
def deep(bundle):
    """A bundle with folders inside one another, deeper than any recursion; no library can remove them either."""
    paths = list(accumulate(["d"] * DEEP, os.path.join, initial=str(bundle / "d")))
    for path in paths:
        Path(path).mkdir()
    yield bundle
    for path in reversed(paths):
        Path(path).rmdir()


def test_folders_too_deep_for_any_bundle_are_a_fault(deep):
    run = load_run(listed(deep))
    assert [(fault.kind, fault.path[:4], len(fault.path)) for fault in run.faults] == [("unsafe-path", "d/d/", 241)]
    assert "unsafe-path: d/d/" in show_text(run)


def test_a_name_that_is_no_text_is_shown_all_the_same(bundle):
    (bundle / os.fsdecode(b"live/\xff\n.txt")).write_text("x")
    run = load_run(listed(bundle))
    assert [fault.kind for fault in run.faults] == ["unlisted-file"]
    assert show_text(run).encode().count(b"unlisted-file") == 1
    json.dumps(show_document(run)).encode()


@pytest.mark.parametrize("lost", ["run.json", "manifest.json", "SHA256SUMS"])
def test_a_bundle_that_lacks_its_frame_is_damaged_not_partial(bundle, lost):
    (bundle / lost).unlink()
    entry = listed(bundle)
    assert entry.condition is RunCondition.DAMAGED
    assert lost in entry.why


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff", b'{"schema": "ladder.run/2"}', b'{"schema": "ladder.run/1"}']
)
def test_an_unreadable_record_is_damage_with_a_reason_and_never_no_run(bundle, content):
    (bundle / "run.json").write_bytes(content)
    entry = listed(bundle)
    assert (entry.condition, entry.record, entry.run_id) == (RunCondition.DAMAGED, None, "")
    assert entry.why.startswith("run.json: ")
    with pytest.raises(EvidenceError) as caught:
        load_run(entry)
    assert caught.value.reference == "run-unreadable"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("name", ["run.json", "state.json", "PARTIAL.txt", "manifest.json", "SHA256SUMS"])
def test_nothing_in_the_place_of_a_record_is_waited_for_or_read_without_end(bundle, name, make):
    (bundle / name).unlink(missing_ok=True)
    make(bundle / name)
    entry = listed(bundle)
    assert entry.condition is RunCondition.DAMAGED or load_run(entry).faults
    bundle.rename(bundle.with_name(f"{bundle.name}.partial"))
    assert list_runs(bundle.parent)[0].condition is RunCondition.PARTIAL


def test_a_running_run_a_killed_one_and_an_abandoned_one_are_told_apart(tmp_path):
    stagings = [Staging.open(tmp_path, NOW + timedelta(seconds=n)) for n in range(3)]
    for staging in stagings:
        write_run(staging, running_record(folder=staging.name), PlainRedactor())
    stagings[1].close()
    stagings[2].abandon(RedactedText("interrupted by Ctrl-C"))
    abandoned, killed, running = list_runs(tmp_path)
    assert (running.condition, killed.condition, abandoned.condition) == (
        RunCondition.RUNNING,
        RunCondition.PARTIAL,
        RunCondition.PARTIAL,
    )
    assert "not finished" in killed.why
    assert abandoned.why == "interrupted by Ctrl-C"
    stagings[0].close()


def test_a_partial_folder_that_was_renamed_by_hand_is_damaged(tmp_path):
    staging = Staging.open(tmp_path, NOW)
    write_run(staging, running_record(), PlainRedactor())
    staging.close()
    staging.folder.rename(tmp_path / staging.name)
    entry = read_entry(tmp_path / staging.name)
    assert entry.condition is RunCondition.DAMAGED
    for name in ("manifest.json", "SHA256SUMS"):
        (tmp_path / staging.name / name).write_text("")
    assert read_entry(tmp_path / staging.name).why == "it was renamed by hand"


def test_runs_are_listed_newest_first_and_other_things_are_not_runs(tmp_path):
    write_run_folder(tmp_path, now=NOW)
    write_run_folder(tmp_path, now=NOW + timedelta(days=1), run_id=OTHER_ID)
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "keys").mkdir()
    (tmp_path / "2025-13-45T99:99:99Z").mkdir()
    assert [entry.name for entry in list_runs(tmp_path)] == ["2025-11-15T17:14:05Z", "2025-11-14T17:14:05Z"]


def test_which_run_is_newest_follows_from_its_record_and_not_from_its_folders_name(tmp_path):
    folders = [write_run_folder(tmp_path, now=NOW + timedelta(days=n)).folder for n in range(3)]
    for folder, started in zip(folders, ("2025-11-20T00:00:00Z", "no time", "2025-11-14T17:14:05+09:00"), strict=True):
        document = json.loads((folder / "run.json").read_text()) | {"started_at": started}
        (folder / "run.json").chmod(0o600)
        (folder / "run.json").write_text(json.dumps(document))
    assert [entry.folder for entry in list_runs(tmp_path)] == folders


@pytest.mark.parametrize("content", ['"duration_s": 1' + "0" * 400, '"trials": 1' + "0" * 5000])
def test_a_number_beyond_all_measure_is_damage_and_no_fault_of_the_listing(bundle, content):
    text = (bundle / "run.json").read_text()
    (bundle / "run.json").write_text(
        text.replace('"schema"', f'{content}, "schema"', 1).replace('"duration_s": 4.002,', "")
    )
    assert listed(bundle).condition is RunCondition.DAMAGED


def test_a_record_of_absurd_size_is_damage_and_is_not_read(bundle):
    with (bundle / "run.json").open("r+b") as file:
        file.truncate(1 << 40)
    assert "more than" in listed(bundle).why


def test_no_folder_has_no_runs_but_an_unreadable_one_is_told(tmp_path):
    assert list_runs(tmp_path / "nowhere") == ()
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError) as caught:
        list_runs(tmp_path / "file")
    assert caught.value.reference == "evidence-unreadable"


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    root = tmp_path_factory.mktemp("three")
    write_run_folder(root, now=NOW)
    write_run_folder(root, now=NOW, run_id=OTHER_ID)
    write_run_folder(root, now=NOW + timedelta(days=1), run_id="019b0000-0000-7abc-8def-0123456789ab")
    return list_runs(root)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2025-11-14T17:14:05Z", "2025-11-14T17:14:05Z"),
        ("2025-11-14T17:14:06Z.partial", "2025-11-14T17:14:06Z"),
        (OTHER_ID, "2025-11-14T17:14:06Z"),
        ("019a83c9", "2025-11-14T17:14:06Z"),
        ("2025-11-15", "2025-11-15T17:14:05Z"),
    ],
)
def test_a_run_is_found_by_folder_by_id_or_by_a_unique_beginning(three, text, name):
    assert resolve_run(three, text).name == name


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("2025-11-14", "run-ambiguous"),
        ("019a83c", "run-prefix-short"),
        ("019affff-ffff", "run-unknown"),
        ("../../etc/passwd", "run-name-invalid"),
        ("2025-11-14T17:14:05Z/..", "run-name-invalid"),
        ("....", "run-name-invalid"),
        ("", "run-name-invalid"),
        ("x\n" * 9, "run-name-invalid"),
    ],
)
def test_a_name_that_means_no_run_or_several_is_refused(three, text, reference):
    with pytest.raises((UsageError, EvidenceError)) as caught:
        resolve_run(three, text)
    assert caught.value.reference == reference


def test_an_ambiguous_beginning_lists_what_fits(three):
    with pytest.raises(UsageError, match=f"2025-11-14T17:14:06Z \\({OTHER_ID}\\), 2025-11-14T17:14:05Z"):
        resolve_run(three, "2025-11-14")


def test_an_unknown_run_is_the_answer_no_and_not_a_wrong_command(three):
    with pytest.raises(EvidenceError) as caught:
        resolve_run(three, "2031-01-01T00:00:00Z")
    assert caught.value.exit_code == 1


def test_the_document_of_a_run_is_json(bundle):
    entry = listed(bundle)
    flip_a_byte(bundle)
    shown = json.loads(json.dumps(show_document(load_run(entry))))
    assert (shown["run_id"], shown["condition"], shown["verdict"]) == (RUN_ID, "finished", "FAIL")
    assert shown["faults"] == [{"path": "run.json", "kind": "hash-mismatch"}]
    assert shown["captures"] == {"L01": {"pid": "p"}}
    assert shown["record"]["scenarios"][1]["verdict"] == "FAIL"


def test_a_run_is_shown_with_its_scenarios_reasons_and_faults(bundle):
    entry = listed(bundle)
    whole = show_text(load_run(entry))
    assert "run 2025-11-14T17:14:05Z: FAIL" in whole
    assert "condition: finished, unsigned" in whole
    assert "live/L02: FAIL result=error (0.5 s) Simple CLI scaffold\n    1 check missed\n" in whole
    assert "not as recorded" not in whole
    flip_a_byte(bundle)
    assert "not as recorded:\n  hash-mismatch: run.json" in show_text(load_run(entry))


def test_stored_text_is_shown_as_data(bundle):
    document = json.loads((bundle / "run.json").read_text())
    document["scenarios"][1]["reason"] = "\x1b[2J[bold]\u202e"
    (bundle / "run.json").write_text(json.dumps(document))
    assert r"\x1b[2J[bold]\u202e" in show_text(load_run(listed(bundle)))


@pytest.mark.parametrize(
    "text", ["2025-11-14T17:14:05", "2025-1-14T17:14:05Z", "2025-11-14T17:14:5Z", "x", "2025-11-14T17:14:05Z "]
)
def test_only_the_one_spelling_names_a_folder(text):
    assert not is_folder_name(text)
    assert is_folder_name("2025-11-14T17:14:05Z")


def test_times_are_utc_with_microseconds():
    assert timestamp(NOW) == "2025-11-14T17:14:05.000000Z"
    assert epoch_ms("2025-11-14T17:14:05.250000Z") == 1763140445250


def test_a_manifest_whose_paths_are_no_texts_cannot_be_read(bundle):
    (bundle / "manifest.json").write_text('{"files": [{"path": 5, "sha256": 5}]}')
    assert faults_of(bundle) == (Fault("manifest.json", "not-readable"),)
