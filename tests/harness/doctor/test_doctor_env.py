"""The settings files are there, private, spelt right and out of version control, and no value of theirs is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.config import Settings
from harness.doctor import env as doctor_env
from harness.doctor.findings import Level, look
from harness.errors import PrerequisiteError
from harness.stack.up import read_plan

ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary-4f7a9b21c3d8"


class Checkout:
    def __init__(self, home):
        self.home = home
        (home / ".env.example").write_text((ROOT / ".env.example").read_text())

    def write(self, name, text, mode=0o600):
        path = self.home / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def git(self, *arguments):
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "-C", self.home, *arguments], env=environ, check=True, capture_output=True)

    def settings(self, **environ):
        base = {"PATH": "/usr/bin:/bin", "HOME": str(self.home)}
        return Settings(root=self.home, env_file=self.home / ".env", environ=base | environ)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_private_files_are_ok(checkout):
    checkout.write(".env", "PORT=8000\n")
    checkout.write(".env.live", f"OPENAI_API_KEY={CANARY}\n")
    assert doctor_env.check_env_file(checkout.settings()).level is Level.OK
    assert doctor_env.check_live_file(checkout.settings()).level is Level.OK


def test_a_file_that_its_owner_may_only_read_is_private_too(checkout):
    checkout.write(".env.live", "", mode=0o400)
    assert doctor_env.check_live_file(checkout.settings()).level is Level.OK


def test_a_missing_env_is_a_warning_and_a_missing_env_live_is_nothing(checkout):
    missing = doctor_env.check_env_file(checkout.settings())
    assert (missing.level, missing.repair) == (Level.WARNING, "make up creates it")
    assert doctor_env.check_live_file(checkout.settings()).level is Level.OK


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_files_that_others_reach_name_their_mode_and_the_command(checkout, mode):
    env = checkout.write(".env", "", mode)
    live = checkout.write(".env.live", "", mode)
    found = doctor_env.check_env_file(checkout.settings())
    assert (found.level, found.repair) == (Level.WARNING, f"chmod 600 {env}")
    assert f"{mode:04o}" in found.message
    found = doctor_env.check_live_file(checkout.settings())
    assert (found.level, found.repair) == (Level.ERROR, f"chmod 600 {live}")


def test_a_file_that_is_no_text_is_an_error_without_its_content(checkout):
    checkout.write(".env", b"PORT=\xff\xfe" + CANARY.encode())
    found = look("env-file", lambda: doctor_env.check_env_file(checkout.settings()))
    assert found.level is Level.ERROR
    assert CANARY not in found.message + found.repair


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("USE_DUMY_WORKER=True", "USE_DUMMY_WORKER"),
        ("MAX_CONCURENT_JOBS=2", "MAX_CONCURRENT_JOBS"),
        ("port=9000", "PORT"),
        ("export JOB_TIMEOUT_SECOND=5", "JOB_TIMEOUT_SECONDS"),
    ],
)
def test_a_misspelt_name_is_told_with_the_one_that_was_meant(checkout, line, meant):
    checkout.write(".env", f"# settings\nPORT=8000\n{line}\n")
    found = doctor_env.check_names(checkout.settings())
    assert found.level is Level.WARNING
    assert f"(.env line 3), did you mean {meant}?" in found.message


def test_an_unknown_name_that_resembles_none_is_told_without_a_guess(checkout):
    checkout.write(".env", "COLOUR=blue\n")
    found = doctor_env.check_names(checkout.settings())
    assert "COLOUR (.env line 1)" in found.message
    assert "did you mean" not in found.message


def test_a_line_that_sets_nothing_is_told_by_its_number_only(checkout):
    checkout.write(".env", f"\n  # fine\nUSE_DUMMY_WORKER {CANARY}\n")
    found = doctor_env.check_names(checkout.settings())
    assert ".env line 3 sets nothing" in found.message
    assert CANARY not in found.message


@pytest.mark.parametrize("pasted", ["c2stY2FuYXJ5LTRmN2E5YjIx==", "skcanary4f7a9b21c3=", "A" * 64 + "="])
def test_a_pasted_secret_that_looks_like_a_name_is_not_shown(checkout, pasted):
    checkout.write(".env", f"{pasted}\n")
    found = doctor_env.check_names(checkout.settings())
    assert "an unknown name (.env line 1)" in found.message
    assert pasted.rstrip("=") not in found.message


def test_secrets_of_other_programs_are_welcome_in_env_live_and_slips_are_not(checkout):
    checkout.write(".env", "")
    checkout.write(".env.live", f"FORGE_TOKEN={CANARY}\n")
    assert doctor_env.check_names(checkout.settings()).level is Level.OK
    checkout.write(".env.live", f"OPENAI_APIKEY={CANARY}\n")
    found = doctor_env.check_names(checkout.settings())
    assert "did you mean OPENAI_API_KEY?" in found.message
    assert CANARY not in found.message


def test_without_the_example_no_name_can_be_judged(checkout):
    (checkout.home / ".env.example").unlink()
    with pytest.raises(PrerequisiteError) as caught:
        doctor_env.check_names(checkout.settings())
    assert caught.value.reference == "settings-example-missing"


def test_secrets_are_told_as_present_or_absent_only(checkout):
    checkout.write(".env.live", f"OPENAI_API_KEY={CANARY}\n")
    found = doctor_env.check_secrets(checkout.settings())
    assert found.level is Level.OK
    assert "OPENAI_API_KEY present" in found.message
    assert "API_TOKENS absent" in found.message
    assert CANARY not in found.message


def test_a_secret_that_no_run_could_search_for_is_an_error_that_names_it(checkout):
    checkout.write(".env.live", "OPENAI_API_KEY=hunter2\n")
    found = look("secrets", lambda: doctor_env.check_secrets(checkout.settings()))
    assert found.level is Level.ERROR
    assert "OPENAI_API_KEY" in found.message
    assert "hunter2" not in found.message + found.repair


def test_an_open_address_without_a_token_is_an_error_and_with_one_it_is_not(checkout):
    checkout.write(".env", "BIND_ADDRESS=0.0.0.0\n")
    settings = checkout.settings()
    assert look("exposure", lambda: doctor_env.check_exposure(settings, read_plan(settings))).level is Level.ERROR
    checkout.write(".env.live", f"API_TOKENS={CANARY}\n")
    assert look("exposure", lambda: doctor_env.check_exposure(settings, read_plan(settings))).level is Level.OK


def test_ignored_files_that_are_not_tracked_are_ok(checkout):
    checkout.git("init", "-q")
    checkout.write(".gitignore", ".env\n.env.live\n", mode=0o644)
    checkout.write(".env", "")
    assert doctor_env.check_ignored(checkout.settings()).level is Level.OK


def test_the_shipped_ignore_file_keeps_both_out(checkout):
    checkout.git("init", "-q")
    checkout.write(".gitignore", (ROOT / ".gitignore").read_text(), mode=0o644)
    assert doctor_env.check_ignored(checkout.settings()).level is Level.OK


@pytest.mark.parametrize("name", [".env", ".env.live"])
def test_a_tracked_file_is_an_error_even_if_it_is_ignored(checkout, name):
    checkout.git("init", "-q")
    checkout.write(".gitignore", ".env\n.env.live\n", mode=0o644)
    path = checkout.write(name, "")
    checkout.git("add", "--force", name)
    found = doctor_env.check_ignored(checkout.settings())
    assert found.level is Level.ERROR
    assert f"{path} is tracked by git" in found.message


def test_a_file_that_the_next_commit_would_take_is_an_error_and_a_future_one_a_warning(checkout):
    checkout.git("init", "-q")
    checkout.write(".gitignore", ".env\n", mode=0o644)
    found = doctor_env.check_ignored(checkout.settings())
    assert (found.level, found.repair) == (Level.WARNING, "add .env.live to .gitignore")
    checkout.write(".env.live", "")
    assert doctor_env.check_ignored(checkout.settings()).level is Level.ERROR


def test_without_a_repository_nothing_can_be_committed(checkout):
    found = doctor_env.check_ignored(checkout.settings())
    assert found.level is Level.OK
    assert "no git repository" in found.message


def test_a_caller_inside_another_repository_is_not_asked_about_that_one(checkout, tmp_path_factory):
    other = Checkout(tmp_path_factory.mktemp("other"))
    other.git("init", "-q")
    other.write(".env", "")
    other.git("add", "--force", ".env")
    checkout.git("init", "-q")
    checkout.write(".gitignore", ".env\n.env.live\n", mode=0o644)
    assert doctor_env.check_ignored(checkout.settings(GIT_DIR=str(other.home / ".git"))).level is Level.OK


def test_a_machine_without_git_is_a_warning(checkout):
    found = doctor_env.check_ignored(checkout.settings(PATH=str(checkout.home)))
    assert found.level is Level.WARNING
    assert "not checked" in found.message


def test_a_repository_that_git_refuses_is_not_taken_for_none(checkout):
    (checkout.home / "bin").mkdir()
    refusing = checkout.write("bin/git", "#!/bin/sh\necho 'fatal: detected dubious ownership' >&2\nexit 128\n")
    refusing.chmod(0o755)
    found = doctor_env.check_ignored(checkout.settings(PATH=f"{checkout.home / 'bin'}:/usr/bin:/bin"))
    assert found.level is Level.WARNING
    assert "git refuses" in found.message
