"""The picture of the ladder and the trials in a real browser: seen by all, reached by keys, and never too wide."""

import pytest
from console_stage import copied
from served_console import served
from stored_runs import change_run

pytestmark = pytest.mark.browser

LEAST = 24
"""Pixels of what is clicked on (WCAG 2.2, 2.5.8)."""


@pytest.fixture(scope="module")
def stored(sealed, sealed_trials, tmp_path_factory):
    """A red run, one with forty rungs, and one of three trials."""
    root = tmp_path_factory.mktemp("gates") / "evidence"
    root.mkdir()
    red = copied(sealed, root / sealed.name)
    many = copied(sealed, root / sealed.name.replace(":14:", ":10:"))
    change_run(many, forty)
    trials = copied(sealed_trials, root / sealed_trials.name.replace("T17:", "T18:"))
    return {"root": root, "red": red.name, "many": many.name, "trials": trials.name}


def forty(document):
    first = document["scenarios"][0]
    long = "a title that has no end " * 5 + "W" * 80
    document["scenarios"] = [{**first, "id": f"X{at}", "folder": f"live/X{at}", "title": long} for at in range(40)]


@pytest.fixture(scope="module")
def address(stored):
    with served(stored["root"]) as found:
        yield found


@pytest.mark.parametrize("width", [320, 1280])
def test_pictures_fit_any_window_and_their_links_are_large_enough(opened, stored, width):
    window = opened(viewport={"width": width, "height": 800})
    for name in ("red", "many", "trials"):
        page = window.open(f"/runs/{stored[name]}")
        assert window.overflow() <= 0, name
        for link in page.locator(".gates a, .strip a, .tap").all():
            box = link.bounding_box()
            assert min(box["width"], box["height"]) >= LEAST, link.inner_text()


def test_every_rung_is_reached_with_tab_alone_and_opens_its_scenario(opened, stored):
    window = opened()
    page = window.open(f"/runs/{stored['red']}")
    seen = []
    while len(seen) < 5:
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.gates') !== null"):
            seen.append(page.evaluate("document.activeElement.querySelector('b').innerText"))
    assert seen == ["L01", "L02", "L03", "L04", "M01"]
    page.keyboard.press("Enter")
    page.wait_for_url("**/M01")


def test_forced_colours_and_no_script_keep_gates_and_words(opened, stored):
    window = opened(forced_colors="active", java_script_enabled=False)
    window.open(f"/runs/{stored['red']}")
    picture = window.by("gates").first
    assert [word.inner_text().split()[1] for word in picture.locator(".verdict").all()] == [
        "PASS",
        "PASS",
        "FAIL",
        "BLOCKED",
    ]
    assert picture.locator(".gate-closed text.said").text_content() == "closed"
    picture.get_by_role("link", name="L03").click()
    assert window.page.url.endswith("/L03")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_trials_and_long_ladders_have_no_fault_that_axe_finds(opened, stored, scheme):
    window = opened(color_scheme=scheme)
    for name in ("trials", "many"):
        page = window.open(f"/runs/{stored[name]}")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert window.axe() == [], name


def test_an_export_of_trials_opens_from_disk_and_its_marks_lead_within_it(opened, stored, tmp_path):
    file = tmp_path / "export.html"
    window = opened(viewport={"width": 320, "height": 640})
    file.write_bytes(window.context.request.get(f"{window.address}/runs/{stored['trials']}/export.html").body())
    page = window.open(f"file://{file}")
    assert window.requests == [f"file://{file}"]
    assert window.overflow() <= 0
    window.by("trials-strip").get_by_role("link", name="trial 1 FAIL").click()
    assert page.url.endswith("#case-trials-001-live-L03")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert window.axe() == []


def test_a_red_trial_is_compared_with_a_green_one_by_one_link(opened, stored):
    window = opened()
    page = window.open(f"/runs/{stored['trials']}")
    window.follow(page.get_by_role("link", name="Compare the first red trial with the first green one"))
    assert window.rows("compare-table")[0][:2] == ["live/L03", "broke"]
