"""The console in a real browser, on real runs: what its tables say, how it is used, and that nothing goes wrong."""

import json

import pytest
from console_stage import copied
from served_console import served
from stored_runs import change_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stored(sealed, sealed_trials, tmp_path_factory):
    """A red run, a green one before it, one with several trials, one that was changed, and one that nobody can read."""
    root = tmp_path_factory.mktemp("browser") / "evidence"
    root.mkdir()
    red = copied(sealed, root / sealed.name)
    green = copied(sealed, root / sealed.name.replace(":14:", ":10:"))
    change_run(green, passing(green.name))
    copied(sealed_trials, root / sealed_trials.name.replace("T17:", "T18:"))
    broken = copied(sealed, root / sealed.name.replace(":14:", ":20:"))
    (broken / "summary.txt").write_text("changed\n")
    damaged = root / sealed.name.replace(":14:", ":30:")
    damaged.mkdir()
    (damaged / "run.json").write_text("{")
    return {"root": root, "red": red, "green": green, "broken": broken, "damaged": damaged}


def passing(name):
    def change(document):
        document.update(folder=name, verdict="PASS", exit_code=0, started_at=name.replace("Z", ".000000Z"))
        for each in document["scenarios"]:
            each.update(verdict="PASS", reason="", missed=[], limits=[], started_at=document["started_at"])

    return change


@pytest.fixture(scope="module")
def address(stored):
    with served(stored["root"]) as found:
        yield found


@pytest.fixture
def window(opened):
    return opened()


@pytest.fixture
def case(stored):
    return json.loads((stored["red"] / "cases/live-L01.json").read_text())


def scenario(stored, name):
    return f"/runs/{stored['red'].name}/{name}"


def every_page(window, stored):
    """Addresses of a page of each kind."""
    red, green = stored["red"].name, stored["green"].name
    climb = window.context.request.get(f"{window.address}/traces.json?status=PARTIAL").json()["traces"][0]["href"]
    return (
        "/",
        f"/runs/{red}",
        f"/runs/{stored['broken'].name}",
        f"/runs/{red}/L01",
        f"/runs/{red}/L04",
        f"/runs/{red}/files/run.json",
        "/traces",
        climb,
        f"/compare?a={green}&b={red}&all=1",
        "/compare",
        "/live",
        "/nothing-here",
    )


def test_from_the_list_to_a_run_to_a_scenario(window, stored):
    page = window.open("/")
    window.follow(page.get_by_role("link", name=stored["red"].name))
    assert page.get_by_role("heading", level=1).inner_text() == f"Run {stored['red'].name}"
    assert "unsigned" in window.by("trust-strip").inner_text()
    row = window.by("scenario-row-L03")
    assert "FAIL" in row.inner_text()
    window.follow(row.get_by_role("link", name="L03"))
    assert page.url.endswith("/L03")
    assert "missed" in window.rows("assertions-table")[0][0]


def test_the_execution_trace_is_read_row_by_row(window, stored, case):
    window.open(scenario(stored, "L01"))
    rows = window.rows("execution-trace-table")
    assert [int(row[0]) for row in rows] == [event["seq"] for event in case["execution_trace"]]
    assert [row[4] for row in rows] == [event["event_type"] for event in case["execution_trace"]]
    assert [row[7] for row in rows] == [event["status"] for event in case["execution_trace"]]


def test_the_database_writes_are_read_row_by_row(window, stored, case):
    window.open(scenario(stored, "L01"))
    told = [(row[2], row[3], row[4], row[5], row[6]) for row in window.rows("db-writes-table")]
    assert told == [
        (w["table"], w["sql_op"], str(w["rowcount"]), w["detail"]["outcome"], w["statement_fingerprint"] or "unknown")
        for w in case["db_writes"]
    ]


def test_a_scenario_that_only_read_says_why_there_are_no_writes(window, stored):
    window.open(scenario(stored, "L02"))
    assert window.rows("db-writes-table") == [["no writes observed (capture active)"]]
    assert "0 (capture active)" in window.by("db-writes-table").inner_text()


def test_the_requests_are_read_row_by_row(window, stored, case):
    window.open(scenario(stored, "L01"))
    told = [(row[0], row[1], row[3]) for row in window.rows("apis-used-table")]
    assert told == [(call["method"], call["path"], str(call["status"])) for call in case["api_calls_used"]]


