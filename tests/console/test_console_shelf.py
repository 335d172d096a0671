"""How runs are found again: what is believed for how long, and what is seen at once."""

import json
import os

import pytest
from console_stage import copied
from reading_pages import Page
from stored_runs import change_run

from harness.console.listed import MOST_MADE, Listed
from harness.console.refusals import MissingError
from harness.console.shelf import LOOKED_S, TRUSTED_S, Shelf
from harness.console.trust import Trusted
from harness.evidence import layout
from harness.evidence.chaining import stored_runs
from harness.evidence.manifest import sha256
from harness.evidence.reading import read_entry
from harness.sealing.ledger import Line


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shelf(root, clock):
    return Shelf(root, clock=clock)


def another(bundle, minute="30"):
    return copied(bundle, bundle.parent / bundle.name.replace(":14:", f":{minute}:"))


def test_as_long_as_nothing_changes_it_is_the_same_list(shelf, bundle, clock):
    first = shelf.listed()
    clock.now += TRUSTED_S * 2
    assert shelf.listed().rows == first.rows
    assert [row.name for row in first.rows] == [bundle.name]


def test_a_run_that_comes_or_goes_is_seen_at_once(shelf, bundle):
    shelf.listed()
    other = another(bundle)
    assert {row.name for row in shelf.listed().rows} == {bundle.name, other.name}
    other.rename(bundle.parent / "elsewhere")
    assert [row.name for row in shelf.listed().rows] == [bundle.name]


def test_a_record_that_changes_in_place_is_seen_after_ten_seconds(shelf, bundle, clock):
    # An hour ago, or a listing would not yet believe that nothing changes any more.
    for path in (bundle / layout.RUN, bundle):
        os.utime(path, (1, 1))
    assert shelf.listed().rows[0].facts.verdict == "FAIL"
    change_run(bundle, lambda document: document.update(verdict="PASS"))
    clock.now += LOOKED_S + 1
    assert shelf.listed().rows[0].facts.verdict == "PASS"


def test_a_run_that_goes_on_is_read_again_each_second(shelf, bundle, clock, held):
    folder = bundle.rename(bundle.with_name(f"{bundle.name}.partial"))
    with held(folder):
        assert shelf.listed().rows[0].is_running
    clock.now += TRUSTED_S + 0.1
    assert shelf.listed().rows[0].facts.condition == "partial"


def test_a_second_process_finds_the_list_in_the_index(root, bundle, shelf, clock, monkeypatch):
    clock.now += LOOKED_S
    rows = shelf.listed().rows
    monkeypatch.setattr("harness.indexing.marks.SETTLED_NS", 0)
    Shelf(root).listed()
    monkeypatch.setattr("harness.indexing.folder.read_entry", lambda *_: pytest.fail("it was read"))
    assert [row.details._replace(mark="") for row in Shelf(root).listed().rows] == [
        row.details._replace(mark="") for row in rows
    ]


def test_an_index_that_cannot_be_used_is_told_and_hides_nothing(client, root, bundle):
    (root / ".ladder").symlink_to(root)
    page = client.get("/")
    assert bundle.name in page.text
    assert "runs are listed without it" in page.text


def test_what_is_made_of_a_list_is_made_once_until_much_else_is():
    listed, made = Listed(()), []

    def one():
        return listed.made("one", lambda: made.append(1) or "one")

    assert [one(), one()] == ["one", "one"]
    assert len(made) == 1
    for other in range(MOST_MADE):
        listed.made(other, lambda: None)
    assert one() == "one"
    assert len(made) == 2


def test_what_can_be_chosen_is_what_is_there(client, bundle):
    found = client.get("/.json").json()["choices"]
    assert found["ladder"] == ["live", "mocked"]
    assert found["scenario"] == ["L01", "L02", "L03", "L04", "M01"]
    assert {"live", "mocked"} <= set(found["intent"])
    assert found["trigger"] == ["manual"]
    assert "damaged" in found["status"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("ladder=live", 1),
        ("ladder=edits", 0),
        ("scenario=L03", 1),
        ("scenario=L99", 0),
        ("scenario=L03&status=FAIL", 1),
        ("scenario=L01&status=FAIL", 0),
        ("scenario=L01&status=PASS", 1),
        ("trigger=manual", 1),
        ("trigger=ci", 0),
        ("intent=initial_project", 1),
        ("intent=edit", 0),
    ],
)
def test_runs_are_filtered_by_ladder_scenario_type_of_job_and_trigger(client, bundle, query, count):
    def told(document):
        document["scenarios"][0]["job_types"] = ["initial_project"]

    change_run(bundle, told)
    assert len(client.get(f"/.json?{query}").json()["runs"]) == count


