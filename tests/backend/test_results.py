"""Taking a worker's result: whatever bytes it left, there is an answer, and what is taken can be stored and shown."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.redaction import Redactor, Secret
from backend.results import MAX_DEPTH, JobIdentity, storable_summary, take, write_for_failure
from worker.contract import MAX_SUMMARY_CHARS, ContractError, EngineName, FailureKind, ResultStatus, parse_result

SECRET = "canary-0aB1cD2eF3"
IDENTITY = JobIdentity("p", "j", "t", EngineName.TEMPLATE)
VALID = {
    "contract_version": 1,
    "project_id": "p",
    "job_id": "j",
    "engine": "template",
    "written_by": "worker",
    "status": "success",
    "summary": "Done.",
    "created_files": ["a.py"],
    "modified_files": [],
    "errors": [],
    "logs": ["one"],
    "timestamp": "2025-11-14T17:14:05.123456Z",
}
REDACTOR = Redactor({"S": Secret(SECRET)})


def taken(data):
    return take(data, IDENTITY, max_bytes=100_000, redactor=REDACTOR)


def document(**changes):
    return json.dumps(VALID | changes).encode()


@pytest.mark.parametrize("indent", [None, 2, 7])
def test_without_a_secret_not_one_byte_changes(indent):
    data = json.dumps(VALID | {"extra": "ü", "n": 1.50}, indent=indent, ensure_ascii=False).encode()
    assert taken(data).text.encode() == data
    assert (taken(data).status, taken(data).summary, taken(data).hits) == (ResultStatus.SUCCESS, "Done.", 0)


def test_with_a_secret_the_document_keeps_its_keys_and_their_order():
    found = taken(document(summary=f"the key is {SECRET}", extra=1))
    assert list(json.loads(found.text)) == [*VALID, "extra"]
    assert found.summary == "the key is [REDACTED]"
    assert found.hits == 1
    assert '"logs": [\n' in found.text
    assert found.text.endswith("}\n")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"1" * 5_000,
        document(n=1)[:-1],
        document(contract_version=True),
        document(contract_version=1.0),
        document(status="done"),
        document(summary=" "),
        document(summary=None),
        document(logs=[1]),
        document(created_files=["../x"]),
        document(created_files=["b", "a"]),
        document(created_files=["a"], modified_files=["a"]),
        document(job_id="k"),
        document(contents="x"),
        document(extra="NAN").replace(b'"NAN"', b"NaN"),
        document(extra="BIG").replace(b'"BIG"', b"-1e400"),
        document(extra="DEEP").replace(b'"DEEP"', b"[" * MAX_DEPTH + b"]" * MAX_DEPTH),
        document(extra="\ud800"),
    ],
)
def test_what_is_no_result_is_refused_as_one(data):
    with pytest.raises(ContractError) as caught:
        taken(data)
    assert caught.value.reference.startswith("result-")


def test_extra_values_may_be_as_deep_as_the_limit_allows():
    data = document(extra="DEEP").replace(b'"DEEP"', b"[" * (MAX_DEPTH - 2) + b"1" + b"]" * (MAX_DEPTH - 2))
    assert taken(data).text.encode() == data


@pytest.mark.parametrize("depth", range(100, 1000, 50))
def test_no_depth_is_a_fault_of_ours(depth):
    """The parser's limit is far beyond what recursive code behind it can bear."""
    with pytest.raises(ContractError):
        taken(document(extra="DEEP").replace(b'"DEEP"', b"[" * depth + b"]" * depth))


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(data):
    with pytest.raises(ContractError):
        taken(data)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*VALID, "contents", "deleted_files", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET),
            lambda children: st.lists(children) | st.dictionaries(st.text(), children),
        ),
    )
)
def test_any_changes_get_an_answer_that_holds_no_secret(changes):
    try:
        found = taken(document(**changes))
    except ContractError:
        return
    assert SECRET not in found.text
    json.loads(found.text, parse_constant=pytest.fail)
    found.text.encode()


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("x" * 900, "x" * MAX_SUMMARY_CHARS),
        ("a\0b", "a\ufffdb"),
        ("a\ud800b", "a?b"),
        ("fine", "fine"),
    ],
)
def test_a_summary_fits_every_database(text, stored):
    assert storable_summary(text) == stored


@pytest.mark.parametrize("kind", FailureKind)
def test_the_backends_own_document_obeys_the_contract(kind):
    text = write_for_failure(IDENTITY, kind, summary="Why.", times=("2025-01-01T00:00:00.0Z", "2025-01-01T00:00:01.0Z"))
    found = parse_result(text.encode(), project_id="p", job_id="j", max_bytes=10_000)
    assert (found["written_by"], found["status"], found["errors"]) == ("backend", "error", [kind.value])
    assert (found["created_files"], found["modified_files"], found["logs"]) == ([], [], [])
    assert (found["trace_id"], found["engine"], found["timestamp"]) == ("t", "template", found["finished_at"])
    assert list(found)[:5] == ["contract_version", "project_id", "job_id", "engine", "written_by"]
