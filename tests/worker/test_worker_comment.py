"""F32: whatever an instruction says, it becomes one comment line and never code."""

import ast
import io
import sys
import tokenize
import warnings

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.rules.comment import MAX_COMMENT_CHARS, PREFIX, escaped, same_program, with_comment
from worker.rules.problem import EditError
from worker.rules.source import Source
from worker.rules.texts import APP

HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\n\r\\'\"#\t\x0b\x0c\x1c\x85\u2028\u2029\u202e\u2066\ufeff\0")),
    min_size=1,
)
TRICKS = (
    "\nimport os",
    "\r\nimport os",
    "a\rimport os",
    "\u2028import os",
    "\x85import os\x0cimport os",
    "end with a backslash \\",
    '"""',
    "'''\nimport os\n'''",
    "\u202eimport os\u2066",
    "-*- coding: utf-7 -*-",
    "+AAo-import os",
    "# coding: latin-1",
    "\\nimport os",
    "\\N{LINE FEED}",
    "\ud800",
    "x" * 2000,
    "\u2028" * 2000,
)
SOURCES = (
    APP.format(count=10),
    "",
    "x = 1",
    "#!/usr/bin/python",
    "x = 1\r\ny = 2\r\n",
    "x = 1\ry = 2",
    "\ufeffx = 1\n",
    "x = '''\n# no comment'''",
    "if True:\n    x = 1\n    # deeper",
    "x = 1 # ends in \\",
    "\x0c\n\n\n",
)


def comments(data):
    return [one.string for one in tokenize.tokenize(io.BytesIO(data).readline) if one.type == tokenize.COMMENT]


def assert_one_comment_more(before, instruction):
    after = with_comment(Source.parse("app.py", before), instruction)
    assert after.startswith(before)
    added = after[len(before) :]
    assert all(byte in b"\r\n" or 0x20 <= byte <= 0x7E for byte in added)
    lines = [line for line in added.splitlines() if line]
    assert len(lines) == 1
    assert lines[0].decode().startswith(PREFIX)
    assert len(lines[0]) <= len(PREFIX) + MAX_COMMENT_CHARS
    assert after.endswith((b"\n", b"\r\n"))
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(before))
    unified = [data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") for data in (before, after)]
    assert comments(unified[1]) == [*comments(unified[0]), lines[0].decode()]
    assert unified[1].count(b"\n") >= 3


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("instruction", TRICKS)
def test_f32_every_trick_adds_exactly_one_comment_line(source, instruction):
    assert_one_comment_more(source.encode(), instruction)


@settings(max_examples=400, deadline=None)
@given(instruction=HOSTILE, source=st.sampled_from(SOURCES))
@example(instruction="\\", source="")
def test_any_text_adds_exactly_one_comment_line_and_keeps_the_program(instruction, source):
    assert_one_comment_more(source.encode(), instruction)


@given(instruction=HOSTILE)
def test_an_escaped_text_is_short_printable_and_not_cut_inside_an_escape(instruction):
    text = escaped(instruction)
    assert len(text) <= MAX_COMMENT_CHARS
    assert text.isascii()
    assert not text or text.isprintable()
    assert instruction.startswith(text.encode("ascii").decode("unicode_escape"))


def edited(data, instruction):
    """The edited file, or the code of the refusal."""
    try:
        return with_comment(Source.parse("app.py", data), instruction), None
    except EditError as refused:
        return None, refused.code


@settings(max_examples=300, deadline=None)
@given(source=st.text(st.sampled_from("x=1 \n\r\\'\"#:\tif()\x0c"), max_size=30), instruction=st.sampled_from(TRICKS))
def test_a_program_of_any_shape_stays_the_same_program_or_is_not_edited(source, instruction):
    data = source.encode()
    after, refusal = edited(data, instruction)
    if refusal is not None:
        assert refusal in {"unsupported_layout:app.py", "edit_would_break:app.py"}
    else:
        with warnings.catch_warnings():
            # An odd escape in the drawn program is its own business.
            warnings.simplefilter("ignore")
            assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(data))
        assert after.count(PREFIX.encode()) == data.count(PREFIX.encode()) + 1


@pytest.mark.parametrize(
    "data", [b"x = '''", b"\xff", b"x = 1\0", b"# coding: utf-7\nx = 1\n", b"#\r# coding: latin-1\r", b"x = \\"]
)
def test_a_file_whose_end_cannot_hold_a_comment_safely_is_not_edited(data):
    with pytest.raises(EditError) as caught:
        with_comment(Source.parse("app.py", data), "hello")
    assert caught.value.code == "unsupported_layout:app.py"


def test_a_program_too_deep_to_compare_is_not_edited():
    # The parser allows about three times the depth that Python code may recurse to (CPython 3.11, Python-ast.c).
    deep = Source.parse("app.py", f"x{'.a' * (sys.getrecursionlimit() * 3 // 2)}\n".encode())
    with pytest.raises(EditError) as caught:
        with_comment(deep, "hello")
    assert caught.value.code == "edit_would_break:app.py"


def test_programs_are_compared_by_their_trees():
    assert same_program(b"x = 1\n", b"x=1 # one\n")
    assert not same_program(b"x = 1\n", b"x = 2\n")
    assert not same_program(b"x = 1\n", b"x = (\n")
    assert not same_program(b"(\n", b"(\n")


def test_two_edits_leave_two_comments():
    once = with_comment(Source.parse("app.py", b"x = 1\n"), "same")
    assert with_comment(Source.parse("app.py", once), "same") == once + b"# Edit applied: same\n"


def test_f32_the_comment_of_a_real_job_is_one_line(project):
    before = (project.path / "app.py").read_bytes()
    ran = project.edit('Say "hi"\nimport os\\\u2028# coding: utf-7\u202e')
    assert ran.lists["modified"] == ["app.py"]
    added = (project.path / "app.py").read_bytes().removeprefix(before)
    assert added == b'# Edit applied: Say "hi"\\nimport os\\\\\\u2028# coding: utf-7\\u202e\n'
