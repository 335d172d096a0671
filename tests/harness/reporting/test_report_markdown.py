"""The Markdown page fits the summary of a CI job, and nothing that it quotes becomes markup or breaks a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from stored_runs import HOSTILE, case_full_of, change_case, change_run, full_of, read_entry

from harness.evidence.printable import one_line
from harness.reporting.markdown_escaping import cell, code, inside_html, row
from harness.reporting.markdown_page import MOST_BYTES, markdown_page
from harness.reporting.told_run import told_run

# What GitHub reads, but for bare addresses, which no reader looks for in code.
READER = MarkdownIt("commonmark").enable("table")
MARKUP = {"link_open", "image", "html_inline", "html_block", "em_open", "strong_open", "heading_open"}
TEXTS = st.one_of(st.text(max_size=40), st.text(alphabet="`|\\ a\n<[](!*_~#&;", max_size=40))


def page_of(folder, **limits):
    return markdown_page(told_run(read_entry(folder)), **limits)


def inline(tokens):
    return [child for token in tokens if token.type == "inline" for child in token.children]


@given(TEXTS)
def test_a_text_is_one_code_span_and_nothing_else(text):
    children = inline(READER.parse(f"- {code(text)} end"))
    spans = [child.content for child in children if child.type == "code_inline"]
    assert {child.type for child in children} <= {"code_inline", "text"}
    assert spans == ([one_line(text)] if one_line(text).strip() else [])


@given(st.lists(TEXTS, min_size=3, max_size=3))
def test_a_row_keeps_its_cells_whatever_is_in_them(texts):
    table = "| a | b | c |\n|---|---|---|\n" + row(tuple(map(cell, texts))) + row(("x", "y", "z"))
    tokens = READER.parse(table)
    assert [token.type for token in tokens].count("tr_open") == 3
    cells = [token for token in tokens if token.type == "inline"]
    assert len(cells) == 9
    assert {child.type for child in inline(tokens)} <= {"code_inline", "text"}
    assert [cell.content for cell in cells[-3:]] == ["x", "y", "z"]


@pytest.mark.parametrize("slashes", range(5))
def test_no_number_of_backslashes_lets_a_pipe_through(slashes):
    """Readers that count backslashes and readers that look at the last one only agree on an odd number of them."""
    made = cell("a" + "\\" * slashes + "|b")
    before = made[: made.index("|")]
    assert (len(before) - len(before.rstrip("\\"))) % 2 == 1


@given(TEXTS)
def test_a_text_in_a_line_of_html_stays_text(text):
    made = inside_html(text)
    assert made.startswith("<code>")
    assert made.count("<") == 2
    assert "\n" not in made


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_a_bundle_says_is_shown_in_code(bundle, hostile):
    before = [token.type for token in READER.parse(page_of(bundle)) if token.type != "inline"]
    change_run(bundle, full_of(hostile))
    change_case(bundle, case_full_of(hostile))
    text = page_of(bundle)
    assert not [sign for sign in text if sign in "\x00\x1b\x9b\u202e\u2066\u200b\ufeff\ud800"]
    tokens = READER.parse(text)
    assert not {child.type for child in inline(tokens)} & {"link_open", "image", "html_inline"}
    for outside in (child.content for child in inline(tokens) if child.type == "text"):
        assert not [word for word in ("evil", "@", "script", "alert", "everyone") if word in outside], outside
    assert {token.type for token in tokens if token.type != "inline"} <= {*before, "bullet_list_open"}
    headings = [token for token in tokens if token.type == "heading_open"]
    assert len(headings) == before.count("heading_open")


def test_folded_details_are_all_the_html_there_is(bundle):
    blocks = [token.content for token in READER.parse(page_of(bundle)) if token.type == "html_block"]
    assert blocks
    assert all(block.startswith(("<details", "</details>")) for block in blocks)
    assert sum(block.count("<details") for block in blocks) == sum(block.count("</details>") for block in blocks)


def test_the_page_says_first_how_far_the_run_can_be_believed(bundle):
    (bundle / "live/L01/response.json").write_text("{}")
    lines = page_of(bundle).splitlines()
    assert lines[0] == "# ✗ FAIL (damaged): run `2025-11-14T17:14:05Z`"
    assert lines[2:4] == ["> [!CAUTION]", "> Damaged: it is not as it was recorded. Do not rely on anything below."]
    assert lines[4] == "> - `hash-mismatch: live/L01/response.json`"


def test_a_sound_run_is_told_with_its_signature_missing(bundle):
    text = page_of(bundle)
    assert "> Finished, and every file is as it was recorded." in text
    assert "> Unsigned: nothing says who made this bundle." in text
    assert "**2 PASS, 1 LIMITED, 1 FAIL, 1 BLOCKED**" in text


def test_missed_checks_are_in_a_table_and_those_that_held_are_counted(bundle):
    text = page_of(bundle)
    assert "| missed | `odd` | `status` | `in [200]` | `503` |" in text
    assert "Nothing was checked." in text


def test_the_page_never_outgrows_a_summary_and_says_what_it_left_out(bundle):
    def multiply(document):
        one = document["scenarios"][2] | {"missed": ["x" * 300] * 100}
        document["scenarios"] += [{**one, "folder": f"live/X{number:04d}"} for number in range(2000)]

    change_run(bundle, multiply)
    text = page_of(bundle)
    assert MOST_BYTES - 100_000 < len(text.encode()) <= MOST_BYTES
    assert "there is no room left" in text
    assert text.startswith("# ✗ FAIL")


def test_a_small_limit_is_kept_as_well(bundle):
    assert len(page_of(bundle, most_bytes=3_000).encode()) <= 3_000


def test_trials_stand_above_the_scenarios(trials):
    text = page_of(trials)
    assert text.index("## Trials") < text.index("## `trials/000/live`")
    assert "- Pass rate: `2/3 green (66.7 %; 95 % interval 20.8 % to 93.9 %)`" in text
    assert "| 1 | ✗ FAIL |" in text
