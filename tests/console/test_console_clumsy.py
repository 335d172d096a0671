"""Records, ledgers and addresses as a clumsy or hostile hand writes them: every page is told, as JSON too, and soon."""

import json

import pytest
from console_stage import caller, copied
from stored_runs import change_run

from harness.console.chained import MOST_FINDINGS
from harness.console.sources import Sources
from harness.console.trust import MOST_WHY, Trusted
from harness.evidence import layout
from harness.evidence.reading import read_entry
from harness.judging.observation import Exchange
from harness.verifying.seal_checks import finding_of


def strictly(answer):
    """JSON as it is defined, which knows neither NaN nor infinities."""
    return json.loads(answer.content, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_a_rate_without_bounds_is_no_number_of_json(client, root, sealed_trials):
    bundle = copied(sealed_trials, root / sealed_trials.name)
    change_run(bundle, lambda document: document["aggregation"].update(rate=5.0, low=-3.0, high=1e308))
    assert strictly(client.get(f"/runs/{bundle.name}.json"))["trials"]["rate"]["high"] == "inf"
    assert client.get(f"/runs/{bundle.name}").status_code == 200


def test_a_backend_may_say_anything_of_a_trace(sources):
    odd = [1, None, {}, {"trace_id": 5, "pipelines": [5]}, {"pipelines": [{"steps": 5, "final_error": {"x": [1]}}]}]
    odd += [{"pipelines": [{"final_error": float("nan"), "steps": [{"status": []}], "completed_at": float("inf")}]}]
    body = {"traces": odd}
    holding = Sources(sources.shelf, sources.trusted, sources.redactor, lambda path: Exchange(200, {}, body, "", 0.0))
    for query in ("", "&q=zz", "&from=2025-01-01"):
        assert caller(holding).get(f"/traces?source=backend{query}").status_code == 200
        assert strictly(caller(holding).get(f"/traces.json?source=backend{query}"))["all"] == 4


def test_a_backend_that_holds_no_trace_is_an_empty_list(sources):
    body = {"traces": [], "averages": []}
    empty = Sources(sources.shelf, sources.trusted, sources.redactor, lambda path: Exchange(200, {}, body, "", 0.0))
    assert caller(empty).get("/traces?source=backend").status_code == 200


LINES = 20_000


def test_a_ledger_of_garbage_is_told_with_every_run_and_looked_through_once(root, bundle, monkeypatch):
    (root / layout.LEDGER).write_bytes(b"junk\n" * LINES)
    made = []
    real = Trusted(root).of(read_entry(bundle))
    monkeypatch.setattr("harness.console.chained.finding_of", lambda each: made.append(each) or finding_of(each))
    trusted = Trusted(root)
    for _ in range(5):
        assert trusted.of(read_entry(bundle)) == real
    assert real.is_broken
    assert len(real.why) == MOST_WHY + 1
    # That the run is not listed is one more.
    assert real.why[-1].startswith(f"and {LINES + 1 - MOST_WHY} more")
    assert len(made) < MOST_FINDINGS + 5