def test_days_the_wrong_way_round_filter_nothing_and_are_told(client, bundle):
    page = client.get("/?from=2025-11-20&to=2025-11-01").text
    assert "2025-11-20 is later than 2025-11-01; it filters nothing." in page
    assert Page(page).by_id(f"run-row-{bundle.name}")


@pytest.mark.parametrize(("query", "count"), [("trigger=manual", 2), ("trigger=ci", 0), ("scenario=M01", 1),
                                              ("ladder=live", 1), ("ladder=edits", 0), ("intent=live", 1)])  # fmt: skip
def test_traces_are_filtered_by_ladder_scenario_and_trigger(client, bundle, query, count):
    assert len(client.get(f"/traces.json?{query}").json()["traces"]) == count


def test_a_beginning_of_a_name_that_fits_many_reads_only_some(shelf, bundle, monkeypatch):
    for minute in range(20, 40):
        another(bundle, str(minute))
    monkeypatch.setattr("harness.console.shelf.MOST_MEANT", 5)
    assert len(shelf.meant(bundle.name[:13])) == 5
    assert [entry.name for entry in shelf.meant(bundle.name)] == [bundle.name]
    assert shelf.meant("", "nothing-like-it") == ()


def test_no_name_leads_out_of_the_root(shelf, bundle):
    for name in ("..", "../x", "a/b", "", ".ladder", f"{bundle.name}/.."):
        with pytest.raises(MissingError):
            shelf.entry(name)


def chain(root, *bundles):
    """Chain runs in a ledger, as the judge does when it seals them."""
    lines, prev = [], "0" * 64
    for bundle in bundles:
        manifest = json.loads((bundle / layout.MANIFEST).read_text()) | {"prev": prev}
        data = json.dumps(manifest, separators=(",", ":"), sort_keys=True).encode()
        (bundle / layout.MANIFEST).write_bytes(data)
        lines.append(Line(bundle.name, sha256(data), prev))
        prev = lines[-1].manifest_sha256
    (root / layout.LEDGER).write_bytes(b"".join(line.spelt() for line in lines))


def test_a_run_that_vanished_from_the_chain_is_told_of_the_others_at_once(root, bundle, clock):
    other = another(bundle)
    chain(root, bundle, other)
    trusted = Trusted(root, clock=clock)
    assert "run 1 of 2 in the ledger" in trusted.of(read_entry(bundle)).chain
    bundle.rename(root / "elsewhere")
    assert "it continues from a run that is not there" in " ".join(trusted.of(read_entry(other)).why)


def test_a_manifest_that_changed_in_place_is_told_of_its_own_run_at_once_and_of_the_next_after_ten_seconds(
    root, bundle, clock
):
    other = another(bundle)
    chain(root, bundle, other)
    trusted = Trusted(root, clock=clock)
    before = trusted.of(read_entry(other)).why
    with (bundle / layout.MANIFEST).open("ab") as file:
        file.write(b" ")
    assert "manifest" in " ".join(trusted.of(read_entry(bundle)).why)
    assert trusted.of(read_entry(other)).why == before
    clock.now += LOOKED_S + 1
    assert "its manifest is not the one that the ledger lists" in " ".join(trusted.of(read_entry(other)).why)


def test_manifests_that_are_as_they_were_are_not_read_again(root, bundle, clock, monkeypatch):
    other = another(bundle)
    chain(root, bundle, other)
    trusted = Trusted(root, clock=clock)
    trusted.of(read_entry(bundle))
    read = []
    monkeypatch.setattr(
        "harness.console.chained.stored_runs", lambda at, names: read.append(names) or stored_runs(at, names)
    )
    third = another(bundle, "40")
    trusted.of(read_entry(bundle))
    assert read == [(third.name,)]


def test_a_second_change_within_one_tick_of_the_clock_is_seen(root, bundle, shelf, clock, monkeypatch):
    monkeypatch.setattr("harness.console.shelf.TICK_NS", 1 << 60)
    assert len(shelf.listed().rows) == 1
    before = root.stat().st_mtime_ns
    another(bundle)
    os.utime(root, ns=(before, before))
    assert len(shelf.listed().rows) == 2
