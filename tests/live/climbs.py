"""Whole climbs from the command line, as their users start them, and what can be read from them afterwards.

Each climb has a home of its own with a planted secret in ``.env.live``. However it ended, the evidence must be sealed
and whole, and neither the evidence nor the terminal may hold a trace of the secret: that is looked for here, by means
that share nothing with the redactor.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from backend_process import ROOT, containers_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

SECRET_NAME: Final = "OPENAI_API_KEY"
LONGEST_CLIMB_S: Final = 300
"""Bounds a hang and decides nothing."""

GRAM: Final = 12
"""So many characters in a row of any form of a secret are a trace of it."""


def new_canary() -> str:
    """A secret that is nobody's, with signs that change when they are encoded for a URL."""
    return f"{secrets.token_hex(12)}/+{secrets.token_hex(12)}=&{secrets.token_hex(8)}"


def forms(value: str) -> Iterator[str]:
    yield value
    yield value[::-1]
    yield value.encode().hex()
    yield quote(value, safe="")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value.encode()).decode()
        # The first and the last four characters depend on what stands beside the value.
        yield encoded[4:-4]


def traces(value: str, data: bytes) -> list[str]:
    """Every piece of any form of the value that the data hold."""
    text = data.decode("utf-8", "replace")
    grams = {form[at : at + GRAM] for form in forms(value) for at in range(len(form) - GRAM + 1)}
    return sorted(gram for gram in grams if gram in text)


@dataclass(frozen=True, slots=True)
class Climb:
    """A climb that has ended.

    Attributes:
        folder: Its sealed evidence.
    """

    exit_code: int
    stdout: str
    stderr: str
    folder: Path

    def verdicts(self, part: str = "live") -> dict[str, str]:
        lines = (self.folder / part / "summary.txt").read_text().splitlines()
        return dict(re.fullmatch(r"(\w+): ([A-Z]+) result=\S+", line).groups() for line in lines)  # type: ignore[union-attr]  # anything else fails the test

    def notes(self, scenario: str, part: str = "live") -> str:
        return (self.folder / part / scenario / "notes.txt").read_text()

    def run(self) -> dict[str, object]:
        return dict(json.loads((self.folder / "run.json").read_text()))


class Climber:
    """Starts climbs; each has its evidence in a folder of its own below ``home``."""

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        self.canary = new_canary()
        self._climbs = 0
        live = home / ".env.live"
        live.touch(mode=0o600)
        live.write_text(f"{SECRET_NAME}='{self.canary}'\n")

    def ladder(self, name: str = "live", *, deadline: str) -> str:
        """A shipped ladder with another deadline for its polls; the path of the copy."""
        folder = self.home / "scenarios"
        folder.mkdir(exist_ok=True)
        for source in (ROOT / "scenarios").iterdir():
            (folder / source.name).write_text(source.read_text())
        copy = folder / f"{name}.ladder.yaml"
        text, found = re.subn(r"(?m)^(  deadline:) \S+$", rf"\1 {deadline}", copy.read_text())
        assert found == 1
        copy.write_text(text)
        return str(copy)

    def climb(self, *arguments: str, after: Climb | None = None, **environ: str) -> Climb:
        """Run ``ladder`` with arguments that lead to one run.

        Args:
            arguments: Of the command line, without ``--out``.
            after: An earlier climb that this one builds on, so that both have one evidence root.
            environ: For it, such as BASE_URL.
        """
        self._climbs += 1
        out = after.folder.parent if after else self.home / f"evidence-{self._climbs}"
        before = set(out.iterdir()) if out.exists() else set()
        done = self.command(*arguments, "--out", str(out), **environ)
        printed = done.stdout + done.stderr
        made = [path for path in out.iterdir() if path not in before] if out.exists() else []
        # Beside the runs lie their ledger and an index of them.
        folders = [path for path in made if path.is_dir() and path.name[0].isdigit()]
        for file in (each for path in made for each in [path, *path.rglob("*")] if each.is_file()):
            assert traces(self.canary, file.read_bytes()) == [], file
        assert len(folders) == 1, printed
        assert folders[0].suffix != ".partial", printed
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folders[0], check=True)
        return Climb(done.returncode, done.stdout, done.stderr, folders[0])

    def command(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run any command of ``ladder``; whatever it prints, it does not print the secret."""
        done = subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            cwd=ROOT, env=self._environment() | environ, capture_output=True, text=True, timeout=LONGEST_CLIMB_S,
            check=False,
        )  # fmt: skip
        assert traces(self.canary, (done.stdout + done.stderr).encode()) == []
        return done

    def _environment(self) -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
        own = {
            "LADDER_ENV_FILE": str(self.home / ".env"),
            # The engine belongs to whoever runs the tests.
            "LADDER_ENGINE_HELD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return passed | own


SCENARIOS: Final = {
    "live": [f"L0{number}" for number in range(1, 9)],
    "mocked/RERUN": [f"M0{number}" for number in range(1, 5)],
}


def require_red(climb: Climb, scenario: str, verdict: str, *, cause: str, part: str = "live") -> str:
    """One scenario is red, all before it are green, all behind it are blocked by it; returns its notes."""
    found = climb.verdicts(part)
    known = list(found)
    at = known.index(scenario)
    expected = dict.fromkeys(known[:at], "PASS") | {scenario: verdict} | dict.fromkeys(known[at + 1 :], "BLOCKED")
    notes = climb.notes(scenario, part)
    assert found == expected, notes
    assert known == SCENARIOS[part]
    for blocked in known[at + 1 :]:
        told = climb.notes(blocked, part)
        assert f"gate closed: {scenario} {verdict}" in told
        assert "no request was sent" in told
        assert "[gate-closed]" in told
    assert notes.splitlines()[0].endswith(f": {verdict}")
    assert "\nobserved\n" in notes
    assert f"\nsuspected cause\n  [{cause}] " in notes, notes
    assert f"{part}/{scenario}: {verdict} " in climb.stdout
    record = climb.run()
    assert (record["verdict"], record["exit_code"]) == (verdict, climb.exit_code)
    return notes


def left_of(engine: docker.APIClient, instance: str) -> list[str]:
    """What is left of a backend or a stack: its workers, its containers, its networks."""
    labels = {"label": [f"com.docker.compose.project={instance}"]}
    found = [*engine.containers(all=True, filters=labels), *engine.networks(filters=labels)]
    return [*containers_of(engine, instance), *(each["Id"] for each in found)]
