"""What programs read below /evidence/api, and files as they are."""

import hashlib
import json

import pytest
from reading_pages import Page
from stored_runs import change_run, reseal

from harness.console.guard import FILE_POLICY
from harness.evidence import layout

API = "/evidence/api"


def test_a_case_is_sent_as_the_bytes_that_are_stored(client, bundle):
    run_id = json.loads((bundle / layout.RUN).read_text())["run_id"]
    for run in (run_id, bundle.name):
        answer = client.get(f"{API}/runs/{run}/cases/live-L01")
        assert answer.content == (bundle / "cases/live-L01.json").read_bytes()
    assert len(answer.json()) == 19
    assert answer.json()["execution_trace"]
    assert answer.json()["db_writes"]


def test_a_case_is_known_by_its_digest_and_not_sent_again(client, bundle):
    path = f"{API}/runs/{bundle.name}/cases/live-L01"
    first = client.get(path)
    digest = hashlib.sha256(first.content).hexdigest()
    assert first.headers["etag"] == f'"{digest}"'
    assert "immutable" in first.headers["cache-control"]
    again = client.get(path, headers={"if-none-match": f'"{digest}"'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_case_that_is_not_as_the_manifest_lists_it_is_an_error_and_not_a_case(client, bundle):
    path = bundle / "cases/live-L01.json"
    path.write_text(path.read_text().replace("PASS", "FAIL", 1))
    answer = client.get(f"{API}/runs/{bundle.name}/cases/live-L01")
    assert answer.status_code == 500
    assert answer.json()["error"]["reference"] == "case-damaged"


def test_the_list_of_runs_is_never_kept_and_tells_the_damaged_one(client, bundle):
    (bundle / layout.RUN).write_text("{")
    answer = client.get(f"{API}/runs")
    assert answer.headers["cache-control"] == "no-store"
    (run,) = answer.json()["runs"]
    assert (run["run"], run["condition"], run["run_id"]) == (bundle.name, "damaged", None)
    assert client.get(f"{API}/runs/{bundle.name}").json()["trust"]["word"] == "broken"
    cases = client.get(f"{API}/runs/{bundle.name}/cases")
    assert (cases.status_code, cases.json()["error"]["reference"]) == (500, "run-unreadable")


def test_a_run_and_its_cases_are_told(client, bundle):
    run = client.get(f"{API}/runs/{bundle.name}").json()
    assert run["record"]["verdict"] == "FAIL"
    cases = client.get(f"{API}/runs/{bundle.name}/cases").json()
    assert cases["count"] == len(cases["cases"]) == 5
    first = cases["cases"][0]
    assert (first["case_id"], first["uc_id"], first["status"]) == ("live-L01", "L01", "PASS")
    assert first["sha256"] == hashlib.sha256((bundle / "cases/live-L01.json").read_bytes()).hexdigest()
    assert client.get(first["href"]).status_code == 200
    assert client.get(first["page"]).status_code == 200


def test_what_was_called_is_counted_and_what_exists_is_listed(client, bundle):
    called = client.get(f"{API}/apis?run={bundle.name}").json()
    posts = [row for row in called["apis"] if row["method"] == "POST"]
    assert posts[0]["statuses"] == {"200": 1}
    assert posts[0]["cases"] == ["live-L01"]
    paths = client.get(f"{API}/apis/ledger").json()["paths"]
    assert "/api/v1/projects/" in paths


@pytest.mark.parametrize(
    "path",
    [
        "/runs/2025-01-01T00:00:00Z",
        "/runs/01a1fd7d-b600-7000-8000-bcd89d7b3396",
        "/runs/RUN/cases/live-L99",
        "/apis?run=x",
        "/x",
    ],
)
def test_what_nobody_has_is_not_found(client, bundle, path):
    answer = client.get(f"{API}{path.replace('RUN', bundle.name)}")
    assert answer.status_code == 404
    assert answer.json()["error"]["reference"] == "not-found"


def test_an_artifact_is_shown_with_the_digest_of_its_bytes(client, bundle):
    path = "live/L01/response.json"
    data = (bundle / path).read_bytes()
    page = client.get(f"/runs/{bundle.name}/files/{path}")
    assert hashlib.sha256(data).hexdigest() in page.text
    twin = client.get(f"/runs/{bundle.name}/files/{path}.json").json()
    assert (twin["sha256"], twin["is_as_listed"]) == (hashlib.sha256(data).hexdigest(), True)


def test_an_artifact_that_was_changed_says_so(client, bundle):
    (bundle / "summary.txt").write_text("L03: PASS result=success\n")
    page = Page(client.get(f"/runs/{bundle.name}/files/summary.txt").text)
    assert "not as recorded" in page.by_id("error").text


def test_an_artifact_as_it_is_may_do_nothing(client, bundle):
    hostile = b"<script>alert(1)</script>"
    (bundle / "live/L01/response.json").write_bytes(hostile)
    address = f"/runs/{bundle.name}/files/live/L01/response.json"
    raw = client.get(f"{address}?raw=1")
    assert (raw.content, raw.headers["content-type"]) == (hostile, "text/plain; charset=utf-8")
    assert raw.headers["content-security-policy"] == FILE_POLICY
    saved = client.get(f"{address}?download=1")
    assert saved.headers["content-disposition"] == 'attachment; filename="response.json"'
    assert saved.headers["content-security-policy"] == FILE_POLICY
    assert not [node for node in Page(client.get(address).text).all("script") if "src" not in node.attrs]


def test_a_huge_line_and_a_binary_file_are_cut_and_offered_as_a_download(client, bundle):
    (bundle / "live/L01/response.json").write_bytes(b"x" * (3 << 20))
    (bundle / "summary.txt").write_bytes(b"PK\x03\x04\x00\xff" * 100)
    reseal(bundle)
    answer = client.get(f"/runs/{bundle.name}/files/live/L01/response.json")
    assert len(answer.content) < 300_000
    assert "bytes are shown" in answer.text
    archive = f"/runs/{bundle.name}/files/summary.txt"
    assert "PK\\x03" in client.get(archive).text
    assert client.get(f"{archive}?raw=1").headers["content-type"] == "application/octet-stream"


def test_a_manifest_that_lists_a_path_outside_serves_nothing_from_there(client, bundle):
    (bundle.parent / "outside.txt").write_text("canary-outside")
    manifest = json.loads((bundle / layout.MANIFEST).read_text())
    manifest["files"].append({"path": "../outside.txt", "size": 14, "sha256": "0" * 64, "executable": False})
    (bundle / layout.MANIFEST).write_text(json.dumps(manifest))
    for path in ("../outside.txt", "%2e%2e%2foutside.txt"):
        answer = client.get(f"/runs/{bundle.name}/files/{path}")
        assert answer.status_code in {404, 500}
        assert "canary" not in answer.text


def test_a_link_in_the_place_of_an_artifact_is_not_followed(client, bundle, tmp_path):
    (tmp_path / "outside").write_text("canary-outside")
    path = bundle / "summary.txt"
    path.unlink()
    path.symlink_to(tmp_path / "outside")
    answer = client.get(f"/runs/{bundle.name}/files/summary.txt")
    assert answer.status_code == 500
    assert "canary" not in answer.text


def test_a_record_full_of_markup_is_only_text(client, bundle):
    change_run(bundle, lambda document: document.update(base_url="</title><script>alert(1)</script>"))
    page = Page(client.get(f"/runs/{bundle.name}").text)
    assert not [node for node in page.all("script") if "src" not in node.attrs]
    assert "<script>alert(1)</script>" in page.root.text