def test_what_was_sent_is_read_field_by_field(window, stored):
    window.open(scenario(stored, "L01"))
    assert ["instruction", "text", "Write a program", "submit"] in window.rows("synthetic-input-table")
    window.open(scenario(stored, "L02"))
    assert window.rows("synthetic-input-table") == [["no step sent a body"]]


def test_what_came_back_is_read_field_by_field(window, stored):
    window.open(scenario(stored, "L01"))
    rows = window.rows("produced-output-table")
    assert ["job_id", "text", "j1", "live/L01/response.json", "submit"] in rows


def test_a_blocked_scenario_has_all_tables_with_the_reason(window, stored):
    window.open(scenario(stored, "L04"))
    names = ("execution-trace", "db-writes", "apis-used", "synthetic-input", "produced-output", "assertions")
    for name in names:
        ((cell,),) = window.rows(f"{name}-table")
        assert "gate closed" in cell, name


def test_every_attempt_of_a_poll_is_told(window, stored):
    page = window.open(scenario(stored, "L01"))
    step = page.locator("details", has=page.locator("summary", has_text="result"))
    step.locator("summary").click()
    assert step.get_by_text("Attempts: 3").is_visible()


def test_an_artifact_is_text_with_its_digest(window, stored):
    page = window.open(scenario(stored, "L01"))
    window.follow(page.get_by_role("link", name="live/L01/response.json", exact=True))
    assert "j1" in page.locator("pre.artifact").inner_text()
    assert page.get_by_text("the same", exact=True).is_visible()


def test_the_list_is_filtered_by_a_plain_form(window, stored):
    page = window.open("/")
    window.by("filter-status").select_option("PASS")
    window.follow(page.get_by_role("button", name="Filter"))
    assert "status=PASS" in page.url
    assert "1 of" in page.get_by_role("status").inner_text()
    assert window.by(f"run-row-{stored['green'].name}").is_visible()
    window.follow(page.get_by_role("link", name="Clear"))
    window.by("filter-date").get_by_label("to").fill("2025-11-13")
    window.follow(page.get_by_role("button", name="Filter"))
    assert "no run fits these filters" in page.locator("table").inner_text()


def test_two_runs_are_chosen_and_compared(window, stored):
    page = window.open("/")
    page.get_by_label(f"Compare {stored['green'].name} as A").check()
    page.get_by_label(f"Compare {stored['red'].name} as B").check()
    window.follow(page.get_by_role("button", name="Compare A with B"))
    assert window.rows("compare-table")[0][:2] == ["live/L03", "broke"]
    window.follow(page.get_by_role("link", name="Show what is the same as well"))
    assert any(row[1] == "same" for row in window.rows("compare-table"))


def test_a_red_run_leads_to_its_comparison(window, stored):
    page = window.open(f"/runs/{stored['red'].name}")
    window.follow(page.get_by_role("link", name="Compare with the last green run of this ladder"))
    assert f"a={stored['green'].name}" in page.url
    assert window.by("compare-table").is_visible()


def test_the_flow_of_a_climb_is_drawn_and_listed(window, stored):
    page = window.open("/traces?status=PARTIAL")
    window.follow(page.locator("[data-row]").first)
    assert page.locator(".flow svg g").count() == 6
    assert page.locator(".flow-list li").all_inner_texts()[4].split() == ["L04", "•", "not", "reached"]
    assert "wanted in [200], got 503" in window.by("final-error").inner_text()


def test_a_damaged_run_and_an_unknown_page_say_so(window, stored):
    window.open("/")
    assert "damaged" in window.by(f"run-row-{stored['damaged'].name}").inner_text()
    window.open(f"/runs/{stored['broken'].name}")
    assert "Do not rely" in window.by("error").inner_text()
    window.open("/runs/2001-01-01T00:00:00Z")
    assert "there is no such run" in window.by("error").inner_text()


