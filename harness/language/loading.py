"""From a file to a ladder that can be climbed, or to all that is wrong with it.

Every command that climbs begins here, so an invalid ladder never sends anything. The only things read are the file and
the names of its neighbours; the environment comes in as a mapping.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.language.build import build
from harness.language.drafts import draft
from harness.language.findings import Finding, InvalidLadderError, Rule, did_you_mean
from harness.language.lint import lint
from harness.language.lint_files import files
from harness.language.nodes import Source
from harness.language.source import parse
from harness.language.structure import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.language.drafts import Draft
    from harness.language.model import Ladder

SUFFIX: Final = ".ladder.yaml"
FOLDER: Final = "scenarios"


def find(name: str, root: Path) -> Path:
    """The file of a ladder: ``live`` means ``scenarios/live.ladder.yaml``, anything else is a path.

    Args:
        name: What the user typed.
        root: The folder that holds ``scenarios/``.

    Raises:
        UsageError: ``ladder-missing``.
    """
    for path in (Path(name), root / FOLDER / f"{name}{SUFFIX}", root / FOLDER / name):
        if _is_file(path):
            return path
    known = [path.name.removesuffix(SUFFIX) for path in sorted((root / FOLDER).glob(f"*{SUFFIX}"))]
    hint = f"known ladders: {', '.join(known)}; or name a file" if known else f"name a file NAME{SUFFIX}"
    raise UsageError("ladder-missing", f"there is no ladder {name!r}{did_you_mean(name, known)}", hint)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False


def load(path: Path, environ: Mapping[str, str]) -> Ladder:
    """Read a ladder that has no fault.

    Args:
        path: The file.
        environ: What ``${env:…}`` in ``vars`` reads.

    Raises:
        InvalidLadderError: The file has faults; it carries them all.
        UsageError: The file cannot be read.
    """
    data = _read(path)
    drafted, findings = examine(data, path, environ)
    if findings or drafted is None:
        raise InvalidLadderError(findings)
    return build(drafted, data, environ)


def check(path: Path, environ: Mapping[str, str]) -> list[Finding]:
    """All faults of a file.

    Raises:
        UsageError: The file cannot be read.
    """
    return examine(_read(path), path, environ)[1]


def examine(data: bytes, path: Path, environ: Mapping[str, str]) -> tuple[Draft | None, list[Finding]]:
    """Look for faults, from coarse to fine: each stage only judges what the stage before has let pass.

    Args:
        data: The file's bytes.
        path: Where it lies, for messages and for what is beside it.
        environ: Where ``${env:NAME}`` without a default must find its value.

    Returns:
        The ladder with its templates inserted when it could be read that far, and the faults.
    """
    shown = _shown(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return None, [Source(shown, ()).finding((line, 1), Rule.NOT_YAML, f"not UTF-8: {error.reason}")]
    source, root, findings = parse(text, shown)
    if root is None or (findings := sorted([*findings, *validate(root, source)])):
        return None, findings
    drafted, findings = draft(root, source)
    if not findings:
        findings = sorted([*lint(drafted, environ), *files(drafted, path.parent)])
    return drafted, sorted(set(findings))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            "ladder-unreadable", f"{path} cannot be read: {error.strerror}", "name a readable file"
        ) from error


def _shown(path: Path) -> str:
    """The path as people would type it here: an absolute one would tell about this machine in every message."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(path)
