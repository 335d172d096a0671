"""Finding and loading ladders, and what the commands say."""

import json
from pathlib import Path

import pytest
from ladder_files import HEAD, SCENARIOS, ladder

from harness.errors import ExitCode, ScenarioError, UsageError
from harness.language.commands import GraphForm, schema, show, validate
from harness.language.findings import InvalidLadderError
from harness.language.loading import find, load

ROOT = SCENARIOS.parent
TWO = (
    f"{HEAD}name: two\ngate: {{proceed_on: [pass, limited]}}\nscenarios:\n"
    '  A: {title: The "first", steps: [{id: s, get: /docs, save: {a.txt: status}}], evidence: [a.txt]}\n'
    "  B: {title: Second, needs: [A], steps: [{get: /docs}, {get: /docs}]}\n"
)


def written(folder, text, name="try.ladder.yaml"):
    path = Path(folder, name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_ladder_is_found_by_its_name_or_its_path(tmp_path):
    assert find("live", ROOT) == SCENARIOS / "live.ladder.yaml"
    assert find("live.ladder.yaml", ROOT) == SCENARIOS / "live.ladder.yaml"
    path = written(tmp_path, TWO)
    assert find(str(path), ROOT) == path


def test_an_unknown_ladder_names_the_nearest_one():
    with pytest.raises(UsageError, match=r"no ladder 'lvie' \(did you mean 'live'\?\)") as caught:
        find("lvie", ROOT)
    assert caught.value.reference == "ladder-missing"
    assert caught.value.hint == "known ladders: edits, live, mocked; or name a file"


def test_an_invalid_ladder_carries_all_its_faults_and_the_first_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, ladder("- {get: /docs, a: 1}\n- {get: /docs, b: 1}"))
    with pytest.raises(ScenarioError) as caught:
        load(path, {})
    error = caught.value
    assert isinstance(error, InvalidLadderError)
    assert (error.exit_code, error.reference) == (ExitCode.USAGE, "unknown-key")
    assert (error.source, error.line, error.column) == ("try.ladder.yaml", 7, 22)
    assert [finding.mark.line for finding in error.findings] == [7, 8]
    assert error.render().splitlines()[0] == "try.ladder.yaml:7:22: error: unknown key 'a' [unknown-key]"
    assert error.render().splitlines()[-1] == "2 errors"


def test_a_file_that_is_no_utf_8_is_refused_with_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [finding] = validate([written(tmp_path, b"a: 1\nb: \xff\n")], {}).findings
    assert (str(finding.mark), finding.rule) == ("try.ladder.yaml:2:1", "not-yaml")


def test_a_byte_order_mark_moves_no_column(tmp_path):
    assert validate([written(tmp_path, b"\xef\xbb\xbf" + TWO.encode())], {}).findings == ()


def test_a_missing_file_is_an_error_of_usage(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "nothing.ladder.yaml", {})


def test_no_message_tells_where_the_working_folder_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, ladder("- {get: /docs, a: 1}"))
    assert str(tmp_path) not in validate([path], {}).render()
    assert load(written(tmp_path, TWO), {}).file == "try.ladder.yaml"


def test_the_rollback_s_ladder_must_be_there(tmp_path):
    text = ladder("- get: /docs", top="rollback: {verify: mocked.ladder.yaml, as: mocked/RERUN}\n")
    path = written(tmp_path, text)
    assert [finding.rule for finding in validate([path], {}).findings] == ["missing-file"]
    written(tmp_path, TWO, "mocked.ladder.yaml")
    assert validate([path], {}).findings == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "'a.json' cannot be read as JSON: JSONDecodeError"),
        ("[" * 100_000 + "]" * 100_000, "'a.json' cannot be read as JSON: RecursionError"),
        ("5", "'a.json' is no JSON Schema"),
    ],
)
def test_a_document_s_schema_must_be_json_and_a_schema(tmp_path, text, message):
    path = written(tmp_path, ladder("- {get: /docs, expect: [{schema: a.json}]}"))
    written(tmp_path, text, "a.json")
    [finding] = validate([path], {}).findings
    assert finding.message == message


