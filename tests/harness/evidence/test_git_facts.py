"""What git says about a checkout."""

import subprocess

import pytest

from harness.evidence.git_facts import git_facts


def git(folder, *arguments):
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
    done = subprocess.run(("git", "-C", folder, *who, *arguments), capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.txt").write_text("a\n")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout):
    facts = git_facts(checkout)
    assert (facts.commit, facts.dirty, facts.why_unknown) == (git(checkout, "rev-parse", "HEAD"), False, "")


@pytest.mark.parametrize("name", ["a.txt", "new.txt"])
def test_a_changed_or_new_file_makes_it_dirty(checkout, name):
    (checkout / name).write_text("b\n")
    assert git_facts(checkout).dirty is True


def test_evidence_does_not_make_it_dirty(checkout):
    (checkout / "docs/evidence/2025-11-14T17:14:05Z").mkdir(parents=True)
    (checkout / "docs/evidence/2025-11-14T17:14:05Z/run.json").write_text("{}")
    assert git_facts(checkout).dirty is False


def test_no_repository_is_a_fact_with_a_reason(tmp_path):
    facts = git_facts(tmp_path)
    assert (facts.commit, facts.dirty) == (None, None)
    assert facts.why_unknown == "git gave no answer: CalledProcessError"
    assert git_facts(tmp_path / "nowhere").commit is None
