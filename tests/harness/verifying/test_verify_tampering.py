"""Every check earns its place: for each there is a change to a bundle that this check does not let pass."""

import json
import re

import pytest
from sealed_run import case, failures, put_manifest, redigest, reexport, rekeep, remake, reseal, rewrite

from harness.evidence import layout
from harness.traces.case_parts import run_digest
from harness.verifying.verify import ALWAYS, BY_CASE, STRICT, Checks, verify

CASE = "cases/live-L01.json"


def document(folder, path):
    return json.loads((folder / path).read_text())


def changed(path, change):
    """Change a document and hide the change from every digest."""

    def tamper(folder):
        found = document(folder, path)
        change(found)
        rewrite(folder, path, found)
        redigest(folder)

    return tamper


def trace_path(folder, scenario="L01"):
    record = next(each for each in document(folder, layout.RUN)["scenarios"] if each["id"] == scenario)
    return layout.trace_file(record["trace_id"])


def changed_trace(change, scenario="L01"):
    """Change a trace, with what the log tells of it and with its exports."""

    def tamper(folder):
        changed(trace_path(folder, scenario), change)(folder)
        rekeep(folder)
        reexport(folder)
        reseal(folder)

    return tamper


def without_a_write(folder):
    changed(trace_path(folder), lambda trace: trace["db_writes"].pop())(folder)
    remake(folder)


def with_a_write_that_failed_and_is_there(folder):
    changed_trace(lambda trace: trace["db_writes"][0].update(outcome="failed"))(folder)
    remake(folder)


