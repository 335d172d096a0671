"""Which commit the checkout is at, and whether anything in it differs. Evidence itself does not make it dirty.

Git is asked with locks off and within ten seconds. No repository, no git or no answer is a fact too: ``None`` and why.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S: Final = 10.0
EVIDENCE: Final = "docs/evidence"


@dataclass(frozen=True, slots=True)
class GitFacts:
    """A checkout.

    Attributes:
        commit: Full id, or ``None``.
        dirty: Whether tracked files differ or untracked ones lie there; ``None`` when it cannot be told.
        why_unknown: Empty when both are known.
    """

    commit: str | None
    dirty: bool | None
    why_unknown: str = ""

    @property
    def revision(self) -> str:
        """Commit and local changes, for people."""
        return f"{self.commit or 'unknown'}{', with local changes' if self.dirty else ''}"


def git_facts(checkout: Path) -> GitFacts:
    """Ask git; never fails."""
    try:
        commit = _git(checkout, "rev-parse", "--verify", "HEAD").strip()
        changed = _git(
            checkout, "status", "--porcelain", "--untracked-files=normal", "--", ".", f":(exclude){EVIDENCE}"
        )
    except (OSError, subprocess.SubprocessError) as error:
        return GitFacts(None, None, f"git gave no answer: {type(error).__name__}")
    return GitFacts(commit, bool(changed.strip()))


def _git(checkout: Path, *arguments: str) -> str:
    command = ("git", "--no-optional-locks", "-C", str(checkout), *arguments)
    done = subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
    return done.stdout.decode("utf-8", "replace")
