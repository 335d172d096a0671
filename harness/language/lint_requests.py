"""Rules about what is sent and awaited: slashes, repeated polls, and readiness kept apart from judgement."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.language.findings import Finding, Rule
from harness.language.nodes import plain
from harness.language.variables import as_text, fill
from harness.language.walk import checks_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.language.drafts import Draft, DraftScenario, DraftStep
    from harness.language.nodes import Node

_PARAMETER: Final = re.compile(r"\\\{([a-z_]+)\\\}")
_QUERY: Final = re.compile(r"[?#].*")


def api_paths() -> tuple[str, ...]:
    """Paths of the API description, in the spelling of OpenAPI."""
    stored = json.loads(Path(__file__).with_name("api_paths.json").read_text("utf-8"))
    return tuple(stored["paths"])


def slashes(draft: Draft) -> Iterator[Finding]:
    """``wrong-slash``: a redirect is a FAIL, so a path must end as the API says."""
    known = [_as_pattern(path) for path in api_paths()]
    for step in draft.steps():
        if not (request := step.request):
            continue
        path = _QUERY.sub("", request[1].value)
        other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
        if not _any(known, path) and _any(known, other):
            words = "without" if path.endswith("/") else "with"
            message = f"the API has this path only {words} its final '/': {other}"
            yield draft.source.finding(request[1].place, Rule.WRONG_SLASH, message)


def _as_pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub(lambda found: ".+" if found[1] == "path" else "[^/]+", re.escape(path)))


def _any(known: list[re.Pattern[str]], path: str) -> bool:
    return any(pattern.fullmatch(path) for pattern in known)


def until_judges(draft: Draft) -> Iterator[Finding]:
    """``until-judges``: what is polled for can never be found wrong, so the check behind it would prove nothing."""
    for step in draft.steps():
        awaited = {path.value for path in _paths(step, "until")}
        for path in _paths(step, "expect"):
            if path.value in awaited:
                message = f"{path.value!r} is in until, so expect can only see the value that was waited for"
                yield draft.source.finding(path.place, Rule.UNTIL_JUDGES, message)


def _paths(step: DraftStep, key: str) -> Iterator[Node]:
    found = (check.get("path") for check in checks_in(step.node.items(key)))
    return (path for path in found if path)


def repolls(draft: Draft) -> Iterator[Finding]:
    """``stale-repoll``: what an earlier poll has read is still there, and would pass for the new answer."""
    order = draft.order()
    polled: dict[str, int] = {}
    for scenario in draft.scenarios:
        me = order.bit(scenario.id)
        captured = frozenset(name for step in scenario.steps for name in step.node.entries("capture"))
        for step in (*scenario.steps, *scenario.cleanup):
            if not step.poll or not step.request:
                continue
            path = _meaning(scenario, step, captured)
            others = polled.get(path, 0)
            if (others & me or order.reaches_any(scenario.id, others)) and not _is_fresh(step):
                message = "this path was polled before; add fresh_after, or expect the job_id that is meant"
                yield draft.source.finding(step.request[1].place, Rule.STALE_REPOLL, message)
            polled[path] = others | me


def _is_fresh(step: DraftStep) -> bool:
    pins = (check for check in step.node.items("expect") if check.text("path").endswith("job_id"))
    return step.node.get("fresh_after") is not None or any(check.get("eq") for check in pins)


def _meaning(scenario: DraftScenario, step: DraftStep, captured: frozenset[str]) -> str:
    """A polled path in which each variable is told by where its value comes from, so that two spellings agree."""

    def outside(name: str) -> str:
        own = scenario.node.entries("vars").get(name)
        if name in captured:
            return f"${{{scenario.id}.{name}}}"
        return as_text(fill(plain(own), _as_written)) if own else _as_written(name)

    def lookup(name: str) -> str:
        given = step.node.entries("with").get(name)
        return as_text(fill(plain(given), outside)) if given else outside(name)

    if not step.request:
        return ""
    try:
        return as_text(fill(step.request[1].value, lookup))
    except UsageError:
        # Too long, which another rule tells.
        return str(step.request[1].value)


def _as_written(name: str) -> str:
    return f"${{{name}}}"
