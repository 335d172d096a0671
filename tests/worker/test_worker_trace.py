"""What a worker tells of its own work, span by span (trace model §1, §2, §4)."""

import re
import signal
import subprocess
import sys
import tomllib

import pytest
from trace_reading import named, spans, told, trace_path, tree
from worker_bench import GENERATE, ROOT, TRACE, Bench

import worker.work
from worker.clock import Clock
from worker.contract import VERSION
from worker.engines.outcome import Outcome
from worker.job import perform
from worker.otlp import ALLOWED
from worker.stop import StopSignal

PARENT = "00000000000000aa"
OTHER = f"00-{'b' * 32}-{'c' * 16}-01"
CANARY = "sk-canary-4f1d"
PLAN_OF_A_JOB = [
    ("worker run", None, None),
    ("read request", "worker run", 0),
    ("load engine", "worker run", 1),
    ("snapshot before", "worker run", 2),
    ("engine", "worker run", 3),
    ("plan", "engine", 0),
    ("write files", "engine", 1),
    ("snapshot after", "worker run", 4),
    ("write result", "worker run", 5),
]


def test_a_job_is_told_step_by_step_in_order(bench):
    bench.create()
    assert tree(bench) == PLAN_OF_A_JOB
    assert all(one.has_ended and one.error_type is None for one in spans(bench))


@pytest.mark.parametrize("engine", ["template", "dummy"])
def test_with_and_without_a_container_the_steps_are_the_same(bench, engine):
    bench.ask(GENERATE, job_type="initial_project", engine=engine)
    bench.perform(SLEEP_SECONDS="0")
    assert tree(bench) == PLAN_OF_A_JOB
    assert named(bench, "engine").attributes["evidence.job.engine"] == engine


def test_each_line_is_one_span_of_one_resource_in_the_spelling_of_otlp(bench):
    bench.create()
    instances = set()
    for one in told(bench):
        assert list(one.line) == ["resourceSpans"]
        (resource_spans,) = one.line["resourceSpans"]
        (scope_spans,) = resource_spans["scopeSpans"]
        assert len(scope_spans["spans"]) == 1
        assert scope_spans["scope"] == {"name": "worker", "version": VERSION}
        assert (one.resource["service.name"], one.resource["service.version"]) == ("worker", VERSION)
        instances.add(one.resource["service.instance.id"])
        assert one.span["traceId"] == TRACE
        assert all(re.fullmatch(r"[0-9a-f]{16}", one.span[name]) for name in ("spanId", "parentSpanId"))
        assert one.span["kind"] == 1
        assert one.span["startTimeUnixNano"].isdecimal()
        assert not one.has_ended or int(one.span["endTimeUnixNano"]) >= int(one.span["startTimeUnixNano"])
        assert "droppedAttributesCount" not in one.span
    assert len(instances) == 1


def test_the_version_is_that_of_the_project():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_every_span_is_told_when_it_begins_and_when_it_ends(bench):
    bench.create()
    lines = told(bench)
    assert [line.name for line in (lines[0], lines[-1])] == ["worker run", "worker run"]
    for span_id in {line.span["spanId"] for line in lines}:
        assert [line.has_ended for line in lines if line.span["spanId"] == span_id] == [False, True]


def test_every_span_says_which_part_did_what_and_what_set_it_off(bench):
    bench.create()
    for one in spans(bench):
        assert one.attributes["evidence.layer"] == "WORKER"
        assert one.attributes["evidence.component"]
    assert [one.attributes["evidence.trigger"] for one in spans(bench)[:2]] == ["launch", "run"]
    assert (
        named(bench, "plan").attributes["evidence.trigger"] == named(bench, "engine").attributes["evidence.operation"]
    )


def test_facts_are_counts_and_known_words(project):
    project.edit("Print the first 15 numbers.")
    facts = {one.name: one.attributes for one in spans(project)}
    assert facts["plan"]["evidence.rule"] == "R9 count"
    assert facts["write files"]["evidence.files.written"] == 1
    assert facts["write files"]["evidence.files.bytes"] == len((project.path / "app.py").read_bytes())
    assert facts["snapshot before"]["evidence.files.seen"] == 3
    run = {name.removeprefix("evidence."): value for name, value in facts["worker run"].items()}
    assert (run["job.type"], run["attempt"], run["result.status"], run["errors"]) == ("edit", 1, "success", 0)
    assert (run["files.created"], run["files.modified"], run["files.deleted"]) == (0, 1, 0)


def test_the_trace_is_in_no_list_and_the_result_names_it(bench):
    result = bench.create().result
    assert result["trace_id"].replace("-", "") == TRACE
    assert not [path for name in ("created_files", "modified_files") for path in result[name] if "trace" in path]
    assert result["created_files"] == ["README.md", "app.py", "tests/test_cli.py"]


