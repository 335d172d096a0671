"""Settings: defaults, sources and their order, lists, and errors that never show a value (F26, F27; §1.5)."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from backend.config import Settings, load_settings
from backend.errors import StartupError
from worker.contract import SECRET_NAMES

CANARY = "canary-7Yp2Wq9rT4"
ROOT = Path(__file__).parents[2]

DEFAULTS = {
    "app_name": "Workspace Orchestrator",
    "api_v1_str": "/api/v1",
    "sleep_seconds": 0,
    "database_url": "sqlite:///./codex.db",
    "job_timeout_seconds": 600,
    "job_stop_grace_seconds": 5,
    "max_concurrent_jobs": 4,
    "max_queued_jobs": 64,
    "host_workspaces_dir": "",
    "worker_memory": "512m",
    "worker_cpus": 1.0,
    "worker_pids": 128,
    "worker_network": "none",
    "use_dummy_worker": True,
    "max_body_bytes": 64 * 1024,
    "max_file_bytes": 5 * 1024 * 1024,
    "max_result_bytes": 1024 * 1024,
    "codex_worker_image": "codex-worker:latest",
    "allow_origins": ("http://localhost:3000", "http://127.0.0.1:3000"),
    "worker_engine": "template",
    "allow_methods": ("GET", "POST", "PUT", "DELETE", "OPTIONS"),
    "allow_headers": ("Authorization", "Content-Type"),
    "allow_credentials": False,
    "api_tokens": (),
    "trace_enabled": True,
    "trace_max_count": 10_000,
    "trace_max_age_days": 30,
    "trace_max_records": 10_000,
    "trace_queue_size": 10_000,
    "otel_exporter_otlp_endpoint": "",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """An empty working directory and an environment without any setting."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def source(request, monkeypatch, bare):
    """Sets one variable, in the environment or in one of the files."""

    def put(name, value):
        if request.param == "environment":
            monkeypatch.setenv(name, value)
        else:
            with (bare / request.param).open("a") as file:
                file.write(f"{name}={value}\n")

    return put


anywhere = pytest.mark.parametrize("source", ["environment", ".env", ".env.live"], indirect=True)


def test_every_default_is_the_contracts(bare):
    settings = load_settings()
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS
    assert (settings.workspace_root, settings.state_dir) == (bare / "workspaces", bare / "state")
    assert settings.worker_secrets == {}
    assert settings.all_secrets == {}
    assert settings.mode == "mocked"


def test_the_backend_starts_without_any_file(bare):
    assert not list(bare.iterdir())
    load_settings()
    assert not list(bare.iterdir())


def test_the_example_file_copied_as_it_is_starts(bare, monkeypatch):
    for name, target in ((".env.example", ".env"), (".env.live.example", ".env.live")):
        (bare / target).write_bytes((ROOT / name).read_bytes())
    settings = load_settings()
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS
    assert settings.min_free_bytes == Settings.model_fields["min_free_bytes"].default


def test_the_example_file_names_every_setting():
    named = {
        line.split("=")[0]
        for name in (".env.example", ".env.live.example")
        for line in (ROOT / name).read_text().splitlines()
        if "=" in line and not line.startswith("#")
    }
    assert {name.upper() for name in Settings.model_fields} <= named


@anywhere
@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("https://a.example,https://b.example", ("https://a.example", "https://b.example")),
        (" https://a.example , https://b.example ,", ("https://a.example", "https://b.example")),
        ('["https://a.example", "https://b.example"]', ("https://a.example", "https://b.example")),
        ('["https://a.example", " ", ""]', ("https://a.example",)),
        ("*", ("*",)),
        ("[]", ()),
        (",", ()),
    ],
)
def test_lists_are_csv_or_json_from_either_source(source, text, items):
    source("ALLOW_ORIGINS", text)
    assert load_settings().allow_origins == items


@anywhere
@pytest.mark.parametrize("text", ['[""]', '[" "]', ",", " , "])
def test_an_empty_token_lets_nobody_in(source, text):
    source("API_TOKENS", text)
    assert load_settings().api_tokens == ()


@anywhere
def test_empty_counts_as_unset(source):
    for name in (
        "MAX_QUEUED_JOBS",
        "ALLOW_ORIGINS",
        "OPENAI_API_KEY",
        "DATABASE_URL",
        "USE_DUMMY_WORKER",
        "API_TOKENS",
    ):
        source(name, "")
    settings = load_settings()
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS
    assert settings.worker_secrets == {}


def test_blanks_are_no_secret(bare, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "   ")
    (bare / ".env.live").write_text('OPENAI_ORG_ID="   "\n')
    assert load_settings().worker_secrets == {}


@anywhere
def test_unknown_names_are_ignored(source):
    source("LADDER_BASE_IMAGE", "local")
    source("NOBODY_KNOWS_THIS", "1")
    load_settings()


@anywhere
def test_names_are_read_in_any_case(source):
    source("max_queued_jobs", "7")
    assert load_settings().max_queued_jobs == 7


