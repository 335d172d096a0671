"""What the live tests share: the engine, the worker image and its scripted sibling, and backends to run."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest
from backend_process import running_backend
from engine_witness import EngineWitness
from scripted_image import scripted_image

WORKER_IMAGE = os.environ.get("CODEX_WORKER_IMAGE", "codex-worker:latest")


@pytest.fixture(scope="session")
def docker_api():
    client = docker.APIClient()
    yield client
    client.close()


@pytest.fixture(scope="session")
def worker_image():
    return WORKER_IMAGE


@pytest.fixture(scope="session")
def scripted(docker_api):
    """Tag of an image whose worker does what its instruction says."""
    with scripted_image(docker_api, base=WORKER_IMAGE) as tag:
        yield tag


@pytest.fixture
def run_backend(docker_api, tmp_path):
    """Run a backend of one's own until the test ends; each has another directory and instance."""
    with ExitStack() as stack:

        def run(image, **settings):
            home = Path(tempfile.mkdtemp(dir=tmp_path))
            return stack.enter_context(running_backend(home, docker_api, image=image, **settings))

        yield run


@pytest.fixture
def watch():
    """Open the engine's event stream for a backend."""
    with ExitStack() as stack:
        yield lambda backend: stack.enter_context(EngineWitness(backend.instance))
