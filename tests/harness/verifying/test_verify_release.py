"""What ``--release`` asks for: a run that is signed, of a clean commit, at its end, watched throughout, and green."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sealed_run import Backend, put_manifest, reseal, rewrite
from staged import Reply, told_trace, write_ladder
from whole_runs import WholeRun

from harness.errors import PrerequisiteError, UsageError
from harness.evidence import layout
from harness.evidence.faults import EvidenceError
from harness.evidence.git_facts import GitFacts
from harness.judging.verdict import Verdict
from harness.runner import first_record, suite
from harness.runner.stand import Stand
from harness.sealing.envelope import envelope
from harness.sealing.keys import SigningKey
from harness.sealing.pinning import pin
from harness.verifying.asked import Asked, look
from harness.verifying.findings import Result

ROOT = Path(__file__).resolve().parents[3]
KEY = SigningKey.new()

GREEN = """
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}"}
secrets: [OPENAI_API_KEY, OPENAI_ORG_ID]
defaults: {poll: {every: 10ms, backoff: 1, max_every: 10ms, jitter: 0}}
scenarios:
  L01:
    title: Create
    steps:
      - id: submit
        post: /api/v1/projects/
        json: {instruction: "Write a program", name: one}
        expect: [{status: 200}]
        capture: {pid: body.id}
        save: {response.json: body}
      - id: result
        poll: {get: "/api/v1/${pid}/files/.codex/result.json", unwrap: body.contents}
        until: [{status: 200}]
        save: {result.json: doc}
  L02:
    title: Copy
    needs: [L01]
    steps:
      - {copy: {from: L01, files: [response.json]}}
      - {get: "/api/v1/projects/${L01.pid}", expect: [{status: 200}]}
rollback: {verify: mocked.ladder.yaml, as: mocked/RERUN}
"""
SMOKE = """
scenarios:
  M01: {title: Smoke, steps: [{get: /docs, expect: [{status: 200}]}]}
