"""The shape of a bundle on disk, and what staging refuses to write."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785
from sample_run import NOW, PlainRedactor, finished_record, scenarios, write_run_folder

from harness.errors import PrerequisiteError, UsageError
from harness.evidence import layout
from harness.evidence.bundle import Staging
from harness.evidence.checking import faults_of
from harness.evidence.faults import EvidenceError
from harness.evidence.finishing import LOCK_DEADLINE_S, finish, locked
from harness.evidence.guarded import is_locked
from harness.evidence.manifest import CaseSeals, sha256
from harness.evidence.outcome import write_outcome
from harness.redaction.redacted import RedactedText
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

TEXT = RedactedText("x\n")

GOLDEN = """\
SHA256SUMS
events.jsonl
live/L01/project_id.txt
live/L01/response.json
live/L01/result.json
live/L01/result_excerpt.txt
live/L02/notes.txt
live/L02/response.json
live/summary.txt
manifest.json
mocked/RERUN/M01/response.json
mocked/RERUN/summary.txt
reports/ctrf.json
reports/junit.xml
reports/redaction.json
run.json
state.json
summary.md
summary.txt
"""


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.fixture
def staging(tmp_path):
    opened = Staging.open(tmp_path, NOW)
    yield opened
    opened.close_logs()


def test_a_finished_run_has_the_files_of_the_plan_and_no_other(tmp_path):
    finished = write_run_folder(tmp_path)
    assert finished.folder == tmp_path / "2025-11-14T17:14:05Z"
    assert "".join(f"{path}\n" for path in files_below(finished.folder)) == GOLDEN
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2025-11-14T17:14:05Z", layout.LEDGER]


def test_a_finished_run_can_be_written_by_nobody(tmp_path):
    folder = write_run_folder(tmp_path).folder
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*") if not path.is_dir()}
    folder_modes = {stat.S_IMODE(path.lstat().st_mode) for path in [folder, *folder.rglob("*")] if path.is_dir()}
    assert (modes, folder_modes) == ({0o400}, {0o500})


def test_a_run_that_goes_on_is_private_locked_and_says_that_it_is_not_finished(staging):
    staging.write("live/L01/response.json", TEXT)
    modes = {
        stat.S_IMODE(path.stat().st_mode) for path in [staging.folder, *staging.folder.rglob("*")] if path.is_dir()
    }
    assert modes == {0o700}
    assert stat.S_IMODE((staging.folder / "live/L01/response.json").stat().st_mode) == 0o600
    assert is_locked(staging.folder)
    assert "not finished" in (staging.folder / layout.PARTIAL_NOTE).read_text()


def test_the_manifest_is_canonical_and_lists_every_file_but_itself_and_the_sums(tmp_path):
    finished = write_run_folder(tmp_path)
    data = (finished.folder / layout.MANIFEST).read_bytes()
    document = json.loads(data)
    assert rfc8785.dumps(document) == data
    assert sha256(data) == finished.manifest_sha256
    listed = {file["path"]: file for file in document["files"]}
    assert sorted([*listed, "SHA256SUMS", "manifest.json"]) == GOLDEN.splitlines()
    for path, file in listed.items():
        content = (finished.folder / path).read_bytes()
        assert (file["size"], file["sha256"], file["executable"]) == (len(content), sha256(content), False)
    assert document["prev"] == "0" * 64
    assert {"folder": "live/L02", "verdict": "FAIL", "reason": "1 check missed"} in document["verdicts"]


def test_a_copy_is_marked_as_derived_and_nothing_else_is(tmp_path):
    document = json.loads((write_run_folder(tmp_path).folder / layout.MANIFEST).read_text())
    derived = {file["path"]: file["derived"] for file in document["files"] if "derived" in file}
    assert derived == {"live/L02/response.json": "L01"}


def test_a_taken_second_means_the_next_one_whoever_took_it(tmp_path):
    (tmp_path / "2025-11-14T17:14:05Z").mkdir()
    (tmp_path / "2025-11-14T17:14:06Z.partial").mkdir()
    staging = Staging.open(tmp_path, NOW)
    assert staging.name == "2025-11-14T17:14:07Z"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2025-11-14T17:14:05Z",
        "2025-11-14T17:14:06Z.partial",
        "2025-11-14T17:14:07Z.partial",
    ]
    staging.close()


@pytest.mark.parametrize(
    "path",
    [
        "../x", "live/../x", "/etc/passwd", "live//x", "live/./x", ".", "..", "", "live/", "C:/x", "a\\b", "a b",
        "a\nb", "a\x00b", "é.txt", "-rf", ".hidden", "x.", "con", "live/AUX.txt", "a" * 101, "/".join(["abc"] * 100),
    ],
)  # fmt: skip
def test_a_hostile_name_is_refused_and_nothing_is_written(staging, path):
    with pytest.raises(UsageError) as caught:
        staging.write(path, TEXT)
    assert caught.value.reference == "evidence-path-unsafe"
    assert files_below(staging.folder) == [layout.PARTIAL_NOTE]


@pytest.mark.parametrize("path", ["manifest.json", "SHA256SUMS", "manifest.dsse.json", "PARTIAL.txt"])
def test_what_the_end_of_a_run_writes_cannot_be_written_before(staging, path):
    with pytest.raises(UsageError) as caught:
        staging.write(path, TEXT)
    assert caught.value.reference == "evidence-path-reserved"


def test_a_file_is_written_once(staging):
    staging.write("live/L01/response.json", TEXT)
    with pytest.raises(UsageError) as caught:
        staging.write("live/L01/response.json", RedactedText("other"))
    assert caught.value.reference == "evidence-written-twice"
    assert (staging.folder / "live/L01/response.json").read_text() == "x\n"


@pytest.mark.parametrize(
    "path", ["live/l01/other.json", "LIVE/x", "live/L01/RESPONSE.json", "live/L01", "live/L01/response.json/x"]
)
def test_names_that_would_collide_elsewhere_are_refused(staging, path):
    staging.write("live/L01/response.json", TEXT)
    with pytest.raises(UsageError) as caught:
        staging.write(path, TEXT)
    assert caught.value.reference == "evidence-name-clash"


@pytest.mark.parametrize("planted", ["live", "live/L01", "live/L01/response.json"])
def test_nothing_is_written_through_a_link(staging, tmp_path, planted):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = staging.folder / planted
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside)
    with pytest.raises(PrerequisiteError) as caught:
        staging.write("live/L01/response.json", TEXT)
    assert caught.value.reference == "evidence-unwritable"
    assert list(outside.iterdir()) == []


def plant_link(folder):
    (folder / "live").symlink_to("/etc")


def plant_file(folder):
    (folder / "stranger.txt").write_text("x")


def plant_fifo(folder):
    (folder / "run.json").unlink()
    os.mkfifo(folder / "run.json")


def remove_file(folder):
    (folder / "run.json").unlink()


@pytest.mark.parametrize("make", [Path.symlink_to, Path.hardlink_to])
def test_a_file_that_someone_put_in_the_way_is_not_written_to(staging, tmp_path, make):
    outside = tmp_path / "outside.txt"
    outside.write_text("before")
    make(staging.folder / "a.txt", outside)
    with pytest.raises(PrerequisiteError):
        staging.write("a.txt", TEXT)
    assert outside.read_text() == "before"


@pytest.mark.parametrize("interfere", [plant_link, plant_file, plant_fifo, remove_file])
def test_a_folder_that_someone_else_changed_is_not_finished(staging, interfere):
    staging.write("run.json", TEXT)
    interfere(staging.folder)
    with pytest.raises(EvidenceError) as caught:
        finish(staging, finished_record(staging), PlainRedactor(), CaseSeals())
    assert caught.value.reference == "evidence-foreign-file"
    assert staging.folder.is_dir()
    assert not (staging.root / staging.name).exists()


def test_a_final_folder_that_appeared_meanwhile_is_left_alone(staging):
    (staging.root / staging.name).mkdir()
    with pytest.raises(PrerequisiteError) as caught:
        finish(staging, finished_record(staging), PlainRedactor(), CaseSeals())
    assert caught.value.reference == "evidence-folder-taken"
    assert staging.folder.is_dir()


def test_an_abandoned_run_stays_partial_and_says_why(staging):
    staging.abandon(RedactedText("the disk is full"))
    note = (staging.folder / layout.PARTIAL_NOTE).read_text()
    assert note.startswith("the disk is full\n")
    assert not is_locked(staging.folder)


def test_a_record_is_replaced_whole_and_leaves_no_temporary_file(staging):
    staging.replace("run.json", RedactedText("one"))
    staging.replace("run.json", RedactedText("two"))
    assert files_below(staging.folder) == [layout.PARTIAL_NOTE, "run.json"]
    assert (staging.folder / "run.json").read_text() == "two"


def test_a_line_of_a_log_is_on_disk_when_append_returns(staging):
    log = staging.log("events.jsonl")
    log.append(RedactedText("{}"))
    assert (staging.folder / "events.jsonl").read_bytes() == b"{}\n"
    with pytest.raises(ValueError, match="no line feed"):
        log.append(RedactedText("a\nb"))


def test_a_lone_surrogate_in_json_is_still_json(staging):
    staging.write("a.json", RedactedText('{"a": "\udc80"}'))
    assert json.loads((staging.folder / "a.json").read_bytes()) == {"a": "\udc80"}


def test_an_unwritable_root_is_told_with_its_path_and_a_repair(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PrerequisiteError) as caught:
        Staging.open(tmp_path / "file" / "evidence", NOW)
    assert caught.value.reference == "evidence-unwritable"
    assert str(tmp_path) in caught.value.message
    assert "--out" in caught.value.hint


def test_a_root_that_is_a_link_to_a_folder_holds_whole_runs(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "evidence").symlink_to(tmp_path / "disk")
    folder = write_run_folder(tmp_path / "evidence").folder
    assert faults_of(folder) == ()
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == [folder.name, layout.LEDGER]


def test_the_end_of_a_run_waits_for_the_lock_but_not_for_ever(tmp_path):
    times = iter([0.0, 1.0, LOCK_DEADLINE_S])
    slept = []
    with (
        locked(tmp_path),
        pytest.raises(PrerequisiteError) as caught,
        locked(tmp_path, monotonic=times.__next__, sleep=slept.append),
    ):
        pytest.fail("two held the lock at once")
    assert caught.value.reference == "evidence-locked"
    assert len(slept) == 1


def test_a_planted_secret_is_in_no_byte_and_everything_still_parses_and_agrees(tmp_path):
    value = "sk-canary-7Qm2Zr9Xw4Kp8Lt1"
    redactor = Redactor(SecretSet((NamedSecret("CANARY", Secret(value)),)))
    # The id goes into artifacts, events and records alike.
    folder = write_run_folder(tmp_path, run_id=value, redactor=redactor).folder
    content = {path: (folder / path).read_bytes() for path in files_below(folder)}
    assert not [path for path, data in content.items() if value.encode() in data]
    assert [path for path, data in content.items() if b"[REDACTED]" in data] == [
        "events.jsonl", "live/L01/response.json", "manifest.json", "reports/ctrf.json", "reports/junit.xml", "run.json",
        "state.json", "summary.md",
    ]  # fmt: skip
    documents = [json.loads(data) for path, data in content.items() if path.endswith(".json")]
    assert len(documents) == 9
    assert rfc8785.dumps(json.loads(content["manifest.json"])) == content["manifest.json"]


def test_what_a_redactor_without_secrets_passes_is_what_was_written(tmp_path):
    plain = write_run_folder(tmp_path / "plain").folder
    redacted = write_run_folder(tmp_path / "redacted", redactor=Redactor(SecretSet())).folder
    assert {path: (plain / path).read_bytes() for path in files_below(plain)} == {
        path: (redacted / path).read_bytes() for path in files_below(redacted)
    }


def test_a_run_whose_reasons_quote_odd_text_is_finished_all_the_same(staging):
    red = replace(scenarios()[1], reason="\ud800 \x00 \u2028", missed=("\udc80",), title="\udfff")
    record = replace(finished_record(staging), scenarios=(red,))
    write_outcome(staging, record, PlainRedactor())
    folder = finish(staging, record, PlainRedactor(), CaseSeals()).folder
    assert faults_of(folder) == ()
    assert json.loads((folder / "run.json").read_text())["scenarios"][0]["reason"] == red.reason
    assert [json.loads(path.read_text()) for path in folder.rglob("*.json")]


def test_a_trial_has_the_shape_of_a_single_run(staging):
    folder = layout.scenario_folder(layout.LIVE, "L01", trial=layout.trial_folder(2))
    staging.write(f"{folder}/response.json", TEXT)
    assert (staging.folder / "trials/002/live/L01/response.json").is_file()
    assert layout.part_of(folder) == "trials/002/live"
