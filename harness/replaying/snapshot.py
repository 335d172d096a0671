"""The ladder as it was climbed, from the bundle: the file that lies there, and the variables that the run filled in.

It is read without lint: what was good enough to be climbed is judged again as it is, and the environment of today has
no say. What lies beside it need not be there, such as the ladder of a rollback that was not asked for.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.evidence.faults import EvidenceError
from harness.evidence.guarded import stored_text
from harness.evidence.paths import fault_of
from harness.language.build import build
from harness.language.drafts import draft
from harness.language.findings import InvalidLadderError
from harness.language.source import parse
from harness.language.structure import validate
from harness.language.variables import UnknownVariableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.evidence.run_record import LadderRecord
    from harness.language.drafts import Draft
    from harness.language.model import Ladder

NOT_RECORDED = "[not recorded]"
"""Value of an environment variable that the ladder reads without a default, below a scenario."""

_HINT = "judge the run by a file with `ladder reeval RUN --scenario FILE`, or verify it: `ladder verify RUN`"


def climbed(folder: Path, record: LadderRecord) -> Ladder:
    """Read the ladder of a run, with the variables that it was climbed with.

    Raises:
        EvidenceError: ``snapshot-missing``, or ``snapshot-damaged`` with the reason.
    """
    text, path = snapshot_text(folder, record), folder / record.snapshot
    ladder = read_bare(text, record.file, path)
    # The digests are those of the file, which redaction may have changed in the copy.
    digests = (record.digest, record.execution_digest, record.judging_digest)
    return replace(
        ladder,
        name=record.name,
        variables=record.variables,
        scenarios=tuple(
            replace(each, variables=record.scenario_variables.get(each.id, each.variables)) for each in ladder.scenarios
        ),
        digest=digests[0],
        execution_digest=digests[1],
        judging_digest=digests[2],
    )


def snapshot_text(folder: Path, record: LadderRecord) -> str:
    """The file as it was climbed.

    Raises:
        EvidenceError: As ``climbed``.
    """
    if not record.snapshot or fault_of(record.snapshot):
        raise EvidenceError("snapshot-missing", f"{folder} does not hold the ladder {record.name} as climbed", _HINT)
    path = folder / record.snapshot
    try:
        return stored_text(path)
    except FileNotFoundError:
        raise EvidenceError("snapshot-missing", f"{path} is not there", _HINT) from None
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError("snapshot-damaged", f"{path} cannot be read: {type(error).__name__}", _HINT) from error


def read_bare(text: str, shown: str, path: Path) -> Ladder:
    """Read a ladder without the environment of today: what it would have read there is said not to be recorded.

    Args:
        text: Of the file.
        shown: Its name in places.
        path: Where it lies, for messages.

    Raises:
        EvidenceError: ``snapshot-damaged``.
    """
    return _built(_drafted(text, shown, path), text.encode())


def _drafted(text: str, shown: str, path: Path) -> Draft:
    source, root, findings = parse(text, shown)
    findings = findings or (validate(root, source) if root else [])
    if root is not None and not findings:
        drafted, findings = draft(root, source)
        if not findings:
            return drafted
    why = InvalidLadderError(sorted(findings)).message if findings else "it is empty"
    raise EvidenceError("snapshot-damaged", f"{path} is no ladder: {why}", _HINT)


def _built(drafted: Draft, data: bytes) -> Ladder:
    environ: dict[str, str] = {}
    while True:
        try:
            return build(drafted, data, environ)
        except UnknownVariableError as error:
            environ[error.name.removeprefix("env:")] = NOT_RECORDED


def schemas_beside(path: Path, ladder: Ladder) -> Mapping[str, Any]:
    """The JSON Schemas that a ladder names, by their names; lint has seen that each can be read."""
    steps = [step for each in ladder.scenarios for step in (*each.steps, *each.cleanup)]
    names = {name for step in (*steps, *ladder.collect_on_fail) for name in _schemas(step.expect)}
    return {name: json.loads((path.parent / name).read_text(encoding="utf-8")) for name in sorted(names)}


def _schemas(checks: Any) -> set[str]:  # noqa: ANN401  # checks, to any depth
    from harness.language.model import CheckKind

    found = {check.argument for check in checks if check.kind is CheckKind.SCHEMA}
    return found.union(*(_schemas(check.children) for check in checks))
