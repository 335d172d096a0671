"""Names that lint lets pass are names that a run can store, and the other way round."""

import pytest
from ladder_files import HEAD, examined, ladder, rules

from harness.evidence import layout
from harness.evidence.paths import MAX_NAME, Names, fault_of
from harness.language.lint_names import LONGEST_FOLDER, LONGEST_ID, OF_THE_JUDGE, OF_THE_RUN


def test_what_judge_and_run_write_is_known_by_its_names():
    assert set(OF_THE_JUDGE) == {layout.NOTES, layout.EXECUTION_TRACE, layout.DB_WRITES}
    folders = {layout.TRACES, layout.CASES, layout.JUNIT, layout.trial_folder(0)}
    files = {layout.RUN, layout.STATE, layout.EVENTS, layout.SUMMARY, layout.SUMMARY_MD, *layout.RESERVED}
    assert {name.split("/")[0].casefold() for name in folders | files} == set(OF_THE_RUN)


def test_the_longest_names_make_a_file_name_that_a_run_can_store():
    case = layout.case_file(f"{'f' * LONGEST_FOLDER}-{'s' * LONGEST_ID}")
    assert fault_of(case) == ""
    assert MAX_NAME - 10 < len(case.split("/")[1]) <= MAX_NAME


@pytest.mark.parametrize("name", ["con", "AUX", "nul", "Com1", "lpt9", "prn"])
def test_a_device_is_no_scenario(name):
    assert fault_of(name)
    assert rules(f"{HEAD}scenarios: {{'{name}': {{title: A, steps: [{{get: /docs}}]}}}}\n") == ["unsafe-name"]


@pytest.mark.parametrize("name", ["console", "aux-1", "com", "com10", "nulls", "lpt"])
def test_a_look_alike_of_a_device_is_a_scenario(name):
    assert not fault_of(name)
    assert rules(f"{HEAD}scenarios: {{{name}: {{title: A, steps: [{{get: /docs}}]}}}}\n") == []


@pytest.mark.parametrize("name", ["mocked\\RERUN", "a//b", "a/", "a./b", "mocked/nul", "ü", "a" * 31])
def test_a_folder_that_a_run_could_not_make_is_told(name):
    text = ladder("- get: /docs", top=f"rollback: {{verify: live.ladder.yaml, as: '{name}'}}\n")
    assert rules(text) == ["unsafe-name"]
    assert fault_of(name) or len(name) > LONGEST_FOLDER


@pytest.mark.parametrize(
    ("steps", "top"),
    [
        ("- {get: /docs, save: {a.txt: text}}\n- {get: /docs, save: {a.txt: text}}", ""),
        ("- {get: /docs, save: {a.txt: text, notes.txt: text}}", ""),
        ("- {get: /docs, save: {job.json: body}}", "collect_on_fail: [{get: /docs, save: {job.json: body}}]\n"),
        ("- get: /docs", "rollback: {verify: live.ladder.yaml, as: live/RERUN, only: [L01]}\n"),
    ],
)
def test_what_a_run_can_store_is_no_clash(steps, top):
    assert rules(ladder(steps, top=top)) == []


@pytest.mark.parametrize(
    ("steps", "top"),
    [
        ("- {get: /docs, save: {Job.json: body}}", "collect_on_fail: [{get: /docs, save: {job.json: body}}]\n"),
        ("- {get: /docs, save: {DB_writes.json: body}}", ""),
        ("- {get: /docs, save: {a.log: text}}", "collect_on_fail: [{docker_logs: {label: a=b, as: A.log}}]\n"),
    ],
)
def test_what_differs_in_case_only_is_a_clash(steps, top):
    assert rules(ladder(steps, top=top)) == ["name-clash"]


def test_a_run_refuses_what_lint_calls_a_clash():
    names = Names()
    names.take("live/a1/a.txt")
    with pytest.raises(Exception, match="case only"):
        names.take("live/A1/b.txt")


@pytest.mark.parametrize(("only", "found"), [("[L01, L02]", []), ("[L01, M01]", ["unknown-scenario"])])
def test_a_rollback_names_scenarios_that_its_ladder_has(only, found):
    text = ladder("- get: /docs", top=f"rollback: {{verify: live.ladder.yaml, as: mocked/RERUN, only: {only}}}\n")
    assert rules(text) == found


def test_a_ladder_that_cannot_be_read_is_told_where_it_is_climbed(tmp_path):
    (tmp_path / "b.ladder.yaml").write_bytes(b"\xff: [")
    text = ladder("- get: /docs", top="rollback: {verify: b.ladder.yaml, as: mocked/RERUN, only: [M01]}\n")
    assert examined(text, folder=tmp_path)[1] == []
