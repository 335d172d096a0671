"""A worker that prints, leaves or names a secret: the value is kept nowhere (F07)."""

import base64
import json
import subprocess
from urllib.parse import quote

import pytest
from support.fake_worker import document
from support.job_bench import CANARY
from support.job_traces import trace_of, with_worker_trace, worker_span

from worker.contract import JobStatus

MAKE = "Make a program."

SPELLINGS = {
    "plain": CANARY,
    "in a sentence": f"the key is {CANARY}, so there",
    "base64": base64.b64encode(CANARY.encode()).decode(),
    "base64 behind a byte": base64.b64encode(b"x" + CANARY.encode()).decode(),
    "base64 behind two bytes": base64.b64encode(b"xy" + CANARY.encode()).decode(),
    "url-safe base64": base64.urlsafe_b64encode(CANARY.encode()).decode(),
    "base32": base64.b32encode(CANARY.encode()).decode(),
    "hex": CANARY.encode().hex(),
    "percent": "".join(f"%{byte:02X}" for byte in CANARY.encode()),
    "escaped": "".join(f"\\u{ord(character):04x}" for character in CANARY),
    "reversed": CANARY[::-1],
    "upper case": CANARY.upper(),
    "broken by spaces": " ".join(CANARY),
    "broken by colours": "\x1b[31m".join((CANARY[:9], CANARY[9:])),
    "broken by zero width": "\u200b".join(CANARY),
}


def assert_kept_nowhere(bench, needle):
    """Search every stored byte: workspaces, STATE_DIR, and the database as the server itself would dump it."""
    stored = [path.read_bytes() for path in bench.base.rglob("*") if path.is_file()]
    if bench.database.engine.dialect.name == "postgresql":
        url = bench.settings.database_url
        stored.append(subprocess.run(["pg_dump", "--data-only", url], check=True, capture_output=True).stdout)
    assert not [data for data in stored if needle.encode() in data]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_in_the_output_is_not_kept(bench, spelling):
    bench.engine.tell(MAKE, output=f"before\n{SPELLINGS[spelling]}\nafter\n".encode())
    job = bench.finished()
    log = bench.log_of(job)
    assert "[REDACTED]" in log
    assert log.startswith("before\n")
    assert log.endswith("after\n")
    assert bench.attempt(job).redactions == 1
    assert_kept_nowhere(bench, SPELLINGS[spelling])


@pytest.mark.parametrize("field", ["summary", "errors", "logs", "extra"])
@pytest.mark.parametrize("spelling", ["plain", "in a sentence", "base64", "broken by zero width"])
def test_a_secret_in_the_result_is_not_kept_and_the_result_stays_valid(bench, field, spelling):
    text = SPELLINGS[spelling]
    value = {"summary": text, "extra": {"deep": [text]}}.get(field, [text])
    bench.engine.tell(MAKE, leaves=lambda request: document(request, **{field: value}))
    job = bench.finished()
    assert job.status == JobStatus.COMPLETED
    assert "[REDACTED]" in json.dumps(bench.result(job)[field])
    assert next(iter(bench.result(job))) == "contract_version"
    assert bench.workspace_result(job) == job.result.encode()
    assert bench.attempt(job).redactions == 1
    assert_kept_nowhere(bench, text)
    assert_kept_nowhere(bench, CANARY)


def test_n11_a_secret_in_everything_that_a_trace_could_quote_is_in_no_byte_of_it(bench):
    text = {"key": "gen_ai.agent.name", "value": {"stringValue": CANARY}}
    words = ("evidence.layer", "evidence.decision", "evidence.operation", "error.type", CANARY)
    attributes = [text, *({"key": word, "value": {"stringValue": f"x {CANARY}"}} for word in words)]

    def make(trace_id, parent):
        return worker_span(trace_id, "a" * 16, name=CANARY, attributes=attributes) + CANARY + "\n"

    bench.engine.tell("Trace.", output=CANARY.encode(), leaves=lambda r: document(r, status="error", errors=[CANARY]))
    failed = bench.finished("Trace.")
    traced = with_worker_trace(bench, make)
    for job in (failed, traced):
        assert trace_of(bench, job).spans
        assert CANARY not in repr(trace_of(bench, job))
        # What the worker wrote itself lies in its workspace, which is not ours to change.
        (bench.workspace(job) / ".codex/trace.jsonl").unlink(missing_ok=True)
    assert_kept_nowhere(bench, CANARY)


def test_a_secret_in_a_key_is_not_kept(bench):
    bench.engine.tell(MAKE, leaves=lambda request: document(request, **{CANARY: 1, "more": {f"x{CANARY}": 2}}))
    job = bench.finished()
    assert bench.result(job)["[REDACTED]"] == 1
    assert bench.attempt(job).redactions == 2
    assert_kept_nowhere(bench, CANARY)


def test_a_secret_that_is_split_over_log_lines_is_not_kept(bench):
    head, tail = CANARY[:11], CANARY[11:]
    bench.engine.tell(
        MAKE, output=f"a {head}\n{tail} b\n".encode(), leaves=lambda r: document(r, logs=[f"a {head}", f"{tail} b"])
    )
    job = bench.finished()
    assert bench.log_of(job) == "a [REDACTED] b\n"
    assert bench.result(job)["logs"] == ["a [REDACTED] b"]
    assert bench.attempt(job).redactions == 2
    assert_kept_nowhere(bench, tail)


