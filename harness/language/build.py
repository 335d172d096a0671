"""Drafts to the frozen values of ``model``: defaults filled in, durations in seconds, the environment read in.

It decides nothing about right or wrong: what comes here has passed ``structure`` and ``lint``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from harness.language.digests import execution_digest, file_digest, judging_digest
from harness.language.drafts import METHODS
from harness.language.durations import seconds
from harness.language.items import PROJECT, checks
from harness.language.model import (
    Action,
    Copy,
    Freshness,
    Ladder,
    Link,
    Mode,
    Pace,
    Poll,
    Request,
    Rollback,
    Scenario,
    Step,
    WorkerLogs,
)
from harness.language.nodes import Node, plain
from harness.language.variables import fill_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.language.drafts import Draft, DraftScenario, DraftStep

DEFAULT_TIMEOUT_S = 10.0
DEFAULT_DEADLINE_S = 120.0

_EMPTY = Node({}, (1, 1))


def build(draft: Draft, data: bytes, environ: Mapping[str, str]) -> Ladder:
    """Make the ladder of a draft that has no fault.

    Args:
        draft: The file with its templates inserted.
        data: The file's bytes, for its digest.
        environ: What ``${env:…}`` in ``vars`` reads.
    """
    root = draft.root
    builder = _Builder(draft)
    ladder = Ladder(
        name=root.text("name", PurePath(draft.source.file).name.split(".")[0]),
        file=draft.source.file,
        mode=Mode(root.text("mode")),
        variables=_plain(root, "vars", {}),
        secrets=tuple(_plain(root, "secrets", [])),
        proceed_on=frozenset(_plain(root.get("gate") or _EMPTY, "proceed_on", ["pass"])),
        scenarios=tuple(builder.scenario(scenario) for scenario in draft.scenarios),
        collect_on_fail=builder.steps(draft.collect),
        rollback=_rollback(root.get("rollback")),
        digest=file_digest(data),
        execution_digest="",
        judging_digest="",
    )
    # Both are of what is written, so that the same file has the same digests wherever it is climbed.
    return replace(
        ladder,
        variables=fill_environment(ladder.variables, environ),
        execution_digest=execution_digest(ladder),
        judging_digest=judging_digest(ladder),
        scenarios=tuple(
            replace(scenario, variables=fill_environment(scenario.variables, environ)) for scenario in ladder.scenarios
        ),
    )


def _plain(node: Node, key: str, default: Any) -> Any:  # noqa: ANN401  # JSON values
    found = node.get(key)
    return plain(found) if found else default


def _rollback(node: Node | None) -> Rollback | None:
    if node is None:
        return None
    return Rollback(node.text("verify"), node.text("as"), tuple(_plain(node, "only", [])))


class _Builder:
    def __init__(self, draft: Draft) -> None:
        self.source = draft.source
        defaults = draft.root.get("defaults") or _EMPTY
        self.timeout_s = _seconds(defaults, "timeout", DEFAULT_TIMEOUT_S)
        self.deadline_s = _seconds(defaults, "deadline", DEFAULT_DEADLINE_S)
        self.pace = _pace(defaults.get("poll") or _EMPTY, Pace())

    def scenario(self, scenario: DraftScenario) -> Scenario:
        node = scenario.node
        return Scenario(
            id=scenario.id,
            mark=self.source.mark(node.head),
            title=node.text("title"),
            needs=scenario.needs,
            variables=_plain(node, "vars", {}),
            evidence=tuple(_plain(node, "evidence", [])),
            steps=self.steps(scenario.steps),
            cleanup=self.steps(scenario.cleanup),
            notes=_plain(node, "notes", None),
            trials=_plain(node, "trials", 1),
        )

    def steps(self, steps: Iterable[DraftStep]) -> tuple[Step, ...]:
        return tuple(self._step(step) for step in steps)

    def _step(self, step: DraftStep) -> Step:
        node = step.node
        return Step(
            id=step.id,
            mark=self.source.mark(node.place),
            action=self._action(node),
            poll=self._poll(node),
            given=_link(node.get("given")),
            variables=_plain(node, "with", {}),
            expect=checks(node.items("expect"), self.source),
            capture=_plain(node, "capture", {}),
            save=_plain(node, "save", {}),
        )

    def _action(self, node: Node) -> Action:
        if copied := node.get("copy"):
            return Copy(copied.text("from"), tuple(_plain(copied, "files", [])))
        if logs := node.get("docker_logs"):
            return WorkerLogs(logs.text("label"), logs.text("as"))
        method = next((method for method in METHODS if node.get(method)), "get")
        sender = node if node.get(method) else node.get("poll") or _EMPTY
        return Request(
            method=method.upper(),
            path=sender.text(method),
            timeout_s=_seconds(node, "timeout", self.timeout_s),
            has_json=node.get("json") is not None,
            json=_plain(node, "json", None),
            headers=_plain(node, "headers", {}),
        )

    def _poll(self, node: Node) -> Poll | None:
        if not (poll := node.get("poll")):
            return None
        fresh = node.get("fresh_after")
        return Poll(
            until=checks(node.items("until"), self.source),
            stop_if=checks(node.items("stop_if"), self.source),
            unwrap=_plain(poll, "unwrap", None),
            fresh_after=Freshness(fresh.text("step"), fresh.text("job_id")) if fresh else None,
            deadline_s=_seconds(node, "deadline", self.deadline_s),
            pace=_pace(poll, self.pace),
        )


def _link(given: Node | None) -> Link | None:
    link = given.get("link") if given else None
    return Link(link.text("project", PROJECT), link.text("path"), link.text("target")) if link else None


def _seconds(node: Node, key: str, default: float) -> float:
    found = node.text(key)
    return seconds(found) if found else default


def _pace(node: Node, inherited: Pace) -> Pace:
    return Pace(
        every_s=_seconds(node, "every", inherited.every_s),
        backoff=_plain(node, "backoff", inherited.backoff),
        max_every_s=_seconds(node, "max_every", inherited.max_every_s),
        jitter=_plain(node, "jitter", inherited.jitter),
    )
