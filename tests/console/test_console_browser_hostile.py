"""In a real browser: evidence that attacks its reader, a source that is gone, and a run that goes on."""

import shutil
from pathlib import Path

import pytest
from browser_stage import Window, chromium
from console_stage import copied
from running_run import RunningRun, RunningTrials
from served_console import served
from stored_runs import HOSTILE, change_case, change_run, full_of, reseal

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def window(browser, root):
    with served(root) as address:
        found = Window(browser, address)
        yield found
        found.context.close()


ATTACKS = (
    " ".join(HOSTILE).replace("\ud800", ""),
    '<p hx-get="/x" hx-trigger="load" hx-on:load="alert(1)" data-hx-get="/x" onclick="alert(1)">',
    "</pre></script></style></textarea></title><script src=https://evil.example/x.js></script><body onload=alert(1)>",
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script><animate onbegin=alert(1)/>',
    "<a href='javascript:alert(1)' autofocus onfocus=alert(1)>x</a> [x](javascript:alert(1)) javascript:alert(1)",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><base href=https://evil.example><iframe src=/ >",
    "<li data-events='/runs/x/events' data-trial=0 data-row data-after data-search>x</li><template data-live-state>",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_evidence_runs_and_fetches_nothing(window, sealed, root, text):
    bundle = copied(sealed, root / sealed.name)
    change_run(bundle, full_of(text))
    change_case(bundle, lambda document: document["assertions"][0].update(got=text, path=text))
    (bundle / "live/L01/response.json").write_text(text)
    reseal(bundle)
    for path in (
        "/",
        f"/runs/{bundle.name}",
        f"/runs/{bundle.name}/L01",
        f"/runs/{bundle.name}/files/live/L01/response.json",
        "/traces",
    ):
        window.open(path)
        window.page.wait_for_load_state("networkidle")
        assert (
            window.page.locator("iframe, template, svg script, main script, [onload], [onclick], [hx-get]").count() == 0
        )
        assert window.page.locator("a[href^='javascript:'], base, meta[http-equiv=refresh]").count() == 0
    assert window.faults == []
    assert {url.split("/")[2] for url in window.requests if "://" in url} == {window.address.split("/")[2]}


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_lines_that_arrive_by_themselves_run_and_fetch_nothing(window, sealed_trials, root, text):
    running = RunningTrials(sealed_trials, root)
    running.spoil(text)
    first = running.begin()
    running.climb(first, 3)
    page = window.open("/live")
    seen = len(window.requests)
    running.climb(first, 30)
    page.wait_for_function("() => document.querySelector('[data-events] [data-kind=check]')")
    running.end()
    page.wait_for_selector("[data-done=yes]", state="attached")
    assert page.locator("[data-events] *:not(li):not(span)").count() == 0
    assert page.locator("[data-trials] *:not(li)").count() == 0
    assert all(url.startswith(f"{window.address}/runs/{running.final.name}/events") for url in window.requests[seen:])
    assert window.faults == []


def test_an_artifact_of_a_hundred_megabytes_in_one_line_is_a_small_page(window, sealed, root):
    bundle = copied(sealed, root / sealed.name)
    response = bundle / "live/L01/response.json"
    with response.open("wb") as file:
        for _ in range(100):
            file.write(b"<b>" + b"a" * ((1 << 20) - 3))
    page = window.open(f"/runs/{bundle.name}/files/live/L01/response.json?")
    assert len(page.locator("pre.artifact").inner_text()) < 3000
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).stat().st_size == 100 << 20
    assert window.faults == []
    download.value.delete()
    response.unlink()


def test_an_artifact_that_is_a_page_is_opened_as_text_and_runs_nothing(window, sealed, root):
    bundle = copied(sealed, root / sealed.name)
    (bundle / "live/L01/response.json").write_text("<script>document.title = 'taken'</script><h1>PASS</h1>")
    page = window.open(f"/runs/{bundle.name}/files/live/L01/response.json?raw=1")
    assert page.title() != "taken"
    assert "<script>" in page.locator("body").inner_text()