"""
WITHOUT_HOOKS = {"hooks": [], "active": False, "version": 1}


class Signed:
    """A stage on which signed runs are made."""

    def __init__(self, root, monkeypatch):
        monkeypatch.setattr(first_record, "git_facts", lambda _root: self.git)
        self.whole = WholeRun(root / "checkout", monkeypatch)
        write_ladder(self.whole.root / "scenarios", GREEN, name="live", mode="live")
        write_ladder(self.whole.root / "scenarios", SMOKE, name="mocked")
        self.git = GitFacts("c" * 40, dirty=False)
        self.key = root / "key.pem"
        self.key.write_text(KEY.pem)
        self.key.chmod(0o600)
        self.whole.environ["LADDER_SIGNING_KEY"] = str(self.key)
        self.evidence = self.whole.root / "evidence"
        pin(KEY.public, self.evidence / layout.KEYS)
        backend = Backend(self.whole.service)
        self.whole.service.trace = backend.told

    def run(self):
        return self.whole.execute().finished


@pytest.fixture
def signed(tmp_path, monkeypatch):
    return Signed(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        stage = Signed(tmp_path_factory.mktemp("released"), monkeypatch)
        stage.run()
        return stage.evidence


@pytest.fixture
def root(original, tmp_path):
    copy = tmp_path / "evidence"
    shutil.copytree(original, copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o700)
    return copy


def run_of(root):
    (folder,) = root.glob("20*Z")
    return folder


def seal_again(folder):
    """What the holder of the key could do, so that nothing but the facts is refused."""
    (folder / layout.ENVELOPE).unlink(missing_ok=True)
    reseal(folder)
    (folder / layout.ENVELOPE).write_text(envelope((folder / layout.MANIFEST).read_bytes(), KEY))
    (folder.parent / layout.LEDGER).unlink(missing_ok=True)


def with_facts(folder, **facts):
    run = json.loads((folder / layout.RUN).read_text())
    rewrite(folder, layout.RUN, run | facts)
    told = {name: facts[name] for name in facts if name not in {"git", "verdict"}}
    if "git" in facts:
        told |= {"commit": facts["git"]["commit"], "dirty": facts["git"]["dirty"]}
    put_manifest(folder, json.loads((folder / layout.MANIFEST).read_text()) | told)
    seal_again(folder)


def refused(root, check="release"):
    report = look(root, Asked(release=True))
    assert report.failed
    return {each.kind for found in report.checks if found.name == check for each in found.faults}


def test_a_signed_run_that_is_green_and_of_a_clean_commit_is_released(root):
    report = look(root, Asked(release=True))
    assert (report.failed, report.result) == ((), Result.VERIFIED)
    assert {"release", "freshness", "capture"} <= {check.name for check in report.checks}
    assert look(root, Asked(run=run_of(root).name, release=True, head=report.seal.head)).failed == ()


def test_a_run_that_nobody_signed_is_not_released_and_fails_nothing_else(root):
    (run_of(root) / layout.ENVELOPE).unlink()
    assert refused(root) == {"unsigned"}
    assert look(root, Asked(latest=True, strict=True)).result is Result.UNSIGNED


def test_a_run_of_an_unknown_key_or_of_the_wrong_type_is_not_released(root):
    folder = run_of(root)
    manifest = (folder / layout.MANIFEST).read_bytes()
    (folder / layout.ENVELOPE).write_text(envelope(manifest, SigningKey.new()))
    assert refused(root, "signature") == {"unknown-key"}
    (folder / layout.ENVELOPE).write_text(envelope(manifest, KEY, "application/vnd.in-toto+json"))
    assert refused(root, "signature") == {"wrong-type"}


@pytest.mark.parametrize(
    ("git", "kind"),
    [
        ({"commit": None, "dirty": None, "why_unknown": "no git"}, "no-commit"),
        ({"commit": "c" * 40, "dirty": True, "why_unknown": ""}, "dirty-commit"),
        ({"commit": "c" * 40, "dirty": None, "why_unknown": ""}, "dirty-commit"),
    ],
)
def test_a_run_of_no_commit_or_of_one_with_changes_is_not_released(root, git, kind):
    with_facts(run_of(root), git=git)
    assert refused(root) == {kind}
    assert look(root, Asked(latest=True)).failed == ()


def test_a_run_that_was_interrupted_is_not_released(root):
    with_facts(run_of(root), status="interrupted")
    assert refused(root) == {"interrupted"}


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.PASS, Verdict.LIMITED}))
def test_a_run_that_is_not_green_is_not_released(root, verdict):
    with_facts(run_of(root), verdict=verdict.value)
    assert refused(root) == {"not-green"}


def test_a_run_in_which_nothing_was_climbed_is_not_released(root):
    with_facts(run_of(root), scenarios=[])
    assert "nothing-climbed" in refused(root)


def test_where_no_run_lies_nothing_is_released(tmp_path):
    with pytest.raises(EvidenceError) as caught:
        look(tmp_path, Asked(release=True))
    assert (caught.value.reference, caught.value.exit_code) == ("run-unknown", 1)


def test_a_run_whose_writes_nobody_watched_is_not_released_on_whatever_stack(signed, monkeypatch):
    signed.whole.service.trace = lambda trace_id: told_trace(trace_id, capture=WITHOUT_HOOKS)
    monkeypatch.setattr(suite.stands, "provide", lambda *_about: Stand("http://backend.example:8000"))
    signed.run()
    assert look(signed.evidence, Asked(latest=True, strict=True)).failed == ()
    assert refused(signed.evidence, "capture") == {"capture-inactive"}


# What a run itself does with a key.


def test_a_run_is_signed_by_the_key_of_the_environment_and_says_so(signed):
    finished = signed.run()
    assert finished.signed_by == KEY.public.keyid
    assert look(signed.evidence, Asked(latest=True, strict=True)).result is Result.VERIFIED


def test_an_empty_name_of_a_key_signs_nothing(signed):
    signed.whole.environ["LADDER_SIGNING_KEY"] = ""
    assert signed.run().signed_by is None
    assert look(signed.evidence, Asked(latest=True)).result is Result.UNSIGNED


def test_a_key_that_others_can_use_ends_the_run_before_the_first_request(signed):
    signed.key.chmod(0o644)
    with pytest.raises(PrerequisiteError) as caught:
        signed.run()
    assert caught.value.reference == "signing-key-exposed"
    assert (signed.whole.service.calls, signed.whole.modes) == ([], [])
    assert not list(signed.evidence.glob("20*"))


def test_the_private_key_is_a_secret_of_the_run(signed):
    body = KEY.pem.splitlines()[1]
    signed.whole.service.on("GET /docs", Reply({"printed": f"the key is {body}"}))
    finished = signed.run()
    everything = b"".join(path.read_bytes() for path in finished.folder.rglob("*") if path.is_file())
    assert body[22:].encode() not in everything
    assert b"[REDACTED]" in everything


# Freshness.


def changed_result(folder, **facts):
    path = folder / "live/L01/result.json"
    rewrite(folder, "live/L01/result.json", json.loads(path.read_text()) | facts)
    seal_again(folder)


def faults(root, check):
    report = look(root, Asked(latest=True, strict=True))
    return [
        f"{each.kind} {each.file}: {each.part}"
        for found in report.checks
        if found.name == check
        for each in found.faults
    ]


def test_a_result_of_another_job_is_stale(root):
    changed_result(run_of(root), job_id="j0")
    assert faults(root, "freshness") == ["stale-result live/L01/result.json: job_id"]


def test_a_result_that_names_no_job_is_remarked_upon(root):
    changed_result(run_of(root), job_id=None)
    report = look(root, Asked(latest=True, strict=True))
    (check,) = [check for check in report.checks if check.name == "freshness"]
    assert [each.kind for each in check.findings] == ["job-unknown"]


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "yesterday", "2025-11-14T17:14:05"])
def test_a_result_of_another_time_than_that_of_the_run_is_told(root, at):
    changed_result(run_of(root), finished_at=at)
    assert faults(root, "freshness") == ["not-in-time live/L01/result.json: finished_at"]


def test_a_copy_that_is_not_marked_is_told(root):
    folder = run_of(root)
    manifest = json.loads((folder / layout.MANIFEST).read_text())
    copied = next(file for file in manifest["files"] if file["path"] == "live/L02/response.json")
    assert copied.pop("derived") == "L01"
    put_manifest(folder, manifest)
    seal_again(folder)
    assert faults(root, "copies") == ["copy-mismatch manifest.json: derived of live/L02/response.json"]


# The command.


def ladder(*arguments):
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    command = [sys.executable, "-m", "harness", "verify", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_says_who_signed_and_which_head_to_publish(root):
    done = ladder("--release", "--out", root)
    assert (done.returncode, done.stderr) == (0, "")
    head, word, last = done.stdout.splitlines()[-3:]
    assert head.startswith("head to publish: ")
    assert word == f"verified: signed by {KEY.public.keyid}"
    assert last.startswith("PASS: ")
    found = json.loads(ladder("--release", "--out", root, "--json", "--head", head.split()[-1].upper()).stdout)
    assert (found["result"], found["signed_by"], found["head"]) == ("verified", KEY.public.keyid, head.split()[-1])


def test_the_command_ends_with_1_where_a_release_is_refused(root, tmp_path):
    (run_of(root) / layout.ENVELOPE).unlink()
    done = ladder("--release", "--out", root)
    assert done.returncode == 1
    assert "FAIL release: manifest.dsse.json: " in done.stdout
    assert done.stdout.splitlines()[-2].startswith("broken: ")
    assert ladder("--release", "--out", tmp_path / "empty").returncode == 1


def test_a_head_or_a_folder_of_keys_that_is_none_is_wrong_use(root, tmp_path):
    for asked in (Asked(latest=True, head="abc"), Asked(latest=True, keys=tmp_path / "missing")):
        with pytest.raises(UsageError):
            look(root, asked)