def test_the_same_job_twice_has_the_same_structure(tmp_path):
    def told_of(name):
        bench = Bench(tmp_path / name)
        bench.create()
        return tree(bench), [(one.name, one.attributes, one.error_type) for one in spans(bench)]

    assert told_of("one") == told_of("two")


def test_children_lie_within_their_parents(bench):
    bench.create()
    times = {one.span["spanId"]: one.span for one in spans(bench)}
    for span in times.values():
        if (parent := times.get(span["parentSpanId"])) is not None:
            assert int(parent["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
            assert int(span["endTimeUnixNano"]) <= int(parent["endTimeUnixNano"])


def test_durations_come_from_the_monotonic_clock_and_begin_with_the_program(bench):
    monotonic = iter(range(0, 1_000_000, 10))
    clock = Clock(wall=iter([1_000_000]).__next__, monotonic=monotonic.__next__)
    next(monotonic)
    bench.ask(GENERATE, job_type="initial_project")
    perform(bench.environ, stop=StopSignal(), write=[].append, clock=clock)
    run = spans(bench)[0].span
    assert run["startTimeUnixNano"] == "1000000"
    assert (int(run["endTimeUnixNano"]) - 1_000_000) % 10 == 0


class TestWhereItBelongs:
    def test_the_root_continues_the_span_that_the_request_names(self, bench):
        bench.create(TRACEPARENT=f"00-{TRACE}-{PARENT}-01")
        root = spans(bench)[0]
        assert root.span["parentSpanId"] == PARENT
        # Sampled; the parent is known to be in another process.
        assert root.span["flags"] == 0x301
        assert {one.span["flags"] for one in spans(bench)[1:]} == {0x101}
        assert "evidence.reference" not in root.attributes

    @pytest.mark.parametrize("header", [OTHER, "nonsense", f"00-{TRACE}-{'c' * 16}-01"])
    def test_where_the_launcher_says_otherwise_the_request_decides_and_it_is_told(self, bench, header):
        bench.create(TRACEPARENT=header)
        root = spans(bench)[0]
        assert (root.span["traceId"], root.span["parentSpanId"]) == (TRACE, PARENT)
        assert root.attributes["evidence.reference"] == "traceparent-differs"

    @pytest.mark.parametrize(
        "header",
        ["nonsense", "", "00", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{PARENT}", f"00-{TRACE.upper()}-{PARENT}-01"],
    )
    def test_a_request_that_names_no_trace_gets_none_and_no_new_one(self, project, header):
        assert trace_path(project).exists()
        project.ask("Say hello.", trace={"traceparent": header})
        ran = project.perform(TRACEPARENT=OTHER)
        assert (ran.result["status"], ran.result["trace_id"]) == ("success", None)
        assert not trace_path(project).exists()
        assert not [line for line in ran.lines if "trace" in line]

    @pytest.mark.parametrize(
        "header", [f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-more"]
    )
    def test_a_valid_trace_without_a_valid_parent_is_written_to_without_one(self, bench, header):
        bench.ask(GENERATE, job_type="initial_project", trace={"traceparent": header})
        bench.perform()
        root = spans(bench)[0]
        assert root.span["traceId"] == TRACE
        assert "parentSpanId" not in root.span
        assert root.span["flags"] == 0x100

    def test_a_later_version_of_the_header_is_continued(self, bench):
        bench.ask(GENERATE, job_type="initial_project", trace={"traceparent": f"cc-{TRACE}-{PARENT}-ff-more"})
        bench.perform()
        assert (spans(bench)[0].span["parentSpanId"], spans(bench)[0].span["flags"]) == (PARENT, 0x303)

    def test_without_a_request_the_launcher_says_where_it_belongs(self, bench):
        ran = bench.perform(TRACEPARENT=OTHER)
        assert ran.result["trace_id"].replace("-", "") == "b" * 32
        assert tree(bench) == [
            ("worker run", None, None),
            ("read request", "worker run", 0),
            ("write result", "worker run", 1),
        ]
        assert spans(bench)[0].span["parentSpanId"] == "c" * 16
        reading = named(bench, "read request")
        assert (reading.error_type, reading.attributes["evidence.reference"]) == ("ContractError", "request-missing")
        assert spans(bench)[0].error_type == "request_invalid"

    def test_without_a_request_and_a_word_of_the_launcher_there_is_no_trace(self, bench):
        assert bench.perform().result["errors"] == ["request_invalid"]
        assert not trace_path(bench).exists()


class TestFailures:
    def test_a_forced_error_is_told_by_its_code(self, bench):
        bench.create("force_error")
        assert named(bench, "engine").error_type == "forced_error"
        assert named(bench, "worker run").error_type == "forced_error"
        assert named(bench, "write result").error_type is None

    def test_a_code_is_told_without_the_file_that_it_names(self, project):
        (project.path / "app.py").rename(project.path / "renamed.py")
        project.edit("Print the first 15 numbers.")
        assert named(project, "plan").error_type == "EditError"
        assert named(project, "engine").error_type == named(project, "worker run").error_type == "missing"

    def test_an_engine_that_is_not_there_is_told(self, bench):
        bench.ask("Say hello.", engine="codex")
        bench.perform()
        assert [one.name for one in spans(bench)] == ["worker run", "read request", "load engine", "write result"]
        assert named(bench, "worker run").error_type == "engine_unavailable"

    def test_a_result_that_cannot_be_written_is_told(self, bench):
        bench.ask(GENERATE, job_type="initial_project")
        bench.result_path.mkdir()
        perform(bench.environ, stop=StopSignal(), write=[].append)
        assert named(bench, "write result").error_type == "IsADirectoryError"
        assert named(bench, "worker run").error_type == "result_unwritable"


def follow_until(process, text):
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the worker ended without saying {text!r}")


def test_n16_a_killed_worker_leaves_a_readable_trace_that_tells_what_was_open(bench):
    bench.ask("long_run", job_type="initial_project")
    with bench.command(SLEEP_SECONDS="60") as process:
        follow_until(process, "progress: ")
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert [one.name for one in spans(bench) if not one.has_ended] == ["worker run", "wait"]
    assert [one.name for one in spans(bench) if one.has_ended] == ["read request", "load engine"]
    assert named(bench, "wait").attributes["evidence.sleep_seconds"] == 60.0


def test_a_stopped_worker_tells_what_was_stopped(bench):
    bench.ask("long_run", job_type="initial_project")
    with bench.command(SLEEP_SECONDS="60") as process:
        follow_until(process, "progress: ")
        process.terminate()
        process.wait(timeout=60)
    assert all(one.has_ended for one in spans(bench))
    assert (named(bench, "wait").error_type, named(bench, "worker run").error_type) == ("Stopped", "cancelled")


class TestSecrets:
    @pytest.fixture
    def leaky(self, project, monkeypatch):
        """An engine that puts a canary wherever it can."""

        def put(ending):
            def work(_request, workspace, *, deadline, emit):
                workspace.write(f"{CANARY}.py", CANARY.encode())
                emit(CANARY)
                return ending()

            monkeypatch.setattr(worker.work, "engine_for", lambda _name: work)
            places = ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT", "TRACESTATE", "BAGGAGE")
            header = f"00-{TRACE}-{PARENT}-01"
            project.ask(CANARY, trace={"traceparent": header, "tracestate": CANARY, "baggage": CANARY})
            project.perform(**dict.fromkeys(places, CANARY))
            return project

        return put

    def raising(self):
        raise RuntimeError(CANARY)

    @pytest.mark.parametrize(
        "ending",
        [lambda: Outcome(CANARY), lambda: Outcome(CANARY, (f"missing:{CANARY}",)), lambda: Outcome("", (CANARY,))],
    )
    def test_n11_no_secret_of_an_outcome_gets_in(self, leaky, ending):
        assert CANARY not in trace_path(leaky(ending)).read_text()

    def test_n11_no_text_of_an_exception_gets_in(self, leaky):
        project = leaky(self.raising)
        assert CANARY not in trace_path(project).read_text()
        assert named(project, "engine").error_type == "RuntimeError"

    def test_an_error_that_is_no_word_is_told_as_another_one(self, leaky):
        assert named(leaky(lambda: Outcome("", (CANARY,))), "engine").error_type == "_OTHER"

    def test_neither_instruction_nor_file_names_nor_contents_get_in(self, bench):
        bench.create()
        bench.edit("Enhance README with usage instructions and create CHANGELOG.md with initial entry.")
        text = trace_path(bench).read_text()
        assert not [word for word in ("README", "CHANGELOG", "app.py", "tests", "nhance", "ibonacci") if word in text]

    def test_only_names_of_the_list_get_in(self, bench):
        bench.create(SLEEP_SECONDS="0.001")
        assert {name for one in spans(bench) for name in one.attributes} <= ALLOWED


def test_the_program_in_its_own_process_leaves_the_same_trace(bench):
    bench.ask(GENERATE, job_type="initial_project")
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "worker"], cwd=ROOT, env=bench.environ, capture_output=True, timeout=60, check=True
    )
    assert b"trace_dropped" not in ran.stdout
    assert tree(bench) == PLAN_OF_A_JOB
    assert trace_path(bench).stat().st_mode & 0o777 == 0o644
