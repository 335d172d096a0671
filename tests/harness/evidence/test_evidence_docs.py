"""``docs/evidence/README.md`` names everything that a run may leave behind."""

import re
from pathlib import Path

import pytest
import yaml
from sample_run import write_run_folder

from harness.evidence import layout
from harness.evidence.causes import SYMPTOMS
from harness.evidence.event_lines import KINDS

ROOT = Path(__file__).parents[3]
README = (ROOT / "docs/evidence/README.md").read_text()
NAMED = set(re.findall(r"`([^`\n]+)`", README))

LADDERS = sorted((ROOT / "scenarios").glob("*.ladder.yaml"))


def artifact_names(node):
    """Names under ``evidence``, ``save``, ``files`` of a copy and ``as`` of collected logs, anywhere in a ladder."""
    if isinstance(node, list):
        return {name for item in node for name in artifact_names(item)}
    if not isinstance(node, dict):
        return set()
    found = {name for key, item in node.items() if key != "rollback" for name in artifact_names(item)}
    found |= set(node.get("save") or {})
    found |= {name for name in node.get("evidence") or [] if isinstance(name, str)}
    return found | ({node["as"]} if "label" in node and "as" in node else set())


@pytest.mark.parametrize(
    "name",
    sorted(
        value for key, value in vars(layout).items() if key.isupper() and isinstance(value, str) and "." in value[1:]
    ),
)
def test_every_file_of_the_layout_is_named(name):
    assert name in NAMED


@pytest.mark.parametrize("name", [layout.SUMS, layout.PARTIAL_SUFFIX])
def test_so_are_those_without_a_suffix(name):
    assert name in README


def test_every_file_of_a_written_run_is_named(tmp_path):
    folder = write_run_folder(tmp_path).folder
    paths = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    unnamed = [path for path in paths if path not in NAMED and path.rpartition("/")[2] not in NAMED]
    assert unnamed == []


def test_every_artifact_of_the_shipped_ladders_is_named():
    assert [ladder.name for ladder in LADDERS] == ["edits.ladder.yaml", "live.ladder.yaml", "mocked.ladder.yaml"]
    for ladder in LADDERS:
        names = artifact_names(yaml.safe_load(ladder.read_text()))
        assert names >= {"response.json", "result.json", "result_excerpt.txt", "files.json"}
        assert names - NAMED == set()


def test_every_type_of_event_is_named():
    assert set(KINDS) - NAMED == set()


def test_the_table_of_causes_is_that_of_the_code():
    table = README.partition("## Suspected causes")[2]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == [symptom.reference for symptom in SYMPTOMS]
