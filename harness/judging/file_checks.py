"""What really changed in a project, by content hashes, against what a ladder wants. Pure.

Hashes are compared, never the worker's lists or the server's word. What lies below ``.codex`` belongs to the contract
between backend and worker and does not count. Where a file may be missing on either side nothing is decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.judging.operators import compare
from harness.judging.results import Finding, Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.judging.observation import FileChanges, Observation
    from harness.language.model import Check

_LISTS: Final = ("created", "modified", "deleted")
_OWN_FOLDER: Final = ".codex"


def counts(path: str) -> bool:
    """Whether a path is part of the project, not of the contract's own folder."""
    return path != _OWN_FOLDER and not path.startswith(f"{_OWN_FOLDER}/")


def files_changed(check: Check, observation: Observation) -> Finding:
    """Judge a ``files_changed`` check; one that names no list asks for any change at all."""
    wanted: Mapping[str, Any] = check.argument
    changes = observation.files.get(wanted["since"])
    if changes is None:
        return _undecided(f"the files were not read before step {wanted['since']!r}")
    if changes.doubt:
        return _undecided(changes.doubt)
    found = worst(
        compare(f"files_changed.{name}", _changed(changes, name), _in_order(wanted[name]))
        for name in _LISTS
        if name in wanted
    )
    everything = [path for name in _LISTS for path in _changed(changes, name)]
    return found or compare("files_changed", everything, {"length": {"gt": 0}})


def _changed(changes: FileChanges, name: str) -> list[str]:
    paths: Sequence[str] = getattr(changes, name)
    return [path for path in paths if counts(path)]


def _undecided(why: str) -> Finding:
    return Finding(Outcome.UNDECIDED, "files_changed", got=why)


def _in_order(operators: Mapping[str, Any]) -> dict[str, Any]:
    """A list of files is a set: what was observed is sorted, so a list to equal is sorted too."""
    return {name: _sorted(wanted) if name in {"eq", "ne"} else wanted for name, wanted in operators.items()}


def _sorted(value: Any) -> Any:  # noqa: ANN401  # JSON values
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return sorted(value)
    return value