def test_a_secret_behind_a_doubled_key_is_not_kept(bench):
    def doubled(request):
        return document(request).replace(b'"summary"', f'"summary": "{CANARY}",\n  "summary"'.encode())

    bench.engine.tell(MAKE, leaves=doubled)
    job = bench.finished()
    assert job.status == JobStatus.COMPLETED
    assert bench.attempt(job).redactions == 1
    assert_kept_nowhere(bench, CANARY)


def test_a_secret_that_json_spells_in_escapes_is_not_kept(bench):
    escaped = CANARY.replace("a", "\\u0061")
    bench.engine.tell(MAKE, leaves=lambda r: document(r, summary="ESC").replace(b"ESC", escaped.encode()))
    job = bench.finished()
    assert job.summary == "[REDACTED]"
    assert_kept_nowhere(bench, escaped)


def test_a_secret_made_of_digits_is_not_kept_as_a_number(make_bench):
    bench = make_bench(openai_project="12345678901234")
    bench.start()
    bench.engine.tell(MAKE, leaves=lambda request: document(request, extra=[12345678901234, 1.5, True, None]))
    job = bench.finished()
    assert bench.result(job)["extra"] == ["[REDACTED]", 1.5, True, None]


@pytest.mark.parametrize("exit_code", [0, 3])
def test_a_secret_in_what_an_invalid_worker_left_is_not_kept(bench, exit_code):
    bench.engine.tell(MAKE, exit_code=exit_code, leaves=lambda request: b'{"half": "' + CANARY.encode())
    job = bench.finished()
    assert bench.left_of(job) == '{"half": "[REDACTED]'
    assert bench.attempt(job).redactions == 1
    assert_kept_nowhere(bench, CANARY)


def test_the_beginning_of_a_secret_does_not_come_out_in_a_message_that_quotes_a_value(bench):
    # The contract's messages quote 80 characters, and what is left of a secret there is not recognised any more.
    name = "x" * 70 + CANARY
    bench.engine.tell(MAKE, leaves=lambda request: document(request, job_id=name))
    job = bench.finished()
    assert job.failure_kind == "result_invalid"
    assert "result-wrong-job" in job.summary
    assert_kept_nowhere(bench, CANARY[:9])


def test_a_secret_that_the_limit_of_the_summary_cuts_is_not_kept(bench):
    bench.engine.tell(MAKE, leaves=lambda request: document(request, summary="x" * 490 + CANARY))
    job = bench.finished()
    assert job.summary == "x" * 490 + "[REDACTED]"
    assert_kept_nowhere(bench, CANARY[:9])


def test_a_secret_that_the_limit_of_the_log_cuts_is_not_kept(make_bench):
    bench = make_bench(max_log_bytes=2048)
    bench.start()
    bench.engine.tell(MAKE, output=_cut_within_the_secret(2048))
    job = bench.finished()
    log = bench.log_of(job)
    assert log.startswith("[older output was dropped]\nline ")
    assert log.endswith("line 99\n")
    assert bench.attempt(job).log_truncated is True
    assert_kept_nowhere(bench, CANARY[6:])


def _cut_within_the_secret(limit):
    """Output whose newest ``limit`` bytes begin behind the sixth character of the secret."""
    tail = "\n" + "".join(f"line {number}\n" for number in range(100))
    padding = "p" * (limit - len(CANARY[6:]) - len(tail))
    return ("older " * 100 + CANARY + padding + tail).encode()


def test_older_output_is_dropped_with_a_word_about_it(make_bench):
    bench = make_bench(max_log_bytes=4096)
    bench.start()
    bench.engine.tell(MAKE, output=b"".join(b"line %d\n" % number for number in range(2000)))
    job = bench.finished()
    first, *rest = bench.log_of(job).splitlines()
    assert first == "[older output was dropped]"
    assert rest == [f"line {number}" for number in range(2000 - len(rest), 2000)]
    assert (bench.attempt(job).log_bytes, bench.attempt(job).log_truncated) == (4096, True)


def test_an_endless_line_is_kept_to_its_limit(make_bench):
    bench = make_bench(max_log_bytes=4096)
    bench.start()
    bench.engine.tell(MAKE, output=b"x" * 100_000)
    log = bench.log_of(bench.finished())
    assert log.startswith("[older output was dropped]\nxxx")
    assert len(log) < 4200


def test_binary_output_is_kept_as_text(bench):
    bench.engine.tell(MAKE, output=b"\xff\xfe\0binary\r\n")
    assert bench.log_of(bench.finished()) == "\ufffd\ufffd\0binary\r\n"


def test_a_summary_with_nul_is_kept_on_every_database(bench):
    bench.engine.tell(MAKE, leaves=lambda request: document(request, summary="a\0b"))
    job = bench.finished()
    assert (job.status, job.summary) == (JobStatus.COMPLETED, "a\ufffdb")
    assert bench.result(job)["summary"] == "a\0b"


def test_no_secret_stands_in_the_records_of_an_ordinary_job(bench):
    bench.finished()
    for form in (CANARY, quote(CANARY), base64.b64encode(CANARY.encode()).decode()):
        assert_kept_nowhere(bench, form)
