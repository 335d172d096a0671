"""Events: what is written is what is read, and an observation that was stored is the one that was judged."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from sample_run import MISSED, NOW, Collected, PlainRedactor, exchange, fixed_clock, patient, record_events

from harness.evidence import manifest, run_record, schemas, state
from harness.evidence.bundle import Staging
from harness.evidence.event_lines import KINDS, Entry, decode, encode
from harness.evidence.events import Captured, CheckJudged, ExchangeMade, PollAttempted
from harness.evidence.exchanges import MAX_TEXT_CHARS, Answer, Purpose, Sent
from harness.evidence.faults import EvidenceError
from harness.evidence.journal import Journal, iter_events
from harness.evidence.rebuilding import observations, observed
from harness.evidence.records import DamagedRecordError
from harness.judging.observation import (
    ContainerFact,
    Exchange,
    FileChanges,
    Judgement,
    Observation,
    ProgramRun,
    Vote,
    Witness,
)
from harness.redaction.vocabulary import refusal

ANY_TEXT = st.text(st.characters(exclude_categories=()))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
HEADERS = st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3)
SECONDS = st.floats(0, 1e6)
CONTAINERS = st.builds(
    ContainerFact,
    id=ANY_TEXT,
    labels=HEADERS,
    image=st.none() | ANY_TEXT,
    running=st.booleans(),
    exit_code=st.none() | st.integers(0, 255),
    oom_killed=st.booleans(),
    started_at=st.none() | SECONDS,
    ended_at=st.none() | SECONDS,
)
TOKENS = st.none() | st.integers(0, 10**6)
VOTES = st.builds(
    Vote,
    fence=ANY_TEXT,
    prompt_sha256=ANY_TEXT,
    reply=ANY_TEXT,
    reasoning=ANY_TEXT,
    model=ANY_TEXT,
    prompt_tokens=TOKENS,
    completion_tokens=TOKENS,
    duration_s=SECONDS,
    error=ANY_TEXT,
    cut_from=TOKENS,
)
JUDGEMENTS = st.builds(Judgement, ANY_TEXT, st.lists(VOTES, max_size=2).map(tuple), ANY_TEXT)
WITNESSES = st.builds(Witness, st.booleans(), st.lists(CONTAINERS, max_size=2).map(tuple), ANY_TEXT)


@st.composite
def exchanges(draw):
    body = draw(JSON_VALUES)
    text = draw(st.just(json.dumps(body)) | ANY_TEXT)
    status = draw(st.none() | st.integers(100, 599))
    return Exchange(status, draw(HEADERS), body, text, draw(SECONDS), len(text), draw(ANY_TEXT), draw(ANY_TEXT))


OBSERVATIONS = st.builds(
    Observation,
    exchange=exchanges(),
    doc=JSON_VALUES,
    files=st.dictionaries(ANY_TEXT, st.builds(FileChanges, ANY_TEXT, HEADERS, HEADERS), max_size=2),
    witness=WITNESSES,
    secret_hits=st.integers(0, 9),
    schemas=st.dictionaries(ANY_TEXT, JSON_VALUES, max_size=1),
    programs=st.dictionaries(
        ANY_TEXT, st.builds(ProgramRun, st.none() | st.integers(0, 255), ANY_TEXT, ANY_TEXT), max_size=1
    ),
    judgements=st.dictionaries(ANY_TEXT, JUDGEMENTS, max_size=1),
)


def sample_lines():
    lines = Collected()
    record_events(Journal(lines, PlainRedactor(), fixed_clock()))
    return lines.lines


@patient
@given(OBSERVATIONS)
def test_a_stored_observation_is_the_one_that_was_judged(observation):
    lines = Collected()
    journal = Journal(lines, PlainRedactor(), fixed_clock())
    made = journal.record(ExchangeMade("L01", "s", Purpose.STEP, Sent("GET", "/"), Answer.of(observation.exchange)))
    journal.record(observed("L01", "s", exchange=made.seq, observation=observation))
    (seen,) = observations(decode(line) for line in lines.lines)
    # Equality alone would take 1 for True and for 1.0.
    assert repr(seen.observation) == repr(observation)
    assert seen.is_whole


def test_nothing_that_checks_may_look_at_is_forgotten():
    assert [each.name for each in fields(Observation)] == [
        "exchange",
        "doc",
        "files",
        "witness",
        "secret_hits",
        "schemas",
        "programs",
        "judgements",
    ]


@patient
@given(ANY_TEXT, st.integers(), st.none() | SECONDS)
def test_a_line_is_ascii_without_a_line_feed_and_reads_as_what_was_written(text, number, wait):
    entry = Entry(number, 0.5, text, PollAttempted(text, text, number, None, number, text, text, wait))
    line = encode(entry)
    assert line.isascii()
    assert line.isprintable()
    assert repr(decode(line)) == repr(entry)


def test_a_body_is_stored_once_when_parsing_the_text_gives_it():
    assert Answer.of(exchange('{"id": "p"}', {"id": "p"})).body_json is None
    assert Answer.of(exchange('{"id": "p"}', {"id": "[REDACTED]"})).body_json == '{"id": "[REDACTED]"}'


def test_a_body_that_is_not_json_stays_none():
    plain = Exchange(200, {}, None, "hello", 0.1)
    null = Exchange(200, {}, None, '{"a": 1}', 0.1)
    assert Answer.of(plain).exchange() == plain
    assert Answer.of(null).exchange() == null


def test_numbers_that_json_lacks_survive_in_a_body():
    text = '{"a": 1e999}'
    assert Answer.of(exchange(text, json.loads(text))).exchange().body == {"a": float("inf")}


def test_a_body_too_deep_to_be_spelt_ends_nothing():
    text = "[" * 100_000 + "]" * 100_000
    assert Answer.of(Exchange(200, {}, None, text[:50_000], 0.1)).exchange().body is None


def test_a_long_text_is_cut_marked_and_not_judged_again_in_silence():
    long = "x" * (MAX_TEXT_CHARS + 1)
    lines = Collected()
    journal = Journal(lines, PlainRedactor(), fixed_clock())
    made = journal.record(
        ExchangeMade("L01", "s", Purpose.STEP, Sent("GET", "/"), Answer.of(Exchange(200, {}, None, long, 0.1)))
    )
    journal.record(observed("L01", "s", exchange=made.seq, observation=Observation(Exchange(200, {}, None, long, 0.1))))
    assert made.event.answer.cut_from == MAX_TEXT_CHARS + 1
    assert len(made.event.answer.text) == MAX_TEXT_CHARS
    (seen,) = observations(decode(line) for line in lines.lines)
    assert not seen.is_whole


def test_an_observation_without_its_exchange_is_lost_evidence():
    seen = observed("L01", "s", exchange=7, observation=Observation(exchange()))
    with pytest.raises(EvidenceError) as caught:
        list(observations([Entry(8, 0.0, "", seen)]))
    assert caught.value.reference == "events-incomplete"


def test_the_sample_has_every_kind_of_event_and_each_line_obeys_the_shipped_schema():
    validator = Draft7Validator(json.loads((schemas.FOLDER / "events.schema.json").read_text()))
    documents = [json.loads(line) for line in sample_lines()]
    assert {document["type"] for document in documents} == set(KINDS)
    for document in documents:
        validator.validate(document)


def test_the_schema_and_the_reader_refuse_a_line_that_lacks_or_mistypes_a_field():
    validator = Draft7Validator(json.loads((schemas.FOLDER / "events.schema.json").read_text()))
    for document in map(json.loads, sample_lines()):
        required = {
            "seq",
            "t",
            "at",
            "type",
            "v",
            *(
                []
                if document["type"] == "run_ended"
                else [next(k for k in document if k not in {"v", "seq", "t", "at", "type"})]
            ),
        }
        for field in required:
            for damaged in ({k: v for k, v in document.items() if k != field}, {**document, field: [1]}):
                assert not validator.is_valid(damaged)
                with pytest.raises(DamagedRecordError):
                    decode(json.dumps(damaged))


def test_no_field_of_an_event_hides_one_of_the_line():
    for kind in KINDS.values():
        assert not {each.name for each in fields(kind)} & {"v", "seq", "t", "at", "type"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "{",
        '{"v": 2, "type": "run_ended"}',
        '{"v": 1, "type": "nonsense"}',
        '{"v": 1, "type": ["x"]}',
        "[" * 100_000,
    ],
)
def test_a_line_of_another_kind_is_damaged(line):
    with pytest.raises(DamagedRecordError):
        decode(line)


def test_true_is_no_number_and_a_number_is_no_text():
    entry = Entry(1, 0.0, "", CheckJudged("L01", "s", MISSED))
    document = json.loads(encode(entry))
    for field, wrong in (
        ("seq", True),
        ("scenario", 1),
        ("result", {**document["result"], "severity": "loud"}),
        ("t", "0"),
    ):
        with pytest.raises(DamagedRecordError, match=field):
            decode(json.dumps({**document, field: wrong}))


def test_unknown_fields_are_ignored():
    document = json.loads(sample_lines()[0])
    assert decode(json.dumps({**document, "later": 1})) == decode(json.dumps(document))


def test_a_torn_last_line_ends_the_log_and_a_damaged_one_before_it_is_told(tmp_path):
    staging = Staging.open(tmp_path, NOW)
    record_events(Journal(staging.log("events.jsonl"), PlainRedactor(), fixed_clock()))
    staging.close()
    path = staging.folder / "events.jsonl"
    whole = path.read_bytes()
    count = whole.count(b"\n")
    assert len(list(iter_events(path))) == count
    path.write_bytes(whole[:-5])
    assert len(list(iter_events(path))) == count - 1
    lines = whole.splitlines(keepends=True)
    for damaged in ([lines[0], b"{}\n", *lines[2:]], [lines[0], *lines[2:]], [lines[1], lines[0], *lines[2:]]):
        path.write_bytes(b"".join(damaged))
        with pytest.raises(EvidenceError, match=r"events\.jsonl:[12]") as caught:
            list(iter_events(path))
        assert caught.value.reference == "events-damaged"


def test_shipped_schemas_are_those_of_the_records():
    for name, schema in schemas.schemas().items():
        shipped = json.loads((schemas.FOLDER / name).read_text())
        assert shipped == schema, "run: python -m harness.evidence.schemas"
        Draft7Validator.check_schema(shipped)


def test_no_word_of_a_line_can_be_taken_for_a_secret():
    assert [word for word in KINDS if not refusal(word)] == []


@pytest.mark.parametrize("schema", [run_record.SCHEMA, state.SCHEMA, manifest.SCHEMA])
def test_no_name_of_a_schema_can_be_taken_for_a_secret(schema):
    assert refusal(schema)


def test_an_event_that_cannot_be_spelt_leaves_no_gap():
    lines = Collected()
    journal = Journal(lines, PlainRedactor(), fixed_clock())
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        journal.record(Captured("L01", "s", "deep", deep))
    journal.record(Captured("L01", "s", "pid", "p"))
    assert [decode(line).seq for line in lines.lines] == [1]


def test_a_text_that_was_too_deep_to_be_a_document_is_none_when_it_is_read_again():
    refused = Exchange(200, {}, None, '{"a":' * 800 + "1" + "}" * 800, 0.1)
    assert Answer.of(refused).exchange().body is None
