"""Digests of a ladder: of the file's bytes, of what is done, and of what is right.

The last two tell whether a changed file would do something else or only judge it differently. Comments, layout, places
and the way templates are cut have no influence on them, and neither has the environment.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.language.model import Ladder, Scenario, Step


def file_digest(data: bytes) -> str:
    """SHA-256 of the file as it is."""
    return hashlib.sha256(data).hexdigest()


def execution_digest(ladder: Ladder) -> str:
    """SHA-256 of what decides what is done: mode, variables, requests, polls, captures, artifacts."""
    return _digest(
        {
            "mode": ladder.mode,
            "variables": ladder.variables,
            "secrets": ladder.secrets,
            "scenarios": [_execution(scenario) for scenario in ladder.scenarios],
            "collect_on_fail": [_step(step) for step in ladder.collect_on_fail],
            "rollback": ladder.rollback,
        }
    )


def scenario_digest(scenario: Scenario) -> str:
    """SHA-256 of one scenario: what is done in it and what is right."""
    return _digest([_execution(scenario), _judging(scenario)])


def _execution(scenario: Scenario) -> dict[str, Any]:
    return {
        "id": scenario.id,
        "needs": scenario.needs,
        "variables": scenario.variables,
        "steps": [_step(step) for step in scenario.steps],
        "cleanup": [_step(step) for step in scenario.cleanup],
        "trials": scenario.trials,
    }


def _step(step: Step) -> dict[str, Any]:
    return {field.name: getattr(step, field.name) for field in fields(step) if field.name not in {"expect", "mark"}}


def judging_digest(ladder: Ladder) -> str:
    """SHA-256 of what decides what is right: checks, severities, evidence, gate, titles and notes."""
    return _digest(
        {
            "proceed_on": sorted(ladder.proceed_on),
            "scenarios": [_judging(scenario) for scenario in ladder.scenarios],
            "collect_on_fail": [step.expect for step in ladder.collect_on_fail],
        }
    )


def _judging(scenario: Scenario) -> dict[str, Any]:
    return {
        "id": scenario.id,
        "title": scenario.title,
        "notes": scenario.notes,
        "evidence": scenario.evidence,
        "expect": [step.expect for step in (*scenario.steps, *scenario.cleanup)],
    }


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(_bare(value), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _bare(value: Any) -> Any:  # noqa: ANN401  # frozen values, down to JSON
    if is_dataclass(value):
        # Where a thing stands, and how it is spelt, is layout.
        kept = [field.name for field in fields(value) if field.name not in {"mark", "text"}]
        return {name: _bare(getattr(value, name)) for name in kept}
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(item) for item in value]
    return value
