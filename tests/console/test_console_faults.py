"""Whatever goes wrong in the console itself is a page that says so, and no record can bring that about by a number."""

import json
import os

import pytest
from asgi_caller import Caller
from console_stage import PORT
from reading_pages import Page
from stored_runs import change_run

from harness.console import app as application
from harness.console.app import create_app
from harness.evidence import layout


@pytest.mark.parametrize("path", ["/", "/.json", "/evidence/api/runs"])
def test_a_fault_of_the_console_is_told_without_quoting_anything(sources, bundle, monkeypatch, path):
    def fail(*_asked):
        raise RuntimeError("quoted canary")

    monkeypatch.setattr(application, "runs_page", fail)
    monkeypatch.setattr(application.api, "runs", fail)
    console = create_app(sources, port=PORT, token="")

    async def served(*about):
        # The server gets the fault as well, and tells it in its terminal.
        with pytest.raises(RuntimeError, match="quoted canary"):
            await console(*about)

    answer = Caller(served, f"127.0.0.1:{PORT}").get(path)
    assert answer.status_code == 500
    assert "console-fault" in answer.text
    assert "canary" not in answer.text


def test_a_number_that_no_float_holds_makes_a_record_damaged(client, bundle):
    document = json.loads((bundle / layout.RUN).read_text())
    (bundle / layout.RUN).write_text(json.dumps(document | {"duration_s": 10**400}))
    assert "damaged" in Page(client.get("/").text).by_id(f"run-row-{bundle.name}").text
    assert client.get(f"/runs/{bundle.name}").status_code == 200


def test_a_file_of_any_size_that_takes_no_room_is_not_read(client, bundle):
    os.truncate(bundle / "summary.txt", 5 << 40)
    strip = Page(client.get(f"/runs/{bundle.name}").text).by_id("trust-strip").text
    assert "broken" in strip
    assert "summary.txt" in strip


def test_a_surrogate_in_the_name_of_a_file_breaks_no_page(client, bundle):
    manifest = json.loads((bundle / layout.MANIFEST).read_text())
    manifest["files"].append({"path": "live/\ud800.txt", "size": 1, "sha256": "0" * 64, "executable": False})
    (bundle / layout.MANIFEST).write_text(json.dumps(manifest))
    change_run(bundle, lambda _document: None)
    assert client.get(f"/runs/{bundle.name}").status_code == 200
