"""The ladder of a run as a picture: rungs, gates that stood open or closed, and the same nodes for programs."""

import json

import pytest
from console_stage import copied
from reading_pages import Page
from stored_runs import HOSTILE, change_run


@pytest.fixture
def gates(client, bundle):
    return lambda: client.get(f"/runs/{bundle.name}.json").json()["gates"]


@pytest.fixture
def trials(sealed_trials, root):
    return copied(sealed_trials, root / sealed_trials.name)


def told(ladder):
    return [(node["id"], node["word"], node["gate"]) for node in ladder["nodes"]]


def drawn(page):
    return [node for node in page.root.walk() if node.attrs.get("data-testid") == "gates"]


def test_a_gate_is_open_before_what_was_climbed_and_closed_behind_the_first_red(gates):
    live, _ = gates()
    assert told(live) == [
        ("L01", "PASS", ""),
        ("L02", "PASS", "open"),
        ("L03", "FAIL", "open"),
        ("L04", "BLOCKED", "closed"),
    ]
    assert live["told"] == "2 of 4 green; the gate behind L03 was closed"
    assert live["closed"].startswith("gate closed: L03 FAIL")


def test_the_rollback_is_a_part_of_its_own(gates):
    live, rollback = gates()
    assert (live["name"], rollback["name"], rollback["part"]) == ("Ladder", "Rollback", "mocked/RERUN")
    assert told(rollback) == [("M01", "LIMITED", "")]


def test_what_lies_behind_a_closed_gate_was_not_reached(gates, bundle):
    def another(document):
        blocked = next(each for each in document["scenarios"] if each["verdict"] == "BLOCKED")
        document["scenarios"].insert(4, {**blocked, "id": "L05", "folder": "live/L05"})

    change_run(bundle, another)
    live, _ = gates()
    assert told(live)[3:] == [("L04", "BLOCKED", "closed"), ("L05", "BLOCKED", "behind")]


def test_every_node_is_drawn_with_its_word_and_leads_to_its_scenario(client, bundle, gates):
    page = Page(client.get(f"/runs/{bundle.name}").text)
    for picture, ladder in zip(drawn(page), gates(), strict=True):
        rungs = [node for node in picture.walk() if node.tag == "li"]
        assert len(rungs) == len(ladder["nodes"])
        for rung, node in zip(rungs, ladder["nodes"], strict=True):
            assert node["word"] in rung.text
            assert [each.attrs["href"] for each in rung.walk() if each.tag == "a"] == [node["href"]]
            assert client.get(node["href"]).status_code == 200


def test_shapes_tell_verdicts_apart_without_a_colour(gates):
    live, rollback = gates()
    shapes = {node["word"]: node["shape"] for node in (*live["nodes"], *rollback["nodes"])}
    assert len(set(shapes.values())) == len(shapes) == 4


def test_a_run_that_was_cut_short_shows_what_it_did_not_reach(gates, bundle):
    def cut(document):
        document.update(finished_at=None, status="interrupted", scenarios=document["scenarios"][:2])

    change_run(bundle, cut)
    (live,) = gates()
    assert told(live)[2:] == [("L03", "not reached", "behind"), ("L04", "not reached", "behind")]
    assert live["nodes"][2]["href"] == ""


def test_a_run_that_has_just_begun_shows_all_that_is_to_come(gates, bundle, held):
    change_run(bundle, lambda document: document.update(finished_at=None, status="running", verdict=None, scenarios=[]))
    moved = bundle.rename(bundle.with_name(f"{bundle.name}.partial"))
    with held(moved):
        (live,) = gates()
    assert told(live) == [
        ("L01", "to come", ""),
        *((f"L0{at}", "to come", "behind") for at in (2, 3, 4)),
    ]


