"""What the tests of the senses share: plain requests, a redactor that knows one canary, a clock nobody waits for."""

import json
from random import Random

from harness.judging.observation import Exchange
from harness.language.model import Request
from harness.senses.calls import Call
from harness.senses.polling import PollSurroundings

CANARY = "sk-canary-0123456789abcdef"


class CanaryRedactor:
    """Stands in for the redactor."""

    def text(self, text, *, source=""):
        return text.replace(CANARY, "[REDACTED]")

    json = text


def call(path="/x", *, method="GET", timeout_s=10.0, traceparent="", **request):
    if "json" in request:
        request["has_json"] = True
    return Call(Request(method, path, timeout_s, **request), traceparent=traceparent, source="L01/step")


def exchange(body=None, *, status=200, headers=None, duration_s=0.0, error=""):
    return Exchange(status, headers or {}, body, json.dumps(body), duration_s, len(json.dumps(body)), "digest", error)


def silence(error="ConnectError", duration_s=0.0):
    return Exchange(None, {}, None, "", duration_s, error=error)


class Time:
    """A clock that moves when somebody sleeps or a request takes its time."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Service:
    """Answers calls with the next exchange, and with the last one for ever; each takes its ``duration_s``."""

    def __init__(self, time, *exchanges):
        self.time, self.exchanges, self.calls = time, list(exchanges), []

    def __call__(self, sent):
        self.calls.append(sent)
        found = self.exchanges.pop(0) if len(self.exchanges) > 1 else self.exchanges[0]
        found = found(sent) if callable(found) else found
        self.time.now += found.duration_s
        return found

    @property
    def offers(self):
        return [sent.request.headers.get("prefer") for sent in self.calls]


class Around:
    """The surroundings of a poll, and what it told them."""

    def __init__(self, *exchanges, seed=1):
        self.time = Time()
        self.service = Service(self.time, *exchanges)
        self.attempts, self.shown = [], []
        self.surroundings = PollSurroundings(
            send=self.service,
            clock=self.time,
            sleep=self.time.sleep,
            random=Random(seed),
            record=self.attempts.append,
            show=self.shown.append,
        )