def test_a_source_that_is_gone_is_an_error_and_no_empty_list(window, sealed, root):
    copied(sealed, root / sealed.name)
    window.open("/")
    shutil.rmtree(root)
    window.page.reload()
    assert "is not there" in window.by("error").inner_text()
    assert window.page.locator("table").count() == 0


def test_a_backend_that_is_away_is_an_error_and_no_empty_list(browser, sealed, root):
    copied(sealed, root / sealed.name)
    with served(root, BASE_URL="http://127.0.0.1:9") as address:
        window = Window(browser, address)
        window.open("/traces")
        window.page.get_by_label("Held by").select_option("backend")
        window.follow(window.page.get_by_role("button", name="Filter"))
        assert "the backend does not answer" in window.by("error").inner_text()
        window.context.close()


def lines(window):
    return window.by("live-log").locator("li").evaluate_all("all => all.map(each => each.dataset.id)")


def test_a_run_that_goes_on_is_followed_to_its_end_each_event_once_also_after_a_break(window, sealed, root):
    running = RunningRun(sealed, root)
    running.go_on(20)
    page = window.open("/live")
    log = window.by("live-log")
    before = len(lines(window))
    assert before > 3
    running.go_on(15)
    page.wait_for_function("count => document.querySelectorAll('[data-events] li').length > count", arg=before)
    window.context.set_offline(True)
    running.go_on(10)
    window.context.set_offline(False)
    running.end()
    page.wait_for_selector("[data-done=yes]", state="attached")
    found = lines(window)
    numbers = [int(each) for each in found if each.isdigit()]
    assert numbers == sorted(set(numbers))
    assert found[-1] == "sealed"
    assert "the run is finished" in log.inner_text()
    window.follow(page.get_by_role("link", name="Show the sealed run"))
    assert "FAIL" in page.locator("h1 + .verdict").inner_text()


def test_several_trials_are_followed_each_line_once_with_how_far_each_is(window, sealed_trials, root):
    running = RunningTrials(sealed_trials, root)
    first, second = running.begin(), running.begin()
    running.climb(first, 9)
    page = window.open("/live")
    tally, going = page.locator("[data-tally]"), page.locator("[data-trials] li")
    assert tally.inner_text() == "0 of 3 trials ended; 2 running"
    assert "trial 0: 0 of 4 scenarios, at L01 step " in going.first.inner_text()
    running.climb(second, 12)
    page.wait_for_function("() => document.querySelector('[data-trial=\"1\"]').textContent.includes('at L01 step')")
    window.context.set_offline(True)
    running.climb(first, 10)
    running.end_trial(second)
    window.context.set_offline(False)
    page.wait_for_function("() => document.querySelector('[data-tally]').textContent.startsWith('1 of 3')")
    assert page.locator('[data-trial="1"]').count() == 0
    running.end()
    page.wait_for_selector("[data-done=yes]", state="attached")
    found = lines(window)
    assert len(found) == len(set(found))
    for number in range(3):
        assert [each for each in found if each.startswith(f"{number}:")] == running.told_of(number)
    assert tally.inner_text() == "3 of 3 trials ended: 2 PASS, 1 FAIL"
    assert going.count() == 0
    assert found[-1] == "sealed"
    assert window.faults == []


def test_without_scripts_the_log_is_as_of_now_and_loads_again(browser, sealed, root):
    running = RunningRun(sealed, root)
    running.go_on(20)
    with served(root) as address:
        window = Window(browser, address, java_script_enabled=False)
        page = window.open("/live")
        before = window.by("live-log").locator("li").count()
        running.go_on(15)
        window.follow(page.get_by_role("link", name="Reload"))
        assert window.by("live-log").locator("li").count() > before
        window.context.close()
    running.let_go()
