"""``metadata_only``: what is kept, what is taken out, and that no content gets past in any event or file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_run import DIGEST, RESULT, WITNESS, Collected, PlainRedactor, fixed_clock, patient, record_events

from harness.evidence.event_lines import decode
from harness.evidence.events import Captured, CheckJudged, ExchangeMade, PollAttempted, ScenarioEnded, StepEnded
from harness.evidence.exchanges import Answer, Purpose, Sent
from harness.evidence.journal import Journal
from harness.evidence.ladder_skeleton import without_instructions, without_texts
from harness.evidence.rebuilding import observations, observed
from harness.evidence.recording import Mode, Recording
from harness.evidence.skeleton import reason, skeleton
from harness.judging.needs import EXCLUDED, is_leaf
from harness.judging.observation import Exchange, FileChanges, Judgement, Observation, ProgramRun, Vote
from harness.judging.results import CheckResult, Outcome
from harness.judging.verdict import Verdict
from harness.language.model import Mark, Severity
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

PHRASE = "the quick brown fox"
CANARY = "sk-canary-K7qZx2VbN9mLw4TgR8"
HERE = Mark("live.ladder.yaml", 41, 9)


def recording():
    return Recording(Mode.METADATA_ONLY)


def exchange(body, *, path="/api", text=None, sent=PHRASE, headers=None):
    spelt = json.dumps(body) if text is None else text
    came = Answer.of(Exchange(200, headers or {}, body, spelt, 0.01, len(spelt), DIGEST))
    return ExchangeMade("L01", "s", Purpose.STEP, Sent("POST", path, {"x": "1"}, sent), came)


def check(item, *, wanted=PHRASE, got=PHRASE, path="doc.x"):
    return CheckResult(json.dumps(item), HERE, Severity.FAIL, Outcome.MISSED, path, wanted, got)


def lines(transform, *events, redactor=None):
    log = Collected()
    journal = Journal(log, redactor or PlainRedactor(), fixed_clock(), transform=transform)
    for event in events:
        journal.record(event)
    return log.lines


def test_in_the_mode_full_everything_is_kept_as_it_is():
    whole = Recording(Mode.FULL)
    event = exchange({"summary": PHRASE})
    assert whole.event(event) is event
    assert whole.artifact("result.json", PHRASE) == PHRASE
    assert whole.line(PHRASE) == whole.ladder(PHRASE) == PHRASE
    assert lines(whole.event, event) == lines(None, event)


def test_an_exchange_keeps_code_size_digest_time_and_the_shape_of_its_body():
    kept = recording().event(
        exchange({"id": "p1", "status": "queued", "summary": PHRASE, "files": [{"path": "a b.py"}]})
    )
    assert kept.sent.text == EXCLUDED
    assert (kept.answer.status, kept.answer.duration_s, kept.answer.sha256) == (200, 0.01, DIGEST)
    assert kept.answer.text == EXCLUDED
    assert kept.answer.exchange().body == {
        "id": "p1",
        "status": "queued",
        "summary": EXCLUDED,
        "files": [{"path": "a b.py"}],
    }


def test_a_query_is_content_and_an_empty_body_stays_empty():
    kept = recording().event(exchange(None, path=f"/find?q={PHRASE}", text="", sent=""))
    assert kept.sent.path == f"/find?{EXCLUDED}"
    assert (kept.sent.text, kept.answer.text, kept.answer.exchange().body) == ("", "", None)


def test_text_where_a_word_is_expected_is_taken_out():
    document = {"status": PHRASE, "errors": ["forced_error", PHRASE], "size": 3, "exit_code": 0, "active": True}
    assert skeleton(document) == {
        "status": EXCLUDED,
        "errors": ["forced_error", EXCLUDED],
        "size": 3,
        "exit_code": 0,
        "active": True,
    }


def test_numbers_and_keys_are_contents_too():
    assert skeleton({"pin": 1234, "is_ill": True, PHRASE: 1, "nothing": None}) == {
        "pin": EXCLUDED,
        "is_ill": EXCLUDED,
        EXCLUDED: EXCLUDED,
        "nothing": None,
    }


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(values)
@patient
def test_a_skeleton_holds_nothing_but_what_its_keys_promise(value):
    def look(one, name):
        if isinstance(one, dict):
            for key, item in one.items():
                look(item, key)
        elif isinstance(one, list):
            for item in one:
                look(item, name)
        else:
            assert one is None or one == EXCLUDED or is_leaf(name)

    found = skeleton(value)
    look(found, "")
    assert skeleton(found) == found


def test_a_document_keeps_its_skeleton_and_can_be_judged_again():
    seen = Observation(
        Exchange(200, {}, {"contents": json.dumps(RESULT)}, json.dumps({"contents": json.dumps(RESULT)}), 0.1),
        RESULT,
        files={"s": FileChanges("s", {}, {"a.py": DIGEST}, f'"{PHRASE}" cannot be read')},
        witness=WITNESS,
        secret_hits=2,
        programs={"k": ProgramRun(0, PHRASE)},
        judgements={"j": Judgement("m", (Vote("fence", DIGEST, PHRASE, PHRASE, "m", 3, 4),))},
    )
    of = recording()
    made = exchange(seen.exchange.body)
    text = lines(of.event, made, observed("L01", "s", exchange=1, observation=seen))
    assert PHRASE not in "".join(text)
    assert "refused" not in "".join(text)
    (found,) = observations(decode(line) for line in text)
    again = found.observation
    assert (again.doc["status"], again.doc["errors"]) == ("error", ["unsupported_layout:app.py"])
    assert (again.doc["summary"], again.doc["logs"]) == (EXCLUDED, [EXCLUDED])
    assert (again.witness, again.secret_hits) == (WITNESS, 2)
    assert again.files["s"].created == ("a.py",)
    vote = again.judgements["j"].votes[0]
    assert (vote.reply, vote.reasoning, vote.prompt_tokens, vote.prompt_sha256) == (EXCLUDED, EXCLUDED, 3, DIGEST)


@pytest.mark.parametrize(
    ("item", "is_kept"),
    [
        ({"path": "doc.status", "eq": "success"}, True),
        ({"container": {"label": "x"}}, True),
        ({"status": 200}, True),
        ({"path": "doc.summary", "eq": "x"}, False),
        ({"schema": "x.json"}, False),
        ({"prints": {"project": "p"}}, False),
        ({"any_of": [{"status": 200}, {"path": "text", "eq": "x"}]}, False),
    ],
)
def test_details_of_checks_on_contents_are_taken_out(item, is_kept):
    kept = recording().event(CheckJudged("L01", "s", check(item, wanted='eq "success"', got='"error"'))).result
    assert (kept.wanted, kept.got) == (('eq "success"', '"error"') if is_kept else (EXCLUDED, EXCLUDED))
    assert kept.text == json.dumps(item)


def test_the_details_of_any_check_hold_no_text():
    kept = recording().result(check({"path": "doc.status", "eq": 1}, wanted="eq 1", got=f'"{PHRASE} and so'))
    assert kept.got == f'"{EXCLUDED}"'


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("not ready: status in [200], got 404", "not ready: status in [200], got 404"),
        ('not ready: doc.summary eq "x", got 7', f"not ready: doc.summary {EXCLUDED}"),
        (f'stopped: doc.status in ["a"], got "{PHRASE}"', f'stopped: doc.status in ["a"], got "{EXCLUDED}"'),
        (f"{HERE}: doc.summary: wanted eq 1, got 2", f"{HERE}: doc.summary: wanted {EXCLUDED}"),
        (f'{HERE}: doc.status: wanted eq "a", got "b"', f'{HERE}: doc.status: wanted eq "a", got "b"'),
        ("step s: a fault of the harness: KeyError: fox", f"step s: a fault of the harness: KeyError: {EXCLUDED}"),
        ("gate closed: L04 FAIL, 1 missed > 0 allowed", "gate closed: L04 FAIL, 1 missed > 0 allowed"),
        (f'somebody said "{PHRASE}"', f'somebody said "{EXCLUDED}"'),
    ],
)
def test_reasons_keep_their_sense_and_no_contents(text, kept):
    assert reason(text) == kept
    assert recording().event(StepEnded("L01", "s", Verdict.FAIL, 0.1, text)).reason == kept
    assert recording().event(ScenarioEnded("L01", Verdict.FAIL, "error", text)).reason == kept
    assert recording().event(PollAttempted("L01", "s", 1, 200, 3, DIGEST, text)).why_not_ready == kept


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("0190aaaa-bbbb-7ccc-8ddd-0123456789ab", True),
        (f"sha256:{DIGEST}", True),
        ("p1", True),
        (["app.py"], True),
        ([], True),
        (PHRASE, False),
        ("fox", False),
        (["app.py", "fox"], False),
        (1234, False),
    ],
)
def test_captured_values_are_kept_when_they_are_ids_or_stand_in_the_skeleton(value, is_kept):
    of = recording()
    of.event(exchange({"id": "p1", "created_files": ["app.py"], "summary": "fox", "pin": 1234}))
    kept = of.event(Captured("L01", "s", "name", value)).value
    assert kept == (value if is_kept else EXCLUDED)
    assert of.captures({"L01": {"name": value}}) == {"L01": {"name": kept}}


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        (
            "response.json",
            f'{{"id": "p1", "summary": "{PHRASE}"}}',
            f'{{\n  "id": "p1",\n  "summary": "{EXCLUDED}"\n}}\n',
        ),
        ("list.json", f'["{PHRASE}"]', f'[\n  "{EXCLUDED}"\n]\n'),
        ("project_id.txt", "0190aaaa-bbbb-7ccc-8ddd-0123456789ab", "0190aaaa-bbbb-7ccc-8ddd-0123456789ab"),
        ("status.txt", "200\n", "200\n"),
        ("worker.log", PHRASE, f"{EXCLUDED}\n"),
        ("empty.txt", "", ""),
        ("broken.json", PHRASE, f'"{EXCLUDED}"\n'),
        ("notes.txt", f'a line\nsaid "{PHRASE}"\n', f'a line\nsaid "{EXCLUDED}"\n'),
        ("db_writes.json", '[{"table": "jobs"}]\n', '[{"table": "jobs"}]\n'),
    ],
)
def test_artifacts_keep_their_skeleton(name, text, kept):
    assert recording().artifact(name, text) == kept


LADDER = """apiVersion: ladder/v1
mode: live
vars: {G: Write a poem, W: Hello, N: 3, U: "${env:URL:-http://x}"}
templates:
  t:
    post: /x
    json:
      instruction: |
        many
        lines
      job_type: edit
      other: "some text,
        on two lines"
    expect: [{path: doc.summary, contains: "a word or two"}]