def test_the_environment_outranks_the_live_file_which_outranks_the_other(bare, monkeypatch):
    (bare / ".env").write_text("MAX_QUEUED_JOBS=1\nWORKER_PIDS=11\nOPENAI_API_KEY=from-env-file\n")
    (bare / ".env.live").write_text("MAX_QUEUED_JOBS=2\nWORKER_PIDS=12\nOPENAI_API_KEY=\n")
    monkeypatch.setenv("MAX_QUEUED_JOBS", "3")
    settings = load_settings()
    assert (settings.max_queued_jobs, settings.worker_pids) == (3, 12)
    # An empty line in the outer file unsets nothing: empty counts as not there.
    assert settings.worker_secrets["OPENAI_API_KEY"].reveal() == "from-env-file"


def test_an_empty_variable_does_not_hide_the_file(bare, monkeypatch):
    (bare / ".env").write_text("MAX_QUEUED_JOBS=9\n")
    monkeypatch.setenv("MAX_QUEUED_JOBS", "")
    assert load_settings().max_queued_jobs == 9


BAD = {
    "PORT": CANARY,
    "MAX_CONCURRENT_JOBS": "0",
    "MAX_QUEUED_JOBS": CANARY,
    "SLEEP_SECONDS": "3601",
    "JOB_TIMEOUT_SECONDS": "nan",
    "USE_DUMMY_WORKER": CANARY,
    "WORKER_ENGINE": CANARY,
    "WORKER_MEMORY": f"{CANARY} and more",
    "WORKER_NETWORK": f"{CANARY} and more",
    "API_V1_STR": f"{CANARY}/",
    "LADDER_INSTANCE": f"{CANARY} {CANARY}",
    "ALLOW_ORIGINS": f'["{CANARY}"',
    "ALLOW_METHODS": f'[["{CANARY}"]]',
    "API_TOKENS": f'["{CANARY}"',
    "DATABASE_URL": f"no address {CANARY}",
    "LOG_FORMAT": CANARY,
    "TRACE_MAX_COUNT": "0",
    "TRACE_MAX_AGE_DAYS": "nan",
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:{CANARY}@host",
}


@anywhere
@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_names_its_setting_and_is_not_shown(source, name):
    source(name, BAD[name])
    with pytest.raises(StartupError) as caught:
        load_settings()
    assert caught.value.reference == "settings-invalid"
    assert name in str(caught.value)
    shown = f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    assert CANARY not in shown
    assert "\n" not in str(caught.value)


def test_not_even_the_original_error_shows_a_value():
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, port=CANARY)
    assert CANARY not in str(caught.value)


def test_all_bad_values_are_named_at_once(monkeypatch):
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("WORKER_PIDS", "x")
    with pytest.raises(StartupError, match=r"PORT.*WORKER_PIDS"):
        load_settings()


def test_the_dummy_engine_is_no_engine_of_a_container(monkeypatch):
    monkeypatch.setenv("WORKER_ENGINE", "dummy")
    with pytest.raises(StartupError, match="USE_DUMMY_WORKER"):
        load_settings()


def test_a_file_that_is_no_text_stops_the_start(bare):
    (bare / ".env").write_bytes(b"MAX_QUEUED_JOBS=\xff\xfe\n")
    with pytest.raises(StartupError, match=r"\.env") as caught:
        load_settings()
    assert caught.value.reference == "settings-invalid"


def test_no_way_of_printing_settings_shows_a_secret(monkeypatch):
    for name in SECRET_NAMES:
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("API_TOKENS", f"{CANARY},other")
    monkeypatch.setenv("DATABASE_URL", f"postgresql://user:{CANARY}@host/db")
    settings = load_settings()
    assert CANARY not in f"{settings!r} {settings} {settings.all_secrets} {settings.worker_secrets}"
    assert set(settings.worker_secrets) == set(SECRET_NAMES)
    assert {secret.reveal() for secret in settings.all_secrets.values()} == {CANARY, "other"}


@pytest.mark.parametrize(
    "url", [f"postgresql://u:{CANARY}@host/db", f"postgresql://host/db?password={CANARY}", f"sqlite:///{CANARY}/l.db"]
)
def test_a_password_in_the_database_address_is_a_secret(monkeypatch, url):
    monkeypatch.setenv("DATABASE_URL", url)
    found = [secret.reveal() for secret in load_settings().all_secrets.values()]
    assert found == ([] if url.startswith("sqlite") else [CANARY])


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1


@given(items=st.lists(st.text(st.characters(exclude_characters=",", exclude_categories=("C", "Z")), min_size=1)))
def test_csv_and_json_give_the_same_list(items):
    text = ",".join(items)
    assume(not text.startswith("["))
    csv = load_settings(_env_file=None, allow_origins=text)
    as_json = load_settings(_env_file=None, allow_origins=json.dumps(items))
    assert csv.allow_origins == as_json.allow_origins == tuple(items)
