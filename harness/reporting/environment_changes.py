"""What two runs were made with: it may explain a difference, and is none itself, so nothing of it counts as changed.

A ladder's execution part (what is done) and its judging part (what is demanded) are told apart, because only the first
can change what the backend did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.evidence.records import to_document
from harness.reporting.changes import ABSENT, Change, Section
from harness.reporting.side_by_side import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.evidence.run_record import LadderRecord, RunRecord
    from harness.reporting.compared_run import ComparedRun

    Facts = dict[tuple[str, str], Any]


def environment_changes(before: ComparedRun, after: ComparedRun) -> Section:
    """Commit, images, engine, ladders, settings."""
    one, other = _facts(before.record), _facts(after.record)
    keys = list(dict.fromkeys((*one, *other)))
    changes = (
        Change(shown(where), shown(what), _told(one, (where, what)), _told(other, (where, what)), matters=False)
        for where, what in keys
        if one.get((where, what)) != other.get((where, what))
    )
    rule = "These explain a difference, and count for none."
    return Section("environment", len(keys), tuple(changes), rule)


def _facts(record: RunRecord) -> Facts:
    found: Facts = {
        ("commit", ""): record.git.commit or "unknown",
        ("commit", "local changes"): record.git.dirty,
        ("harness version", ""): record.harness_version,
        ("worker image", ""): record.images.worker or "unknown",
        ("backend image", ""): record.images.backend or "unknown",
        ("engine", "version"): record.engine.version or "unknown",
        ("engine", "API version"): record.engine.api_version or "unknown",
        ("base URL", ""): record.base_url,
        ("recorded", ""): record.recorded,
        ("trials", ""): record.trials,
    }
    for ladder in record.ladders:
        found |= _ladder(ladder)
    found |= {("secret", name): presence.value for name, presence in record.secrets.items()}
    found |= {("setting", path): value for path, value in _flat(to_document(record.settings), "")}
    return found


def _ladder(ladder: LadderRecord) -> Facts:
    where = f"ladder {ladder.name}"
    digests = {(where, f"scenario {name}"): digest for name, digest in ladder.scenarios.items()}
    return {
        (where, "file"): ladder.file,
        (where, "execution part"): ladder.execution_digest,
        (where, "judging part"): ladder.judging_digest,
        **digests,
    }


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # JSON values
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _told(facts: Facts, key: tuple[str, str]) -> str:
    return shown(facts[key]) if key in facts else ABSENT