def test_forty_rungs_are_all_there(client, bundle, gates):
    def many(document):
        first = document["scenarios"][0]
        document["scenarios"] = [{**first, "id": f"X{at}", "folder": f"live/X{at}"} for at in range(40)]

    change_run(bundle, many)
    (live,) = gates()
    assert [node["id"] for node in live["nodes"]] == [f"X{at}" for at in range(40)]
    (picture,) = drawn(Page(client.get(f"/runs/{bundle.name}").text))
    assert len([node for node in picture.walk() if node.tag == "li"]) == 40


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        (["PASS", "ERROR", "FAIL", "BLOCKED"], "FAIL"),
        (["PASS", "LIMITED", "PASS", "BLOCKED"], "BLOCKED"),
        (["PASS", "LIMITED", "PASS", "PASS"], "LIMITED"),
        (["BLOCKED", "BLOCKED", "BLOCKED", "BLOCKED"], "BLOCKED"),
    ],
)
def test_a_part_is_told_by_the_worst_of_what_was_climbed_and_is_never_green_by_half(client, bundle, verdicts, word):
    def ended(document):
        for each, verdict in zip(document["scenarios"], verdicts, strict=False):
            each["verdict"] = verdict

    change_run(bundle, ended)
    live, _ = client.get(f"/runs/{bundle.name}.json").json()["parts"]
    assert (live["word"], live["is_green"]) == (word, word == "LIMITED")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_text_in_the_picture(client, bundle, text):
    def rename(document):
        for each in document["scenarios"]:
            each.update(id=text, title=text, reason=text)

    change_run(bundle, rename)
    answer = client.get(f"/runs/{bundle.name}")
    page = Page(answer.text)
    assert answer.status_code == 200
    assert len(drawn(page)) == 2
    assert not page.all("img")
    assert not [name for node in page.root.walk() for name in node.attrs if name.startswith("on") or name == "style"]


def test_several_trials_are_one_ladder_with_how_often_each_was_green(client, trials):
    (live,) = client.get(f"/runs/{trials.name}.json").json()["gates"]
    assert told(live) == [
        ("L01", "PASS", ""),
        ("L02", "PASS", "open"),
        ("L03", "FLAKY", "open"),
        ("L04", "PASS", "partly"),
    ]
    assert [node["share"] for node in live["nodes"]] == ["3 of 3 green", "3 of 3 green", "2 of 3 green", "2 of 3 green"]
    assert live["nodes"][3]["gate_told"] == "the gate before it was closed in 1 of 3 trials"
    assert live["nodes"][2]["page_id"] == "trials-001-live-L03"


def test_trials_are_told_with_rate_interval_strip_and_what_was_red_how_often(client, trials):
    page = Page(client.get(f"/runs/{trials.name}").text)
    assert "66.7 % green 2 of 3 trials" in " ".join(page.root.text.split())
    assert "95 % interval 20.8 to 93.9 %" in " ".join(page.root.text.split())
    strip = page.by_id("trials-strip")
    marks = [node for node in strip.walk() if node.tag == "a"]
    assert [" ".join(each.text.split()) for each in marks] == ["trial 0 PASS✓", "trial 1 FAIL✗", "trial 2 PASS✓"]
    assert marks[1].attrs["href"].endswith("/trials-001-live-L03")
    rows = page.by_id("flakiness-table").rows()
    assert rows[2] == ["L03", "Red", "≈ FLAKY", "2 of 3", "1 red, the first of them", "0", "10 ms", "10 ms"]
    assert rows[3][3:6] == ["2 of 3", "0", "1"]


def test_a_red_trial_offers_the_comparison_with_the_first_green_one(client, trials):
    rows = client.get(f"/runs/{trials.name}.json").json()["trials"]["rows"]
    assert [bool(each["compare_href"]) for each in rows] == [False, True, False]
    name = trials.name.replace(":", "%3A")
    assert rows[1]["compare_href"] == f"/compare?a={name}%230&b={name}%231"
    page = Page(client.get(rows[1]["compare_href"]).text)
    assert ["live/L03", "broke"] in [row[:2] for row in page.by_id("compare-table").rows()]


def test_every_trial_leads_to_its_scenarios(client, trials):
    rows = client.get(f"/runs/{trials.name}.json").json()["trials"]["rows"]
    for row in rows:
        assert [each["id"] for each in row["scenarios"]] == ["L01", "L02", "L03", "L04"]
        assert client.get(row["scenarios"][0]["href"]).status_code == 200
    assert rows[1]["stopped_at"]["id"] == "L03"


def test_durations_over_all_trials_that_cannot_be_read_say_so_and_hide_nothing(client, trials):
    (trials / "reports/trials.json").write_text("{")
    page = Page(client.get(f"/runs/{trials.name}").text)
    assert "No durations over all trials" in page.root.text
    assert page.by_id("flakiness-table").rows()[2][3] == "2 of 3"


def test_phases_of_any_shape_are_told_and_break_nothing(client, trials):
    path = trials / "reports/trials.json"
    document = json.loads(path.read_text())
    document["phases"] = [{"kind": "span", "name": "<b>", "n": None, "p50_s": "x", "p95_s": True}, "no phase", {}]
    path.write_text(json.dumps(document))
    rows = Page(client.get(f"/runs/{trials.name}").text).by_id("phases-table").rows()
    assert rows == [["<b>", "unknown", "unknown", "unknown"]]
