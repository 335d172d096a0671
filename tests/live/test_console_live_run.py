"""The console beside real runs: followed in a browser while they go on, and read row by row once they are sealed.

One climb and a run of three trials are made on a stack of one's own while a window looks at them; every test reads what
that window saw, or opens the console on what the runs have left.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from climbs import LONGEST_CLIMB_S
from own_stack import own_stack

# How a console is started and a browser is opened belongs to the tests of the console.
sys.path.append(str(Path(__file__).parents[1] / "console"))

from browser_stage import Window, chromium
from served_console import served

pytestmark = [pytest.mark.docker, pytest.mark.browser]

TOLD = {"climb_started", "scenario_started", "step_started", "poll_attempt", "check", "scenario_ended", "run_ended"}
TABLES = ("execution-trace", "db-writes", "apis-used", "synthetic-input", "produced-output")
LONGEST_MS = LONGEST_CLIMB_S * 1000


@dataclass(frozen=True)
class Followed:
    """What a window saw of a run that went on.

    Attributes:
        climb: The run, once it had ended.
        before: Lines that stood there when the page came; ``names`` are all, in their order.
        trials: Every text that the list of running trials ever had.
        loads: How often the page was loaded from then on, and where its link led in the end.
    """

    climb: object
    before: int
    names: list
    texts: list
    trials: set
    loads: int
    sealed_url: str
    heading: str


@dataclass(frozen=True)
class Story:
    """Two runs below one root, and the console that shows them."""

    address: str
    single: Followed
    several: Followed

    def log(self, path="events.jsonl", of="single"):
        lines = (getattr(self, of).climb.folder / path).read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["type"] in TOLD]


WATCH = """() => {
  window.trialTexts = new Set();
  const list = document.querySelector("[data-trials]");
  const look = () => { for (const each of list ? list.children : []) window.trialTexts.add(each.textContent); };
  look();
  if (list) new MutationObserver(look).observe(list, {childList: true, subtree: true, characterData: true});
}"""


def follow(window, make, is_there):
    """Start a run, look at it from its first moment on, and stay until it is over."""
    with ThreadPoolExecutor(1) as pool:
        climb = pool.submit(make)
        while not (window.open("/live").locator(is_there).count() or climb.done()):
            pass
        before = window.by("live-log").locator("li").count()
        loads = len(window.requests)
        window.page.evaluate(WATCH)
        window.page.wait_for_selector("[data-done=yes]", state="attached", timeout=LONGEST_MS)
        assert climb.result().exit_code == 0
    log = window.by("live-log").locator("li")
    names = log.evaluate_all("all => all.map(each => each.dataset.id)")
    texts = log.locator(".what").all_inner_texts()
    trials = set(window.page.evaluate("[...window.trialTexts]"))
    again = [url for url in window.requests[loads:] if url.endswith("/live")]
    window.follow(window.page.get_by_role("link", name="Show the sealed run"))
    heading = window.page.get_by_role("heading", level=1).inner_text()
    return Followed(climb.result(), before, names, texts, trials, len(again), window.page.url, heading)


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def story(browser, docker_api, tmp_path_factory):
    home = tmp_path_factory.mktemp("watched")
    with own_stack(home / "stack", docker_api) as stack:
        root = stack.climber.home / "evidence-1"
        root.mkdir()
        with served(root) as address:
            window = Window(browser, address)
            only = ("run", "live", "--only", "L01")
            single = follow(window, lambda: stack.climb(*only), "[data-events]")
            several = follow(
                window,
                lambda: stack.climb(*only, "--trials", "3", "--concurrency", "2", after=single.climb),
                "[data-trials]",
            )
            assert window.faults == []
            window.context.close()
            yield Story(address, single, several)


@pytest.fixture
def window(browser, story):
    found = Window(browser, story.address)
    yield found
    found.context.close()
    assert found.faults == []


def test_the_steps_of_a_real_run_arrive_by_themselves_each_once_and_its_end_leads_to_the_sealed_run(story):
    seen = story.single
    assert seen.names == [*(str(event["seq"]) for event in story.log()), "sealed"]
    assert len(seen.names) > seen.before
    assert seen.loads == 0
    assert seen.sealed_url == f"{story.address}/runs/{seen.climb.folder.name}"
    assert seen.heading == f"Run {seen.climb.folder.name}"


def test_all_trials_of_a_real_run_are_followed_at_once_with_how_far_each_has_come(story):
    seen = story.several
    logs = json.loads((seen.climb.folder / "traces/manifest.json").read_text())["trials"]
    assert len(seen.names) == len(set(seen.names))
    for trial in logs:
        index = trial["trial_index"]
        wanted = [f"{index}:{event['seq']}" for event in story.log(trial["log"], "several")] + [f"{index}:end"]
        assert [name for name in seen.names if name.startswith(f"{index}:")] == wanted
        assert any(text.startswith(f"trial {index}: 0 of 1 scenarios, at L01 step ") for text in seen.trials)
    assert [name for name in seen.names if name.isdigit()] == [str(event["seq"]) for event in story.log(of="several")]
    assert seen.names[-1] == "sealed"
    assert sum(text.startswith("trial") and " ended after " in text for text in seen.texts) == 3


def test_the_page_of_a_real_run_is_trusted_as_far_as_it_is_signed(window, story):
    page = window.open(f"/runs/{story.single.climb.folder.name}")
    strip = window.by("trust-strip").inner_text()
    assert "unsigned" in strip
    assert "broken" not in strip
    assert "PASS" in window.by("scenario-row-L01").inner_text()
    assert page.locator("[data-events]").count() == 0


def test_the_five_tables_of_a_real_scenario_are_full_and_tell_what_twin_and_files_tell(window, story):
    folder = story.single.climb.folder
    window.open(f"/runs/{folder.name}/L01")
    twin = window.context.request.get(f"{story.address}/runs/{folder.name}/L01.json").json()
    for name in TABLES:
        rows = window.rows(f"{name}-table")
        assert len(rows) == twin[name.replace("-", "_")]["count"] > 0, name
    case = json.loads((folder / "cases/live-L01.json").read_text())
    writes = json.loads((folder / "live/L01/db_writes.json").read_text())
    stored = writes if isinstance(writes, list) else writes["db_writes"]
    assert [(row[2], row[3], row[4], row[5]) for row in window.rows("db-writes-table")] == [
        (each["table"], each["sql_op"], str(each["rowcount"]), each["detail"]["outcome"].replace("_", " "))
        for each in case["db_writes"]
    ]
    assert len(stored) == len(case["db_writes"])
    told = [(row[0], row[1], row[3]) for row in window.rows("apis-used-table")]
    assert told == [(each["method"], each["path"], str(each["status"])) for each in case["api_calls_used"]]
    events = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    made = [each for each in events if each["type"] == "exchange" and each["scenario"] == "L01"]
    # The judge's own look at the backend, for its trace, is no request of the scenario.
    logged = {(each["sent"]["method"], each["sent"]["path"]) for each in made if each["purpose"] != "trace"}
    assert {row[:2] for row in told} == logged
    trace = [(str(event["seq"]), event["event_type"]) for event in case["execution_trace"]]
    assert [(row[0], row[4]) for row in window.rows("execution-trace-table")] == trace


def test_the_list_of_real_runs_is_filtered_and_two_of_them_are_compared(window, story):
    first, second = story.single.climb.folder.name, story.several.climb.folder.name
    page = window.open("/")
    window.by("filter-status").select_option("PASS")
    window.follow(page.get_by_role("button", name="Filter", exact=True))
    assert window.by(f"run-row-{first}").is_visible()
    assert window.by(f"run-row-{second}").is_visible()
    page = window.open("/?status=FAIL")
    assert window.by(f"run-row-{first}").count() == 0
    window.open(f"/compare?a={first}&b={quote(f'{second}#0')}&all=1")
    assert any(row[1] == "same" for row in window.rows("compare-table"))


def test_the_export_of_a_real_run_opens_from_disk_and_loads_nothing(browser, window, story, tmp_path):
    name = story.single.climb.folder.name
    file = tmp_path / "export.html"
    file.write_text(window.context.request.get(f"{story.address}/runs/{name}/export.html").text())
    exported = Window(browser, story.address)
    exported.open(f"file://{file}")
    assert exported.requests == [f"file://{file}"]
    assert "PASS" in exported.by("scenario-row-L01").inner_text()
    assert exported.faults == []
    exported.context.close()
