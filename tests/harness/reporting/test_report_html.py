"""The HTML page asks for nothing, runs nothing, says first how far it can be believed, and reads without colour."""

import base64
import hashlib
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from stored_runs import HOSTILE, case_full_of, change_case, change_run, full_of, read_entry

from harness.evidence import layout
from harness.evidence.printable import block
from harness.reporting.html_page import MOST_ROWS, html_page
from harness.reporting.told_run import MOST_PARTS, told_run

FORBIDDEN = {"script", "img", "link", "iframe", "object", "embed", "base", "form", "audio", "video", "source", "input"}
LOADING = {"src", "srcset", "action", "formaction", "data", "background", "poster", "xlink:href", "style"}


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, and the text of each."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), len(self.texts)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", data))

    def named(self, tag):
        return [attrs for name, attrs, _ in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(data for tag, data in self.texts if tag != "style")


def page_of(folder):
    return html_page(told_run(read_entry(folder)))


def policy_of(page):
    (found,) = (each for each in page.named("meta") if each.get("http-equiv") == "Content-Security-Policy")
    return found["content"]


def assert_inert(text):
    page = Page(text)
    assert not FORBIDDEN & {tag for tag, _, _ in page.elements}
    for tag, attrs, _ in page.elements:
        assert not LOADING & attrs.keys() - ({"data"} if tag == "td" else set()), (tag, attrs)
        assert not [name for name in attrs if name.startswith("on")], (tag, attrs)
        assert attrs.get("href", "#").startswith("#")
    for meta in page.named("meta"):
        assert meta.get("http-equiv") in {None, "Content-Security-Policy"}
    (style,) = (data for tag, data in page.texts if tag == "style")
    assert not {"url(", "@import", "expression("} & {
        word for word in ("url(", "@import", "expression(") if word in style
    }


def test_the_page_refers_to_nothing_outside_of_itself(bundle):
    text = page_of(bundle)
    assert_inert(text)
    without_quotes = text.replace("http://127.0.0.1:8000", "").replace("http://localhost:8000", "")
    assert "http://" not in without_quotes
    assert "https://" not in without_quotes


def test_the_policy_allows_its_one_style_sheet_by_hash_and_nothing_else(bundle):
    text = page_of(bundle)
    page = Page(text)
    style = text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy_of(page) == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
    # The policy stands before everything that it could forbid.
    assert [tag for tag, _, _ in page.elements][:5] == ["html", "head", "meta", "meta", "meta"]
    assert page.elements[3][1].get("http-equiv") == "Content-Security-Policy"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_a_bundle_says_becomes_text(bundle, hostile):
    before = [tag for tag, _, _ in Page(page_of(bundle)).elements]
    change_run(bundle, full_of(hostile))
    change_case(bundle, case_full_of(hostile))
    text = page_of(bundle)
    assert_inert(text)
    assert set(before) >= {tag for tag, _, _ in Page(text).elements} - {"h4", "ul", "li", "p", "strong"}
    assert not [sign for sign in text if sign in "\x00\x1b\x9b\u202e\u2066\u200b\ufeff\ud800"]
    # It is shown as it was written, with what a screen would obey or hide spelt out.
    assert block(hostile) in "".join(data for _, data in Page(text).texts)
    text.encode()


def test_a_finished_run_says_so_and_that_nobody_signed_it(bundle):
    page = Page(page_of(bundle))
    assert "Condition: finished" in page.text
    assert "Unsigned: nothing says who made this bundle." in page.text


def test_a_damaged_run_is_told_as_damaged_before_anything_else(bundle):
    (bundle / "live/L01/response.json").write_text("{}")
    text = page_of(bundle)
    page = Page(text)
    assert "FAIL (damaged)" in text.split("</title>")[0]
    at = page.text.index
    assert at("Condition: damaged") < at("hash-mismatch: live/L01/response.json") < at("Scenarios")


def test_a_run_that_was_killed_is_told_as_partial_with_what_its_log_has(bundle):
    for name in (layout.MANIFEST, layout.SUMS):
        (bundle / name).unlink()
    for path in (bundle / layout.CASES).iterdir():
        path.unlink()
    partial = bundle.with_name(f"{bundle.name}.partial")
    bundle.rename(partial)
    page = Page(page_of(partial))
    assert "Condition: partial" in page.text
    assert "does not count as evidence" in page.text
    assert "POST /api/v1/projects/" in page.text
    assert "cannot be read" not in page.text


def test_a_run_whose_record_cannot_be_read_has_a_page_that_says_so(bundle):
    (bundle / layout.RUN).write_text("{")
    page = Page(page_of(bundle))
    assert "unreadable" in page.text
    assert "Condition: damaged" in page.text


def test_a_case_that_cannot_be_read_hides_no_other_one(bundle):
    (bundle / layout.case_file("live-L01")).write_text("[]")
    page = Page(page_of(bundle))
    assert "Its case cannot be read:" in page.text
    assert page.text.count("Checks:") == 3


def test_a_file_that_leads_elsewhere_is_not_followed(bundle, tmp_path):
    path = bundle / layout.case_file("live-L01")
    (tmp_path / "outside.json").write_text(
        path.read_text().replace("POST /api/v1/projects/", "canary of another folder")
    )
    assert "canary of another folder" in (tmp_path / "outside.json").read_text()
    path.unlink()
    path.symlink_to(tmp_path / "outside.json")
    page = Page(page_of(bundle))
    assert "canary of another folder" not in page.text
    assert "Its case cannot be read:" in page.text
    (bundle / layout.CASES).rename(tmp_path / "cases")
    (bundle / layout.CASES).symlink_to(tmp_path / "cases")
    assert Page(page_of(bundle)).text.count("Its case cannot be read:") == 5


def test_every_table_has_a_caption_and_every_header_its_scope(bundle):
    page = Page(page_of(bundle))
    tables = page.named("table")
    assert tables
    assert len(page.named("caption")) == len(tables)
    assert all(attrs.get("scope") in {"col", "row"} for attrs in page.named("th"))
    assert all(attrs.get("role") == "table" for attrs in tables)
    # Narrow screens show the name of a column beside each value.
    assert all(attrs.get("data-label") for attrs in page.named("td"))


def test_headings_leave_no_level_out_and_there_is_one_title(bundle):
    levels = [int(tag[1]) for tag, _, _ in Page(page_of(bundle)).elements if tag in {"h1", "h2", "h3", "h4"}]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_verdict_stands_as_a_word_beside_its_mark(bundle):
    page = Page(page_of(bundle))
    marks = [at for tag, attrs, at in page.elements if tag == "span" and attrs.get("aria-hidden") == "true"]
    assert marks
    for at in marks:
        assert page.texts[at + 1][1].strip().strip("!") != ""
    assert {"PASS", "FAIL", "BLOCKED", "LIMITED"} <= set(page.text.split())


def test_every_link_leads_to_something_on_the_page(bundle):
    page = Page(page_of(bundle))
    ids = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for attrs in page.named("a")} <= set(ids)
    assert {attrs["aria-labelledby"] for _, attrs, _ in page.elements if "aria-labelledby" in attrs} <= set(ids)


