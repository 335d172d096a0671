"""The envelope, redirects, wrong methods, the body limit, faults of ours, and CORS on all of them (§1.1, §1.3)."""

import json
import re
import uuid

import pytest
from support.api_calls import GENERATE, new_project, require_envelope
from support.http_server import read_answer, serve_backend

from backend.api.envelope import error_body

ORIGIN = "http://localhost:3000"
HEADERS = {"Content-Type": "application/json", "Origin": ORIGIN}
TRACE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def broken(served, monkeypatch):
    """A backend whose list of projects fails for a reason that nobody foresaw."""

    def fail(**_):
        msg = "the reason, which no caller may see"
        raise RuntimeError(msg)

    monkeypatch.setattr(served.backend.parts.service, "projects", fail)
    return served


def test_the_correlation_id_is_the_trace_id_of_the_request(client):
    body = require_envelope(client.get("/projects/x"), 404, "Project not found")
    assert TRACE_ID.fullmatch(body["correlation_id"])
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    continued = client.get("/projects/x", headers={"traceparent": traceparent})
    assert continued.json()["correlation_id"] == "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"


def test_an_unknown_route_is_404_with_the_envelope(client):
    for url in ("/", "/nothing", "/projects/a/b/c", "/health/x"):
        require_envelope(client.get(url), 404, "Not Found")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_no_5xx_has_a_detail_whoever_gives_one(status):
    body = error_body(status, detail="the reason", correlation_id="c")
    assert body == {
        "error": "internal_error",
        "message": "Internal server error",
        "code": status,
        "correlation_id": "c",
    }


def test_a_fault_of_ours_tells_nothing_but_a_correlation_id_that_the_log_knows(broken):
    with broken.client() as client:
        body = require_envelope(client.get("/projects/", headers={"Origin": ORIGIN}), 500)
    [event] = [event for event in broken.log if event["event"] == "http.failed"]
    assert event["trace_id"] == body["correlation_id"]
    assert "the reason, which no caller may see" in event["exception"]


def test_a_fault_of_ours_carries_cors_headers_and_leaves_the_server_working(broken, finished):
    with broken.client() as client:
        answer = client.get("/projects/", headers={"Origin": ORIGIN})
        assert answer.status_code == 500
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert client.get(f"/projects/{finished['id']}").status_code == 200


