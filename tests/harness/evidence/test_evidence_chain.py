"""The end of runs in one evidence root: each continues from the one before, and nothing that contradicts is mended."""

import errno
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from sample_run import write_run_folder

from harness.errors import PrerequisiteError
from harness.evidence import chaining, layout
from harness.evidence.checking import faults_of
from harness.evidence.manifest import sha256
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet
from harness.sealing.envelope import SignatureWord, judge
from harness.sealing.keys import SigningKey
from harness.sealing.ledger import NO_PREVIOUS, parse
from harness.sealing.pinning import pin

KEY = SigningKey.new("ci")
ROOT = Path(__file__).parents[3]


def lines(root):
    return parse((root / layout.LEDGER).read_bytes()).lines


def prev(folder):
    return json.loads((folder / layout.MANIFEST).read_text())["prev"]


def writable(folder):
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700)
    return folder


def test_each_run_continues_from_the_one_before_and_has_a_line(tmp_path):
    done = [write_run_folder(tmp_path) for _ in range(3)]
    assert [prev(each.folder) for each in done] == [NO_PREVIOUS, *(each.manifest_sha256 for each in done[:2])]
    assert [(line.run, line.manifest_sha256, line.prev) for line in lines(tmp_path)] == [
        (each.folder.name, sha256((each.folder / layout.MANIFEST).read_bytes()), prev(each.folder)) for each in done
    ]
    assert [each.notes for each in done] == [(), (), ()]


def test_a_line_is_json_with_the_keys_of_the_specification(tmp_path):
    done = write_run_folder(tmp_path)
    assert json.loads((tmp_path / layout.LEDGER).read_text()) == {
        "run": done.folder.name,
        "manifest_sha256": done.manifest_sha256,
        "prev": NO_PREVIOUS,
    }


def test_runs_of_before_the_ledger_stay_outside_of_the_chain(tmp_path):
    write_run_folder(tmp_path)
    (tmp_path / layout.LEDGER).unlink()
    done = write_run_folder(tmp_path)
    assert (prev(done.folder), done.notes) == (NO_PREVIOUS, ())
    assert [line.run for line in lines(tmp_path)] == [done.folder.name]
    assert prev(write_run_folder(tmp_path).folder) == done.manifest_sha256


@pytest.mark.parametrize("kept", [0, 1, 50, -1])
def test_a_line_that_is_missing_or_torn_is_completed_and_that_is_told(tmp_path, kept):
    first, second = write_run_folder(tmp_path), write_run_folder(tmp_path)
    whole = (tmp_path / layout.LEDGER).read_bytes()
    one, two = whole.splitlines(keepends=True)
    (tmp_path / layout.LEDGER).write_bytes(one + two[:kept])
    third = write_run_folder(tmp_path)
    assert (tmp_path / layout.LEDGER).read_bytes().startswith(whole)
    assert [line.run for line in lines(tmp_path)] == [each.folder.name for each in (first, second, third)]
    assert len(third.notes) == 1
    assert second.folder.name in third.notes[0]
    assert write_run_folder(tmp_path).notes == ()


def edit_a_line(root, runs):
    text = (root / layout.LEDGER).read_text()
    (root / layout.LEDGER).write_text(text.replace(runs[1].manifest_sha256, "9" * 64, 1))


def drop_a_run(_root, runs):
    shutil.rmtree(writable(runs[1].folder))


def drop_a_line(root, _runs):
    kept = (root / layout.LEDGER).read_text().splitlines(keepends=True)
    (root / layout.LEDGER).write_text("".join([kept[0], *kept[2:]]))


def tear_a_line_of_nothing(root, _runs):
    with (root / layout.LEDGER).open("a") as file:
        file.write('{"run": "elsewhere')


def change_the_newest_manifest(_root, runs):
    writable(runs[-1].folder)
    (runs[-1].folder / layout.MANIFEST).write_text("{}")


def fork(root, runs):
    shutil.copytree(runs[1].folder, root / "2030-01-01T00:00:00Z")


def empty_it(root, _runs):
    (root / layout.LEDGER).write_text("")


def remove_it(root, _runs):
    (root / layout.LEDGER).unlink()


CONTRADICTIONS = [
    edit_a_line,
    drop_a_run,
    drop_a_line,
    tear_a_line_of_nothing,
    change_the_newest_manifest,
    fork,
    empty_it,
    remove_it,
]


@pytest.mark.parametrize("contradict", CONTRADICTIONS)
def test_a_ledger_that_contradicts_the_runs_is_told_and_not_mended_and_the_run_is_sealed(tmp_path, contradict):
    runs = [write_run_folder(tmp_path) for _ in range(3)]
    contradict(tmp_path, runs)
    ledger = tmp_path / layout.LEDGER
    before = ledger.read_bytes() if ledger.exists() else b""
    done = write_run_folder(tmp_path)
    assert faults_of(done.folder) == ()
    assert any("contradict" in note for note in done.notes)
    added = ledger.read_bytes()[len(before) :]
    assert ledger.read_bytes().startswith(before)
    # Nothing was added but the line of the run, however the last one was left.
    assert [line.manifest_sha256 for line in parse(added.lstrip(b"\n")).lines] == [done.manifest_sha256]


