"""Runs of several trials: what each trial is answered, and what is left of them."""

from staged import Reply, silence

from harness.evidence.layout import TRACE_MANIFEST
from harness.evidence.trial_records import decode_traces

GREEN, RED, GONE = {"id": "p1"}, Reply({"id": "p1"}, 500), silence()


def answering(run, *answers):
    """What the first request of each trial gets."""
    run.service.on("GET /1", *answers)
    return run


def statuses(ended):
    return [each.status for each in ended.record.trial_records]


def stored(ended, path):
    return (ended.finished.folder / path).read_text()


def manifest_of(ended):
    return decode_traces(stored(ended, TRACE_MANIFEST))


def told_ends(run):
    return [line for record, line in run.told if record.status != "running"]