@pytest.mark.parametrize("name", ["CON", "aux.json", "a" * 101, "a."])
def test_a_file_that_evidence_cannot_hold_is_told_before_anything_is_sent(tmp_path, name):
    path = written(tmp_path, ladder(f"- {{get: /docs, save: {{{name}: body}}}}"))
    assert [finding.rule for finding in validate([path], {}).findings] == ["bad-value"]


@pytest.mark.parametrize("name", ["console.json", "a" * 100, "com.txt", "a..b"])
def test_a_file_that_evidence_can_hold_is_let_pass(tmp_path, name):
    assert validate([written(tmp_path, ladder(f"- {{get: /docs, save: {{{name}: body}}}}"))], {}).findings == ()


def test_a_duration_is_short_enough_for_a_clock(tmp_path):
    path = written(tmp_path, ladder(f"- {{get: /docs, timeout: {'9' * 20}h}}"))
    assert [finding.rule for finding in validate([path], {}).findings] == ["duration-unit"]


def test_a_name_that_no_file_can_have_is_an_unknown_ladder():
    with pytest.raises(UsageError) as caught:
        find("a" * 5_000, ROOT)
    assert caught.value.reference == "ladder-missing"


def test_validation_sums_up_over_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, bad = written(tmp_path, TWO, "good.ladder.yaml"), written(tmp_path, ladder("- {get: /docs, a: 1}"))
    found = validate([good, bad], {})
    assert found.exit_code == ExitCode.USAGE
    assert found.render().splitlines()[-1] == "2 files: 1 error"
    assert json.loads(found.as_json()) == {
        "files": 2,
        "findings": [
            {
                "file": "try.ladder.yaml",
                "line": 7,
                "column": 22,
                "rule": "unknown-key",
                "message": "unknown key 'a'",
            }
        ],
    }
    assert validate([good], {}).exit_code == ExitCode.OK
    assert validate([good], {}).render() == "1 file: 0 errors"


def test_the_gate_graph_is_shown_as_a_table_for_people(tmp_path):
    assert show(load(written(tmp_path, TWO), {}), GraphForm.TABLE) == (
        "two (live), goes on after limited, pass\n"
        "ID  NEEDS  STEPS  TITLE\n"
        'A   -      1      The "first"\n'
        "B   A      2      Second"
    )


def test_the_gate_graph_is_shown_as_graphviz_source(tmp_path):
    assert show(load(written(tmp_path, TWO), {}), GraphForm.DOT) == (
        'digraph "two" {\n'
        "  node [shape=box];\n"
        '  label="goes on after limited, pass";\n'
        '  "A" [label="A: The \\"first\\""];\n'
        '  "B" [label="B: Second"];\n'
        '  "A" -> "B";\n'
        "}"
    )


def test_the_gate_graph_is_shown_as_json_for_programs(tmp_path):
    loaded = load(written(tmp_path, TWO), {})
    found = json.loads(show(loaded, GraphForm.JSON))
    assert {key: found[key] for key in ("ladder", "mode", "digest", "gate")} == {
        "ladder": "two",
        "mode": "live",
        "digest": loaded.digest,
        "gate": {"proceed_on": ["limited", "pass"]},
    }
    assert found["scenarios"][0] == {
        "id": "A",
        "title": 'The "first"',
        "line": 6,
        "needs": [],
        "steps": ["s"],
        "evidence": ["a.txt"],
        "trials": 1,
    }
    assert (found["scenarios"][1]["needs"], found["scenarios"][1]["line"]) == (["A"], 7)


def test_the_schema_is_exported_as_it_is_shipped():
    assert json.loads(schema())["$id"] == "ladder.schema.json"
