"""A run as it goes on: each event once, also after a break, and a last one that says that it is over."""

import json
import os
from contextlib import ExitStack

import httpx
import pytest
from console_stage import caller, copied
from reading_pages import Page
from running_run import TOLD, RunningRun, RunningTrials, append
from served_console import PATIENCE_S, served

from harness.console.following import Place
from harness.console.live_page import MOST_LINES
from harness.console.sources import Sources
from harness.console.stream import MOST_STREAMS
from harness.evidence import layout


@pytest.fixture
def running(sealed, root):
    return RunningRun(sealed, root)


@pytest.fixture
def address(root):
    with served(root) as found:
        yield found


def told_of(sealed):
    """Numbers of the events that are told live, in order."""
    events = map(json.loads, (sealed / layout.EVENTS).read_text().splitlines())
    return [str(event["seq"]) for event in events if event["type"] in TOLD]


class Listener:
    """Reads a stream of events."""

    def __init__(self, address, name, *, url="", **headers):
        self._url, self._headers = f"{address}{url or f'/runs/{name}/events'}", headers
        self.ids, self.kinds, self.lines = [], [], []

    @property
    def names(self):
        """Of the lines, which a page has as well."""
        return [line["id"] for line in self.lines]

    def read_until(self, is_enough, act=lambda: None):
        """Read until enough has come; ``act`` is called once the stream is open."""
        with httpx.stream("GET", self._url, headers=self._headers, timeout=PATIENCE_S) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            act()
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    self.ids.append(line[4:])
                elif line.startswith("event: "):
                    self.kinds.append(line[7:])
                elif line.startswith("data: "):
                    self.lines.append(json.loads(line[6:]))
                elif not line and self.ids and is_enough(self):
                    return self
        return self


def is_done(listener):
    return listener.kinds[-1:] == ["done"]


def test_every_event_of_a_run_that_goes_on_is_told_once_and_done_is_the_last(address, running, sealed):
    running.go_on(20)
    found = Listener(address, sealed.name).read_until(is_done, act=running.end)
    assert found.ids == [*told_of(sealed), "sealed", "done"]
    assert set(found.kinds) == {"step", "attempt", "check", "verdict", "sealed", "done"}


def test_after_a_break_nothing_is_lost_and_nothing_told_again(address, running, sealed):
    running.go_on(25)
    first = Listener(address, sealed.name).read_until(lambda listener: len(listener.ids) == 5)
    running.go_on(10)
    again = Listener(address, sealed.name, **{"Last-Event-ID": first.ids[-1]}).read_until(is_done, act=running.end)
    assert first.ids + again.ids == [*told_of(sealed), "sealed", "done"]


def test_a_listener_that_comes_back_for_the_end_gets_the_end_alone_and_then_nothing(address, bundle):
    last = told_of(bundle)[-1]
    assert Listener(address, bundle.name, **{"Last-Event-ID": last}).read_until(is_done).ids == ["sealed", "done"]
    assert Listener(address, bundle.name, **{"Last-Event-ID": "sealed"}).read_until(is_done).ids == ["done"]
    over = httpx.get(f"{address}/runs/{bundle.name}/events", headers={"Last-Event-ID": "done"})
    assert over.status_code == 204


def test_a_run_that_is_killed_is_done_and_not_sealed(address, running, sealed):
    running.go_on(12)
    found = Listener(address, sealed.name).read_until(is_done, act=running.let_go)
    assert found.kinds[-1] == "done"
    assert "sealed" not in found.kinds


def test_a_log_that_is_damaged_ends_the_stream_and_not_the_console(address, bundle):
    other = copied(bundle, bundle.parent / bundle.name.replace(":14:", ":20:"))
    lines = (other / layout.EVENTS).read_text().splitlines(keepends=True)
    (other / layout.EVENTS).write_text("".join(lines[:10]) + "{}\n")
    found = Listener(address, other.name).read_until(is_done)
    assert found.kinds[-1] == "done"
    assert httpx.get(address).status_code == 200


def test_a_page_of_a_running_run_tells_how_far_it_is_without_a_script(client, running, sealed):
    running.go_on(30)
    for path in ("/live", f"/runs/{sealed.name}"):
        page = Page(client.get(path).text)
        log = page.by_id("live-log")
        assert "L01 step submit" in log.text
        assert log.attrs["data-events"] == f"/runs/{sealed.name}/events?after=30"
        assert any(node.text == "Reload" for node in page.all("a"))
    assert "unsigned" in page.by_id("trust-strip").text
    assert client.get("/live.json").json()["live"]["pipelines"][0]["pipeline"]["pipeline_status"] == "RUNNING"
    assert "running" in Page(client.get("/").text).by_id(f"run-row-{sealed.name}").text
    running.let_go()


