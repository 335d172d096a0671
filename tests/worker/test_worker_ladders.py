"""Both ladders from end to end, as one project goes through them, and the rules in any order."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worker_bench import GENERATE, Bench

COMMENT = "Append a comment line to app.py describing the change."
REFACTOR = "Refactor fibonacci() to be iterative, add an input guard, and add a docstring note."
E02 = "Modify the CLI to print the first 15 Fibonacci numbers."
E03 = "Refactor by moving fibonacci() to fibonacci.py and have app.py import and use it."
E04 = "Enhance README with usage instructions and create CHANGELOG.md with initial entry."
E05 = "Add CLI argument parsing so the program accepts N and prints the first N Fibonacci numbers."
FORCE = "force_error: provoke a controlled failure"
E07A = "Add a module utils.py with helper function format_sequence(seq) that returns a comma-joined string."
E07B = "Update app.py to use format_sequence from utils.py for printing."
E08 = "Append a trailing newline to README.md if missing; otherwise make no changes."
E09 = "Add a docs/ folder with three small markdown files documenting modules (app, fibonacci, utils)."
THREE = ["README.md", "app.py", "tests/test_cli.py"]
QUOTED = f"# Edit applied: {COMMENT}"


def succeeded(ran, *, created=(), modified=()):
    assert ran.result["status"] == "success"
    assert ran.lists == {"created": list(created), "modified": list(modified), "deleted": []}


def intact(bench, count):
    assert len(bench.printed()) == count
    bench.assert_own_test_passes()


def at_line_start(text, bench, path):
    return re.search(f"(?m)^{re.escape(text)}", bench.text(path))


def test_the_live_ladder(bench):
    first = bench.create(GENERATE)
    succeeded(first, created=THREE)
    assert first.result["engine"] != "dummy"
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT"):
        assert first.result["logs"].count(f"{name}=absent") == 1
    intact(bench, 10)
    succeeded(bench.edit(COMMENT), modified=["app.py"])
    assert at_line_start(QUOTED, bench, "app.py")
    before = bench.text("app.py")
    succeeded(bench.edit(REFACTOR), modified=["app.py"])
    assert bench.text("app.py") != before
    assert at_line_start(QUOTED, bench, "app.py")
    intact(bench, 10)


def test_the_live_ladder_s_controlled_failure_and_long_run(tmp_path):
    failing = Bench(tmp_path / "l07")
    assert failing.create(FORCE).result["errors"] == ["forced_error"]
    assert failing.files() == {}
    long = Bench(tmp_path / "l08")
    ran = long.create("long_run: generate and analyze a large codebase")
    succeeded(ran, created=THREE)
    assert sum(line.startswith("progress: ") for line in ran.lines) == 3
    intact(long, 10)


def test_the_mocked_ladder(bench):
    bench.ask(GENERATE, job_type="initial_project", engine="dummy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _seconds: pytest.fail("the dummy never sleeps"))
        first = bench.perform(SLEEP_SECONDS="3600", OPENAI_API_KEY="x")
    succeeded(first, created=THREE)
    assert (first.result["engine"], first.result["written_by"]) == ("dummy", "worker")
    assert first.result["logs"][:3] == [
        "Dummy worker used instead of the live worker.",
        "job_type=initial_project",
        "engine=dummy",
    ]
    assert not any("=present" in line or "=absent" in line or "sleep" in line for line in first.result["logs"])
    bench.ask(COMMENT, engine="dummy")
    fourth = bench.perform()
    succeeded(fourth, modified=["app.py"])
    assert any("dummy worker" in line.lower() for line in fourth.result["logs"])
    intact(bench, 10)


def test_f30_the_edit_ladder(bench, tmp_path):
    succeeded(bench.create(GENERATE), created=THREE)
    succeeded(bench.edit(COMMENT), modified=["app.py"])
    succeeded(bench.edit(E02), modified=["app.py"])
    assert at_line_start("N = 15", bench, "app.py")
    succeeded(bench.edit(E02))
    intact(bench, 15)
    succeeded(bench.edit(E03), created=["fibonacci.py"], modified=["app.py"])
    assert at_line_start("from fibonacci import fibonacci\n", bench, "app.py")
    assert at_line_start("def fibonacci(", bench, "fibonacci.py")
    intact(bench, 15)
    succeeded(bench.edit(E04), created=["CHANGELOG.md"], modified=["README.md"])
    assert at_line_start("## Usage", bench, "README.md")
    succeeded(bench.edit(E05), modified=["README.md", "app.py"])
    assert len(bench.printed("-n", "5")) == 5
    intact(bench, 15)
    other = Bench(tmp_path / "e06")
    assert other.create(FORCE).result["status"] == "error"
    succeeded(bench.edit(E07A), created=["utils.py"])
    assert at_line_start("def format_sequence(", bench, "utils.py")
    intact(bench, 15)
    succeeded(bench.edit(E07B), modified=["app.py"])
    assert at_line_start("from utils import format_sequence\n", bench, "app.py")
    assert "format_sequence(fibonacci(" in bench.text("app.py")
    intact(bench, 15)
    readme = bench.text("README.md")
    succeeded(bench.edit(E08))
    succeeded(bench.edit(E08))
    assert bench.text("README.md") == readme
    succeeded(bench.edit(E09), created=["docs/app.md", "docs/fibonacci.md", "docs/utils.md"])
    succeeded(bench.edit(REFACTOR), modified=["fibonacci.py"])
    assert len(bench.printed("-n", "5")) == 5
    assert at_line_start(QUOTED, bench, "app.py")
    intact(bench, 15)


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_every_allowed_count_is_printed(bench, count):
    bench.create()
    bench.edit(f"Print the first {count} numbers.")
    bench.edit(E05)
    bench.edit(REFACTOR)
    intact(bench, count)


EVERY_RULE = (E02, E03, E04, E05, E07A, E07B, E08, E09, REFACTOR)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(order=st.permutations(EVERY_RULE), comments=st.sets(st.integers(0, 8)))
def test_the_rules_in_any_order_keep_count_comments_and_the_project_s_test(tmp_path_factory, order, comments):
    bench = Bench(tmp_path_factory.mktemp("order") / "project")
    bench.create()
    for place, instruction in enumerate(order):
        if place in comments:
            succeeded(bench.edit(COMMENT), modified=["app.py"])
        ran = bench.edit(instruction)
        # The helper has to be made before it can be used; that is the only order that matters.
        early = instruction == E07B and E07A not in order[:place]
        assert ran.result["errors"] == (["missing:utils.py"] if early else [])
    assert bench.edit(E07B).result["status"] == "success"
    assert bench.text("app.py").count(QUOTED) == len(comments)
    after = bench.files()
    for instruction in order:
        succeeded(bench.edit(instruction))
    assert bench.files() == after
    assert len(bench.printed("-n", "5")) == 5
    intact(bench, 15)
