"""Two runs side by side: what broke first, trials too, and names that are no runs."""

import json

import pytest
from console_stage import copied
from reading_pages import Page
from stored_runs import change_run

from harness.evidence import layout


@pytest.fixture
def green(bundle):
    """The same run a minute before, as if every scenario had passed."""
    name = bundle.name.replace(":14:", ":10:")
    found = copied(bundle, bundle.parent / name)

    def pass_all(document):
        document.update(folder=name, verdict="PASS", exit_code=0, started_at=name.replace("Z", ".000000Z"))
        for each in document["scenarios"]:
            each.update(verdict="PASS", reason="", missed=[], limits=[], started_at=document["started_at"])

    change_run(found, pass_all)
    return found


def kinds(page):
    return [(row[0], row[1]) for row in page.by_id("compare-table").rows()]


def test_what_broke_comes_first_and_what_is_the_same_is_left_out(client, bundle, green):
    page = Page(client.get(f"/compare?a={green.name}&b={bundle.name}").text)
    assert kinds(page) == [("live/L03", "broke"), ("live/L04", "broke"), ("mocked/RERUN/M01", "changed")]
    assert page.by_id("compare-table").caption == "5 scenarios, 3 differ"


def test_what_is_the_same_is_shown_when_it_is_asked_for(client, bundle, green):
    page = Page(client.get(f"/compare?a={green.name}&b={bundle.name}&all=1").text)
    assert ("live/L01", "same") in kinds(page)
    assert len(kinds(page)) == 5


def test_the_other_way_round_it_is_mended(client, bundle, green):
    found = client.get(f"/compare.json?a={bundle.name}&b={green.name}").json()
    assert [row["kind"] for row in found["rows"]] == ["mended", "mended", "changed"]
    assert found["result"]["changed"]


def test_a_red_run_leads_to_its_comparison_with_the_last_green_one(client, bundle, green):
    link = client.get(f"/runs/{bundle.name}.json").json()["last_green"]
    assert link["run"] == green.name
    assert link["href"] in client.get(f"/runs/{bundle.name}").text.replace("&amp;", "&")
    assert client.get(link["href"]).status_code == 200
    assert client.get(f"/runs/{green.name}.json").json()["last_green"] is None


def test_a_run_compared_with_itself_differs_in_nothing(client, bundle):
    page = Page(client.get(f"/compare?a={bundle.name}&b={bundle.name}").text)
    assert "no verdict differs" in page.by_id("compare-table").text


def test_a_side_that_is_no_evidence_is_told_first(client, bundle, green):
    (bundle / "summary.txt").write_text("changed\n")
    page = Page(client.get(f"/compare?a={green.name}&b={bundle.name}").text)
    assert bundle.name in page.by_id("error").text
    assert "Do not rely" in page.by_id("error").text


def test_without_two_runs_those_that_are_there_are_offered(client, bundle):
    for query in ("", f"?a={bundle.name}", "?a=&b="):
        answer = client.get(f"/compare{query}")
        assert answer.status_code == 200
        assert f'<option value="{bundle.name}">' in answer.text


@pytest.mark.parametrize("name", ["2025-01-01T00:00:00Z", "..%2f..", "x", "2025-11-14T17:14:05Z%239"])
def test_a_run_that_nobody_has_is_not_found(client, bundle, name):
    assert client.get(f"/compare?a={bundle.name}&b={name}").status_code == 404


def test_a_run_whose_record_cannot_be_read_is_an_error(client, bundle, green):
    (green / layout.RUN).write_text("{")
    answer = client.get(f"/compare?a={bundle.name}&b={green.name}")
    assert answer.status_code == 500
    assert "run-unreadable" in answer.text


def test_a_trial_is_told_with_its_own_duration_and_leads_to_the_trials_of_its_run(client, root, sealed_trials):
    run = copied(sealed_trials, root / sealed_trials.name)
    document = json.loads((run / layout.RUN).read_text())
    found = client.get(f"/compare.json?a={run.name}%230&b={run.name}%231").json()["result"]
    assert [side["href"] for side in found["sides"]] == [f"/runs/{run.name}#trials"] * 2
    told = [each["started_at"] for each in document["trial_records"][:2]]
    assert [side["started_at"] for side in found["sides"]] == told
    whole = client.get(f"/compare.json?a={run.name}&b={run.name}").json()["result"]["sides"][0]
    assert whole["started_at"] == document["started_at"]