def test_when_nothing_goes_on_the_live_page_says_so(client, bundle):
    page = Page(client.get("/live").text)
    assert "No run is going on" in page.root.text
    assert bundle.name in page.root.text
    assert page.by_id("live-log") is not None


def test_a_stream_asks_for_the_token_like_everything_else(root, bundle):
    with served(root, LADDER_CONSOLE_TOKEN="stream-canary") as address:
        url = f"{address}/runs/{bundle.name}/events"
        assert httpx.get(url).status_code == 401
        known = {"Authorization": "Bearer stream-canary", "Last-Event-ID": "sealed"}
        assert "event: done" in httpx.get(url, headers=known).text
        assert "stream-canary" not in httpx.get(address, headers=known).text


def test_the_served_console_answers_as_this_machine_only_and_sends_no_body_to_head(root, bundle):
    with served(root) as address:
        assert httpx.get(address, headers={"Host": "evil.example"}).status_code == 421
        head = httpx.head(address)
        assert (head.status_code, head.content) == (200, b"")
        assert httpx.post(address).status_code == 405
        assert "server" not in head.headers


@pytest.fixture
def trials(sealed_trials, root):
    return RunningTrials(sealed_trials, root)


def of_trial(names, number):
    return [name for name in names if name.startswith(f"{number}:")]


def own(names):
    return [name for name in names if name.isdigit()]


def test_all_trials_are_followed_at_once_each_line_once_and_named_with_its_end_and_one_done(address, trials):
    name = trials.final.name

    def act():
        first, second = trials.begin(), trials.begin()
        for _ in range(5):
            trials.climb(first, 3)
            trials.climb(second, 4)
        trials.end_trial(second)
        trials.end()

    found = Listener(address, name).read_until(is_done, act=act)
    for number in range(3):
        assert of_trial(found.names, number) == trials.told_of(number)
        assert all(each["text"].startswith(f"trial {number}") for each in found.lines if each["trial"] == number)
    assert own(found.names) == told_of(trials.final)
    assert found.names[-2:] == ["sealed", "done"]
    assert len(found.names) == len(set(found.names)) == len(set(found.ids))
    ends = [each for each in found.lines if each["id"].endswith(":end")]
    assert [each["word"] for each in sorted(ends, key=lambda each: each["trial"])] == ["PASS", "FAIL", "PASS"]
    assert ends[-1]["tally"] == "3 of 3 trials ended: 2 PASS, 1 FAIL"


def test_a_break_amid_several_logs_loses_nothing_and_tells_nothing_again(address, trials):
    first, second = trials.begin(), trials.begin()
    trials.climb(first, 9)
    trials.climb(second, 14)
    name, names, after = trials.final.name, [], ""
    acts = [lambda: None, lambda: trials.climb(first, 6), lambda: trials.end_trial(second), trials.begin, trials.end]
    for act in acts:
        # A listener that leaves after each few lines, wherever that is.
        is_enough = is_done if act == trials.end else lambda listener: len(listener.ids) == 3
        found = Listener(address, name, **{"Last-Event-ID": after} if after else {}).read_until(is_enough, act=act)
        names, after = names + found.names, found.ids[-1]
    for number in range(3):
        assert of_trial(names, number) == trials.told_of(number)
    assert own(names) == told_of(trials.final)
    assert names[-2:] == ["sealed", "done"]


def test_a_page_amid_several_trials_and_its_stream_tell_each_line_once(client, address, trials):
    first, second, third = trials.begin(), trials.begin(), trials.begin()
    trials.end_trial(first)
    trials.climb(second, 12)
    trials.climb(third, 5)
    live = client.get("/live.json").json()["live"]
    assert live["trials"]["tally"] == "1 of 3 trials ended: 1 PASS; 2 running"
    assert [each["trial"] for each in live["trials"]["running"]] == [second, third]
    assert live["trials"]["running"][0]["text"].startswith("0 of 4 scenarios, at L01 step ")
    assert live["position"] == f"0/0/{second}:12.{third}:5"
    shown = [each["id"] for each in live["lines"]]
    rest = Listener(address, "", url=live["events_href"]).read_until(is_done, act=trials.end)
    for number in range(3):
        assert of_trial(shown + rest.names, number) == trials.told_of(number)
    page = Page(client.get(live["href"]).text)
    assert page.by_id("live-log") is None


