"""Bearer tokens: asked for everywhere but on /health, compared in constant time, never logged (contract §1.1)."""

import hmac

import pytest
from support.api_calls import GENERATE, require_envelope
from support.http_server import serve_backend

TOKENS = ("first-token-0123456789", "zweites-Wort-für-alle")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with serve_backend(tmp_path_factory.mktemp("guarded"), api_tokens=",".join(TOKENS)) as backend:
        yield backend


@pytest.fixture(scope="module")
def stranger(guarded):
    with guarded.client() as client:
        yield client


@pytest.fixture(scope="module")
def friend(guarded):
    with guarded.client(headers={"Authorization": f"Bearer {TOKENS[0]}"}) as client:
        yield client


@pytest.fixture(scope="module")
def every_route(guarded, friend):
    project = friend.post("/projects/", json={"instruction": GENERATE}).json()
    document = friend.get(f"{guarded.url}/openapi.json").json()
    ids = {"project_id": project["id"], "job_id": project["job_id"], "path": "app.py", "trace_id": "x"}
    documented = [(m.upper(), path.format(**ids)) for path, methods in document["paths"].items() for m in methods]
    undocumented = [("GET", "/docs"), ("GET", "/openapi.json"), ("GET", "/redoc"), ("GET", "/nothing"), ("PUT", "/x")]
    return documented + undocumented


def test_every_route_but_health_needs_a_token(guarded, stranger, every_route):
    for method, path in every_route:
        answer = stranger.request(method, guarded.url + path)
        if path == "/api/v1/health":
            assert answer.status_code == 200
            continue
        require_envelope(answer, 401, "Missing or unknown bearer token")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_health_is_open_in_no_other_spelling(guarded):
    for path in ("/api/v1/health/", "/api/v1//health", "//api/v1/health", "/api/v1/health/../ready", "/API/v1/health"):
        assert guarded.raw(path).status == 401


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer  \t x",
        TOKENS[0],
        f"Basic {TOKENS[0]}",
        f"Bearer {TOKENS[0]}x",
        f"Bearer {TOKENS[0][:-1]}",
        f"Bearer {TOKENS[0].upper()}",
        f"Bearer {TOKENS[0]},{TOKENS[1]}",
        "Bearer \u00ff\u00fe",
    ],
)
def test_anything_but_a_token_is_401(stranger, value):
    answer = stranger.get("/projects/", headers={b"Authorization": value.encode("latin-1", "replace")})
    assert answer.status_code == 401


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_each_of_the_tokens_opens_every_route(stranger, scheme, token):
    answer = stranger.get("/projects/", headers={b"Authorization": f"{scheme} {token}".encode()})
    assert answer.status_code == 200


def test_the_check_comes_before_body_and_path(stranger):
    assert stranger.post("/projects/", content=b"{").status_code == 401
    assert stranger.post("/projects/", content=b"x" * 100_000).status_code == 401
    assert stranger.get("/x/files/%2e%2e/x").status_code == 401


def test_every_token_is_compared_in_constant_time_even_behind_a_match(guarded, friend, monkeypatch):
    compared = []

    def noted(offered, known):
        compared.append(known)
        return hmac.compare_digest(offered, known)

    class Spy:
        compare_digest = staticmethod(noted)

    monkeypatch.setattr("backend.api.middleware.hmac", Spy)
    assert friend.get("/projects/").status_code == 200
    assert len(compared) == len(TOKENS)


def test_a_preflight_needs_no_token(stranger):
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    assert stranger.options("/projects/", headers=headers).status_code == 200


def test_a_401_carries_cors_headers(stranger):
    answer = stranger.get("/projects/", headers={"Origin": "http://localhost:3000"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "http://localhost:3000")


def test_tokens_are_never_logged(guarded, stranger, friend, every_route):
    assert guarded.log
    shown = repr(guarded.log) + repr(guarded.settings)
    assert not any(token in shown for token in TOKENS)


def test_without_tokens_no_route_asks_for_one(client, served):
    for url in ("/projects/", "/ready", f"{served.url}/metrics", f"{served.url}/docs", f"{served.url}/openapi.json"):
        assert client.get(url, headers={"Authorization": "Bearer whatever"}).status_code == 200
        assert client.get(url).status_code == 200


def test_the_document_tells_about_tokens_only_when_they_are_needed(guarded, friend, client, served):
    secured = friend.get(f"{guarded.url}/openapi.json").json()
    assert secured["security"] == [{"bearer": []}]
    assert secured["paths"]["/api/v1/health"]["get"]["security"] == []
    assert "401" not in secured["paths"]["/api/v1/health"]["get"]["responses"]
    assert "401" in secured["paths"]["/api/v1/projects/"]["post"]["responses"]
    opened = client.get(f"{served.url}/openapi.json").json()
    assert "security" not in opened
    assert not any("401" in op["responses"] for path in opened["paths"].values() for op in path.values())
