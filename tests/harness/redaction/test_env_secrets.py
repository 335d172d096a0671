"""Which values are secret, which of them stop a run, and that none shows itself."""

import copy
import json
import logging
import pickle

import pytest

from harness.errors import ExitCode, PrerequisiteError
from harness.redaction.env_secrets import load_secrets
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

KEY = "sk-proj-8fJ2kLm4Nq6Rs8TuVw0Xy"


def _values(found, name=None):
    return [member.secret.reveal() for member in found if name in (None, member.name)]


def _file(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_value_of_env_live_is_secret_whatever_its_name(tmp_path):
    live = _file(tmp_path, ".env.live", f"OPENAI_API_KEY={KEY}\nFAVOURITE_PLACE=Wq8-harbour-5Zt\nOPENAI_ORG_ID=\n")
    found = load_secrets(live, None, {})
    assert _values(found) == [KEY, "Wq8-harbour-5Zt"]
    assert found.names == {"OPENAI_API_KEY", "FAVOURITE_PLACE"}


def test_of_env_only_the_names_that_say_so_count(tmp_path):
    env = _file(
        tmp_path,
        ".env",
        "APP_NAME=Workspace Orchestrator\nSLACK_TOKEN=Tk7-one-two-3four\nsmtpPassword='Pw9 with \"signs\"'\n"
        "MY_API_KEY=Ak5-six-seven-8\nMAX_TOKENS=4096\nUSE_SECRETS=True\nNODE_ENV=production\nJOB_TIMEOUT_SECONDS=600\n",
    )
    assert load_secrets(None, env, {}).names == {"SLACK_TOKEN", "smtpPassword", "MY_API_KEY"}


def test_the_environment_gives_the_providers_variables_and_overrides_of_known_names(tmp_path):
    live = _file(tmp_path, ".env.live", "DEPLOY_TOKEN=Dt4-from-the-file-1\n")
    environ = {
        "OPENAI_API_KEY": KEY,
        "OPENAI_WHATEVER": "Wh4-t3v3r-it-is",
        "OPENAI_BASE_URL": "https://api.openai.com/v1",
        "DEPLOY_TOKEN": "Dt4-from-the-shell-2",
        "GPG_TOKEN": "abc",
        "VIRTUAL_ENV": "/home/somebody/venv",
    }
    found = load_secrets(live, None, environ)
    assert found.names == {"OPENAI_API_KEY", "OPENAI_WHATEVER", "DEPLOY_TOKEN"}
    assert _values(found, "DEPLOY_TOKEN") == ["Dt4-from-the-file-1", "Dt4-from-the-shell-2"]


def test_the_password_in_a_database_url_is_a_secret_as_written_and_as_meant(tmp_path):
    env = _file(tmp_path, ".env", "DATABASE_URL=postgresql+psycopg://ladder:p%40ss-W0rd-77x@127.0.0.1:5432/ladder\n")
    found = load_secrets(None, env, {})
    assert _values(found, "DATABASE_URL") == ["p%40ss-W0rd-77x", "p@ss-W0rd-77x"]


def test_what_is_no_url_at_all_has_no_password(tmp_path):
    env = _file(tmp_path, ".env", "BIND_URL=http://[::1\n")
    assert load_secrets(None, env, {}).members == ()


def test_a_database_url_without_password_is_no_secret(tmp_path):
    env = _file(tmp_path, ".env", "DATABASE_URL=sqlite:///./codex.db\n")
    assert _values(load_secrets(None, env, {"DATABASE_URL": "sqlite:////data/codex.db"})) == []


def test_each_token_of_a_list_is_a_secret(tmp_path):
    live = _file(tmp_path, ".env.live", "API_TOKENS=Tk1-alpha-99aa, Tk2-beta-88bb\n")
    environ = {"API_TOKENS": '["Tk3-gamma-77cc"]'}
    found = [value.strip() for value in _values(load_secrets(live, None, environ))]
    assert found == ["Tk1-alpha-99aa", "Tk2-beta-88bb", "Tk3-gamma-77cc"]


def test_a_comma_in_a_password_does_not_make_it_a_list(tmp_path):
    live = _file(tmp_path, ".env.live", "SMTP_PASSWORD='Xy7,kk9!abcdQ2'\n")
    assert _values(load_secrets(live, None, {})) == ["Xy7,kk9!abcdQ2"]


def test_missing_files_give_no_secrets(tmp_path):
    assert load_secrets(tmp_path / ".env.live", tmp_path / ".env", {}).members == ()


@pytest.mark.parametrize(
    "value",
    [
        "abc123",
        "  Qz7-1  ",
        "password",
        "Completed",
        "in_progress",
        "postgres",
        "environment",
        "--------",
        "REDACTED",
        "manifest.json",
        "ladder.run/1",
        "scenario_started",
        "xxxxxxxxxxxx",
        "https://api.openai.com/v1",
        "x [REDACTED] y",
        "Zq8" * 11_000,
    ],
)
def test_a_value_that_cannot_be_searched_for_stops_the_run_and_names_its_variable(tmp_path, value):
    live = _file(tmp_path, ".env.live", f"OPENAI_PROJECT='{value}'\nOPENAI_API_KEY={KEY}\n")
    with pytest.raises(PrerequisiteError) as caught:
        load_secrets(live, None, {})
    assert caught.value.reference == "secret-unsearchable"
    assert caught.value.exit_code is ExitCode.PREREQUISITE
    said = caught.value.render().replace("[REDACTED]", "")
    assert "OPENAI_PROJECT" in said
    assert "OPENAI_API_KEY" not in said
    assert value.strip() not in said


def test_values_that_are_too_long_in_all_stop_the_run(tmp_path):
    lines = "".join(f"KEY_{number}={KEY}{'x' * 8000}{number}\n" for number in range(10, 30))
    assert len(load_secrets(_file(tmp_path, ".env.live", lines[: lines.index("KEY_25=")]), None, {}).members) == 15
    with pytest.raises(PrerequisiteError, match=r"together have \d+ characters") as caught:
        load_secrets(_file(tmp_path, ".env.live", lines), None, {})
    assert caught.value.reference == "secret-unsearchable"
    assert KEY not in caught.value.render()


def test_all_refused_variables_are_named_at_once(tmp_path):
    live = _file(tmp_path, ".env.live", "ONE=abc\nTWO=password\nTHREE=Zq8-fine-here-1\n")
    with pytest.raises(PrerequisiteError, match=r"the value of ONE is shorter.*; the value of TWO is a common word"):
        load_secrets(live, None, {})


def test_a_secret_never_shows_itself(caplog):
    secret, named = Secret(KEY), NamedSecret("OPENAI_API_KEY", Secret(KEY))
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>40}",
        repr(named),
        repr(SecretSet((named,))),
    ]
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("the key is %s of %r", secret, named)
    for text in (*shown, caplog.text):
        assert KEY not in text
        assert "[REDACTED]" in text


@pytest.mark.parametrize("leak", [json.dumps, pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_refuses_to_be_serialised_or_copied(leak):
    with pytest.raises(TypeError) as caught:
        leak(Secret(KEY))
    assert KEY not in str(caught.value)


def test_a_redactor_and_its_needles_show_no_value():
    redactor = Redactor(SecretSet((NamedSecret("OPENAI_API_KEY", Secret(KEY)),)))
    for thing in (redactor, redactor._needles, redactor.stream()):
        assert KEY[8:20] not in repr(thing)