def with_an_export_of_another_name(folder):
    lines = (folder / layout.OTLP_TRACES).read_text().splitlines()
    found = json.loads(lines[1])
    found["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] = "stroll"
    lines[1] = json.dumps(found, separators=(",", ":"))
    (folder / layout.OTLP_TRACES).write_text("".join(f"{line}\n" for line in lines))
    reseal(folder)


def unfinished(folder):
    found = document(folder, layout.RUN)
    found["status"] = "running"
    rewrite(folder, layout.RUN, found)
    reseal(folder)


def with_a_foreign_file(folder):
    (folder / "live/extra.txt").write_text("?")


def with_another_byte(folder):
    data = (folder / "summary.txt").read_bytes()
    (folder / "summary.txt").write_bytes(data[:-2] + b"?\n")


def with_sums_of_their_own(folder):
    text = (folder / layout.SUMS).read_text()
    (folder / layout.SUMS).write_text(re.sub("^[0-9a-f]{64}", "0" * 64, text))


def with_another_commit(folder):
    found = document(folder, layout.MANIFEST)
    found["commit"] = "c" * 40
    put_manifest(folder, found)


def with_another_size(folder):
    found = document(folder, layout.MANIFEST)
    found["files"][0]["size"] += 1
    put_manifest(folder, found)


def with_a_blank_signature(folder):
    (folder / layout.ENVELOPE).write_text("{}")


def with_another_run_before_it(folder):
    put_manifest(folder, document(folder, layout.MANIFEST) | {"prev": "1" * 64})


def with_facts(folder, **facts):
    """Change what both the record and the manifest tell of the run."""
    rewrite(folder, layout.RUN, document(folder, layout.RUN) | facts)
    put_manifest(folder, document(folder, layout.MANIFEST) | facts)
    reseal(folder)


def with_an_image_by_its_tag(folder):
    with_facts(folder, images={"worker": "codex-worker:latest", "backend": None})


def with_an_early_end(folder):
    with_facts(folder, finished_at=document(folder, layout.RUN)["started_at"])


def with_another_mark_of_a_copy(folder):
    found = document(folder, layout.MANIFEST)
    next(file for file in found["files"] if file["path"] == "live/L01/response.json")["derived"] = "L09"
    put_manifest(folder, found)


def with_a_shorter_log(folder):
    lines = (folder / layout.EVENTS).read_text().splitlines(keepends=True)
    (folder / layout.EVENTS).write_text("".join(lines[:-1]))
    reseal(folder)


def without_a_case(folder):
    (folder / CASE).unlink()
    redigest(folder)


def with_a_foreign_trace(folder):
    path = folder / trace_path(folder)
    (path.parent / "0190aaaa-bbbb-7ccc-8ddd-0123456789ff.json").write_bytes(path.read_bytes())
    reseal(folder)


def with_a_climb_of_another_name(folder):
    events = (json.loads(line) for line in (folder / layout.EVENTS).read_text().splitlines())
    climbed = next(event for event in events if event["type"] == "climb_started")
    path = layout.trace_file(climbed["trace_id"])
    changed(path, lambda trace: trace["spans"][0].update(operation="stroll"))(folder)


def with_another_status(folder):
    changed("cases/live-L03.json", lambda found: found.update(status="PASS"))(folder)


def with_another_trial(folder):
    run = document(folder, layout.RUN)
    run["trial_records"] = [{"trial_index": 7, "trace_id": run["scenarios"][0]["trace_id"]}]
    rewrite(folder, layout.RUN, run)
    reseal(folder)


def with_another_run_digest(folder):
    found = document(folder, layout.CASE_DIGESTS)
    found["run_digest"] = run_digest([])
    rewrite(folder, layout.CASE_DIGESTS, found)
    reseal(folder)


def with_other_counts(folder):
    path = folder / layout.JUNIT
    path.write_text(path.read_text().replace('failures="1"', 'failures="0"'))
    reseal(folder)


def with_a_changed_event(folder):
    found = case(folder)
    found["execution_trace"][6]["component"] = "elsewhere"
    rewrite(folder, CASE, found)
    reseal(folder)


def rename_a_table(found):
    found["db_writes"][1]["table"] = "users"


def miss_an_assertion(found):
    found["assertions"][0]["outcome"] = "missed"


def point_elsewhere(found):
    found["db_writes"][0]["detail"]["event_seq"] = 1


def stand_still(found):
    found["execution_trace"][2]["seq"] = found["execution_trace"][1]["seq"]


def take_longer(trace):
    trace["spans"][0]["duration_ns"] += 1


def lose_a_parent(trace):
    next(span for span in trace["spans"] if span["service"] == "backend")["parent_span_id"] = "00000000000000ff"


def watch_nothing(trace):
    trace["capture"].update(active=False, hooks=[])


SAMPLES = {
    "finished": (unfinished, "not finished"),
    "files": (with_a_foreign_file, "unlisted-file live/extra.txt"),
    "hashes": (with_another_byte, "hash-mismatch summary.txt"),
    "sums": (with_sums_of_their_own, "sums-mismatch"),
    "manifest": (with_another_commit, "manifest-differs manifest.json: commit"),
    "listing": (with_another_size, "size-mismatch "),
    "signature": (with_a_blank_signature, "bad-signature manifest.dsse.json"),
    "chain": (with_another_run_before_it, "ledger-mismatch LEDGER.jsonl"),
    "provenance": (with_an_image_by_its_tag, "image-not-a-digest manifest.json: images worker"),
    "events": (with_a_shorter_log, "events-incomplete events.jsonl: last event"),
    "cases": (without_a_case, f"missing-case {CASE}"),
    "traces": (with_a_foreign_trace, "foreign-trace traces/0190aaaa-bbbb-7ccc-8ddd-0123456789ff.json"),
    "kept": (without_a_write, "not-as-kept traces/"),
    "climbs": (with_a_climb_of_another_name, "span 1 operation: expected climb, found stroll"),
    "trials": (with_another_trial, "traces/manifest.json"),
    "totals": (with_another_status, "totals-differ cases: FAIL: 1 are expected, 0 are there"),
    "run-digest": (with_another_run_digest, "run-digest-differs cases/digests.json: run_digest"),
    "reports": (with_other_counts, "verdict-mismatch reports/junit.xml: failures"),
    "exports": (
        with_an_export_of_another_name,
        "reports/traces.otlp.jsonl: line 2 resourceSpans 1 scopeSpans 1 spans 1 name: expected ",
    ),
    "verdict": (changed(layout.RUN, lambda run: run.update(verdict="PASS")), "verdict-mismatch run.json: verdict"),
    "schema": (changed(CASE, lambda found: found.update(extra=1)), f"schema-mismatch {CASE}"),
    "parts": (with_a_changed_event, f"part-changed {CASE}: event 7"),
    "facts": (changed(CASE, lambda found: found.update(uc_id="L09")), f"not-a-fact {CASE}: uc_id: expected L01"),
    "verdicts": (with_another_status, "status-differs cases/live-L03.json: status: expected FAIL, found PASS"),
    "requests": (
        changed(CASE, lambda found: found["api_calls_used"][2].update(status=500)),
        f"not-observed {CASE}: call 3 status: expected 404, found 500",
    ),
    "assertions": (changed(CASE, miss_an_assertion), f"pass-contradicted {CASE}: assertion 1"),
    "sequence": (changed(CASE, stand_still), f"seq-not-rising {CASE}: event 3"),
    "mirrors": (changed(CASE, point_elsewhere), f"not-mirrored {CASE}: write 1"),
    "views": (
        changed("live/L01/db_writes.json", lambda rows: rows[1].update(table="users")),
        "view-differs live/L01/db_writes.json: write 2 table",
    ),
    "derivation": (changed(CASE, rename_a_table), f"not-derived {CASE}: write 2 table: expected jobs, found users"),
    "structure": (changed(CASE, lambda found: found.update(determinism_hash="0" * 64)), "determinism_hash"),
    "trace": (changed_trace(lambda trace: trace.update(case_id="live-L02")), "case_id: expected live-L01"),
    "own-spans": (changed_trace(take_longer), "own-part-differs traces/"),
    "told": (
        with_a_write_that_failed_and_is_there,
        "write 1 committed_rows: it cannot be of a statement that is failed",
    ),
    "parents": (changed_trace(lose_a_parent), "parent-missing traces/"),
    "capture": (changed_trace(watch_nothing), "capture inactive"),
    "outcome": (
        changed(layout.RUN, lambda run: run["scenarios"][0].update(verdict="LIMITED")),
        "verdict-mismatch run.json: live/L01: expected PASS, found LIMITED",
    ),
    "freshness": (with_an_early_end, "not-in-time events.jsonl: event "),
    "copies": (with_another_mark_of_a_copy, "copy-mismatch manifest.json: derived of live/L01/response.json"),
}


def test_there_is_a_sample_for_every_check_and_none_besides():
    assert set(SAMPLES) == {*ALWAYS, *STRICT, *BY_CASE}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_change_is_found_by_the_check_that_is_made_for_it_and_named(bundle, name):
    tamper, words = SAMPLES[name]
    tamper(bundle)
    found = failures(bundle)
    assert any(words in line for line in found.get(name, ())), found


ALONE = {*SAMPLES} - {
    *{"finished", "sums", "cases", "totals", "parts", "verdicts", "sequence", "mirrors", "derivation", "own-spans"},
    *{"parents", "capture", "climbs", "verdict", "outcome"},
}
"""Checks whose sample nothing else notices."""


@pytest.mark.parametrize("name", sorted(ALONE))
def test_without_the_check_its_change_would_pass_unnoticed(bundle, name):
    SAMPLES[name][0](bundle)
    assert verify(bundle, strict=True).failed == (name,)
    tables = ({word: look for word, look in table.items() if word != name} for table in (ALWAYS, STRICT, BY_CASE))
    assert verify(bundle, strict=True, checks=Checks(*tables)).failed == ()