def test_keys_move_open_search_and_explain(window, stored):
    page = window.open("/")
    first, second = (each.inner_text() for each in page.locator("[data-row]").all()[:2])
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.innerText") == second
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.innerText") == first
    page.keyboard.press("/")
    page.keyboard.type("jk?")
    assert page.get_by_label("Search").input_value() == "jk?"
    assert page.locator("dialog").count() == 0
    page.locator("h1").click()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.get_by_label("Single keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator(".current").count() == 1
    page.reload()
    page.keyboard.press("j")
    assert page.locator(".current").count() == 0


def test_enter_opens_the_row_that_keys_chose(window):
    page = window.open("/?status=FAIL")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/**")


def test_everything_is_reached_with_tab_alone_and_focus_is_seen(window, stored):
    page = window.open("/?status=PASS")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(40):
        found = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.tagName + ':' + (e.innerText || e.name || '').trim(), s.outlineStyle, s.outlineWidth]; }"
        )
        seen.add(found[0])
        if not found[0].startswith("BODY"):
            assert (found[1] != "none" and found[2] != "0px") or found[1] == "auto", found
        page.keyboard.press("Tab")
    reached = {each.split("\n")[0] for each in seen}
    assert {f"A:{stored['green'].name}", "BUTTON:Filter", "BUTTON:Compare A with B", "INPUT:q", "INPUT:from"} <= reached
    page.goto(window.address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_without_scripts_everything_works(opened, stored):
    window = opened(java_script_enabled=False)
    page = window.open("/")
    window.follow(page.get_by_role("link", name=stored["red"].name))
    window.follow(page.get_by_role("link", name="L01", exact=True))
    assert window.by("execution-trace-table").locator("tbody tr").count() > 10
    page.goto(f"{window.address}/")
    page.get_by_label(f"Compare {stored['green'].name} as A").check()
    page.get_by_label(f"Compare {stored['red'].name} as B").check()
    window.follow(page.get_by_role("button", name="Compare A with B"))
    assert window.by("compare-table").is_visible()


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 320, "height": 640}},
        {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
        {"viewport": {"width": 1280, "height": 900}},
    ],
    ids=["320 px", "200 %", "1280 px"],
)
def test_no_page_is_wider_than_its_window(opened, stored, options):
    window = opened(**options)
    for path in every_page(window, stored):
        window.open(path)
        assert window.overflow() <= 0, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_fault_that_axe_finds(opened, stored, scheme):
    window = opened(color_scheme=scheme)
    for path in every_page(window, stored):
        page = window.open(path)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert window.axe() == [], path


def test_the_theme_follows_the_system(opened):
    def background(scheme):
        page = opened(color_scheme=scheme).open("/")
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert (background("light"), background("dark")) == ("rgb(255, 255, 255)", "rgb(18, 22, 28)")


def test_forced_colours_and_reduced_motion_keep_every_word(opened, stored):
    window = opened(forced_colors="active", reduced_motion="reduce")
    page = window.open(f"/runs/{stored['red'].name}")
    word = window.by("scenario-row-L03").locator(".verdict")
    assert "FAIL" in word.inner_text()
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert word.evaluate("each => getComputedStyle(each).borderStyle") == "solid"


def test_an_export_opens_from_disk_with_one_request_and_tells_the_same(opened, stored, tmp_path, browser):
    name = stored["red"].name
    window = opened()
    text = window.context.request.get(f"{window.address}/runs/{name}/export.html").text()
    file = tmp_path / "export.html"
    file.write_text(text)
    window.open(f"/runs/{name}")
    told = [window.by(f"scenario-row-{each}").locator(".verdict").inner_text() for each in ("L01", "L02", "L03", "L04")]
    for scheme in ("light", "dark"):
        exported = opened(color_scheme=scheme, viewport={"width": 320, "height": 640} if scheme == "dark" else None)
        page = exported.open(f"file://{file}")
        found = [
            exported.by(f"scenario-row-{each}").locator(".verdict").inner_text()
            for each in ("L01", "L02", "L03", "L04")
        ]
        assert found == told
        assert exported.requests == [f"file://{file}"]
        assert exported.overflow() <= 0
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert exported.axe() == []


def test_what_the_json_twin_tells_is_what_the_page_shows(window, stored):
    window.open("/")
    twin = window.context.request.get(f"{window.address}/.json").json()
    for run in twin["runs"]:
        text = window.by(f"run-row-{run['run']}").inner_text()
        assert run["word"] in text
        assert run["trust"] in text
