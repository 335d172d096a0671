"""A pipeline as a picture: what set it off, its steps in order, what was not reached, and how it ended.

State is told by a word and a shape. The places are those of SVG attributes, made here and not by a style.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from harness.reporting.words import took
from harness.traces.pipeline import PipelineStatus

if TYPE_CHECKING:
    from harness.console.rendering import Json

STEP: Final = 116
_FIRST: Final = 60
_LONGEST: Final = 14
_ARROW: Final = " → "
_GATE: Final = " (gate closed by "
_SHAPES: Final = {"SUCCESS": "circle", "FAIL": "square", "BLOCKED": "diamond", "STARTED": "triangle"}
NOT_REACHED: Final = "not reached"
TO_COME: Final = "to come"


def flow_of(pipeline: Json) -> Json:
    """The nodes from left to right; the list beside the picture is made from the same."""
    trigger: Any = pipeline.get("trigger")
    told = trigger if isinstance(trigger, dict) else {}
    rows = pipeline.get("steps")
    steps = [_step(each) for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
    plan = str(pipeline.get("execution_plan_summary") or "")
    word = TO_COME if pipeline.get("pipeline_status") == PipelineStatus.RUNNING else NOT_REACHED
    missed = [_node("lost", name, word) for name in planned(plan)[len(steps) :]]
    source = _node("trigger", "trigger", str(told.get("source") or "unknown"))
    source["detail"] = _trigger_words(told)
    end = _node("end", "end", str(pipeline.get("pipeline_status") or "unknown"))
    end["detail"] = str(pipeline.get("final_error") or "")
    nodes = [source, *steps, *missed, end]
    for at, node in enumerate(nodes):
        node["x"] = _FIRST + at * STEP
    return {"nodes": nodes, "width": 2 * _FIRST + (len(nodes) - 1) * STEP, "plan": plan}


def planned(plan: str) -> list[str]:
    """The names of a plan; that of a step which was not reached stands in none of the steps."""
    names = plan.partition(_GATE)[0]
    return names.split(_ARROW) if names else []


def _step(step: dict[str, Any]) -> Json:
    status = str(step.get("status") or "unknown")
    node = _node(_SHAPES.get(status, "circle"), str(step.get("agent_name") or "unknown"), status, duration=_took(step))
    details = (step.get("agent_task"), step.get("output_summary"), step.get("error_message"))
    node["detail"] = ". ".join(str(each) for each in details if each)
    return node


def _node(shape: str, name: str, word: str, *, duration: str = "") -> Json:
    label = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return {"shape": shape, "name": name, "label": label, "word": word, "took": duration, "detail": ""}


def _trigger_words(told: dict[str, Any]) -> str:
    named = (("intent", "intent_type"), ("issue", "issue_key"), ("issue status", "issue_status"), ("at", "timestamp"))
    return ", ".join(f"{name} {told[key]}" for name, key in named if told.get(key))


def _took(step: dict[str, Any]) -> str:
    try:
        began, ended = (datetime.fromisoformat(str(step.get(name))) for name in ("started_at", "completed_at"))
        return took((ended - began).total_seconds())
    except (ValueError, TypeError):
        return ""
