"""Answers captured from a real engine, as the SDK would present them."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import docker.errors
import requests

CAPTURED = Path(__file__).parent / "captured"


def _load(name):
    return json.loads((CAPTURED / f"{name}_20_10_24.json").read_text())[name]


ANSWERS = _load("answers")
INSPECT = _load("inspect")
TEXTS = _load("texts")


def inspect(name):
    return copy.deepcopy(INSPECT[name])


def api_error(status, message):
    """The exception that the SDK makes of an error answer."""
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps({"message": message}).encode()
    response.url = "http+docker://localhost/v1.41/containers/create"
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        try:
            docker.errors.create_api_error_from_http_exception(error)
        except docker.errors.APIError as translated:
            return translated
    raise AssertionError(status)


def captured_error(name):
    return api_error(ANSWERS[name]["status"], ANSWERS[name]["message"])
