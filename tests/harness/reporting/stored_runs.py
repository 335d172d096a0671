"""Runs to report on, and ways to change what is stored of them as somebody would who can make sums."""

import json
import subprocess
import sys
from pathlib import Path

from sealed_run import LIVE, MOCKED, Backend, case, make_run, reseal, rewrite
from staged import Reply, write_ladder
from whole_runs import WholeRun

from harness.evidence import layout
from harness.evidence.reading import read_entry
from harness.runner import trials as trials_module
from harness.runner.wanted_trials import WantedTrials

__all__ = ["case", "change_case", "change_run", "ladder", "make_run", "make_trials", "read_entry", "reseal", "rewrite"]

CHECKOUT = Path(__file__).resolve().parents[3]

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=https://evil.example/x onerror=alert(1)>',
    "](https://evil.example) ![x](https://evil.example/y.png) https://evil.example www.evil.example a@evil.example",
    "` | `` | ``` \\| \\\\| | x",
    "{{ 7 * 7 }} {% raw %} ${x}",
    "\u202eevil\u2066 \x1b[31mred\x1b[0m \x9b31m \u200b\ufeff\x00\ud800",
    "</style></title><h1>PASS</h1>",
    "# head\n\n| a | b |\n|---|---|\n- [ ] x\n<details>",
    "@everyone #1 :tada: &lt;b&gt; &#60;",
)


def make_trials(root, monkeypatch):
    """Climb a ladder three times; the second climb is red."""
    whole = WholeRun(root, monkeypatch)
    whole.redactor = None
    monkeypatch.setattr(trials_module, "Client", lambda *_about, **_named: _Closing(whole.service))
    write_ladder(root / "scenarios", LIVE, name="live", mode="live")
    write_ladder(root / "scenarios", MOCKED, name="mocked")
    backend = Backend(whole.service)
    whole.service.on("GET /odd", {}, Reply({}, 503), {})
    whole.service.trace = backend.told
    return whole.execute(trials=WantedTrials(3)).finished.folder


class _Closing:
    """A client that a trial opens for itself, and closes."""

    def __init__(self, service):
        self.exchange = service

    def close(self):
        """There is nothing to close."""


def change_run(folder, change):
    """Change ``run.json`` and make the sums fit."""
    document = json.loads((folder / layout.RUN).read_text())
    change(document)
    (folder / layout.RUN).write_text(json.dumps(document))
    reseal(folder)


def change_case(folder, change, case_id="live-L01"):
    """Change a case and make the sums fit."""
    document = case(folder, case_id)
    change(document)
    (folder / layout.case_file(case_id)).write_text(json.dumps(document))
    reseal(folder)


def full_of(text):
    """A change that puts a text wherever the record of a scenario has one."""

    def change(document):
        document["base_url"] = text
        document["secrets"] = {text: "absent"}
        document["settings"] = {text: text}
        for each in document["scenarios"]:
            each.update(title=text, reason=text, result_status=text, missed=[text], limits=[text])

    return change


def case_full_of(text):
    """A change that puts a text wherever a case has one that may be any."""

    def change(document):
        document["operation_name"] = text
        for each in document["assertions"]:
            each.update(step=text, path=text, wanted=text, got=text, place=text, text=text)
        for each in document["api_calls_used"]:
            each.update(step=text, path=text, error=text)
        for each in document["db_writes"]:
            each.update(table=text, component=text, operation=text)

    return change


def ladder(*arguments):
    """Run the command as a process of its own."""
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    environ = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LADDER_ENV_FILE": "/nonexistent/.env"}
    return subprocess.run(command, cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=60, check=False)
