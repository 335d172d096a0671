"""The list of runs: what it shows, how it is filtered, and that nothing missing looks like nothing there."""

import shutil

import pytest
from console_stage import copied
from reading_pages import Page
from stored_runs import change_run

from harness.evidence import layout


def listed(answer):
    return [run["run"] for run in answer.json()["runs"]]


def later(bundle, minutes):
    """A copy that began later."""
    name = bundle.name.replace(":14:", f":{14 + minutes}:")
    found = copied(bundle, bundle.parent / name)
    change_run(found, lambda document: document.update(started_at=name.replace("Z", ".000000Z"), folder=name))
    return found


def test_a_run_is_told_with_verdict_mode_stages_duration_and_trust(client, bundle):
    row = Page(client.get("/").text).by_id(f"run-row-{bundle.name}")
    cells = [" ".join(cell.text.split()) for cell in row.children if hasattr(cell, "text")]
    assert cells[:4] == [bundle.name, "✗ FAIL", "live", "2/4"]
    assert cells[5] == "○ unsigned"


def test_the_newest_run_comes_first_by_its_record(client, bundle):
    names = [later(bundle, 3).name, later(bundle, 1).name, bundle.name]
    assert listed(client.get("/.json")) == names


def test_a_damaged_run_is_listed_as_such_and_hides_no_other(client, bundle):
    broken = later(bundle, 2)
    (broken / layout.RUN).write_text("{")
    page = Page(client.get("/").text)
    row = page.by_id(f"run-row-{broken.name}").text
    assert "damaged" in row
    assert "broken" in row
    assert page.by_id(f"run-row-{bundle.name}") is not None


def test_a_file_changed_after_sealing_makes_the_run_broken_everywhere(client, bundle):
    assert "unsigned" in Page(client.get(f"/runs/{bundle.name}").text).by_id("trust-strip").text
    (bundle / "summary.txt").write_text("all is well\n")
    strip = Page(client.get(f"/runs/{bundle.name}").text).by_id("trust-strip").text
    assert "broken" in strip
    assert "summary.txt" in strip
    assert "broken" in Page(client.get("/").text).by_id(f"run-row-{bundle.name}").text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 1),
        ("?status=FAIL", 1),
        ("?status=PASS", 0),
        ("?intent=live", 1),
        ("?intent=mocked", 1),
        ("?intent=L01", 1),
        ("?intent=edits", 0),
        ("?from=2025-11-14&to=2025-11-14", 1),
        ("?from=2025-11-15", 0),
        ("?to=2025-11-13", 0),
        ("?from=tomorrow", 1),
        ("?q=create", 1),
        ("?q=nothing-like-it", 0),
        ("?status=FAIL&intent=live&from=2025-11-14&q=create", 1),
        ("?status=FAIL&intent=edits", 0),
        ("?q=&status=&intent=&from=&to=", 1),
        ("?page=0", 1),
        ("?page=99999999999999", 1),
        ("?page=x", 1),
    ],
)
def test_filters_combine_and_a_slip_filters_nothing(client, bundle, query, count):
    answer = client.get(f"/.json{query}").json()
    assert len(answer["runs"]) == count
    page = Page(client.get(f"/{query}").text)
    status = next(node.text for node in page.root.walk() if node.attrs.get("role") == "status")
    assert f"{count} of 1 run" in status
    assert page.all("table")


def test_a_date_that_is_none_is_told(client, bundle):
    assert "is no date; it filters nothing" in client.get("/?from=2025-02-31").text


def test_fifty_runs_are_on_a_page_and_the_next_has_the_rest(client, bundle):
    document = (bundle / layout.RUN).read_text()
    for number in range(1, 56):
        name = bundle.name.replace("T17:14", f"T18:{number:02d}")
        folder = bundle.parent / name
        folder.mkdir()
        (folder / layout.RUN).write_text(document.replace(bundle.name[:17], name[:17]))
    first = client.get("/.json").json()
    assert (len(first["runs"]), first["page"]["pages"], first["page"]["previous"]) == (50, 2, "")
    second = client.get(first["page"]["next"].replace("/?", "/.json?")).json()
    assert len(second["runs"]) == 6
    assert not {run["run"] for run in first["runs"]} & {run["run"] for run in second["runs"]}


def test_a_root_without_runs_says_so_in_its_table(client, root):
    page = Page(client.get("/").text)
    assert "no run is recorded here yet" in page.all("table")[0].text


@pytest.mark.parametrize("path", ["/", "/.json", "/evidence/api/runs", "/evidence/api/apis"])
def test_a_root_that_is_gone_is_an_outage_and_no_empty_list(client, root, path):
    shutil.rmtree(root)
    answer = client.get(path)
    assert answer.status_code == 503
    assert "evidence-missing" in answer.text
    assert "no run is recorded" not in answer.text
    if path == "/":
        assert "is not there" in Page(answer.text).by_id("error").text


def test_a_root_that_is_a_file_is_an_outage(client, root):
    root.rmdir()
    root.write_text("")
    answer = client.get("/")
    assert answer.status_code == 503
    assert "evidence-unreadable" in answer.text


def test_a_partial_run_is_told_as_partial_and_none_of_its_files_is_served(client, bundle):
    bundle.rename(bundle.with_name(f"{bundle.name}.partial"))
    page = Page(client.get(f"/runs/{bundle.name}").text)
    assert "does not count as evidence" in page.by_id("error").text
    assert client.get(f"/runs/{bundle.name}/files/run.json").status_code == 404
    assert client.get(f"/evidence/api/runs/{bundle.name}/cases/live-L01").status_code == 404


def test_a_link_in_the_place_of_a_run_is_no_run(client, bundle, tmp_path):
    away = tmp_path / "away"
    bundle.rename(away)
    bundle.symlink_to(away)
    assert client.get(f"/runs/{bundle.name}").status_code == 404