scenarios:
  L01: {title: One, steps: [{use: t, with: {x: "${W}", y: "${G}", instruction: Refactor}}, {get: /docs}]}
"""


def test_a_ladder_keeps_its_checks_on_their_lines_and_none_of_its_instructions():
    kept = without_instructions(LADDER)
    for word in ("poem", "Hello", "many", "lines", "some text", "Refactor"):
        assert word not in kept
    (checked,) = [at for at, line in enumerate(LADDER.splitlines()) if "expect" in line]
    assert kept.splitlines()[checked] == LADDER.splitlines()[checked]
    assert kept.count("\n") == LADDER.count("\n")
    assert "job_type: edit" in kept
    assert without_instructions(kept) == kept


def test_variables_that_are_sent_are_taken_out_of_the_record():
    values = {"G": "Write a poem", "W": "Hello", "N": 3, "U": "http://x", "L": ["a b", "c"]}
    assert without_texts(values, LADDER) == {
        "G": EXCLUDED,
        "W": EXCLUDED,
        "N": 3,
        "U": "http://x",
        "L": [EXCLUDED, "c"],
    }


def test_what_is_no_yaml_is_taken_out_whole():
    assert without_instructions("a: [") == f"{EXCLUDED}\n"


def test_every_kind_of_event_can_be_kept_as_its_skeleton():
    log = Collected()
    record_events(Journal(log, PlainRedactor(), fixed_clock(), transform=recording().event))
    assert [decode(line).seq for line in log.lines] == list(range(1, len(log.lines) + 1))
    assert "refused" not in "".join(log.lines)


@pytest.mark.parametrize("mode", list(Mode))
def test_d10_a_planted_key_is_in_no_stored_byte_in_neither_mode(mode):
    redactor = Redactor(SecretSet((NamedSecret("OPENAI_API_KEY", Secret(CANARY)),)))
    redacted = redactor.json(json.dumps({"summary": CANARY, "status": CANARY, "tool": {"arguments": CANARY}}))
    of = Recording(mode)
    events = (
        exchange(json.loads(redacted), sent=redactor.text(CANARY), headers={"x": redactor.text(CANARY)}),
        Captured("L01", "s", "key", CANARY),
        CheckJudged("L01", "s", check({"path": "doc.status", "eq": 1}, got=redactor.text(f'"{CANARY}"'))),
        StepEnded("L01", "s", Verdict.ERROR, 0.1, f"a fault of the harness: ValueError: {CANARY}"),
        ScenarioEnded("L01", Verdict.ERROR, "error", f'said "{CANARY}" and {CANARY}'),
    )
    text = "".join(lines(of.event, *events, redactor=redactor))
    text += redactor.text(of.artifact("worker.log", CANARY)) + redactor.text(of.artifact("notes.txt", CANARY))
    assert CANARY not in text
