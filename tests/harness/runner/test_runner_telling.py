"""How a run is told on standard output, for programs and for people, and to nobody when nobody reads."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_runs import run_record, scenario_record
from staged import OK_STEP, ladder_of, one_scenario

from harness.config import Settings
from harness.errors import ExitCode
from harness.evidence.event_lines import KINDS
from harness.evidence.finishing import Finished
from harness.evidence.run_record import RunStatus
from harness.judging.verdict import Verdict
from harness.runner import telling
from harness.runner.planning import Order
from harness.runner.suite import Ended
from harness.runner.telling import FOLLOWED, JsonStream, execute_and_tell, outcome_document, outcome_text
from harness.terminal.watching import SilentWatcher

ROOT = Path(__file__).resolve().parents[3]


def line(word):
    return json.dumps({"v": 1, "type": word})


class ClosedPipe(io.StringIO):
    """A pipe whose reader goes away after some lines."""

    def __init__(self, lines):
        super().__init__()
        self.left, self.tries = lines, 0

    def write(self, text):
        self.tries += 1
        if not self.left:
            raise BrokenPipeError
        self.left -= 1
        return super().write(text)


@pytest.fixture
def ended(tmp_path):
    ladder = ladder_of(tmp_path / "scenarios", one_scenario(OK_STEP), name="live", mode="live")
    scenarios = (
        scenario_record("L01", result_status="success"),
        scenario_record("L02", Verdict.FAIL, result_status="error"),
        scenario_record("M01", part="mocked/RERUN"),
    )
    facts = {"status": RunStatus.FINISHED, "verdict": Verdict.FAIL, "scenarios": scenarios, "run_id": "019a83c1"}
    folder = tmp_path / "evidence/2025-11-14T17:14:05Z"
    return Ended(run_record(ladder, **facts), Finished(folder, "ab" * 32), ExitCode.FAILED)


def test_the_stream_has_only_what_tells_how_far_the_run_is():
    out = io.StringIO()
    stream = JsonStream(out)
    for word in KINDS:
        stream.append(line(word))
    assert [json.loads(each)["type"] for each in out.getvalue().splitlines()] == [
        word for word in KINDS if word in FOLLOWED
    ]


def test_every_followed_type_is_a_type_of_event():
    assert KINDS.keys() >= FOLLOWED
    assert not FOLLOWED & {"exchange", "observation", "capture"}


def test_lines_are_written_at_once():
    out = io.BytesIO()
    buffered = io.TextIOWrapper(out, write_through=False)
    JsonStream(buffered).append(line("check"))
    assert out.getvalue() == line("check").encode() + b"\n"


def test_a_run_goes_on_when_nobody_reads_its_stream_any_more():
    out = ClosedPipe(lines=1)
    stream = JsonStream(out)
    for _ in range(4):
        stream.append(line("check"))
    assert out.tries == 2


@pytest.mark.parametrize("stream", [None, ClosedPipe(lines=0)])
def test_an_outcome_that_nobody_reads_is_no_fault(stream):
    JsonStream(stream).write("{}")


def test_a_stream_that_is_closed_already_is_no_fault():
    out = io.StringIO()
    out.close()
    JsonStream(out).append(line("check"))


DRIVER = """
import sys
from harness.runner.telling import JsonStream
stream = JsonStream(sys.stdout)
stream.append('{"type": "check"}')
sys.stdin.read()
stream.append('{"type": "check"}')
stream.write('{"type": "outcome"}')
sys.exit(4)
"""


def test_a_reader_who_goes_away_does_not_change_the_exit_code():
    command = [sys.executable, "-c", DRIVER]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout.readline() == b'{"type": "check"}\n'
        run.stdout.close()
        run.stdin.close()
        assert run.stderr.read() == b""
    assert run.returncode == 4


def test_the_outcome_for_programs_tells_folder_verdicts_and_head(ended):
    assert outcome_document(ended) == {
        "type": "outcome",
        "run_id": "019a83c1",
        "folder": str(ended.finished.folder),
        "status": "finished",
        "verdict": "FAIL",
        "exit_code": 1,
        "manifest_sha256": "ab" * 32,
        "signed_by": None,
        "notes": [],
        "verdicts": {"live/L01": "PASS", "live/L02": "FAIL", "mocked/RERUN/M01": "PASS"},
        "trials": [],
        "aggregation": None,
    }
    assert json.loads(json.dumps(outcome_document(ended)))


def test_the_outcome_for_people_is_the_summary_and_where_the_evidence_lies(ended, tmp_path):
    assert outcome_text(ended, tmp_path) == (
        "live/L01: PASS result=success\n"
        "live/L02: FAIL result=error\n"
        "mocked/RERUN/M01: PASS result=n/a\n"
        "verdict: FAIL, exit code 1\n"
        "evidence: evidence/2025-11-14T17:14:05Z/\n"
        f"manifest sha256: {'ab' * 32}\n"
        "signed by: nobody, the run is unsigned\n"
    )


def test_who_signed_a_run_and_what_was_mended_in_the_ledger_is_told(ended, tmp_path):
    sealed = replace(ended, finished=replace(ended.finished, signed_by="cd" * 32, notes=("a line was added",)))
    assert outcome_text(sealed, tmp_path).endswith(f"signed by: {'cd' * 32}\nnote: a line was added\n")
    assert outcome_document(sealed)["notes"] == ["a line was added"]
    assert outcome_document(sealed)["signed_by"] == "cd" * 32


def test_evidence_that_lies_elsewhere_is_told_by_its_whole_path(ended, tmp_path):
    assert f"evidence: {ended.finished.folder}/\n" in outcome_text(ended, tmp_path / "elsewhere")


def test_an_interrupted_run_says_so(ended, tmp_path):
    object.__setattr__(ended.record, "status", RunStatus.INTERRUPTED)
    assert "verdict: FAIL (interrupted), exit code 1\n" in outcome_text(ended, tmp_path)


@pytest.fixture
def executing(monkeypatch, ended, tmp_path):
    """Execute and tell, with a run that ends at once; returns the exit code and the world it was given."""

    def execute(*, as_json, out):
        worlds = []

        def run(_order, world):
            worlds.append(world)
            if world.follower:
                world.follower.append(line("run_started"))
            return ended

        monkeypatch.setattr(telling, "execute", run)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.chdir(tmp_path)
        settings = Settings(tmp_path, tmp_path / ".env", {})
        code = execute_and_tell(Order("live", tmp_path), settings, as_json=as_json)
        return code, worlds[0]

    return execute


def test_for_programs_the_last_line_is_the_outcome_and_the_watcher_is_silent(executing, ended):
    out = io.StringIO()
    code, world = executing(as_json=True, out=out)
    lines = [json.loads(each) for each in out.getvalue().splitlines()]
    assert [each["type"] for each in lines] == ["run_started", "outcome"]
    assert lines[-1] == outcome_document(ended)
    assert code is ExitCode.FAILED
    assert isinstance(world.watcher(None), SilentWatcher)


def test_for_people_there_is_no_stream(executing, ended, tmp_path):
    out = io.StringIO()
    code, world = executing(as_json=False, out=out)
    assert world.follower is None
    assert (code, out.getvalue()) == (ExitCode.FAILED, outcome_text(ended, tmp_path))


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("out", [None, ClosedPipe(lines=0)])
def test_the_exit_code_is_that_of_the_run_although_nobody_reads_it(executing, as_json, out):
    assert executing(as_json=as_json, out=out)[0] is ExitCode.FAILED
