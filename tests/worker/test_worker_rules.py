"""Rules R1 to R9 on the generated project: what each writes, when it writes nothing, and what it refuses."""

import re

import pytest
from worker_bench import (
    ARGUMENTS,
    COUNT,
    DOCS,
    GENERATE,
    ITERATIVE,
    MAKE,
    NEWLINE,
    SPLIT,
    TEXTS,
    USE,
    assert_no_change,
    assert_refused,
    assert_success,
)

from worker.rules.texts import README

LISTED = {
    NEWLINE: ([], ["README.md"]),
    DOCS: (["docs/app.md", "docs/fibonacci.md", "docs/utils.md"], []),
    USE: ([], ["app.py"]),
    MAKE: (["utils.py"], []),
    ARGUMENTS: ([], ["README.md", "app.py"]),
    SPLIT: (["fibonacci.py"], ["app.py"]),
    TEXTS: (["CHANGELOG.md"], ["README.md"]),
    ITERATIVE: ([], ["app.py"]),
    COUNT: ([], ["app.py"]),
}


def prepare(project, instruction):
    if instruction == NEWLINE:
        (project.path / "README.md").write_text("# Without an end")
    if instruction == USE:
        project.edit(MAKE)


@pytest.mark.parametrize("instruction", LISTED)
def test_a_rule_lists_what_it_wrote_and_is_a_no_op_the_second_time(project, instruction):
    prepare(project, instruction)
    created, modified = LISTED[instruction]
    assert_success(project.edit(instruction), created, modified)
    after_once = project.files()
    assert_no_change(project.edit(instruction))
    assert project.files() == after_once
    assert project.printed() == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377][: len(project.printed())]
    project.assert_own_test_passes()


@pytest.mark.parametrize("instruction", LISTED)
def test_a_rule_leaves_the_same_bytes_every_time(bench, tmp_path_factory, instruction):
    seen = []
    for _ in range(2):
        other = type(bench)(tmp_path_factory.mktemp("same") / "project")
        other.create()
        prepare(other, instruction)
        other.edit(instruction)
        seen.append(other.files())
    assert seen[0] == seen[1]


def test_a_new_project_prints_ten_numbers_and_passes_its_test(project):
    assert sorted(project.files()) == ["README.md", "app.py", "tests/test_cli.py"]
    assert project.run("app.py").stdout == "0,1,1,2,3,5,8,13,21,34\n"
    assert "\n## Usage" not in project.text("README.md")
    assert project.text("README.md").endswith("\n")
    project.assert_own_test_passes()


def test_the_project_s_own_test_runs_in_every_common_way(project, tmp_path):
    for arguments in (("-m", "pytest", "-q"), ("-m", "pytest", "-q", "tests"), ("tests/test_cli.py",)):
        ran = project.run(*arguments)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    elsewhere = project.run(str(project.path / "tests" / "test_cli.py"), cwd=tmp_path)
    assert elsewhere.returncode == 0, elsewhere.stderr


def test_the_project_s_own_test_notices_a_wrong_fibonacci(project):
    app = project.path / "app.py"
    app.write_text(app.read_text().replace("numbers[-2] + numbers[-1]", "numbers[-1] + 1"))
    assert project.run("-m", "unittest", "tests/test_cli.py").returncode != 0


@pytest.mark.parametrize(("said", "count"), [("the first 3 numbers", 3), ("the first 1000", 1000), ("25 numbers", 10)])
def test_a_new_project_counts_as_its_instruction_says(bench, said, count):
    bench.create(f"Generate a project that prints {said}.")
    assert len(bench.printed()) == count


def test_an_existing_file_is_never_overwritten(bench):
    (bench.path / "app.py").write_text("print('mine')\n")
    assert_success(bench.create(), ["README.md", "tests/test_cli.py"])
    assert bench.text("app.py") == "print('mine')\n"


def test_a_project_that_is_complete_is_left_alone(project):
    before = project.files()
    assert_no_change(project.create())
    assert project.files() == before


def test_a_file_where_the_tests_belong_stops_the_project_before_anything_is_written(bench):
    (bench.path / "tests").write_text("")
    ran = bench.create()
    assert ran.result["errors"] == ["unsupported_layout:tests"]
    assert sorted(bench.files()) == ["tests"]


@pytest.mark.parametrize("job_type", ["initial_project", "edit"])
def test_a_forced_error_touches_no_file(project, job_type):
    before = project.files()
    project.ask("force_error: provoke a controlled failure", job_type=job_type)
    ran = project.perform()
    assert (ran.result["status"], ran.result["errors"]) == ("error", ["forced_error"])
    assert project.files() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"# A", b"# A\n"), (b"# A\r\nb", b"# A\r\nb\r\n"), (b"", b"\n"), (b"\xff", b"\xff\n"), (b"x\n", b"x\n")],
)
def test_a_readme_gets_a_final_newline_only_if_it_lacks_one(project, before, after):
    (project.path / "README.md").write_bytes(before)
    project.edit(NEWLINE)
    assert (project.path / "README.md").read_bytes() == after


def test_docs_name_the_functions_of_each_module(project):
    for instruction in (SPLIT, MAKE, DOCS):
        project.edit(instruction)
    pages = {name: project.text(f"docs/{name}.md") for name in ("app", "fibonacci", "utils")}
    assert "`main()`" in pages["app"]
    assert "`fibonacci(n)`: Return the first n" in pages["fibonacci"]
    assert "`format_sequence(seq)`" in pages["utils"]


