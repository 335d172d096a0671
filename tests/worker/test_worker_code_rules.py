"""Rules that edit a program by its syntax tree (R5, R6, R8, R9), on layouts they know and on others."""

import re

import pytest
from worker_bench import ARGUMENTS, COUNT, ITERATIVE, MAKE, SPLIT, USE, assert_no_change, assert_refused, assert_success


def test_the_options_keep_the_count_and_accept_another(project):
    project.edit(COUNT)
    project.edit(ARGUMENTS)
    assert len(project.printed()) == 15
    assert len(project.printed("-n", "5")) == 5
    assert len(project.printed("--N", "7")) == 7
    assert "python app.py -n 5" in project.text("README.md")
    refused = project.run("app.py", "-n", "-1")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_the_options_take_a_literal_count_as_their_default(project):
    app = project.path / "app.py"
    app.write_text(app.read_text().replace("N = 10\n", "").replace("fibonacci(N)", "fibonacci(12)"))
    project.edit(ARGUMENTS)
    assert len(project.printed()) == 12
    project.edit(COUNT)
    assert "default=15" in project.text("app.py")
    assert len(project.printed()) == 15


def test_the_options_work_below_the_main_guard_too(project):
    (project.path / "app.py").write_text(
        "def fibonacci(n):\n    return list(range(n))\n\n\n"
        "if __name__ == '__main__':\n    print(*fibonacci(4), sep=',')\n"
    )
    project.edit(ARGUMENTS)
    assert project.printed("-n", "2") == [0, 1]


@pytest.mark.parametrize(
    "app",
    [
        "from fibonacci import fibonacci\nN = 10\nprint(fibonacci(N))\n",
        "N = 10\ndef main(): print(fibonacci(N))\n",
        "N = 10\ndef main():\n    print(fibonacci(N), fibonacci(N))\n",
        "N = 10\ndef main():\n    args = fibonacci(N)\n",
        "def main(k):\n    print(fibonacci(k))\n",
        "print(1)\n",
        "def broken(:\n",
    ],
)
def test_the_options_refuse_a_program_they_do_not_know(project, app):
    (project.path / "app.py").write_text(app)
    assert_refused(project, ARGUMENTS, "unsupported_layout:app.py")


def test_the_options_do_not_come_between_if_and_elif(project):
    (project.path / "app.py").write_text(
        "def main():\n    if not 1:\n        pass\n    elif fibonacci(7):\n        print(7)\n"
    )
    project.edit(ARGUMENTS)
    assert "    if not 1:\n        pass\n    elif fibonacci(args.N):\n" in project.text("app.py")


def test_an_edit_that_would_break_a_file_is_not_written(project):
    (project.path / "app.py").write_text("N = 10\ndef main():\n    \\\n        print(fibonacci(N))\n    return\n")
    assert_refused(project, ARGUMENTS, "edit_would_break:app.py")


def test_the_function_moves_with_its_text_and_leaves_an_import(project):
    function = re.search(r"def fibonacci\(n\):\n(?:    .*\n)+", project.text("app.py"))[0]
    project.edit(SPLIT)
    assert function in project.text("fibonacci.py")
    assert "\nfrom fibonacci import fibonacci\n" in project.text("app.py")
    assert "def fibonacci" not in project.text("app.py")


def test_a_move_that_was_interrupted_can_be_finished(project):
    app = (project.path / "app.py").read_bytes()
    project.edit(SPLIT)
    (project.path / "app.py").write_bytes(app)
    assert_success(project.edit(SPLIT), modified=["app.py"])


def test_a_different_fibonacci_module_is_not_overwritten(project):
    (project.path / "fibonacci.py").write_text("def fibonacci(n):\n    return []\n")
    assert_refused(project, SPLIT, "unsupported_layout:fibonacci.py")


@pytest.mark.parametrize(
    "app",
    [
        "LIMIT = 5\ndef fibonacci(n):\n    return [LIMIT] * n\n",
        "def fibonacci(n):\n    return []\ndef fibonacci(n):\n    return [0]\n",
        "fibonacci = lambda n: []\n",
        '"""Both on one line."""; import os; TEXT = """\n"""\ndef fibonacci(n):\n    return []\n',
    ],
)
def test_a_function_that_cannot_stand_alone_is_not_moved(project, app):
    (project.path / "app.py").write_text(app)
    assert_refused(project, SPLIT, "unsupported_layout:app.py")


def test_imports_stand_behind_a_future_import(project):
    app = project.path / "app.py"
    app.write_text(app.read_text().replace("\nN =", "\nfrom __future__ import annotations\n\nN ="))
    for instruction in (MAKE, USE, SPLIT, ARGUMENTS):
        assert project.edit(instruction).result["status"] == "success"
    assert len(project.printed()) == 10
    lines = [line for line in project.text("app.py").splitlines() if "import" in line]
    assert lines == [
        "from __future__ import annotations",
        "import argparse",
        "from utils import format_sequence",
        "from fibonacci import fibonacci",
    ]


