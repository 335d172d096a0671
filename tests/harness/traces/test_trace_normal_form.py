"""The normal form: equal for two recordings of one scenario, different for everything that means something."""

import json
import re
from dataclasses import replace

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from tracing import (
    BEGAN_NS,
    MS,
    Log,
    captured,
    joined,
    recorded_again,
    scenario_log,
    span_id,
    told_event,
    told_of,
    told_span,
    told_write,
)

from harness.evidence.records import from_document, to_document
from harness.judging.results import Outcome
from harness.judging.verdict import Verdict
from harness.traces.joining import join
from harness.traces.normal_form import normal_form, structure_digest
from harness.traces.records import Trace
from harness.traces.tokens import tokenised
from harness.traces.told import read_told


def real_trace(document, t=5.0):
    """The captured answer below the call that made the project."""
    (submit,) = (span for span in document["spans"] if span["name"] == "POST /api/v1/projects/")
    log = Log(t).started().step("submit", 1)
    log.exchange("submit", int(submit["parent_span_id"], 16), method="POST").step_ended("submit").ended()
    return join(log.part(), read_told(document, document["trace_id"]), case_id="live-L01")


def digest_of(document):
    return structure_digest(joined(document=document))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(min_value=1, max_value=10**6), t=st.integers(min_value=0, max_value=10**6))
def test_two_recordings_of_one_scenario_have_one_digest(seed, t):
    document = captured()
    again = recorded_again(document, seed)
    assert json.dumps(again["spans"]) != json.dumps(document["spans"])
    assert normal_form(real_trace(again, t / 7)) == normal_form(real_trace(document))
    assert structure_digest(real_trace(again, t / 7)) == structure_digest(real_trace(document))


@settings(deadline=None, max_examples=25)
@given(waits=st.lists(st.sampled_from([404, 409, 503]), max_size=4), t=st.floats(0, 1000))
def test_how_often_a_poll_had_to_ask_has_no_influence(waits, t):
    assert structure_digest(joined(scenario_log(waits=waits, t=t))) == structure_digest(joined(scenario_log()))


def test_what_the_backend_did_for_an_earlier_attempt_has_no_influence():
    below = [told_span(300, 17, "GET"), told_span(301, 300, "query")]
    document = told_of([told_span(256), *below], [told_event(301)], [told_write(301)])
    plain = told_of([told_span(256)])
    assert digest_of(document) == digest_of(plain)


def test_only_the_judge_says_what_an_attempt_is():
    spans = [told_span(300, 256, "one", ordinal=0), told_span(301, 256, "two", ordinal=1), told_span(256)]
    marked = [{**span, "attributes": {"evidence.poll.attempt": 1}} for span in spans[:2]]
    names = [span["name"] for span in normal_form(joined(document=told_of([*marked, spans[2]])))["spans"]]
    assert {"one", "two"} <= set(names)


def test_the_order_of_what_is_stored_has_no_influence():
    for trace in (real_trace(captured()), joined()):
        turned = replace(trace, spans=trace.spans[::-1], events=trace.events[::-1], db_writes=trace.db_writes[::-1])
        assert normal_form(turned) == normal_form(trace)


def test_a_stored_trace_has_the_digest_of_the_one_that_was_written():
    trace = real_trace(captured())
    stored = from_document(Trace, json.loads(json.dumps(to_document(trace))))
    assert structure_digest(stored) == structure_digest(trace)


def test_the_digest_of_a_known_trace_is_known():
    """Another digest for the same trace would be another normal form, and needs another name than ``nf/1``."""
    assert structure_digest(real_trace(captured())) == DIGEST


DIGEST = "adf059d29147ce364a8be68c20c66235141c2ea626242cd53b2cac2966fadc53"


def test_the_normal_form_names_nothing_that_differs_from_run_to_run():
    document = captured()
    spelt = json.dumps(normal_form(real_trace(document)))
    project = next(span["attributes"]["evidence.project.id"] for span in document["spans"] if span["name"] == "job")
    for varying in (document["trace_id"], project, "376a4c31", "sha256:", "ladder:f18d9c6d06ae0f30", "1795254"):
        assert varying not in spelt
    ids = {span["span_id"] for span in document["spans"]} | {write["txn_id"] for write in document["db_writes"]}
    assert not set(re.findall(r"[0-9a-f]{16}", spelt)) & ids


def test_each_span_tells_its_depth():
    form = normal_form(joined())
    assert form["normal_form"] == "nf/1"
    assert [(span["depth"], span["name"]) for span in form["spans"]] == [
        (0, "scenario"),
        (1, "call"),
        (2, "step"),
        (3, "POST"),
        (4, "POST /api/v1/projects/"),
        (2, "step"),
        (3, "GET"),
        (1, "teardown"),
        (2, "step"),
        (3, "DELETE"),
    ]


