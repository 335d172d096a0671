"""A document is the work of the job that was just submitted, or it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import JSON, answer

from harness.judging.freshness import NO_PROJECT, Age, Baseline, Before, Wanted, baseline_of, judge
from harness.judging.observation import Exchange

BEGAN = 1763140445.7  # 2025-11-14T17:14:05.7Z
OLD = {"job_id": "one", "status": "success", "summary": "the first"}
UNNAMED = {"status": "success", "summary": "nobody's"}


def age(doc, *, job_id="two", baseline=NO_PROJECT):
    return judge(doc, Wanted(job_id, BEGAN, baseline)).age


def present(doc):
    return baseline_of(answer(doc), doc)


def test_a_document_with_the_id_of_the_job_is_fresh_whatever_was_there_and_however_it_is_dated():
    doc = OLD | {"job_id": "two", "timestamp": "1999-01-01T00:00:00Z"}
    assert age(doc, baseline=present(doc)) is Age.FRESH


@pytest.mark.parametrize("job_id", ["one", "", "TWO", "two ", 2, True, ["two"], {"id": "two"}])
def test_a_result_of_another_job_is_stale_however_new_it_looks(job_id):
    doc = OLD | {"job_id": job_id, "timestamp": "2999-01-01T00:00:00Z"}
    assert age(doc) is Age.STALE


def test_ids_are_compared_as_texts():
    assert age({"job_id": 17}, job_id="17") is Age.FRESH


@pytest.mark.parametrize("doc", [UNNAMED, UNNAMED | {"job_id": None}, ["list"], "text", 0])
def test_a_document_without_id_that_differs_from_the_baseline_is_at_best_a_limitation(doc):
    assert age(doc, baseline=present(OLD)) is Age.DIFFERENT
    assert age(doc, baseline=NO_PROJECT) is Age.DIFFERENT


def test_a_document_without_id_that_equals_the_baseline_is_stale():
    assert age(dict(reversed(UNNAMED.items())), baseline=present(UNNAMED)) is Age.STALE


def test_a_document_without_id_is_stale_when_nobody_knows_what_was_there():
    assert age(UNNAMED, baseline=Baseline(Before.UNKNOWN)) is Age.STALE


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2025-11-14T17:14:04.999999Z", Age.STALE),
        ("2025-11-14T18:14:04+01:00", Age.STALE),
        ("2025-11-14T17:14:04", Age.STALE),
        ("2025-11-14T17:14:05Z", Age.DIFFERENT),
        ("2025-11-14T18:14:06+01:00", Age.DIFFERENT),
        ("soon", Age.DIFFERENT),
        (17, Age.DIFFERENT),
        (None, Age.DIFFERENT),
    ],
)
def test_a_document_without_id_must_not_be_dated_before_the_step(timestamp, expected):
    assert age(UNNAMED | {"timestamp": timestamp}) is expected


def test_no_document_is_never_fresh():
    assert age(None) is Age.STALE


@pytest.mark.parametrize(
    ("exchange", "doc", "before"),
    [
        (answer(status=404), {"error": "not_found"}, Before.ABSENT),
        (answer(status=410), None, Before.ABSENT),
        (answer(OLD), OLD, Before.PRESENT),
        (answer(status=500), {"error": "internal_error"}, Before.UNKNOWN),
        (answer({"contents": "{"}), None, Before.UNKNOWN),
        (Exchange(None, {}, None, "", 0.1, error="ReadTimeout"), None, Before.UNKNOWN),
    ],
)
def test_the_baseline_says_what_was_there(exchange, doc, before):
    assert baseline_of(exchange, doc).before is before


@given(JSON.filter(lambda doc: doc is not None), st.sampled_from(["one", "two"]))
def test_a_document_is_fresh_only_by_the_id_of_the_job(doc, job_id):
    fresh = isinstance(doc, dict) and doc.get("job_id") == job_id
    assert (age(doc, job_id=job_id) is Age.FRESH) is fresh


def test_two_documents_too_deep_to_compare_count_as_the_same():
    deep = []
    for _ in range(50_000):
        deep = [deep]
    assert age(deep, baseline=baseline_of(answer(text=""), deep)) is Age.STALE
