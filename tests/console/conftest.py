"""Whole runs made by the runner itself, and a console that shows copies of them which a test may break."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

# The stage on which runs are made without a network belongs to the tests of the runner and of the verifier.
sys.path += [str(Path(__file__).parents[1] / "harness" / name) for name in ("runner", "verifying", "reporting")]

from console_stage import caller, copied
from stored_runs import make_run, make_trials

from harness.console.sources import Sources
from harness.evidence.guarded import lock, open_folder
from harness.judging.observation import Exchange
from harness.redaction.redactor import Redactor
from harness.redaction.secret import SecretSet


@pytest.fixture(scope="session")
def sealed(tmp_path_factory):
    """A finished run that nobody touches."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return make_run(tmp_path_factory.mktemp("sealed"), monkeypatch)


@pytest.fixture(scope="session")
def sealed_trials(tmp_path_factory):
    """A finished run of three trials, of which the second is red."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return make_trials(tmp_path_factory.mktemp("trials"), monkeypatch)


@pytest.fixture
def root(tmp_path):
    """An evidence root."""
    found = tmp_path / "evidence"
    found.mkdir()
    return found


@pytest.fixture
def bundle(sealed, root):
    """A copy of the finished run."""
    return copied(sealed, root / sealed.name)


@pytest.fixture
def sources(root):
    """What the console reads."""
    return Sources.of(
        root, lambda: Redactor(SecretSet(())), lambda path: Exchange(None, {}, None, "", 0.0, error="ConnectError")
    )


@pytest.fixture
def client(sources):
    """A caller of a console that asks for no token."""
    return caller(sources)


@pytest.fixture
def guarded(sources):
    """A caller of a console that asks for a token, without one."""
    return caller(sources, "console-token-canary")


@pytest.fixture
def held():
    """Holds the lock of a folder, as the process of a running run does."""
    return holding


@pytest.fixture(scope="module")
def browser():
    """The browser of a module's tests."""
    from browser_stage import chromium

    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser, address):
    """Opens windows at the ``address`` that a module serves; whatever went wrong in one fails the test."""
    from browser_stage import Window

    windows = []

    def open_window(**options):
        windows.append(Window(browser, address, **options))
        return windows[-1]

    yield open_window
    for window in windows:
        window.context.close()
        assert window.faults == []


@contextmanager
def holding(folder):
    descriptor = open_folder(folder)
    try:
        lock(descriptor)
        yield
    finally:
        os.close(descriptor)
