"""What lands in the files of ``save``, and the five lines of the excerpt."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.language.excerpt import excerpt
from harness.language.saving import saved_text
from harness.language.variables import Scope

RESULT = {
    "status": "success",
    "summary": "Done.\nAll of it.",
    "created_files": ["a.py", "b.py"],
    "modified_files": [],
    "errors": [],
}
LINES = "status: success\nsummary: Done.\\nAll of it.\ncreated_files: a.py,b.py\nmodified_files: \nfirst_error: none\n"


@pytest.mark.parametrize(
    ("file", "value", "text"),
    [
        ("status.txt", "status", "200\n"),
        ("project_id.txt", "${pid}", "1-2"),
        ("both.txt", "${pid} ${n}", "1-2 3"),
        ("worker.log", "text", "line\n"),
        ("response.json", "body", '{\n  "é": [\n    1\n  ]\n}\n'),
        ("n.json", "${n}", "3\n"),
        ("files.txt", "body", '{"é":[1]}\n'),
        ("nothing.json", "body.missing", None),
        ("result_excerpt.txt", "excerpt(doc)", LINES),
    ],
)
def test_a_value_is_written_by_the_kind_of_its_file(file, value, text):
    document = {"status": 200, "headers": {}, "body": {"é": [1]}, "text": "line\n", "doc": RESULT}
    assert saved_text(file, value, document=document, scope=Scope(captures={"pid": "1-2", "n": 3})) == text


def test_a_lone_surrogate_can_be_written():
    text = saved_text("a.json", "body", document={"body": json.loads('"\\ud800"')}, scope=Scope())
    assert text == '"\\ud800"\n'


def test_a_wrapped_result_shows_its_real_status():
    assert excerpt({"path": ".codex/result.json", "contents": json.dumps(RESULT)}) == LINES


@pytest.mark.parametrize("document", [None, [], "x", {}, {"contents": "{"}, {"contents": "[1]"}])
def test_what_is_no_result_has_five_lines_that_say_so(document):
    assert excerpt(document) == "status: n/a\nsummary: n/a\ncreated_files: \nmodified_files: \nfirst_error: none\n"


def test_the_first_error_is_told():
    assert excerpt({"errors": ["forced_error", "x"]}).splitlines()[-1] == "first_error: forced_error"


@given(st.text(), st.lists(st.text() | st.integers(), max_size=3))
def test_there_are_always_five_lines(text, items):
    found = excerpt({"status": text, "summary": text, "created_files": items, "modified_files": text, "errors": items})
    names = [line.split(": ")[0] for line in found.splitlines()]
    assert names == ["status", "summary", "created_files", "modified_files", "first_error"]
