"""Who is answered, with what, and what every answer carries."""

import base64

import pytest
from console_fixtures import HOSTILE_PATHS, every_address

from harness.console.guard import POLICY

CANARY = "console-token-canary"


@pytest.mark.parametrize(
    "host", ["evil.example:8020", "evil.example", "127.0.0.1", "127.0.0.1:8021", "localhost", "[::1]:8020", ""]
)
def test_another_host_is_refused_before_anything_is_looked_up(client, bundle, host):
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8020", "localhost:8020", "LOCALHOST:8020"])
def test_this_machine_and_this_port_are_answered(client, bundle, host):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_method_that_could_change_something_is_refused(client, bundle, method):
    for path in every_address(bundle):
        answer = client.request(method, path)
        assert answer.status_code == 405, path
        assert answer.headers["allow"] == "GET, HEAD"


def test_head_is_answered_like_get(client, bundle):
    """The body is left out by the server, which the tests of a whole process show."""
    assert client.head("/").headers == client.get("/").headers


def test_without_its_token_nothing_is_told_not_even_what_exists(guarded, bundle):
    for path in (*every_address(bundle), *HOSTILE_PATHS, "/nothing", "/assets/console.js"):
        answer = guarded.get(path)
        assert answer.status_code == 401, path
        assert bundle.name not in answer.text.replace(path, "")
        assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        f"bearer{CANARY}",
        f"Digest {CANARY}",
        f"Basic {CANARY}",
        "Basic " + base64.b64encode(f"{CANARY}:".encode()).decode(),
        "Basic " + base64.b64encode(CANARY.encode()).decode(),
    ],
)
def test_a_wrong_token_is_no_token(guarded, bundle, header):
    answer = guarded.get("/", headers={"authorization": header})
    assert answer.status_code == 401
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    "header", [f"Bearer {CANARY}", f"bearer {CANARY}", "Basic " + base64.b64encode(f"any:{CANARY}".encode()).decode()]
)
def test_the_token_opens_every_page_as_bearer_or_as_the_password_of_a_browser(guarded, bundle, header):
    for path in every_address(bundle):
        assert guarded.get(path, headers={"authorization": header}).status_code == 200, path


def test_credentials_come_before_the_method_and_the_host_before_both(guarded, bundle):
    assert guarded.post("/").status_code == 401
    assert guarded.post("/", headers={"host": "evil.example"}).status_code == 421


def test_every_answer_carries_the_policy_and_is_not_sniffed_or_cached_by_others(client, bundle):
    for path in (*every_address(bundle), "/nothing", "/assets/console.css"):
        headers = client.get(path).headers
        if not path.endswith("export.html"):
            assert headers["content-security-policy"] == POLICY, path
        assert "unsafe" not in POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_path_that_leads_elsewhere_is_not_found(client, bundle, path):
    (bundle.parent / "secret.txt").write_text("canary-beside-the-bundles")
    answer = client.get(path.replace("RUN", bundle.name))
    assert answer.status_code == 404
    assert "canary" not in answer.text


def test_what_a_plain_client_is_served_names_the_prefix_for_programs_and_the_tables(client, bundle):
    text = client.get(f"/runs/{bundle.name}/L01").text
    assert 'href="/evidence/api/runs"' in text
    for name in ("execution-trace", "db-writes", "apis-used", "synthetic-input", "produced-output", "assertions"):
        assert f'data-testid="{name}-table"' in text
