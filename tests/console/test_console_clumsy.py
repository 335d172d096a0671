"""Records, ledgers and addresses as a clumsy or hostile hand writes them: every page is told, as JSON too, and soon."""

import json

import pytest
from console_stage import caller, copied
from stored_runs import change_run

from harness.config import Settings
from harness.console.chained import MOST_FINDINGS
from harness.console.climbed import climbed, page_names
from harness.console.listed import MOST_CHOICES
from harness.console.rendering import _drawn
from harness.console.serving import TOKEN, serve
from harness.console.sources import Sources
from harness.console.trust import MOST_WHY, Trusted
from harness.errors import UsageError
from harness.evidence import layout
from harness.evidence.journal import iter_events
from harness.evidence.reading import read_entry
from harness.judging.observation import Exchange
from harness.verifying.seal_checks import finding_of


def strictly(answer):
    """JSON as it is defined, which knows neither NaN nor infinities."""
    return json.loads(answer.content, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_a_rate_without_bounds_is_no_number_of_json(client, root, sealed_trials):
    bundle = copied(sealed_trials, root / sealed_trials.name)
    change_run(bundle, lambda document: document["aggregation"].update(rate=5.0, low=-3.0, high=1e308))
    assert strictly(client.get(f"/runs/{bundle.name}.json"))["trials"]["rate"]["high"] == "inf"
    assert client.get(f"/runs/{bundle.name}").status_code == 200


def test_a_backend_may_say_anything_of_a_trace(sources):
    odd = [1, None, {}, {"trace_id": 5, "pipelines": [5]}, {"pipelines": [{"steps": 5, "final_error": {"x": [1]}}]}]
    odd += [{"pipelines": [{"final_error": float("nan"), "steps": [{"status": []}], "completed_at": float("inf")}]}]
    body = {"traces": odd}
    holding = Sources(sources.shelf, sources.trusted, sources.redactor, lambda path: Exchange(200, {}, body, "", 0.0))
    for query in ("", "&q=zz", "&from=2025-01-01"):
        assert caller(holding).get(f"/traces?source=backend{query}").status_code == 200
        assert strictly(caller(holding).get(f"/traces.json?source=backend{query}"))["all"] == 4


def test_a_backend_that_holds_no_trace_is_an_empty_list(sources):
    body = {"traces": [], "averages": []}
    empty = Sources(sources.shelf, sources.trusted, sources.redactor, lambda path: Exchange(200, {}, body, "", 0.0))
    assert caller(empty).get("/traces?source=backend").status_code == 200


LINES = 20_000


def test_a_ledger_of_garbage_is_told_with_every_run_and_looked_through_once(root, bundle, monkeypatch):
    (root / layout.LEDGER).write_bytes(b"junk\n" * LINES)
    made = []
    real = Trusted(root).of(read_entry(bundle))
    monkeypatch.setattr("harness.console.chained.finding_of", lambda each: made.append(each) or finding_of(each))
    trusted = Trusted(root)
    for _ in range(5):
        assert trusted.of(read_entry(bundle)) == real
    assert real.is_broken
    assert len(real.why) == MOST_WHY + 1
    # That the run is not listed is one more.
    assert real.why[-1].startswith(f"and {LINES + 1 - MOST_WHY} more")
    assert len(made) < MOST_FINDINGS + 5


ACROSS = ("intent=live%0Amocked", "ladder=live%0Amocked", "scenario=L01%09PASS%0Alive/L01", "q=live%0Al01", "q=l01%0A")


@pytest.mark.parametrize("query", ACROSS[:4])
def test_no_filter_matches_across_two_things_that_a_run_says(client, bundle, query):
    for path in ("/.json", "/traces.json"):
        assert client.get(f"{path}?{query}").json()["page"]["total"] == 0


@pytest.mark.parametrize("query", [*ACROSS, "status=FAIL%0A", "q=%00", "page=%D9%A3", "from=0000-00-00", "to=%2B2025"])
def test_whatever_is_asked_for_is_told_back_in_one_line(client, bundle, query):
    told = client.get(f"/.json?{query}").json()["filters"]
    assert all(text.isprintable() for text in told.values() if isinstance(text, str))
    assert client.get(f"/?{query}").status_code == 200


BEGINNINGS = ("2025-11-14T23:30:00-05:00", "garbage", "1960-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
              "9999-12-31T23:59:59-14:00", "2025-11-14T17:14:05")  # fmt: skip


@pytest.mark.parametrize("began", BEGINNINGS)
def test_each_bar_of_the_rate_leads_to_the_runs_that_it_counts(client, bundle, began):
    change_run(bundle, lambda document: document.update(started_at=began))
    (bar,) = client.get("/.json").json()["rate"]["bars"]
    assert len(client.get(bar["href"].replace("/?", "/.json?")).json()["runs"]) == 1


@pytest.mark.parametrize("began", BEGINNINGS)
def test_a_climb_began_on_the_day_on_which_it_began_here(client, bundle, began):
    def told(document):
        for climb in document["climbs"]:
            climb["started_at"] = began

    change_run(bundle, told)
    day = {"2025-11-14T23:30:00-05:00": "2025-11-15"}.get(began, "2025-11-14")
    count = len(client.get(f"/traces.json?from={day}&to={day}").json()["traces"])
    assert count == (0 if began[:4] in {"1960", "0001", "9999"} else 2)


@pytest.mark.parametrize("odd", ["events", "files", "export.html", "L09.json", "a/b", "..", "\ud800", "x" * 300, "<b>"])
def test_a_scenario_of_any_id_has_a_page_that_its_links_lead_to(client, bundle, odd):
    change_run(bundle, lambda document: document["scenarios"][0].update(id=odd, title="the odd one"))
    (href,) = {
        each["href"]
        for part in client.get(f"/runs/{bundle.name}.json").json()["parts"]
        for each in part["scenarios"]
        if each["title"] == "the odd one"
    }
    page = client.get(href)
    assert page.status_code == 200
    assert "<main" in page.text
    assert "the odd one" in page.text
    assert client.get(f"{href}.json").json()["scenario"]["title"] == "the odd one"


def test_a_scenario_that_is_called_like_the_case_of_another_is_found_by_its_name(client, bundle):
    change_run(bundle, lambda document: document["scenarios"][1].update(id="live-L01", title="the second"))
    assert client.get(f"/runs/{bundle.name}/L01.json").json()["scenario"]["folder"] == "live/L01"
    assert client.get(f"/runs/{bundle.name}/live-L01.json").json()["scenario"]["title"] == "the second"


def test_what_can_be_chosen_is_bounded_and_can_be_asked_for(client, bundle):
    def told(document):
        document["ladders"][0]["name"] = "x" * 1_000_000
        document["scenarios"][0]["job_types"] = [f"job{number}" for number in range(20_000)]

    change_run(bundle, told)
    found = client.get("/.json").json()
    assert len(found["choices"]["intent"]) == MOST_CHOICES
    assert found["choices"]["ladder"] == ["mocked"]
    assert len(client.get("/").content) < 200_000
    assert client.get("/.json?intent=job19999").json()["page"]["total"] == 1


def test_many_addresses_of_one_page_take_bounded_memory(client, bundle, monkeypatch):
    monkeypatch.setattr("harness.console.sources.MOST_CHARACTERS", 3 * len(client.get(f"/runs/{bundle.name}").text))
    made = []
    monkeypatch.setattr("harness.console.rendering._drawn", lambda page, real=_drawn: made.append(page) or real(page))
    for number in (*range(10), 9, 0):
        client.get(f"/runs/{bundle.name}?x={number}")
    # The last one was kept, the first one was not.
    assert len(made) == 11


def test_names_of_scenarios_are_found_once_for_a_whole_export(client, root, sealed_trials, monkeypatch):
    bundle = copied(sealed_trials, root / sealed_trials.name)
    made = []
    for module in ("case_page", "export", "run_page", "gates", "trials_part"):
        monkeypatch.setattr(f"harness.console.{module}.page_names", lambda entry: made.append(1) or page_names(entry))
    assert client.get(f"/runs/{bundle.name}/export.html").status_code == 200
    assert len(made) < 6


def test_a_scenario_of_a_trial_is_looked_for_in_the_log_of_that_trial(root, sealed_trials, monkeypatch):
    entry = read_entry(copied(sealed_trials, root / sealed_trials.name))
    read = []
    monkeypatch.setattr("harness.console.climbed.iter_events", lambda log: read.append(log.name) or iter_events(log))
    record = next(each for each in entry.record.scenarios if each.folder.startswith("trials/001/"))
    trial = next(each for each in entry.record.trial_records if each.folder == "trials/001")
    assert climbed(entry, record).entries
    assert read == [layout.EVENTS, trial.log.rpartition("/")[2]]


@pytest.mark.parametrize("token", ["\udcff", " pad ", "\t", "a\nb", "\x00"])
def test_a_token_that_no_browser_can_send_is_refused_at_the_start(root, token):
    settings = Settings.from_env({TOKEN: token})
    with pytest.raises(UsageError) as error:
        serve(settings, root, lambda: None, port=0, say=lambda _: pytest.fail("it is served"))
    assert error.value.reference == "token-invalid"
    assert token not in error.value.message


@pytest.mark.parametrize("clash", ["same", "folder", "odd"])
def test_links_of_programs_lead_to_the_run_that_they_stand_with(client, bundle, clash):
    other = copied(bundle, bundle.with_name(bundle.name.replace(":14:", ":30:")))
    if clash == "folder":
        change_run(other, lambda document: document.update(run_id=bundle.name))
    if clash == "odd":
        change_run(other, lambda document: document.update(run_id="a/b\t\ud800"))
    for row in client.get("/evidence/api/runs").json()["runs"]:
        assert client.get(row["href"]).json()["run"] == row["run"]
        (case, *_) = client.get(f"/evidence/api/runs/{row['run']}/cases").json()["cases"]
        assert f"/{row['run']}/" in case["href"] or row["run_id"] in case["href"]
        assert clash == "same" or client.get(case["href"]).status_code == 200
