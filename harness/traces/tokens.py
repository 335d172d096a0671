"""Which texts and attributes tell what happened, and not merely when and where: the words of the normal form.

Ids of projects, jobs, traces and containers, and the folders that a run works in, differ from run to run; in a normal
form they are tokens. Attributes are kept by name and by the layer of their span; whatever is not listed is left out.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from harness.traces.records import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TEST: Final = """
test.case.name test.case.result.status evidence.verdict evidence.step.id evidence.step.number evidence.step.status
evidence.agent.name evidence.pipeline.status evidence.intent_type
"""
_HTTP: Final = "http.request.method http.route http.response.status_code url.path evidence.purpose"
_APP: Final = """
evidence.job.type evidence.job.engine evidence.job.status evidence.failure_kind evidence.reference evidence.intent_type
evidence.step.status
"""
_RUNNER: Final = """
evidence.launcher evidence.attempt evidence.interruptions evidence.reference process.exit.code evidence.oom_killed
"""
_WORKER: Final = """
evidence.job.type evidence.job.engine evidence.attempt evidence.reference evidence.rule evidence.result.status
evidence.errors evidence.sleep_seconds evidence.files.seen evidence.files.written evidence.files.created
evidence.files.modified evidence.files.deleted evidence.step.status evidence.decision
"""
_AGENT: Final = """
gen_ai.operation.name gen_ai.provider.name gen_ai.agent.name gen_ai.request.model gen_ai.tool.name evidence.reference
evidence.step.status evidence.decision
"""
_DB: Final = "db.system.name db.operation.name db.collection.name evidence.db.outcome"
_EVENT: Final = """
evidence.check.text evidence.check.severity evidence.check.outcome evidence.artifact.path
evidence.intent_type evidence.trigger.source evidence.step.number evidence.step.status evidence.agent.name
evidence.pipeline.status db.operation.name db.collection.name evidence.db.outcome
"""

OF_SPANS: Final[Mapping[Layer, frozenset[str]]] = {
    Layer.TEST: frozenset(_TEST.split()),
    Layer.HTTP: frozenset(_HTTP.split()),
    Layer.APP: frozenset(_APP.split()),
    Layer.RUNNER: frozenset(_RUNNER.split()),
    Layer.WORKER: frozenset(_WORKER.split()),
    Layer.AGENT: frozenset(_AGENT.split()),
    Layer.DB: frozenset(_DB.split()),
}
"""Attributes that count, by the layer of a span. Of what a worker wrote the number of files counts, not of bytes."""

OF_EVENTS: Final = frozenset(_EVENT.split())
"""Attributes of point events that count."""

_LARGEST: Final = 2**53 - 1
"""RFC 8785 spells numbers as IEEE 754 doubles do; what they cannot hold becomes a text."""

_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_WORKSPACES: Final = "/workspaces/"


def _without_workspace(found: re.Match[str]) -> str:
    """A path as it is from its last workspace on."""
    _, folder, inside = found[0].rpartition(_WORKSPACES)
    if not folder:
        return found[0]
    _, slash, rest = inside.partition("/")
    return f"<workspace>{slash}{rest}"


_TOKENS: Final[tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]] = (
    # A scenario of one of several trials has the structure that it has in a climb of its own.
    (r"\Atrials/[0-9]+/", ""),
    # A stranger's text may be long: a path is taken whole, so that no place in it is looked at again and again.
    (r"(?<![\w./-])(?:/[^/\s\"']++)++", _without_workspace),
    (r"(?<![\w./-])/(?:private/)?(?:var/)?tmp/[^\s\"']*", "<temporary>"),
    (rf"(?<![0-9A-Za-z]){_UUID}(?![0-9A-Za-z])", "<id>"),
    (r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{32})(?![0-9A-Za-z])", "<hex>"),
)
_PATTERNS: Final = tuple((re.compile(pattern), token) for pattern, token in _TOKENS)


def tokenised(text: str) -> str:
    """A text without what differs from run to run, and without what UTF-8 cannot spell."""
    for pattern, token in _PATTERNS:
        text = pattern.sub(token, text)
    return text.encode(errors="backslashreplace").decode()


def kept(attributes: Mapping[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """The attributes that count; one that is null says as little as one that is not there."""
    return {name: plain(value) for name, value in attributes.items() if name in allowed and value is not None}


def plain(value: Any) -> Any:  # noqa: ANN401  # what an attribute may be
    """A value as RFC 8785 can spell it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else str(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    return tokenised(str(value))
