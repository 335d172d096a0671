"""The export: one small file that loads nothing, with all that the pages tell."""

import json
import re
from pathlib import Path

import pytest
from console_stage import caller, copied
from reading_pages import Page
from stored_runs import change_case, change_run

from harness.console.sources import Sources
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet

SAMPLE = next(Path(__file__).parents[2].glob("docs/evidence/2*"))

MOST = 700_000
"""Bytes of a run of twelve scenarios."""


@pytest.fixture
def exported(client, bundle):
    return lambda: client.get(f"/runs/{bundle.name}/export.html").text


def test_a_run_of_twelve_scenarios_is_small():
    redactor = Redactor(SecretSet(()))
    found = caller(Sources.of(SAMPLE.parent, lambda: redactor, None)).get(f"/runs/{SAMPLE.name}/export.html")
    assert found.status_code == 200
    assert len(found.text.encode()) < MOST


def test_it_has_the_rows_of_every_page_in_every_table(client, bundle, exported):
    page = Page(exported())
    for name in ("L01", "L02", "L03", "L04"):
        twin = client.get(f"/runs/{bundle.name}/{name}.json").json()
        case = next(node for node in page.root.walk() if node.attrs.get("id") == f"case-{name}")
        told = {
            "execution-trace-table": "execution_trace",
            "db-writes-table": "db_writes",
            "apis-used-table": "apis_used",
            "synthetic-input-table": "synthetic_input",
            "produced-output-table": "produced_output",
            "assertions-table": "assertions",
        }
        for test_id, key in told.items():
            table = next(node for node in case.walk() if node.attrs.get("data-testid") == test_id)
            assert len(table.rows()) == max(1, twin[key]["count"]), (name, test_id)


def test_bodies_logs_notes_and_gates_are_in_it(client, bundle, exported):
    text = Page(exported()).root.text
    twin = client.get(f"/runs/{bundle.name}/L01.json").json()
    bodies = [made["response"] for step in twin["steps"] for made in step["exchanges"] if made["response"]]
    assert bodies
    assert all(body in text for body in bodies)
    assert (bundle / "live/L03/notes.txt").read_text().splitlines()[0] in text
    assert "the gate behind L03 was closed" in text


def test_its_links_lead_within_it_and_every_one_of_them_arrives(exported):
    page = Page(exported())
    ids = {node.attrs["id"] for node in page.root.walk() if "id" in node.attrs}
    links = [node.attrs["href"] for node in page.all("a")]
    assert len(links) > 5
    assert {link.removeprefix("#") for link in links} <= ids


def test_it_names_nothing_that_could_be_fetched(exported):
    text = exported()
    tags = re.findall(r"<[a-z][^>]*>", text)
    assert not [tag for tag in tags if re.search(r"\s(src|srcset|action|style|on\w+)=", tag)]
    assert not [tag for tag in tags if tag.startswith(("<link", "<script", "<iframe", "<object", "<img"))]


def test_trials_of_an_export_have_no_address_of_a_server(client, sealed_trials, root):
    trials = copied(sealed_trials, root / sealed_trials.name)
    page = Page(client.get(f"/runs/{trials.name}/export.html").text)
    assert page.by_id("trials-strip")
    ids = {f"#{node.attrs['id']}" for node in page.root.walk() if "id" in node.attrs}
    assert {node.attrs["href"] for node in page.all("a")} <= ids


@pytest.mark.parametrize(
    "hostile", ["</td></li>\"quoted\" &#34; &lt;td&gt; 'single'", "a > b < c </style>", "</pre><b>"]
)
def test_what_makes_it_small_changes_no_text_and_no_element(bundle, exported, hostile):
    before = [node.tag for node in Page(exported()).root.walk()]
    change_case(bundle, lambda document: document["assertions"][0].update(got=hostile))
    page = Page(exported())
    assert hostile in page.by_id("assertions-table").text
    assert [node.tag for node in page.root.walk()] == before


def test_a_quote_ends_no_attribute(bundle, exported):
    def quoted(document):
        for each in document["scenarios"]:
            each["folder"] = each["folder"].replace("live/", 'live" onclick="alert(1)/')

    change_run(bundle, quoted)
    page = Page(exported())
    labels = [node.attrs.get("aria-label", "") for node in page.all("figure")]
    assert any('live" onclick="alert(1)' in label for label in labels)
    assert not [name for node in page.root.walk() for name in node.attrs if name.startswith("on")]


def test_an_export_is_one_file_with_everything_and_asks_for_nothing(client, bundle):
    answer = client.get(f"/runs/{bundle.name}/export.html")
    page = Page(answer.text)
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("img")
    targets = [node.attrs["href"] for node in page.all("a")]
    assert targets
    assert all(target.startswith("#") for target in targets)
    ids = [node.attrs["id"] for node in page.root.walk() if "id" in node.attrs]
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in targets} <= set(ids)
    manifest = client.get(f"/runs/{bundle.name}.json").json()["trust"]["manifest_sha256"]
    assert manifest in answer.text
    assert "unsigned" in page.by_id("trust-strip").text
    events = json.loads((bundle / "cases/live-L01.json").read_text())["execution_trace"]
    assert len(page.by_id("execution-trace-table").rows()) == len(events)
    rows = [node for node in page.root.walk() if node.attrs.get("data-testid") == "db-writes-table"]
    assert len(rows) == 5


def test_the_policy_of_an_export_allows_its_own_style_and_nothing_else(client, bundle):
    answer = client.get(f"/runs/{bundle.name}/export.html")
    page = Page(answer.text)
    policy = next(node.attrs["content"] for node in page.all("meta") if node.attrs.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith(policy)


def test_an_export_passes_the_redactor(root, bundle, sources):
    change_run(bundle, lambda document: document.update(base_url="http://canary-known-later"))
    known = SecretSet((NamedSecret("OPENAI_API_KEY", Secret("canary-known-later")),))
    telling = Sources(sources.shelf, sources.trusted, lambda: Redactor(known), sources.backend)
    text = caller(telling).get(f"/runs/{bundle.name}/export.html").text
    assert "canary-known-later" not in text
    assert "[REDACTED]" in text
