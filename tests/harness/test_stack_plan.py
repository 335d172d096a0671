"""What the stack shall be is decided from settings alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import Settings
from harness.errors import ExitCode, PrerequisiteError, UsageError
from harness.stack import env_file, plan
from harness.stack.secrets import Secrets, read_secrets
from harness.stack.up import read_plan, set_mode

ROOT = Path(__file__).resolve().parents[2]
KNOWN = frozenset(env_file.read(ROOT / ".env.example"))
CANARY = "canary-4f7a9b21c3"


def planned(values=(), environ=(), *, uid=1000, gid=1001):
    settings = Settings(root=ROOT, env_file=ROOT / "nowhere/.env", environ=dict(environ))
    return plan.make_plan(settings, dict(values), known=KNOWN, uid=uid, gid=gid)


def digest_of(stack, secrets=None, **changes):
    facts = {"images": {"backend": "sha256:a", "worker": "sha256:b"}, "files": {".env": 1}} | changes
    return plan.digest(stack, secrets or Secrets({}), **facts)


def test_the_environment_outranks_the_file_and_empty_counts_as_unset():
    stack = planned({"PORT": "9000", "MAX_CONCURRENT_JOBS": "2"}, {"PORT": "9001", "MAX_CONCURRENT_JOBS": ""})
    assert stack.port == 9001
    assert stack.settings["MAX_CONCURRENT_JOBS"] == "2"


def test_names_that_no_setting_has_are_ignored():
    assert "UNKNOWN" not in planned({"UNKNOWN": "1"}, {"UNKNOWN": "2"}).settings


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("True", "mocked"),
        ("true", "mocked"),
        ("1", "mocked"),
        ("yes", "mocked"),
        ("", "mocked"),
        ("False", "live"),
        ("0", "live"),
    ],
)
def test_the_mode_is_read_as_the_backend_reads_it(word, mode):
    assert planned({"USE_DUMMY_WORKER": word} if word else {"USE_DUMMY_WORKER": "True"}).mode == mode


def test_root_hands_the_stack_to_the_workers_user():
    stack = planned(uid=0, gid=0)
    assert (stack.uid, stack.gid) == (10001, 10001)


def test_any_other_user_keeps_what_workers_make():
    assert (planned().uid, planned().gid) == (1000, 1001)


def test_a_relative_data_folder_lies_in_the_checkout():
    assert planned({"DATA_DIR": "./var/data"}).data_dir == ROOT / "var/data"
    assert planned({"DATA_DIR": "/srv/ladder"}).data_dir == Path("/srv/ladder")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"PORT": "eighty"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"PORT": "0"}, "PORT"),
        ({"USE_DUMMY_WORKER": "flase"}, "USE_DUMMY_WORKER"),
        ({"BIND_ADDRESS": "everywhere"}, "BIND_ADDRESS"),
        ({"LADDER_PROJECT": "Two Words"}, "LADDER_PROJECT"),
        ({"LADDER_PROJECT": "../etc"}, "LADDER_PROJECT"),
    ],
)
def test_a_setting_that_is_no_such_thing_is_a_usage_error_that_names_it(values, name):
    with pytest.raises(UsageError) as caught:
        planned(values)
    assert caught.value.reference == "setting-invalid"
    assert name in caught.value.message
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("localhost", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_the_base_url_is_one_that_this_machine_reaches(bind, url):
    assert planned({"BIND_ADDRESS": bind}).base_url == url


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.7"])
def test_an_address_that_others_reach_is_refused_while_no_token_is_asked_for(bind):
    with pytest.raises(PrerequisiteError) as caught:
        plan.refuse_exposure(planned({"BIND_ADDRESS": bind}), Secrets({}))
    assert caught.value.reference == "exposed-without-token"
    assert caught.value.exit_code is ExitCode.PREREQUISITE
    assert "API_TOKENS" in caught.value.hint


def test_an_address_that_others_reach_is_allowed_with_a_token():
    plan.refuse_exposure(planned({"BIND_ADDRESS": "0.0.0.0"}), Secrets({"API_TOKENS": "t"}))


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_loopback_needs_no_token(bind):
    plan.refuse_exposure(planned({"BIND_ADDRESS": bind}), Secrets({}))


def test_compose_waits_longer_than_the_backend_waits_for_its_workers():
    assert planned({"JOB_STOP_GRACE_SECONDS": "40"}).stop_grace_s > 40


def test_the_same_plan_has_the_same_digest():
    assert digest_of(planned()) == digest_of(planned())


@pytest.mark.parametrize(
    "other",
    [
        {"MAX_CONCURRENT_JOBS": "7"},
        {"PORT": "8001"},
        {"USE_DUMMY_WORKER": "False"},
        {"DATA_DIR": "/elsewhere"},
        {"LADDER_PROJECT": "second"},
    ],
)
def test_another_setting_gives_another_digest(other):
    assert digest_of(planned(other)) != digest_of(planned())


def test_another_image_or_a_newer_file_gives_another_digest():
    assert digest_of(planned(), images={"backend": "sha256:c"}) != digest_of(planned())
    assert digest_of(planned(), files={".env": 2}) != digest_of(planned())


def test_a_secrets_presence_changes_the_digest_and_its_value_does_not():
    one, two = Secrets({"OPENAI_API_KEY": CANARY}), Secrets({"OPENAI_API_KEY": CANARY[::-1]})
    assert digest_of(planned(), one) == digest_of(planned(), two)
    assert digest_of(planned(), one) != digest_of(planned())


def test_no_private_value_is_among_the_settings_wherever_it_comes_from():
    names = ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT", "API_TOKENS", "DATABASE_URL")
    stack = planned(dict.fromkeys(names, CANARY), dict.fromkeys(names, CANARY))
    assert CANARY not in repr(stack)


def test_secrets_come_from_the_environment_then_the_live_file_then_the_settings_file(tmp_path):
    (tmp_path / ".env").write_text("OPENAI_API_KEY=third\nOPENAI_ORG_ID=third\nOPENAI_PROJECT=third\n")
    (tmp_path / ".env.live").write_text("OPENAI_API_KEY=second\nOPENAI_ORG_ID=second\n")
    found = read_secrets(Settings(root=ROOT, env_file=tmp_path / ".env", environ={"OPENAI_API_KEY": "first"}))
    assert found.child_environment() == {
        "OPENAI_API_KEY": "first",
        "OPENAI_ORG_ID": "second",
        "OPENAI_PROJECT": "third",
    }


def test_secrets_show_presence_and_hide_values():
    secrets = Secrets({"OPENAI_API_KEY": CANARY, "DATABASE_URL": "postgresql://u:hush-hush@db/x"})
    assert secrets.presence()["OPENAI_API_KEY"] == "present"
    assert secrets.presence()["OPENAI_ORG_ID"] == "absent"
    assert CANARY not in repr(secrets)
    masked = secrets.mask(f"key {CANARY}, password hush-hush")
    assert CANARY not in masked
    assert "hush-hush" not in masked


@pytest.mark.parametrize(("written", "token"), [("a,b", "a"), ('["a", "b"]', "a"), (" , b", "b"), ("", None)])
def test_a_bearer_token_is_found_in_csv_and_in_json(written, token):
    assert Secrets({"API_TOKENS": written} if written else {}).bearer_token() == token


def test_a_mode_asked_for_outranks_the_environment(tmp_path):
    path = tmp_path / ".env"
    path.write_text("USE_DUMMY_WORKER=True\n")
    settings = Settings(root=ROOT, env_file=path, environ={"USE_DUMMY_WORKER": "True"})
    assert set_mode(settings, "live") is True
    assert read_plan(settings, mode="live").mode == "live"
    assert read_plan(settings).mode == "mocked"


def test_the_example_lists_every_setting_of_the_backend_with_its_default():
    from backend.config import Settings as BackendSettings

    example = env_file.read(ROOT / ".env.example")
    private = {"OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT", "API_TOKENS"}
    assert {name.upper() for name in BackendSettings.model_fields} - private <= set(example)
    assert set(env_file.read(ROOT / ".env.live.example")) == private
    fresh = BackendSettings(_env_file=None)
    copied = BackendSettings(_env_file=ROOT / ".env.example")
    assert copied == fresh
