"""Trace ids and inbound trace context (trace-model §1, W3C Trace Context)."""

import uuid
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.tracecontext import from_headers, new_context, new_span_id, new_trace_id
from worker.contract import dashed

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{SPAN}-01"

moments = st.integers(0, 2**48 - 1)


@given(moments)
def test_a_trace_id_is_a_uuidv7_of_its_moment(moment):
    found = uuid.UUID(new_trace_id(now_ms=lambda: moment))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert found.int >> 80 == moment


@given(moments, moments)
def test_trace_ids_sort_by_their_moments(one, other):
    first, second = (new_trace_id(now_ms=lambda at=at: at) for at in (one, other))
    assert (first < second) == (one < other) or one == other


@given(st.integers(2**48, 2**60))
def test_a_moment_beyond_48_bits_does_not_break_the_form(moment):
    found = uuid.UUID(new_trace_id(now_ms=lambda: moment))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)


def test_ids_of_one_moment_differ_in_every_one_of_their_74_random_bits():
    ids = [int(new_trace_id(now_ms=lambda: 0), 16) for _ in range(400)]
    assert len(set(ids)) == len(ids)
    changed = 0
    for one, other in pairwise(ids):
        changed |= one ^ other
    # 12 bits behind the version and 62 behind the variant; the random flag promises the right-most 56.
    assert changed == (0xFFF << 64) | (2**62 - 1)


def test_the_present_moment_is_taken_by_default():
    first, second = new_trace_id(), new_trace_id()
    assert first[:12] <= second[:12]
    assert uuid.UUID(first).int >> 80 > 1_600_000_000_000


def test_a_span_id_is_never_zero(monkeypatch):
    monkeypatch.setattr("backend.tracecontext.secrets.randbelow", lambda bound: 0)
    assert new_span_id() == "0000000000000001"
    monkeypatch.setattr("backend.tracecontext.secrets.randbelow", lambda bound: bound - 1)
    assert new_span_id() == "f" * 16


@given(st.text("0123456789abcdef", min_size=32, max_size=32))
def test_the_dashed_form_is_the_same_128_bits(trace_id):
    assert uuid.UUID(dashed(trace_id)).hex == trace_id
    assert dashed(trace_id) == str(uuid.UUID(trace_id))


def test_a_context_of_our_own_is_sampled_and_random():
    context = new_context()
    assert context.flags == 0x03
    assert context.traceparent == f"00-{context.trace_id}-{context.span_id}-03"
    assert context.parent_span_id is None


def test_a_valid_inbound_context_is_continued():
    context = from_headers({"traceparent": VALID, "tracestate": "a=1,b=2", "baggage": "run=7"})
    assert (context.trace_id, context.parent_span_id, context.flags) == (TRACE, SPAN, 1)
    assert context.span_id not in {SPAN, "0" * 16}
    assert (context.tracestate, context.baggage) == ("a=1,b=2", "run=7")
    assert context.correlation_id == str(uuid.UUID(TRACE))


@pytest.mark.parametrize(("flags", "kept"), [("00", 0), ("01", 1), ("02", 2), ("03", 3), ("ff", 3), ("fc", 0)])
def test_only_known_flags_are_passed_on(flags, kept):
    assert from_headers({"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}).flags == kept


@pytest.mark.parametrize("header", [f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-the-future-is", f" {VALID} "])
def test_a_later_version_is_read_as_far_as_it_is_known(header):
    context = from_headers({"traceparent": header})
    assert context.trace_id == TRACE
    assert context.traceparent.startswith("00-")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "none",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        f"00_{TRACE}_{SPAN}_01",
        f"0-{TRACE}-{SPAN}-01",
        f"{VALID},{VALID}",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{TRACE[:-1]}\N{ARABIC-INDIC DIGIT ONE}-{SPAN}-01",
    ],
)
def test_a_malformed_context_is_ignored_with_all_that_came_along(header):
    context = from_headers({"traceparent": header, "tracestate": "a=1", "baggage": "b=1"})
    assert context.trace_id != TRACE
    assert uuid.UUID(context.trace_id).version == 7
    assert (context.flags, context.parent_span_id, context.tracestate, context.baggage) == (3, None, None, None)


@given(st.text(max_size=80))
def test_no_header_is_an_error(header):
    assert len(from_headers({"traceparent": header}).trace_id) == 32


@pytest.mark.parametrize("value", ["a=\x00", "a=\r\nX: y", "a=ü", "x" * 513, ""])
def test_a_tracestate_that_could_break_a_line_or_is_too_long_is_dropped(value):
    assert from_headers({"traceparent": VALID, "tracestate": value}).tracestate is None


def test_baggage_has_a_limit_of_its_own():
    headers = {"traceparent": VALID, "tracestate": "x" * 512, "baggage": "y" * 8192}
    context = from_headers(headers)
    assert (len(context.tracestate), len(context.baggage)) == (512, 8192)
    assert from_headers(headers | {"baggage": "y" * 8193}).baggage is None


def test_a_child_is_a_new_span_of_the_same_trace():
    parent = from_headers({"traceparent": VALID, "tracestate": "a=1", "baggage": "b=2"})
    child = parent.child()
    assert (child.trace_id, child.parent_span_id, child.flags) == (TRACE, parent.span_id, 1)
    assert child.span_id != parent.span_id
    carrier = child.carrier()
    assert (carrier.traceparent, carrier.tracestate, carrier.baggage) == (child.traceparent, "a=1", "b=2")
    assert carrier.trace_id == dashed(TRACE)