@pytest.mark.parametrize(
    ("method", "url", "allow"),
    [
        ("PUT", "/projects/", "GET, POST"),
        ("DELETE", "/projects/", "GET, POST"),
        ("POST", "/projects/{id}", "DELETE, GET"),
        ("PATCH", "/projects/{id}", "DELETE, GET"),
        ("DELETE", "/{id}/jobs", "GET, POST"),
        ("PUT", "/{id}/jobs/{job_id}", "GET"),
        ("DELETE", "/{id}/jobs/{job_id}", "GET"),
        ("GET", "/{id}/jobs/{job_id}/cancel", "POST"),
        ("POST", "/{id}/jobs/{job_id}/logs", "GET"),
        ("POST", "/{id}/files", "GET"),
        ("DELETE", "/{id}/files/app.py", "GET"),
        ("HEAD", "/{id}/files/app.py", "GET"),
        ("POST", "/health", "GET"),
        ("OPTIONS", "/ready", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_allow_names_every_right_one(client, finished, method, url, allow):
    answer = client.request(method, url.format(**finished))
    assert answer.headers["allow"] == allow
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (405, b"")
    else:
        require_envelope(answer, 405, "Method Not Allowed")


def test_a_405_outside_the_prefix_has_allow_too(client, served):
    answer = client.post(f"{served.url}/metrics")
    require_envelope(answer, 405, "Method Not Allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("method", "url", "target"),
    [
        ("POST", "/projects", "/projects/"),
        ("GET", "/projects", "/projects/"),
        ("GET", "/projects/{id}/", "/projects/{id}"),
        ("POST", "/{id}/jobs/", "/{id}/jobs"),
        ("GET", "/{id}/jobs/", "/{id}/jobs"),
    ],
)
def test_a_slash_too_many_or_too_few_is_a_307_with_an_empty_body(client, served, finished, method, url, target):
    answer = client.request(
        method, url.format(**finished), json={"instruction": GENERATE} if method == "POST" else None
    )
    assert (answer.status_code, answer.content) == (307, b"")
    assert answer.headers["location"] == served.api + target.format(**finished)
    assert answer.headers["content-length"] == "0"


def test_a_client_that_follows_the_redirect_posts_its_body(client):
    answer = client.post("/projects", json={"instruction": GENERATE}, follow_redirects=True)
    assert (answer.status_code, answer.json()["instruction"]) == (200, GENERATE)


@pytest.fixture(scope="module")
def posts(finished):
    """Every route that is posted to."""
    return [
        "/projects/",
        f"/{finished['id']}/jobs",
        f"/{finished['id']}/jobs/{finished['job_id']}/cancel",
        f"/{uuid.uuid4()}/jobs",
    ]


def test_a_body_over_the_limit_is_413_on_every_post_however_it_is_framed(client, served, posts):
    limit = served.settings.max_body_bytes
    detail = f"The request body is larger than {limit} bytes"
    for url in posts:
        content = b"x" * (limit + 1)
        for framed in (content, iter([content[:10], content[10:]]), (b"y" * 1000 for _ in range(200))):
            answer = client.post(url, content=framed, headers=HEADERS)
            require_envelope(answer, 413, detail)
            assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_a_body_of_exactly_the_limit_is_read(client, served):
    limit = served.settings.max_body_bytes
    body = json.dumps({"instruction": GENERATE, "padding": ""})
    full = body.replace('"padding": ""', '"padding": "' + "x" * (limit - len(body)) + '"').encode()
    assert len(full) == limit
    for framed in (full, iter([full[:1], full[1:60_000], full[60_000:]])):
        assert client.post("/projects/", content=framed, headers=HEADERS).status_code == 200


def test_a_connection_serves_further_requests_after_a_413(served):
    path = f"{served.settings.api_v1_str}/projects/"
    huge = b"z" * 3_000_000
    with served.connect() as connection:
        for _ in range(2):
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(huge)}\r\n\r\n"
            connection.sendall(head.encode() + huge)
            assert read_answer(connection).status == 413
        connection.sendall(f"GET {served.settings.api_v1_str}/health HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert read_answer(connection).status == 200


def test_a_413_is_answered_before_the_body_has_arrived(served):
    path = f"{served.settings.api_v1_str}/projects/"
    with served.connect() as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n{{".encode())
        assert read_answer(connection).status == 413


def test_an_allowed_origin_is_echoed_and_another_is_not(client, finished):
    url = f"/projects/{finished['id']}"
    for origin in ("http://localhost:3000", "http://127.0.0.1:3000"):
        answer = client.get(url, headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert "Origin" in answer.headers["vary"]
    for origin in ("http://evil.example", "http://localhost:3001", "null"):
        assert "access-control-allow-origin" not in client.get(url, headers={"Origin": origin}).headers


def preflight(client, origin=ORIGIN, method="POST", wanted="content-type,authorization"):
    headers = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": wanted}
    return client.options("/projects/", headers=headers)


def test_a_preflight_of_an_allowed_origin_is_answered(client):
    answer = preflight(client)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    allowed = {method.strip() for method in answer.headers["access-control-allow-methods"].split(",")}
    assert allowed == {"GET", "POST", "PUT", "DELETE", "OPTIONS"}
    assert {"Authorization", "Content-Type"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("refused", [{"origin": "http://evil.example"}, {"method": "PATCH"}, {"wanted": "x-other"}])
def test_a_refused_preflight_is_400_and_allows_no_origin(client, refused):
    answer = preflight(client, **refused)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers
    assert answer.json()["error"] == "bad_request"
    assert set(answer.json()) == {"error", "message", "code", "detail", "correlation_id"}


def test_every_answer_carries_cors_headers(client, finished):
    answers = [
        client.get(f"/projects/{finished['id']}", headers=HEADERS),
        client.get("/projects/x", headers=HEADERS),
        client.get(f"/{finished['id']}/files/../x".replace("../", "%2e%2e/"), headers=HEADERS),
        client.put("/projects/", headers=HEADERS),
        client.post("/projects/", headers=HEADERS),
        client.post("/projects", headers=HEADERS),
        client.get("/nothing", headers=HEADERS),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 400, 405, 422, 307, 404]
    assert all(answer.headers["access-control-allow-origin"] == ORIGIN for answer in answers)


def test_the_cors_settings_are_followed(tmp_path):
    lists = {"allow_origins": ("https://one.example",), "allow_methods": ("GET",), "allow_headers": ("X-One",)}
    with serve_backend(tmp_path, **lists, allow_credentials=True) as backend, backend.client() as client:
        answer = preflight(client, origin="https://one.example", method="GET", wanted="x-one")
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert preflight(client, origin=ORIGIN, method="GET", wanted="x-one").status_code == 400
        assert preflight(client, origin="https://one.example", method="POST", wanted="x-one").status_code == 400


def test_the_prefix_is_a_setting(tmp_path):
    with serve_backend(tmp_path, api_v1_str="/other/v7") as backend, backend.client() as client:
        assert client.get(f"{backend.url}/other/v7/health").status_code == 200
        assert client.get(f"{backend.url}/api/v1/health").status_code == 404
        assert client.get(f"{backend.url}/metrics").status_code == 200
        assert new_project(client)["status"] == "completed"
