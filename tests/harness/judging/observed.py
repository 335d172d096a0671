"""Short ways to make checks and observations."""

import json

from hypothesis import strategies as st

from harness.judging.observation import ContainerFact, Exchange, Observation, Witness
from harness.language.model import Check, CheckKind, Mark, Severity

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda items: st.lists(items, max_size=4) | st.dictionaries(st.text(max_size=3), items, max_size=4),
    max_leaves=12,
)
"""Any value that a document can be."""

MARK = Mark("live.ladder.yaml", 41, 9)


def answer(body=None, *, status=200, headers=None, text=None, duration_s=0.01, error=""):
    shown = text if text is not None else "" if body is None else json.dumps(body)
    return Exchange(status, headers or {}, body, shown, duration_s, error=error)


def seen(doc=None, **facts):
    return Observation(facts.pop("exchange", answer(doc)), doc, **facts)


def check(kind, argument=None, *, severity=Severity.FAIL, children=(), **operators):
    text = json.dumps({str(kind): argument, **operators})
    return Check(CheckKind(kind), MARK, severity, argument, operators, tuple(children), text)


def path(expression, *, severity=Severity.FAIL, **operators):
    return check("path", expression, severity=severity, **operators)


def container(**facts):
    usual = {
        "id": "c425f610663853e2",
        "labels": {"ladder.project": "p", "ladder.job": "j"},
        "image": "sha256:" + "d3" * 32,
        "running": False,
        "exit_code": 0,
        "oom_killed": False,
        "started_at": 100.0,
        "ended_at": 101.0,
    }
    return ContainerFact(**usual | facts)


def witnessed(*containers, **facts):
    return Witness(**{"available": True, "containers": containers} | facts)


def opinion(*, severity=Severity.FAIL, **options):
    """A ``judge`` check in its normal form."""
    criteria = [{"name": "rubric", "weight": 1, "text": "How well."}]
    usual = {"rubric": "Good.", "of": {"path": "doc"}, "tools": None, "criteria": criteria}
    usual |= {"votes": 3, "threshold": 0.7, "context": None, "model": None}
    return check("judge", usual | options, severity=severity)