def test_docs_of_a_module_that_does_not_exist_say_so(project):
    project.edit(DOCS)
    assert "no module `utils.py` yet" in project.text("docs/utils.md")


def test_a_page_that_exists_is_not_written_again(project):
    (project.path / "docs").mkdir()
    (project.path / "docs" / "app.md").write_text("mine")
    assert_success(project.edit(DOCS), ["docs/fibonacci.md", "docs/utils.md"])
    assert project.text("docs/app.md") == "mine"


def test_the_helper_takes_the_place_of_the_join(project):
    project.edit(MAKE)
    project.edit(USE)
    app = project.text("app.py")
    assert "\nfrom utils import format_sequence\n" in app
    assert "print(format_sequence(fibonacci(N)))" in app
    assert ".join(" not in app


@pytest.mark.parametrize(
    "join",
    [
        '", ".join(map(str, fibonacci(N)))',
        '",".join([str(n) for n in fibonacci(N)])',
        "','.join(str(ä) for ä in fibonacci(N))",
    ],
)
def test_the_helper_knows_the_usual_joins(project, join):
    app = project.path / "app.py"
    app.write_text(re.sub(r'","\.join\(.*?\(N\)\)', lambda _: join, app.read_text()))
    project.edit(MAKE)
    assert_success(project.edit(USE), modified=["app.py"])
    assert "print(format_sequence(fibonacci(N)))" in project.text("app.py")


@pytest.mark.parametrize(
    "join",
    [
        '"-".join(str(n) for n in fibonacci(N))',
        '",".join(str(n) for n in fibonacci(N) if n)',
        '",".join(hex(n) for n in fibonacci(N))',
        '",".join(str(N) for n in fibonacci(N))',
        '",".join(str(n)+",".join(map(str, [n])) for n in fibonacci(N)) + ",".join(map(str, [1]))',
    ],
)
def test_a_join_that_does_more_is_not_replaced(project, join):
    project.edit(MAKE)
    app = project.path / "app.py"
    app.write_text(re.sub(r'","\.join\(.*?\(N\)\)', lambda _: join, app.read_text()))
    assert_refused(project, USE, "unsupported_layout:app.py")


def test_a_helper_file_without_the_helper_is_refused(project):
    (project.path / "utils.py").write_text("def other():\n    pass\n")
    assert_refused(project, USE, "unsupported_layout:utils.py")
    assert_refused(project, MAKE, "unsupported_layout:utils.py")


def test_usage_and_change_log_are_written(project):
    project.edit(TEXTS)
    assert re.search(r"(?m)^## Usage$", project.text("README.md"))
    assert re.search(r"(?m)^## \d{4}-\d{2}-\d{2}$", project.text("CHANGELOG.md"))
    assert project.text("README.md").startswith(README)


def test_a_change_log_that_exists_is_left_alone(project):
    (project.path / "CHANGELOG.md").write_text("mine")
    assert_success(project.edit(TEXTS), modified=["README.md"])
    assert project.text("CHANGELOG.md") == "mine"


def test_a_readme_with_other_line_ends_keeps_them(project):
    (project.path / "README.md").write_bytes(b"# A\r\n")
    project.edit(TEXTS)
    assert (
        project.path / "README.md"
    ).read_bytes() == b"# A\r\n\r\n## Usage\r\n\r\nPrint the numbers:\r\n\r\n    python app.py\r\n"


def test_a_readme_that_is_no_text_is_refused(project):
    (project.path / "README.md").write_bytes(b"\xff\xfe")
    assert_refused(project, TEXTS, "unsupported_layout:README.md")


@pytest.mark.parametrize(
    ("instruction", "path"),
    [
        (NEWLINE, "README.md"),
        (USE, "utils.py"),
        (ARGUMENTS, "README.md"),
        (SPLIT, "app.py"),
        (TEXTS, "README.md"),
        (ITERATIVE, "app.py"),
        (COUNT, "app.py"),
        ("Say hello.", "app.py"),
    ],
)
def test_a_missing_file_is_named(project, instruction, path):
    (project.path / path).unlink(missing_ok=True)
    assert_refused(project, instruction, f"missing:{path}")


def test_an_edit_of_an_empty_workspace_generates_nothing(bench):
    ran = bench.edit(GENERATE)
    assert ran.result["errors"] == ["missing:app.py"]
    assert bench.files() == {}


@pytest.mark.parametrize(
    ("instruction", "path"),
    [
        (NEWLINE, "README.md"),
        (USE, "utils.py"),
        (MAKE, "utils.py"),
        (DOCS, "app.py"),
        (ARGUMENTS, "app.py"),
        (SPLIT, "app.py"),
        (SPLIT, "fibonacci.py"),
        (TEXTS, "README.md"),
        (ITERATIVE, "app.py"),
        (COUNT, "app.py"),
        ("Say hello.", "app.py"),
    ],
)
def test_a_project_file_that_is_a_link_is_neither_read_nor_replaced(project, tmp_path, *, instruction, path):
    outside = tmp_path / "outside"
    outside.write_text("N = 10\n")
    (project.path / path).unlink(missing_ok=True)
    (project.path / path).symlink_to(outside)
    assert_refused(project, instruction, f"unsupported_layout:{path}")
    assert (project.path / path).is_symlink()
    assert outside.read_text() == "N = 10\n"


def test_a_docs_directory_that_is_a_link_is_not_entered(project, tmp_path):
    (project.path / "docs").symlink_to(tmp_path)
    assert_refused(project, DOCS, "unsupported_layout:docs")
