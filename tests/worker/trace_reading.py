"""``.codex/trace.jsonl`` as a reader without our code would see it."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """One line."""

    line: dict

    @property
    def resource(self):
        return values(self.line["resourceSpans"][0]["resource"]["attributes"])

    @property
    def span(self):
        return self.line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]

    @property
    def attributes(self):
        return values(self.span["attributes"])

    @property
    def name(self):
        return self.span["name"]

    @property
    def has_ended(self):
        return "endTimeUnixNano" in self.span

    @property
    def error_type(self):
        assert (self.span["status"]["code"] == 2) == ("error.type" in self.attributes)
        return self.attributes.get("error.type")


def values(attributes):
    """Attributes as Python values; each has one value of one type."""
    found = {}
    for attribute in attributes:
        ((kind, value),) = attribute["value"].items()
        assert isinstance(value, {"stringValue": str, "intValue": str, "doubleValue": float}[kind])
        found[attribute["key"]] = int(value) if kind == "intValue" else value
    assert len(found) == len(attributes)
    return found


def trace_path(bench):
    return bench.path / ".codex" / "trace.jsonl"


def told(bench):
    """All lines in order; each must be whole."""
    data = trace_path(bench).read_bytes()
    assert data.endswith(b"\n")
    return [Told(json.loads(line)) for line in data.splitlines()]


def spans(bench):
    """Each span by its last line, in the order in which they began."""
    found = {}
    for line in told(bench):
        found[line.span["spanId"]] = line
    return list(found.values())


def named(bench, name):
    (found,) = [one for one in spans(bench) if one.name == name]
    return found


def tree(bench):
    """``(name, name of the parent, ordinal)`` of each span."""
    names = {one.span["spanId"]: one.name for one in spans(bench)}
    return [
        (one.name, names.get(one.span.get("parentSpanId")), one.attributes.get("evidence.ordinal"))
        for one in spans(bench)
    ]