def test_an_interpreter_line_stays_first(project):
    app = project.path / "app.py"
    app.write_text("#!/usr/bin/env python3\n" + app.read_text().partition("\n\n")[2])
    project.edit(SPLIT)
    assert project.text("app.py").startswith("#!/usr/bin/env python3\nfrom fibonacci import fibonacci\n\nN = 10\n")


@pytest.mark.parametrize("split_first", [False, True])
def test_the_function_is_rewritten_where_it_is_defined(project, split_first):
    path = "fibonacci.py" if split_first else "app.py"
    if split_first:
        project.edit(SPLIT)
    assert_success(project.edit(ITERATIVE), modified=[path])
    assert '"""Return the first n Fibonacci numbers as a list.\n\n    Note: iterative;' in project.text(path)
    check = (
        "from app import fibonacci\nimport unittest\ncase = unittest.TestCase()\n"
        "case.assertEqual([fibonacci(n) for n in range(4)], [[], [0], [0, 1], [0, 1, 1]])\n"
        "case.assertRaises(ValueError, fibonacci, -1)\n"
        "for bad in (1.5, True, '3', None): case.assertRaises(TypeError, fibonacci, bad)\n"
    )
    assert project.run("-c", check).stderr == ""


@pytest.mark.parametrize(
    ("function", "header"),
    [
        ("def fibonacci(n): return [0][:n]\n", "def fibonacci(n):\n"),
        ("@print\ndef fibonacci(\n    k: int = 3,\n) -> list[int]:\n\t# why\n\treturn []\n", "@print\ndef fibonacci("),
        ('def fibonacci(n):\n  """A "quoted"."""\n  return []; # end\n', "def fibonacci(n):\n"),
        ("def fibonacci(n):\r\n    return []\r\n", "def fibonacci(n):\r\n"),
    ],
)
def test_only_the_body_is_rewritten(project, function, header):
    (project.path / "app.py").write_bytes(f"X = 1\n{function}# after\n".encode())
    assert_success(project.edit(ITERATIVE), modified=["app.py"])
    text = (project.path / "app.py").read_bytes().decode()
    assert text.startswith(f"X = 1\n{header}")
    assert text.endswith("# after\n")
    assert "Note: iterative" in text
    assert_no_change(project.edit(ITERATIVE))


@pytest.mark.parametrize(
    "app",
    [
        "def fibonacci():\n    return []\n",
        "def fibonacci(a, b):\n    return []\n",
        "def fibonacci(*n):\n    return []\n",
        "def fibonacci(range):\n    return []\n",
        "async def fibonacci(n):\n    return []\n",
        "class A:\n    def fibonacci(n):\n        return []\n",
        "",
    ],
)
def test_a_function_of_another_shape_is_not_rewritten(project, app):
    (project.path / "app.py").write_text(app)
    assert_refused(project, ITERATIVE, "unsupported_layout:app.py")


@pytest.mark.parametrize(
    ("app", "after"),
    [
        (b"N = 10  # ten\n", b"N = 15  # ten\n"),
        (b"N: int = 1_0\r\nx = 10\r\n", b"N: int = 15\r\nx = 10\r\n"),
        (b"\xef\xbb\xbfN = 0xA\n", b"\xef\xbb\xbfN = 15\n"),
        ('"ä"; N = 10; M = "N = 10"\n'.encode(), '"ä"; N = 15; M = "N = 10"\n'.encode()),
        (b"print(fibonacci(10))\n# N = 10\n", b"print(fibonacci(15))\n# N = 10\n"),
        (
            b'p.add_argument("-n", default=3); p.add_argument("-m", default=4)',
            b'p.add_argument("-n", default=15); p.add_argument("-m", default=4)',
        ),
        (b"x = 1\rN = 10\ry = '\x0c'\n", b"x = 1\rN = 15\ry = '\x0c'\n"),
    ],
)
def test_only_the_count_itself_changes(project, app, after):
    (project.path / "app.py").write_bytes(app)
    assert_success(project.edit(COUNT), modified=["app.py"])
    assert (project.path / "app.py").read_bytes() == after


@pytest.mark.parametrize(
    "app",
    [
        b"",
        b"N = 10\nN = 11\n",
        b"N = 10\nprint(fibonacci(5))\n",
        b"N = True\n",
        b"N = -1\n",
        b"N = M = 10\n",
        b"def main():\n    N = 10\n",
        b"'''\nN = 10\n'''\n",
        b"N = 10\n)\n",
        b"N = 10\n\0",
        b"# coding: latin-1\nN = 10\n",
        b"# coding: utf-7\nN = 10\n",
        b"N = 10 # \xff\n",
        b"N = 10\n" + b"#" * (1024 * 1024),
    ],
)
def test_a_count_that_is_not_the_one_count_is_not_changed(project, app):
    (project.path / "app.py").write_bytes(app)
    assert_refused(project, COUNT, "unsupported_layout:app.py")
