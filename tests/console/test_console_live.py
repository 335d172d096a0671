"""A run as it goes on: each event once, also after a break, and a last one that says that it is over."""

import json

import httpx
import pytest
from console_stage import copied
from reading_pages import Page
from running_run import RunningRun
from served_console import PATIENCE_S, served

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
    told = {"climb_started", "scenario_started", "step_started", "poll_attempt", "check", "scenario_ended", "run_ended"}
    events = map(json.loads, (sealed / layout.EVENTS).read_text().splitlines())
    return [str(event["seq"]) for event in events if event["type"] in told]


class Listener:
    """Reads a stream of events."""

    def __init__(self, address, name, **headers):
        self._url, self._headers = f"{address}/runs/{name}/events", headers
        self.ids, self.kinds = [], []

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
