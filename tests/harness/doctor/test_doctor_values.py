"""Every value that is no such thing is told at once, by the backend's own rules, and none is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.config import Settings as BackendSettings
from harness.config import Settings
from harness.doctor.findings import Level
from harness.doctor.values import RULES, check_values, invalid_values
from harness.stack import env_file

ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary-4f7a9b21c3"

PROBES = (
    *("True", "False", "true", "FALSE", "1", "0", "yes", "no", "on", "off", "y", "n", "t", "f", "maybe", "flase"),
    *(
        "-1",
        "0.5",
        "4",
        "4.0",
        "4.5",
        "+4",
        "04",
        "1_000",
        "1e3",
        "4.",
        "٣",
        "-0",
        "nan",
        "inf",
        "ten",
        "7",
        "8",
        "16",
        "255",
    ),
    *("256", "257", "300", "301", "1023", "1024", "1025", "3600", "3601", "10000", "10001", "65536", "65537"),
    *("86400", "86401", "512m", "512M", "512mb", "0m", "1g", "m", "none", "bridge", "a.b_c-d", "/api/v1", "api/v1"),
    *("/api/", "/", "json", "console", "JSON", "text", "template", "openai", "codex", "dummy"),
)


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())

    def with_values(text="", **environ):
        (tmp_path / ".env").write_text(text)
        return Settings(root=tmp_path, env_file=tmp_path / ".env", environ=environ)

    return with_values


def backend_accepts(name, value):
    try:
        BackendSettings(_env_file=None, **{name.lower(): value})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(RULES))
def test_the_backend_and_the_doctor_refuse_the_same_values(name, monkeypatch):
    for other in RULES:
        monkeypatch.delenv(other, raising=False)
    assert {value: RULES[name].accepts(value) for value in PROBES} == {
        value: backend_accepts(name, value) for value in PROBES
    }


def test_every_rule_is_about_a_setting_and_every_number_of_the_example_has_one():
    example = env_file.read(ROOT / ".env.example")
    assert set(RULES) <= set(example)
    numbers = {name for name, value in example.items() if value.replace(".", "").isdecimal()}
    assert numbers - set(RULES) <= {"PORT", "BIND_ADDRESS", "HOST"}


def test_the_example_itself_is_valid(checkout):
    assert check_values(checkout((ROOT / ".env.example").read_text())).level is Level.OK


def test_all_faults_are_told_at_once_with_the_place_of_each(checkout):
    settings = checkout(
        "PORT=eighty\nBIND_ADDRESS=everywhere\nUSE_DUMMY_WORKER=flase\nLADDER_PROJECT='Two Words'\nMAX_QUEUED_JOBS=5\n",
        WORKER_CPUS="many",
    )
    found = check_values(settings)
    assert found.level is Level.ERROR
    faults = invalid_values(settings)
    assert set(faults) == {"PORT", "BIND_ADDRESS", "USE_DUMMY_WORKER", "LADDER_PROJECT", "WORKER_CPUS"}
    assert faults["PORT"].endswith("(set in .env)")
    assert faults["WORKER_CPUS"].endswith("(set in the environment)")
    assert all(name in found.repair for name in faults)


def test_the_value_that_counts_is_the_one_judged(checkout):
    assert invalid_values(checkout("PORT=eighty\n", PORT="8001")) == {}
    assert set(invalid_values(checkout("PORT=8001\n", PORT="eighty"))) == {"PORT"}


def test_an_empty_value_counts_as_unset(checkout):
    assert invalid_values(checkout("PORT=\nWORKER_CPUS=''\n", SLEEP_SECONDS="")) == {}


@pytest.mark.parametrize("name", ["PORT", "USE_DUMMY_WORKER", "WORKER_MEMORY", "BIND_ADDRESS", "LADDER_PROJECT"])
def test_no_value_is_shown(checkout, name):
    found = check_values(checkout(f"{name}='{CANARY} {CANARY}'\n"))
    assert found.level is Level.ERROR
    assert CANARY not in found.message + found.repair


def test_a_value_that_no_settings_file_can_carry_is_told_before_make_up_stops_at_it(checkout):
    found = check_values(checkout(f'APP_NAME="it\'s {CANARY}"\n'))
    assert found.level is Level.ERROR
    assert "APP_NAME" in found.message
    assert CANARY not in found.message


def test_a_folder_that_cannot_be_is_a_fault_of_its_setting(checkout):
    assert set(invalid_values(checkout("DATA_DIR=~nobody-of-this-name-4f7a/data\n"))) == {"DATA_DIR"}
