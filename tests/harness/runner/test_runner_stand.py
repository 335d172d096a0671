"""Where a run takes place, and whether the engine is asked about it."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from staged import FakeWatch, RecordingWatcher

from harness.config import Settings
from harness.language.model import Mode
from harness.runner import stand as stands
from harness.runner.choices import WitnessChoice
from harness.runner.stand import LONG_RUN_S, Stand, is_local, planned_url, provide, watch
from harness.senses.witness import NoWitness
from harness.stack.up import read_plan

EXAMPLE = "USE_DUMMY_WORKER=True\nPORT=8000\nBIND_ADDRESS=127.0.0.1\nSLEEP_SECONDS=0\nDATA_DIR=var/data\nAPI_TOKENS=\n"
OWN = Stand("http://127.0.0.1:8000", instance="ladder")
FOREIGN_HERE = Stand("http://localhost:9000")
FOREIGN = Stand("http://example.org")


@pytest.fixture
def root(tmp_path):
    (tmp_path / ".env.example").write_text(EXAMPLE)
    return tmp_path


def settings(root, **environ):
    return Settings(root, root / ".env", environ)


@dataclass
class Started:
    """What was asked of the stack's start."""

    settings: Settings = None
    mode: str = ""


@pytest.fixture
def started(monkeypatch):
    """A stack that starts at once, without any engine."""
    asked = Started()

    def up(given, _progress, *, mode):
        asked.settings, asked.mode = given, mode
        images = SimpleNamespace(worker="sha256:aa", backend="sha256:bb")
        return SimpleNamespace(plan=read_plan(given, mode=mode), images=images, digest="d1")

    @contextmanager
    def connect(_settings):
        yield SimpleNamespace(version=lambda: {"Version": "20.10.24", "ApiVersion": "1.41"})

    monkeypatch.setattr("harness.stack.up.up", up)
    monkeypatch.setattr("harness.stack.engine.connect", connect)
    return asked


def provided(root, mode, **environ):
    return provide(settings(root, **environ), RecordingWatcher(), mode)


def test_a_base_url_names_a_stack_that_is_not_ours_and_starts_nothing(root, started):
    found = provided(root, Mode.LIVE, BASE_URL="http://example.org")
    assert found == Stand("http://example.org")
    assert not found.is_own
    assert started.settings is None


def test_an_empty_base_url_means_our_own_stack(root, started):
    assert provided(root, Mode.LIVE, BASE_URL="").is_own


def test_our_own_stack_is_started_in_the_mode_of_the_ladder_and_known_from_its_start(root, started):
    found = provided(root, Mode.LIVE)
    assert started.mode is Mode.LIVE
    assert (found.base_url, found.instance, found.worker_image) == ("http://127.0.0.1:8000", "ladder", "sha256:aa")
    assert found.workspaces == root / "var/data/workspaces"
    assert (found.images.worker, found.images.backend) == ("sha256:aa", "sha256:bb")
    assert (found.engine.version, found.engine.api_version) == ("20.10.24", "1.41")
    assert found.config_digest == "d1"


def test_no_private_setting_of_our_own_stack_is_recorded(root, started):
    assert "API_TOKENS" not in provided(root, Mode.LIVE, API_TOKENS="sk-canary-K7qZx2VbN9mLw4TgR8").settings


@pytest.mark.parametrize(
    ("mode", "environ", "slept"),
    [
        (Mode.LIVE, {}, str(LONG_RUN_S)),
        (Mode.LIVE, {"SLEEP_SECONDS": "0"}, str(LONG_RUN_S)),
        (Mode.LIVE, {"SLEEP_SECONDS": "0.0"}, str(LONG_RUN_S)),
        (Mode.LIVE, {"SLEEP_SECONDS": "2"}, "2"),
        (Mode.LIVE, {"SLEEP_SECONDS": "10"}, "10"),
        (Mode.LIVE, {"SLEEP_SECONDS": "0.5"}, "0.5"),
        (Mode.MOCKED, {}, ""),
        (Mode.MOCKED, {"SLEEP_SECONDS": "2"}, "2"),
    ],
)
def test_a_long_run_is_long_in_a_live_climb_unless_a_setting_says_how_long(root, started, mode, environ, slept):
    assert provided(root, mode, **environ).settings["SLEEP_SECONDS"] == slept


def test_the_length_of_a_long_run_may_stand_in_the_file_of_settings(root, started):
    (root / ".env").write_text("SLEEP_SECONDS=3\n")
    assert provided(root, Mode.LIVE).settings["SLEEP_SECONDS"] == "3"


def test_the_planned_address_is_the_foreign_one_or_that_of_our_settings(root):
    assert planned_url(settings(root, BASE_URL="http://example.org"), Mode.LIVE) == "http://example.org"
    assert planned_url(settings(root, PORT="8123"), Mode.LIVE) == "http://127.0.0.1:8123"


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000/stack"])
def test_an_address_of_this_machine_is_local(url):
    assert is_local(url)


@pytest.mark.parametrize("url", ["http://example.org", "http://localhost.example.org", "http://10.0.0.1"])
def test_any_other_address_is_not(url):
    assert not is_local(url)


@pytest.mark.parametrize(
    ("stand", "choice", "answers", "watched", "needed"),
    [
        (OWN, WitnessChoice.AUTO, True, True, True),
        # Our own stack runs on an engine, so one that does not answer leaves the verdict open.
        (OWN, WitnessChoice.AUTO, False, False, True),
        (OWN, WitnessChoice.OFF, True, False, False),
        (replace(OWN, base_url="http://10.0.0.1:8000"), WitnessChoice.AUTO, True, True, True),
        (FOREIGN_HERE, WitnessChoice.AUTO, True, True, True),
        (FOREIGN_HERE, WitnessChoice.AUTO, False, False, False),
        (FOREIGN_HERE, WitnessChoice.REQUIRED, False, False, True),
        (FOREIGN, WitnessChoice.AUTO, True, False, False),
        (FOREIGN, WitnessChoice.REQUIRED, True, True, True),
        (FOREIGN, WitnessChoice.OFF, True, False, False),
    ],
)
def test_who_watches_and_whether_the_verdict_needs_it(monkeypatch, stand, choice, answers, watched, needed):
    witness = FakeWatch()
    labels = []

    def opened(_environ, label):
        labels.append(label)
        return witness if answers else NoWitness("no engine")

    monkeypatch.setattr(stands, "open_witness", opened)
    found, is_needed = watch(stand, choice, {})
    assert (found is witness, is_needed) == (watched, needed)
    # Other stacks may be on the same engine, and of a foreign one nobody knows the instance.
    assert set(labels) <= {f"ladder.instance={stand.instance}" if stand.is_own else "ladder.project"}


@pytest.mark.parametrize(
    ("stand", "choice", "why"),
    [
        (OWN, WitnessChoice.OFF, "the witness was switched off"),
        (FOREIGN, WitnessChoice.AUTO, "the stack is not on this machine"),
    ],
)
def test_why_nobody_watches_is_said(stand, choice, why):
    assert watch(stand, choice, {})[0].observe().gap == why
