"""Whole runs without a network and without an engine: the stack, the client and the witness are ours."""

import threading
from dataclasses import replace
from random import Random

from staged import CANARY, FakeWatch, RecordingWatcher, Reply, Service, Time, write_ladder

from harness.config import Settings
from harness.evidence.reading import list_runs, load_run
from harness.evidence.run_record import Engine, Images
from harness.runner import suite, trials
from harness.runner.interrupts import Interrupts
from harness.runner.planning import Order
from harness.runner.selection import Wish
from harness.runner.stand import Stand
from harness.runner.wanted_trials import WantedTrials

LIVE = """
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}"}
secrets: [OPENAI_API_KEY, OPENAI_ORG_ID]
scenarios:
  L01:
    title: First
    evidence: [one.json]
    steps: [{get: /1, expect: [{status: 200}], capture: {pid: body.id}, save: {one.json: body}}]
    finally: [{delete: /1}]
  L02:
    title: Second
    needs: [L01]
    steps: [{get: "/2/${L01.pid}", expect: [{status: 200}]}]
rollback: {verify: mocked.ladder.yaml, as: mocked/RERUN}
"""
MOCKED = """
scenarios:
  M01: {title: Smoke, steps: [{get: /m, expect: [{status: 200}]}]}
"""
EXAMPLE = "USE_DUMMY_WORKER=True\nPORT=8000\nBIND_ADDRESS=127.0.0.1\n"
STAND = Stand(
    "http://127.0.0.1:8000",
    "sha256:aa",
    "ladder",
    images=Images("sha256:aa", "sha256:bb"),
    engine=Engine("20.10.24", "1.41"),
    config_digest="d1",
    settings={"PORT": "8000"},
)


class FakeClient:
    """Stands where the client over HTTP would; each thread has a connection of its own."""

    def __init__(self, service):
        self.service, self.tokens, self.addresses = service, [], []
        self.here = threading.local()

    def __call__(self, address, redactor, *, token, clock=None):
        self.tokens.append(token.reveal() if token else None)
        self.addresses.append(f"{address.scheme}://{address.host}:{address.port}")
        self.here.connection = FakeConnection(self.service, redactor)
        return self.here.connection


class FakeConnection:
    """One connection; a test may let an answer wait until it is broken off."""

    def __init__(self, service, redactor):
        self.exchange, self.redactor, self.broken = service, redactor, threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_about):
        return None

    def close(self):
        """Nothing is open."""

    def break_off(self):
        self.broken.set()


class WholeRun:
    """A checkout, a stack that starts as it is told to, and a service behind it."""

    def __init__(self, root, monkeypatch):
        self.root = root
        write_ladder(root / "scenarios", LIVE, name="live", mode="live")
        write_ladder(root / "scenarios", MOCKED, name="mocked")
        (root / ".env.example").write_text(EXAMPLE)
        self.environ = {"OPENAI_API_KEY": CANARY}
        self.time, self.watcher, self.interrupts = Time(), RecordingWatcher(), Interrupts()
        self.service = Service(self.time, self)
        self.service.on("GET /1", {"id": "p1"}).on("GET /2/p1", {}).on("GET /m", {}).on("DELETE /1", {})
        self.client, self.follower = FakeClient(self.service), None
        self.starts, self.modes, self.watches, self.stand = [], [], [], STAND
        monkeypatch.setattr(suite.stands, "provide", self._provide)
        monkeypatch.setattr(suite.stands, "watch", self._watch)
        monkeypatch.setattr(suite, "Client", self.client)
        monkeypatch.setattr(trials, "Client", self.client)
        self.said, self.told = [], []
        # It takes half a second, and has tests of its own.
        self.checked = []
        monkeypatch.setattr(suite, "self_check", self.checked.append)

    def json(self, document, *, source=""):
        """The service answers through the redactor of the run, as the client does."""
        connection = getattr(self.client.here, "connection", None)
        return (connection or self).redactor.json(document, source=source)

    def _made(self, redactor):
        self.redactor = redactor
        return self.watcher

    def _provide(self, settings, _progress, mode):
        self.modes.append(str(mode))
        start = self.starts.pop(0) if self.starts else STAND
        if callable(start):
            start()
        if isinstance(start, Exception):
            raise start
        return replace(self.stand, base_url=settings.get("BASE_URL") or self.stand.base_url)

    def _watch(self, _stand, _choice, _environ):
        self.watches.append(FakeWatch())
        return self.watches[-1], True

    def execute(self, *only, ladder="live", **fields):
        """Carry out an order; a rollback follows unless it is said otherwise."""
        order = Order(ladder, self.root / "evidence", **{"wish": Wish(only), "rolls_back": True} | fields)
        world = suite.World(
            settings=Settings(self.root, self.root / ".env", self.environ),
            watcher=self._made,
            clock=self.time.clock,
            sleep=self.time.sleep,
            random=Random(1),
            follower=self.follower,
            interrupts=self.interrupts,
            say=self.said.append,
            tell=lambda record, line: self.told.append((record, line)),
        )
        return suite.execute(order, world)

    def trials(self, count, concurrency=1, *, resume=None, only=(), ladder="live", **policy):
        """Climb several times; with ``resume`` go on with another run, the newest where it is empty."""
        wanted, wish = WantedTrials(count, concurrency, **policy), Wish(only, resume=resume is not None)
        return self.execute(ladder=ladder, rolls_back=False, trials=wanted, from_run=resume or "", wish=wish)

    def signal(self, answer=None):
        """An answer during which a signal comes."""

        def come(_call):
            self.interrupts.arrive()
            return answer or Reply({})

        return come

    def folders(self):
        found = self.root / "evidence"
        return sorted(path.name for path in found.iterdir() if path.is_dir()) if found.exists() else []

    def loaded(self):
        return load_run(list_runs(self.root / "evidence")[0])

    def note(self):
        return next((self.root / "evidence").glob("*/PARTIAL.txt")).read_text()