def test_a_thousand_trials_cost_what_the_few_cost_that_run(address, sealed_trials, root, monkeypatch):
    trials = RunningTrials(sealed_trials, root, 1000)
    running = []
    for number in range(998):
        trials.begin()
        if number in {0, 500}:
            running.append(number)
        else:
            trials.enter_end(number)
    opened = []
    monkeypatch.setattr(
        Place, "opened", lambda place, path, real=Place.opened: opened.append(path) or real(place, path)
    )
    live = caller(Sources.of(root, None, None)).get("/live.json").json()["live"]
    assert live["position"] == "0/1-499.501-997/0:0.500:0"
    assert live["trials"]["tally"].startswith("996 of 1000 trials ended: ")
    assert len(live["lines"]) == MOST_LINES
    assert len(opened) < 20
    # Who begins at the beginning is told of all of them, and its place is as short.
    found = Listener(address, trials.final.name).read_until(
        lambda listener: sum(each.endswith(":end") for each in listener.names) == 996
    )
    assert max(map(len, found.ids)) < 40
    assert len(found.names) == len(set(found.names))
    trials.let_go()


def test_a_killed_run_tells_of_its_trials_that_they_did_not_end(address, trials):
    first, second = trials.begin(), trials.begin()
    trials.end_trial(first)
    trials.climb(second, 8)
    found = Listener(address, trials.final.name).read_until(is_done, act=trials.let_go)
    ends = {each["trial"]: each["text"] for each in found.lines if each["id"].endswith(":end")}
    assert "trial 0 ended after" in ends[0]
    assert ends[1] == "trial 1 did not end"
    assert found.lines[-1]["text"] == "the run did not finish"


def test_a_damaged_log_of_one_trial_ends_that_trial_alone(address, trials):
    first, second = trials.begin(), trials.begin()
    trials.climb(first, 6)
    append(trials.folder / trials.log_of(first), [b'{"v": 1, "seq": NaN}\n'])
    found = Listener(address, trials.final.name).read_until(is_done, act=lambda: trials.end_but(first))
    (said,) = [each["text"] for each in found.lines if each["id"] == "0:end"]
    assert "its log cannot be read on: line 7" in said
    assert of_trial(found.names, second) == trials.told_of(second)


def test_a_log_of_many_megabytes_is_told_to_its_last_line_before_its_end(address, trials):
    trials.spoil("x" * (3 << 19))
    first = trials.begin()
    trials.end_trial(first)
    found = Listener(address, trials.final.name).read_until(lambda listener: "0:end" in listener.names)
    assert of_trial(found.names, first) == trials.told_of(first)
    trials.let_go()


def test_logs_that_are_links_pipes_or_lie_elsewhere_are_not_followed(address, trials, tmp_path):
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"canary": 1}\n')
    first, second = trials.begin(), trials.begin()
    (trials.folder / trials.log_of(first)).unlink()
    (trials.folder / trials.log_of(first)).symlink_to(secret)
    (trials.folder / trials.log_of(second)).unlink()
    os.mkfifo(trials.folder / trials.log_of(second))
    trials.list_also(log="../../secret.jsonl")
    trials.list_also(log=str(secret))
    found = Listener(address, trials.final.name).read_until(is_done, act=trials.let_go)
    assert [each for each in found.names if each != "done"] == ["0:end", "1:end", "2:end", "3:end"]
    assert "canary" not in json.dumps(found.lines)
    assert "cannot be read" not in json.dumps(found.lines)


def test_more_streams_than_there_is_room_for_are_refused_and_hinder_nobody(address, running, sealed):
    with ExitStack() as stack, httpx.Client(timeout=PATIENCE_S) as caller:
        url = f"{address}/runs/{sealed.name}/events"
        client = stack.enter_context(httpx.Client(limits=httpx.Limits(max_connections=None), timeout=PATIENCE_S))
        answers = [stack.enter_context(client.stream("GET", url)) for _ in range(MOST_STREAMS)]
        assert {each.status_code for each in answers} == {200}
        refused = caller.get(url)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert caller.head(f"{address}/").status_code == 200
    running.end()
    # Those that left have made room, as soon as the server has seen them go.
    with httpx.Client(timeout=PATIENCE_S) as caller:
        assert any(status_of(caller, url) == 200 for _ in range(1_000))
    assert Listener(address, sealed.name).read_until(is_done).kinds[-1] == "done"


def status_of(caller, url):
    with caller.stream("GET", url) as answer:
        return answer.status_code