SPAN = {"ordinal": 0, "layer": "APP"}
CHANGES = {
    "a span more": told_of([told_span(256), told_span(257, 256)], [told_event()], [told_write()]),
    "no span": told_of(),
    "a span elsewhere": told_of([told_span(256, 6)], [told_event()], [told_write()]),
    "a span adrift": told_of([told_span(256, 999)], [told_event()], [told_write()]),
    **{
        f"another {name} of a span": told_of([told_span(256, **{name: value})], [told_event()], [told_write()])
        for name, value in {
            "name": "POST /x",
            "kind": "INTERNAL",
            "layer": "APP",
            "component": "x",
            "operation": "x",
            "trigger": "x",
            "service": "worker",
            "status": "ERROR",
            "error_type": "crashed",
            "incomplete": True,
            "end_ns": None,
            "links": [{"trace_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "span_id": "e" * 16, "reason": "x"}],
            "attributes": {"http.response.status_code": 201},
        }.items()
    },
    **{
        f"another {name} of a write": told_of([told_span(256)], [told_event()], [told_write(**{name: value})])
        for name, value in {
            "op": "UPDATE",
            "tables": ["jobs"],
            "rows": 2,
            "fingerprint": {"v": 1, "sha256": "d" * 64},
            "outcome": "rolled_back",
            "span_id": span_id(2),
        }.items()
    },
    "unknown rows": told_of([told_span(256)], [told_event()], [told_write(rows=None)]),
    "no rows": told_of([told_span(256)], [told_event()], [told_write(rows=0)]),
    "unknown tables": told_of([told_span(256)], [told_event()], [told_write(tables=None)]),
    "no fingerprint": told_of([told_span(256)], [told_event()], [told_write(fingerprint=None)]),
    "another rule of fingerprints": told_of(
        [told_span(256)], [told_event()], [told_write(fingerprint={"v": 2, "sha256": "c" * 64})]
    ),
    "a write more": told_of([told_span(256)], [told_event()], [told_write(), told_write(stmt_seq=2)]),
    "no write": told_of([told_span(256)], [told_event()]),
    "a write adrift": told_of([told_span(256)], [told_event()], [told_write(), told_write(999)]),
    "another event": told_of([told_span(256)], [told_event(name="pipeline.completed")], [told_write()]),
    "another attribute of an event": told_of(
        [told_span(256)], [told_event(attributes={"evidence.intent_type": "edit"})], [told_write()]
    ),
    "no event": told_of([told_span(256)], [], [told_write()]),
    "capture inactive": told_of(
        [told_span(256)], [told_event()], [told_write()], capture={"hooks": [], "active": False, "version": 1}
    ),
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_means_something_changes_the_digest(changed):
    assert digest_of(changed) != structure_digest(joined())


def test_no_two_changes_have_one_digest():
    # That nobody saw the end is told in two ways.
    different = [changed for name, changed in CHANGES.items() if name != "another end_ns of a span"]
    assert len({digest_of(changed) for changed in different}) == len(different)


def test_numbers_beyond_those_of_canonical_json_count_as_well():
    def told(number):
        span = told_span(256, attributes={"http.response.status_code": number})
        return told_of([span], [], [told_write(rows=number)])

    assert len({digest_of(told(number)) for number in (2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1)}) == 4


def test_a_trace_that_nobody_told_is_another_one():
    untold = join(scenario_log().part(), None, case_id="live-L01", why_untold="HTTP 404")
    assert normal_form(untold)["capture"] is None
    assert structure_digest(untold) != digest_of(told_of(capture={"hooks": [], "active": False, "version": 1}))


JUDGED = {
    "verdict": scenario_log(verdict=Verdict.FAIL),
    "check": scenario_log(checks=Outcome.MISSED),
    "limited": scenario_log(verdict=Verdict.LIMITED),
    "no cleanup": Log().started().ended(),
}


@pytest.mark.parametrize("log", JUDGED.values(), ids=JUDGED.keys())
def test_what_the_judge_found_changes_the_digest(log):
    assert structure_digest(joined(log)) != structure_digest(joined())


UNIMPORTANT = {
    "trace": {"start_ns": BEGAN_NS, "end_ns": BEGAN_NS + 9 * MS, "duration_ns": 9 * MS, "instance": "ladder:2"},
    "attributes": {"attributes": {"http.response.status_code": 200, "server.port": 8001, "container.id": "e" * 64}},
    "cut": {"dropped_counts": {"attributes": 1}},
    "nothing": {"attributes": {"http.response.status_code": 200, "http.route": None}},
}


@pytest.mark.parametrize("fields", UNIMPORTANT.values(), ids=UNIMPORTANT.keys())
def test_when_and_where_has_no_influence(fields):
    document = told_of([told_span(256, **fields)], [told_event()], [told_write()])
    assert digest_of(document) == structure_digest(joined())


@pytest.mark.parametrize(
    "fields",
    [{"txn_id": "0" * 16}, {"batch_size": 7}, {"rows_source": "returned"}, {"started_ns": 1}, {"duration_ns": 0}],
)
def test_how_a_write_was_counted_has_no_influence(fields):
    document = told_of([told_span(256)], [told_event()], [told_write(**fields)])
    assert digest_of(document) == structure_digest(joined())


def siblings(*fields):
    """Children of the backend's request, each with its own name."""
    spans = [told_span(300 + place, 256, **each) for place, each in enumerate(fields)]
    return told_of([told_span(256), *spans])


def test_children_that_came_in_turn_count_by_their_ordinal():
    first, second = {"name": "a", "ordinal": 0}, {"name": "b", "ordinal": 1}
    assert digest_of(siblings(first, second)) == digest_of(siblings(second, first))
    turned = siblings({"name": "a", "ordinal": 1}, {"name": "b", "ordinal": 0})
    assert digest_of(siblings(first, second)) != digest_of(turned)
    # Which number exactly is no matter: earlier attempts are left out as well.
    assert digest_of(siblings(first, second)) == digest_of(siblings(first, {"name": "b", "ordinal": 7}))


@settings(deadline=None)
@given(order=st.permutations(["a", "b", "c", "d"]), starts=st.lists(st.integers(0, 9), min_size=4, max_size=4))
@pytest.mark.parametrize("are_concurrent", [True, False])
def test_children_that_ran_side_by_side_are_in_no_order(order, starts, are_concurrent):
    def shown(names, when):
        spans = [
            {
                "name": name,
                "ordinal": place if are_concurrent else None,
                "concurrent": are_concurrent,
                "start_ns": BEGAN_NS + start,
            }
            for place, (name, start) in enumerate(zip(names, when, strict=True))
        ]
        return siblings(*spans)

    assert digest_of(shown(order, starts)) == digest_of(shown("abcd", [0, 1, 2, 3]))


def test_what_is_below_a_child_counts_where_it_is():
    below_first = told_of([told_span(256), told_span(300, 256), told_span(301, 256), told_span(302, 300, "x")])
    deeper = told_of([told_span(256), told_span(300, 256), told_span(301, 300), told_span(302, 301, "x")])
    assert digest_of(below_first) != digest_of(deeper)


def test_writes_of_a_span_count_in_their_order():
    def two(first, second):
        writes = [told_write(op=first), told_write(op=second, started_ns=BEGAN_NS + 5 * MS)]
        return told_of([told_span(256)], [], writes)

    assert digest_of(two("INSERT", "UPDATE")) != digest_of(two("UPDATE", "INSERT"))


ID, HEX32, HEX64 = "79a55f15-2dfe-4b5e-b391-e08e572f1883", "9fa515d42f93a18fd13c1fb3df3f8fab", "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"/api/v1/{ID}/files", "/api/v1/<id>/files"),
        (f"{ID.upper()}", "<id>"),
        (f"sha256:{HEX64}", "sha256:<hex>"),
        (f"trace {HEX32}.", "trace <hex>."),
        (f"/var/data/workspaces/{ID}/app.py", "<workspace>/app.py"),
        (f'"/workspaces/{ID}"', '"<workspace>"'),
        (f"/workspaces/a/,/workspaces/{ID}/b,/c", "<workspace>/b,/c"),
        ("/tmp/tmpab12/x.py: gone", "<temporary> gone"),
        ("at /var/tmp/x and /private/var/tmp/y", "at <temporary> and <temporary>"),
        ("\ud800", "\\ud800"),
        # Look-alikes.
        ("/api/v1/p/files/tmp/x", "/api/v1/p/files/tmp/x"),
        ("/tmpfile", "/tmpfile"),
        ("v1:" + "ab" * 33, "v1:" + "ab" * 33),
        ("deadbeef", "deadbeef"),
        ("live/L01/response.json", "live/L01/response.json"),
        ("79a55f15-2dfe-4b5e-b391-e08e572f188", "79a55f15-2dfe-4b5e-b391-e08e572f188"),
    ],
)
def test_what_differs_from_run_to_run_becomes_a_token(text, expected):
    assert tokenised(text) == expected


@given(st.text())
def test_any_text_can_be_spelt(text):
    assert rfc8785.dumps(tokenised(text))


def test_a_long_path_is_searched_in_time():
    """In quadratic time this would take hours."""
    assert tokenised(" /a" * 200_000)
    assert tokenised("/a" * 200_000)
    assert tokenised("ab" * 200_000)
    assert tokenised("/workspaces/" * 100_000)
    # In each of these places a path may begin.
    assert tokenised("/," * 200_000)