def test_the_page_is_light_or_dark_as_the_reader_has_it_and_fits_a_narrow_screen(bundle):
    text = page_of(bundle)
    assert "prefers-color-scheme: dark" in text
    assert "@media (max-width" in text
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in Page(text).named("meta")


def test_red_scenarios_are_open_and_green_ones_folded(bundle):
    page = Page(page_of(bundle))
    assert ["open" in attrs for attrs in page.named("details")] == [False, False, True, True, True]


def test_a_long_list_is_cut_and_its_length_told(bundle):
    change_case(bundle, lambda found: found.update(assertions=found["assertions"][:1] * (MOST_ROWS + 7)))
    page = Page(page_of(bundle))
    assert "7 more rows are in" in page.text
    assert page.text.count("live.ladder.yaml") < MOST_ROWS


def test_numbers_that_no_clock_can_have_counted_are_unknown(bundle):
    change_run(bundle, lambda found: found["scenarios"][0].update(duration_s=float("nan")))
    change_run(bundle, lambda found: found["scenarios"][1].update(duration_s=float("inf")))
    assert Page(page_of(bundle)).text.count("unknown") >= 2


def test_trials_are_told_with_their_rate_and_where_they_part(trials):
    page = Page(page_of(trials))
    assert "2/3 green (66.7 %; 95 % interval 20.8 % to 93.9 %)" in page.text
    assert "FLAKY: 2/3 green, 1 wanted" in page.text
    assert "not green: trials/001/live/L03" in page.text
    assert "trials/002" in page.text


def test_of_many_trials_the_red_ones_are_told_first_and_the_rest_is_counted(trials):
    def multiply(document):
        (one,) = (each for each in document["scenarios"] if each["folder"] == "trials/000/live/L01")
        green = [{**one, "folder": f"trials/{number:03d}/live/L01"} for number in range(100, 130)]
        document["scenarios"] = [*green, *document["scenarios"]]

    change_run(trials, multiply)
    run = told_run(read_entry(trials))
    assert len(run.parts) == MOST_PARTS
    assert "trials/001/live" in run.parts
    assert f"{run.left_out} more parts" in Page(html_page(run)).text