def test_a_disk_that_is_full_at_the_last_line_takes_nothing_from_the_run(tmp_path, monkeypatch):
    append = chaining.append_at

    def full(root, name, data):
        if data:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(root, name, data)

    with monkeypatch.context() as broken:
        broken.setattr(chaining, "append_at", full)
        done = write_run_folder(tmp_path)
    assert faults_of(done.folder) == ()
    assert "No space left" in done.notes[0]
    write_run_folder(tmp_path)
    assert lines(tmp_path)[0].run == done.folder.name


def link(ledger):
    ledger.symlink_to("/etc/passwd")


def folder(ledger):
    ledger.mkdir()


def pipe(ledger):
    os.mkfifo(ledger)


@pytest.mark.parametrize("odd", [link, folder, pipe])
def test_nothing_is_read_from_or_written_to_what_is_no_ledger(tmp_path, odd):
    odd(tmp_path / layout.LEDGER)
    with pytest.raises(PrerequisiteError) as caught:
        write_run_folder(tmp_path)
    assert caught.value.reference == "evidence-unwritable"
    assert layout.LEDGER in caught.value.message


def test_with_a_key_the_manifest_is_signed_and_the_envelope_lies_beside_it(tmp_path):
    done = write_run_folder(tmp_path, signer=KEY)
    envelope = (done.folder / layout.ENVELOPE).read_bytes()
    manifest = (done.folder / layout.MANIFEST).read_bytes()
    assert done.signed_by == KEY.public.keyid
    assert judge(envelope, manifest, {KEY.public.keyid: KEY.public}).word is SignatureWord.VERIFIED
    assert (done.folder / layout.ENVELOPE).stat().st_mode & 0o777 == 0o400
    assert faults_of(done.folder) == ()
    assert layout.ENVELOPE not in (done.folder / layout.SUMS).read_text()


def test_a_signature_is_made_over_what_was_redacted_and_fits_it(tmp_path):
    value = "sk-canary-7Qm2Zr9Xw4Kp8Lt1"
    redactor = Redactor(SecretSet((NamedSecret("CANARY", Secret(value)),)))
    done = write_run_folder(tmp_path, run_id=value, redactor=redactor, signer=KEY)
    envelope, manifest = (done.folder / layout.ENVELOPE).read_bytes(), (done.folder / layout.MANIFEST).read_bytes()
    assert value.encode() not in manifest
    assert judge(envelope, manifest, {KEY.public.keyid: KEY.public}).word is SignatureWord.VERIFIED


def test_without_a_key_there_is_no_envelope(tmp_path):
    done = write_run_folder(tmp_path)
    assert done.signed_by is None
    assert not (done.folder / layout.ENVELOPE).exists()


# The routes without Python, as docs/sealing.md gives them.


def blocks():
    return re.findall(r"```sh\n(.*?)```", (ROOT / "docs/sealing.md").read_text(), re.DOTALL)


def shell(script, cwd, **environ):
    command = ["bash", "-euo", "pipefail", "-c", script]
    environ = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def signed(tmp_path):
    done = write_run_folder(tmp_path / "evidence", signer=KEY)
    path, _ = pin(KEY.public, tmp_path / "evidence/keys")
    return done.folder, path


def test_openssl_agrees_with_the_signature_and_with_the_id_of_the_key(signed, tmp_path):
    run, key = signed
    script = next(block for block in blocks() if "pkeyutl" in block)
    done = shell(script, run, KEY=str(key), TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n"), done.stderr
    script = next(block for block in blocks() if "outform DER" in block).replace(
        "docs/evidence/keys/*.pub.pem", str(key)
    )
    assert shell(script, run).stdout.split()[0] == KEY.public.keyid


def test_openssl_refuses_a_manifest_that_was_changed(signed, tmp_path):
    run, key = signed
    writable(run)
    script = next(block for block in blocks() if "pkeyutl" in block)
    text = (run / layout.MANIFEST).read_text()
    (run / layout.MANIFEST).write_text(text.replace("PASS", "FAIL", 1))
    assert shell(script, run, KEY=str(key), TMPDIR=str(tmp_path)).returncode != 0


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="the tools of OpenSSH are not there, and not needed")
def test_the_tools_of_openssh_sign_with_a_key_of_theirs_that_signs_runs_as_well(tmp_path):
    path = tmp_path / "ssh-key"
    made = shell(f"ssh-keygen -q -t ed25519 -N '' -C evidence -f {path}", tmp_path)
    assert made.returncode == 0, made.stderr
    key = SigningKey.parse(path.read_bytes())
    run = write_run_folder(tmp_path / "evidence", signer=key).folder
    assert path.with_suffix(".pub").read_text().startswith(key.public.openssh)
    (tmp_path / "allowed").write_text(f"evidence {key.public.openssh}\n")
    sign = f"ssh-keygen -q -Y sign -f {path} -n evidence - < manifest.json > {tmp_path}/sig"
    check = "ssh-keygen -Y verify -f {0}/allowed -I evidence -n {1} -s {0}/sig < manifest.json"
    assert shell(sign, run).returncode == 0
    assert shell(check.format(tmp_path, "evidence"), run).returncode == 0
    # One for another purpose is none for this.
    assert shell(check.format(tmp_path, "file"), run).returncode != 0
    assert sorted(line.split()[0] for line in blocks()[-1].splitlines()) == ["echo", "export", *["ssh-keygen"] * 3]
