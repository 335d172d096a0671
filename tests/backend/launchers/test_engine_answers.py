"""Captured answers of Docker Engine 20.10.24 beside look-alikes; texts marked (doc) were never seen by us."""

from __future__ import annotations

import docker.errors
import pytest
import requests.exceptions
import urllib3.exceptions
from captured_answers import ANSWERS, api_error, captured_error

from backend.launchers.base import EngineUnavailableError, LaunchRefusedError
from backend.launchers.engine_answers import launching, looking_after, refusal, unavailable


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("create: image tag missing", "image-missing"),
        ("create: image id missing", "image-missing"),
        ("inspect: image missing", "image-missing"),
        ("create: workspace missing", "workspace-missing"),
        ("start: workspace removed after create", "workspace-missing"),
        ("create: workspace not absolute", "mount-refused"),
        ("create: name taken", "name-taken"),
        ("create: memory limit too small", "engine-refused"),
        ("create: disk quota unsupported", "engine-failed"),
        ("start: program missing", "command-not-runnable"),
        ("start: program not executable", "command-not-runnable"),
        ("look-alike: program named like a missing image", "command-not-runnable"),
        ("look-alike: program named like a full disk", "command-not-runnable"),
        ("start: user unknown", "user-unknown"),
        ("start: network missing", "network-missing"),
        ("start: container missing", "worker-removed"),
        ("any: API version too new", "engine-refused"),
    ],
)
def test_a_captured_refusal_has_its_reference(answer, reference):
    assert refusal(captured_error(answer)).reference == reference


@pytest.mark.parametrize(
    ("status", "text", "reference"),
    [
        (500, "write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "disk-full"),
        (500, "mkdir /var/lib/docker/overlay2/no space left on device/x: permission denied", "engine-failed"),
        (
            404,
            "could not find an available, non-overlapping IPv4 address pool among the defaults to assign",
            "network-pools-exhausted",
        ),
        (404, "network no such image: x not found", "network-missing"),
        (404, "page not found", "engine-refused"),
        (500, "No such image: said by a broken engine", "engine-failed"),
        (400, 'bind source path does not exist: is what the label "x" says', "engine-refused"),
    ],
)
def test_a_text_counts_only_with_its_status_and_in_its_place(status, text, reference):
    assert refusal(api_error(status, text)).reference == reference


def test_every_captured_refusal_says_how_to_repair_it():
    refused = [refusal(captured_error(name)) for name in ANSWERS]
    assert all(isinstance(error, LaunchRefusedError) and error.hint for error in refused)


def test_an_engine_that_is_about_to_go_has_not_refused():
    assert isinstance(refusal(api_error(503, "the engine is shutting down")), EngineUnavailableError)


def test_a_long_answer_is_cut_and_made_one_line():
    message = str(refusal(api_error(400, "exec: \n" + "x" * 10_000)))
    assert len(message) < 500
    assert "\n" not in message


def caused_by(error, wrapper):
    """An error as the SDK builds it: the cause wrapped in another one."""
    wrapper.__cause__ = error
    return wrapper


def aborted(os_error):
    return requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", os_error))


@pytest.mark.parametrize(
    ("error", "reference"),
    [
        (aborted(FileNotFoundError(2, "No such file or directory")), "docker-socket-missing"),
        (aborted(PermissionError(13, "Permission denied")), "docker-permission-denied"),
        (aborted(ConnectionRefusedError(111, "Connection refused")), "docker-refused"),
        (aborted(ConnectionResetError(104, "Connection reset by peer")), "engine-connection-lost"),
        (requests.exceptions.ReadTimeout("timed out"), "engine-timeout"),
        (requests.exceptions.ConnectionError("UnixHTTPConnectionPool: Read timed out."), "engine-timeout"),
        (requests.exceptions.ChunkedEncodingError("Response ended prematurely"), "engine-connection-lost"),
        (docker.errors.InvalidVersion("API versions below 1.24 are no longer supported"), "engine-too-old"),
        (api_error(500, "containerd is gone"), "engine-failed"),
    ],
)
def test_no_answer_has_a_cause_and_a_repair(error, reference):
    for found in (unavailable(error), unavailable(caused_by(error, docker.errors.DockerException("Error while …")))):
        assert found.hint
        assert found.reference == reference or isinstance(error, docker.errors.APIError)


def test_causes_that_go_in_circles_end():
    error, other = ValueError("a"), ValueError("b")
    error.__cause__, other.__cause__ = other, error
    assert unavailable(error).reference == "engine-connection-lost"


def test_launching_translates_answers_and_silence():
    with pytest.raises(LaunchRefusedError), launching():
        raise captured_error("create: name taken")
    with pytest.raises(EngineUnavailableError), launching():
        raise requests.exceptions.ConnectionError


def test_looking_after_forgives_only_what_is_harmless():
    with looking_after(404):
        raise captured_error("remove: container missing")
    with pytest.raises(EngineUnavailableError), looking_after(404):
        raise captured_error("kill on an exited container")
    with pytest.raises(EngineUnavailableError), looking_after(404):
        raise requests.exceptions.ConnectionError
