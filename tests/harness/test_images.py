"""Which base image is taken, and how a failed build tells its cause. The engine is a fake that keeps tags in a dict."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from harness.config import Settings
from harness.errors import PrerequisiteError
from harness.stack import base_image, images
from harness.stack.base_image import BaseImage
from harness.stack.engine import Site
from harness.stack.progress import PlainProgress
from harness.stack.scripts import run_script

ROOT = Path(__file__).resolve().parents[2]
LOCAL_TAG = "ladder-base:" + hashlib.sha256((ROOT / "scripts/base-image").read_bytes()).hexdigest()[:16]


class FakeImage:
    def __init__(self, engine, *, environment=(), labels=None):
        self._engine = engine
        self.attrs = {"Config": {"Env": list(environment), "Labels": labels}}

    @property
    def tags(self):
        return [tag for tag, image in self._engine.items() if image is self]

    def tag(self, repository, tag):
        self._engine[f"{repository}:{tag}"] = self


class FakeEngine(dict):
    """Images by tag; enough of a docker client for finding and tagging them."""

    @property
    def images(self):
        return self

    def get(self, tag):
        if tag not in self:
            raise ImageNotFound(f"No such image: {tag}")
        return self[tag]


def site(engine, stream=None):
    settings = Settings(root=ROOT, env_file=ROOT / "nowhere", environ={})
    return Site(engine, settings, PlainProgress(stream, lambda: 0.0, 0.0))


def test_a_base_image_that_was_built_here_is_found_without_asking_a_registry():
    engine = FakeEngine()
    engine[LOCAL_TAG] = FakeImage(engine, labels={"ladder.python": "3.11"})
    found = base_image.provide(site(engine), wanted=base_image.DEFAULT_IMAGE)
    assert found == BaseImage(LOCAL_TAG, "3.11")
    assert "ladder-base:latest" in engine


def test_an_image_that_the_engine_has_already_is_not_pulled():
    engine = FakeEngine()
    engine["mirror/python:3"] = FakeImage(engine, environment=["PATH=/bin", "PYTHON_VERSION=3.11.9"])
    found = base_image.provide(site(engine), wanted="mirror/python:3")
    assert found.python == "3.11"
    assert found.tag.startswith("ladder-base:")
    assert found.tag != LOCAL_TAG


def test_a_base_image_chosen_by_name_is_never_replaced_by_the_local_build(monkeypatch):
    engine = FakeEngine()
    engine[LOCAL_TAG] = FakeImage(engine)
    monkeypatch.setattr(base_image, "_fetch", lambda site, wanted: None)
    with pytest.raises(PrerequisiteError) as caught:
        base_image.provide(site(engine), wanted="mirror/python:3")
    assert caught.value.reference == "base-image-unavailable"


def test_without_a_registry_the_base_image_is_built_here(monkeypatch):
    engine = FakeEngine()
    built = FakeImage(engine, labels={"ladder.python": "3.11"})
    monkeypatch.setattr(base_image, "_fetch", lambda site, wanted: None)
    monkeypatch.setattr(base_image, "_build", lambda site, tag: engine.setdefault(tag, built))
    assert base_image.provide(site(engine), wanted=base_image.DEFAULT_IMAGE).tag == LOCAL_TAG


def test_local_never_asks_a_registry(monkeypatch):
    engine = FakeEngine()
    built = FakeImage(engine)
    asked = []
    monkeypatch.setattr(base_image, "_fetch", lambda site, wanted: asked.append(wanted))
    monkeypatch.setattr(base_image, "_build", lambda site, tag: engine.setdefault(tag, built))
    base_image.provide(site(engine), wanted="local")
    assert asked == []


def test_a_failed_build_tells_the_last_lines_and_the_step(capsys):
    # As Engine 20.10.24 reports a step that fails.
    events = [
        {"stream": "Step 3/9 : RUN python3 -m compileall"},
        {"stream": "\n"},
        {"stream": "SyntaxError: invalid syntax\n"},
        {"errorDetail": {"code": 1}, "error": "The command '/bin/sh -c python3' returned a non-zero code: 1"},
    ]
    recipe = images._Recipe("worker/Dockerfile", "codex-worker:latest", BaseImage("ladder-base:x", "3.11"))
    with pytest.raises(PrerequisiteError) as caught:
        images._follow(events, site(FakeEngine()).progress, recipe)
    assert caught.value.reference == "image-build-failed"
    for part in ("worker/Dockerfile", "SyntaxError", "non-zero code"):
        assert part in caught.value.message


def script(tmp_path, text):
    path = tmp_path / "script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_scripts_facts_are_passed_on_and_its_answer_returned(tmp_path):
    lines = []
    answer = run_script(script(tmp_path, 'echo "working" >&2; echo "$1"'), "3.11", environ={}, on_line=lines.append)
    assert (answer, lines) == ("3.11", ["working"])


def test_a_scripts_error_arrives_with_its_reference_and_hint(tmp_path):
    lines = []
    text = 'echo "working" >&2; printf "error[engine-died]: it ended\\n  hint: read the log\\n" >&2; exit 3'
    with pytest.raises(PrerequisiteError) as caught:
        run_script(script(tmp_path, text), environ={}, on_line=lines.append)
    assert (caught.value.reference, caught.value.message) == ("engine-died", "it ended")
    assert caught.value.hint == "read the log"
    assert lines == ["working"]


def test_a_script_that_breaks_without_a_word_of_ours_is_named(tmp_path):
    with pytest.raises(PrerequisiteError) as caught:
        run_script(script(tmp_path, 'echo "line 3: oops" >&2; exit 1'), environ={}, on_line=lambda line: None)
    assert caught.value.reference == "script-failed"
    assert "oops" in caught.value.message
