"""The name of a case is a plain file name of its own."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.evidence.layout import case_file
from harness.evidence.paths import MAX_NAME, fault_of
from harness.traces.case_names import case_id_of


@pytest.mark.parametrize(
    ("folder", "case_id"),
    [
        ("live/L01", "live-L01"),
        ("mocked/RERUN/M01", "mocked-RERUN-M01"),
        ("trials/002/live/L01", "trials-002-live-L01"),
        ("edits/E09", "edits-E09"),
        ("a b", "a_b-c8687a08"),
        ("live-L01", "live-L01-351aea86"),
    ],
)
def test_a_folder_becomes_a_name(folder, case_id):
    assert case_id_of(folder) == case_id


ODD = [
    *("", ".", "..", "../../etc/passwd", "/", "live/L01/", "live//L01", "live/L01.", "con", "con.x", "NUL", "aux/x"),
    *(
        "tests/a.py::test_b[x/y]",
        "a::b",
        "a: :b",
        "a b",
        "a\tb",
        "a\nb",
        "a\\b",
        "é",
        "e\u0301",
        "\u202elive",
        "\ud800",
    ),
    *("x" * 300, "x" * 301, "x" * 95, "x" * 96, "live-L01", "live/L01", "a-b/c", "a/b-c", "a/b/c", "a-b-c", "-", "-x"),
    *("a_b", "a b-c8687a08", "a_b/c8687a08", "a_b-c8687a08", ".hidden", "a.json", "con.json"),
]


@pytest.mark.parametrize("folder", ODD)
def test_every_name_is_a_file_name_on_every_system(folder):
    case_id = case_id_of(folder)
    assert fault_of(case_file(case_id)) == ""
    assert "/" not in case_id
    assert len(f"{case_id}.json") <= MAX_NAME


def test_no_two_folders_have_one_name():
    assert len({case_id_of(folder) for folder in ODD}) == len(set(ODD))


@given(folder=st.text(alphabet="ab-/_ .:0", max_size=12) | st.text())
@example("con.x/y")
def test_any_text_becomes_a_file_name(folder):
    assert fault_of(case_file(case_id_of(folder))) == ""


@given(st.lists(st.text(alphabet="ab-/ .0", max_size=8), unique=True, max_size=20))
def test_any_two_texts_have_two_names(folders):
    assert len({case_id_of(folder) for folder in folders}) == len(folders)
