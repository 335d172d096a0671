"""``ladder replay``: what is shown, what counts as missing or damaged, and that a changed outcome is seen."""

import json
import shutil
import socket
from dataclasses import replace
from itertools import takewhile

import pytest
from recorded_stage import LIVE, reseal, rewrite_lines, tree
from staged import silence, write_ladder

from harness.errors import UsageError
from harness.evidence.layout import EVENTS, MANIFEST, RUN, SUMS, TRACE_MANIFEST
from harness.evidence.reading import list_runs
from harness.replaying.choosing import Choice, choose
from harness.replaying.commands import say_replay
from harness.replaying.replay import replay
from harness.replaying.results_again import Source
from harness.runner.selection import Wish
from harness.runner.wanted_trials import WantedTrials

ROLLBACK = "rollback: {verify: mocked.ladder.yaml, as: mocked/RERUN}"


def say(folder, text="", **how):
    return say_replay(folder.parent, text, **{"allows_partial": False, "as_json": False} | how)


def document(folder, text="", **how):
    return json.loads(say(folder, text, as_json=True, **how).text)


def manifest(folder):
    return json.loads((folder / TRACE_MANIFEST).read_text())["trials"]


def unseal(folder):
    """Make a run look like one that was killed."""
    for name in (MANIFEST, SUMS):
        (folder / name).unlink()
    partial = folder.with_name(f"{folder.name}.partial")
    folder.rename(partial)
    return partial


def test_a_green_run_is_shown_and_comes_to_the_same_again(single):
    said = say(single)
    assert (said.code, said.remark) == (0, "")
    assert said.text.startswith(f"run {single.name}: PASS, recomputed PASS\n")
    assert "step POST /make: 200" in said.text
    assert "attempt 1: 200" in said.text
    assert 'held fail {"path": "doc.status", "eq": "success"}' in said.text
    assert "file live/L01/one.json" in said.text


def test_every_check_of_a_step_is_recomputed_and_those_of_the_scenario_are_said_to_be_stored(single):
    (trial,) = replay(single.parent, "").again.trials
    sources = [each.source for scenario in trial.scenarios for step in scenario.steps for each in step.checks]
    assert sources
    assert set(sources) == {Source.RECOMPUTED}
    stored = [each for scenario in trial.scenarios for each in scenario.loose]
    assert {each.source for each in stored} == {Source.STORED}
    assert "implied: database writes were watched [stored]" in say(single).text


def test_c09_all_trials_of_a_run_are_walked_in_order(three):
    told = document(three)
    assert [each["trial_index"] for each in told["trials"]] == [0, 1, 2]
    assert [each["trace_id"] for each in told["trials"]] == [each["trace_id"] for each in manifest(three)]
    assert [each["recomputed"] for each in told["trials"]] == ["PASS"] * 3
    assert all(len(each["scenarios"]) == 2 for each in told["trials"])


def test_c10_without_an_id_the_newest_run_is_taken_and_not_the_last_written_one(recorded):
    first = recorded.run()
    recorded.whole.time.passed += 60
    second = recorded.run()
    (first / "live/summary.txt").touch()
    assert document(first)["run"] == second.name


def test_c05_nothing_recorded_is_no_error(tmp_path):
    said = say(tmp_path / "nothing")
    assert (said.text, said.remark, said.code) == ("nothing recorded", "", 0)


def test_c13_a_refused_connection_leaves_a_trial_with_all_exchanges_before_it(recorded):
    recorded.whole.service.on("GET /look/p1", silence("ConnectError"))
    folder = recorded.run()
    told = document(folder)
    assert (told["verdict"], told["recomputed"], told["exit_code"]) == ("ERROR", "ERROR", 0)
    (trial,) = told["trials"]
    second = trial["scenarios"][1]
    exchange = next(each for each in second["steps"][0]["timeline"] if each["type"] == "exchange")
    assert exchange["answer"]["error"] == "ConnectError"
    assert [step["id"] for step in trial["scenarios"][0]["steps"]][:2] == ["submit", "result"]


def test_d04_a_trial_that_dies_late_keeps_what_came_before(recorded):
    def die(_call):
        raise RuntimeError("gone")

    recorded.whole.service.on("GET /look/p1", die)
    told = document(recorded.run())
    first, second = told["trials"][0]["scenarios"]
    assert first["recomputed"] == "PASS"
    assert (second["verdict"], second["recomputed"]) == ("ERROR", "ERROR")
    assert "RuntimeError" in second["reason"]


def test_c15_an_unknown_id_is_exit_1_and_with_the_flag_a_warning(single):
    said = say(single, "UNKNOWN")
    assert (said.text, said.code) == ("", 1)
    assert said.remark.startswith("error[run-unknown]")
    said = say(single, "UNKNOWN", allows_partial=True)
    assert said.code == 0
    assert said.remark.startswith("warning[run-unknown]")
    assert document(single, "01990000-0000")["reason"] == "run-unknown"


def test_c16_one_truncated_trace_of_three_is_named_and_the_flag_shows_the_other_two(trials):
    path = trials / manifest(trials)[1]["log"]
    path.write_bytes(path.read_bytes()[:-100])
    said = say(trials)
    assert said.code == 1
    assert said.remark.startswith("error[run-damaged]")
    assert path.name in said.remark
    said = say(trials, allows_partial=True)
    assert said.code == 0
    assert path.name in said.remark
    told = document(trials, allows_partial=True)
    assert any(path.name in line for line in told["damage"])
    assert [each["recomputed"] for each in told["trials"]][::2] == ["PASS", "PASS"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"v":2,"seq":1,"t":0,"at":"","type":"run_started"}\n'])
def test_c16_another_encoding_and_a_newer_schema_count_as_corrupt(trials, content):
    path = trials / manifest(trials)[2]["log"]
    path.write_bytes(content)
    reseal(trials)
    told = document(trials)
    assert (told["exit_code"], told["reason"]) == (1, "run-damaged")
    assert told["trials"][2]["why_unreadable"]
    assert document(trials, allows_partial=True)["exit_code"] == 0


@pytest.mark.parametrize("name", [RUN, TRACE_MANIFEST])
def test_d02_a_record_of_a_newer_schema_is_one_line_with_reason_and_hint(trials, name):
    text = (trials / name).read_text().replace("ladder.run/1", "ladder.run/2").replace("traces/1", "traces/2")
    (trials / name).write_text(text)
    reseal(trials)
    said = say(trials)
    assert (said.text, said.code) == ("", 1)
    assert said.remark.startswith("error[run-unreadable]")
    assert "hint" in said.remark


def test_a_trace_that_is_missing_in_a_sealed_run_is_named(trials):
    first = manifest(trials)[0]
    (trials / f"traces/{first['trace_id']}.json").unlink()
    reseal(trials)
    told = document(trials)
    assert told["reason"] == "run-damaged"
    assert "is not there" in told["trials"][0]["why_unreadable"]


def test_a_stored_outcome_that_cannot_be_made_again_is_a_mismatch(bundle):
    def held(line):
        if line["type"] == "observation" and line["step"] == "result":
            line["doc_json"] = '{"status": "error", "summary": "all is done"}'
        return line

    rewrite_lines(bundle / EVENTS, held)
    reseal(bundle)
    said = say(bundle)
    assert said.code == 1
    assert said.remark.startswith("error[verdict-mismatch]")
    assert "stored held, recomputed missed" in said.text
    told = document(bundle)
    assert (told["verdict"], told["recomputed"], told["reason"]) == ("PASS", "FAIL", "verdict-mismatch")


def test_a_check_that_was_taken_out_of_the_log_is_a_mismatch(bundle):
    lines = (bundle / EVENTS).read_text().splitlines()
    gone = [line for line in lines if '\\"eq\\": \\"${L01.pid}\\"' not in line]
    assert len(gone) == len(lines) - 1
    numbered = [json.dumps(json.loads(line) | {"seq": at}) for at, line in enumerate(gone, start=1)]
    (bundle / EVENTS).write_text("\n".join(numbered) + "\n")
    reseal(bundle)
    found = replay(bundle.parent, "")
    assert any("stored nothing, recomputed held" in line for line in found.mismatches)


def test_a_stored_verdict_of_a_trial_that_does_not_follow_is_a_mismatch(trials):
    text = (trials / TRACE_MANIFEST).read_text()
    (trials / TRACE_MANIFEST).write_text(text.replace('"status": "PASS"', '"status": "FAIL"', 1))
    reseal(trials)
    assert replay(trials.parent, "").mismatches == ("trial 0: stored FAIL, recomputed PASS",)


def test_d08_one_changed_byte_is_named(bundle):
    path = bundle / "ladders/live.ladder.yaml"
    path.write_text(path.read_text() + "#\n")
    told = document(bundle)
    assert (told["exit_code"], told["reason"]) == (1, "run-damaged")
    assert told["damage"] == ["ladders/live.ladder.yaml: hash-mismatch"]


def test_a_killed_run_is_shown_as_interrupted_and_unsealed(trials):
    partial = unseal(trials)
    first = json.loads((partial / TRACE_MANIFEST).read_text())
    first["trials"][2] |= {"status": "running", "sha256": None, "bytes": None}
    (partial / TRACE_MANIFEST).write_text(json.dumps(first))
    log = partial / first["trials"][2]["log"]
    log.write_bytes(log.read_bytes()[:-40])
    said = say(partial)
    assert said.code == 0
    assert "interrupted and unsealed: it is no evidence" in said.text
    assert "trial 0" in said.text
    assert "trial 2" in said.text


def test_d20_every_id_that_is_printed_is_accepted(three):
    told = document(three)
    first = told["trials"][0]
    ids = [told["run"], told["run_id"], first["trace_id"], first["scenarios"][0]["trace_id"]]
    assert [document(three, each)["run_id"] for each in ids] == [told["run_id"]] * 4
    assert [len(document(three, each)["trials"]) for each in ids] == [3, 3, 1, 1]
    assert len(document(three, ids[3])["trials"][0]["scenarios"]) == 1


def beginning(ids):
    """What all of them begin with."""
    return "".join(one[0] for one in takewhile(lambda each: len(set(each)) == 1, zip(*ids, strict=True)))


def test_d20_a_beginning_of_a_trace_will_do_and_one_that_fits_several_lists_them(three):
    (entry,) = list_runs(three.parent)
    # Ids of one minute begin alike, and a run goes before its traces.
    away = replace(entry, record=replace(entry.record, run_id="0190aaaa-0000-7000-8000-000000000000"))
    ids = [each["trace_id"] for each in manifest(three)] + [each.trace_id for each in entry.record.scenarios]
    shared = beginning(ids)
    assert len(shared) >= 8
    with pytest.raises(UsageError, match=f"{shared} fits 9 traces") as caught:
        choose([away], shared)
    assert ids[0] in caught.value.message
    longest = max(len(beginning([ids[0], other])) for other in ids[1:])
    assert choose([away], ids[0][: longest + 1]) == Choice(away, ids[0])
    assert choose([entry], ids[0][:8]).trace_id == ""


@pytest.mark.parametrize("text", ["../../etc/passwd", "..", "/etc/passwd", "%2e%2e%2f", "a b"])
def test_d20_a_name_that_leads_elsewhere_is_refused(single, text):
    with pytest.raises(UsageError) as caught:
        replay(single.parent, text)
    assert caught.value.reference == "run-name-invalid"


def test_d20_a_log_that_lies_elsewhere_is_not_read(trials):
    text = (trials / TRACE_MANIFEST).read_text()
    first = manifest(trials)[0]["log"]
    (trials / TRACE_MANIFEST).write_text(text.replace(first, "../../etc/passwd", 1))
    reseal(trials)
    assert document(trials)["reason"] == "run-unreadable"


def test_d19_what_was_recorded_is_shown_and_never_obeyed(recorded):
    odd = "[bold]\x1b[31mred[/etc/passwd]\u202e"
    recorded.whole.service.on("POST /make", {"id": f"p1{odd}", "note": "made"}).on("DELETE /make", {})
    folder = recorded.run()
    text = say(folder).text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]\\x1b[31mred[/etc/passwd]" in text


def test_c21_no_socket_is_opened_and_nothing_is_imported_that_could(single, monkeypatch):
    def refuse(*_args, **_fields):
        raise AssertionError("a socket was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    before = tree(single)
    assert say(single).code == 0
    assert tree(single) == before


def test_c21_the_command_imports_no_client_of_any_kind(single):
    import subprocess
    import sys
    from pathlib import Path

    program = (
        "import sys; from harness.cli import main\n"
        f"sys.argv = ['ladder', 'replay', '--out', {str(single.parent)!r}]\n"
        "try: main()\nexcept SystemExit as end: print(end.code, file=sys.stderr)\n"
        "print(sorted({'docker', 'httpx', 'httpcore', 'requests', 'openai', 'harness.senses'} & set(sys.modules)),"
        " file=sys.stderr)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True)
    assert done.stderr.splitlines() == ["0", "[]"]
    assert done.stdout.startswith(f"run {single.name}")


def test_the_rollback_is_shown_as_well_and_its_verdict_made_again(recorded):
    write_ladder(recorded.root / "scenarios", f"{LIVE}{ROLLBACK}", name="live", mode="live")
    told = document(recorded.run(rolls_back=True))
    folders = [each["folder"] for each in told["trials"][0]["scenarios"]]
    assert folders == ["live/L01", "live/L02", "mocked/RERUN/M01"]
    assert (told["recomputed"], told["mismatches"]) == ("PASS", [])


def test_a_red_scenario_and_those_blocked_by_it_come_to_the_same_again(recorded):
    recorded.whole.service.on("GET /result/p1", {"status": "error", "summary": "x"})
    told = document(recorded.run())
    assert (told["verdict"], told["recomputed"], told["mismatches"]) == ("FAIL", "FAIL", [])
    assert [each["verdict"] for each in told["trials"][0]["scenarios"]] == ["FAIL", "BLOCKED"]


def test_trials_that_were_taken_over_are_shown_from_where_they_lie(recorded):
    first = recorded.run_trials(2)
    recorded.whole.time.passed += 60
    second = recorded.run(trials=WantedTrials(4), wish=Wish(resume=True), from_run=first.name)
    told = document(second, second.name)
    assert [each["home"] for each in told["trials"]] == [first.name] * 2 + [second.name] * 2
    assert [each["recomputed"] for each in told["trials"]] == ["PASS"] * 4
    assert (told["recomputed"], told["mismatches"], told["damage"]) == ("PASS", [], [])
    taken = told["trials"][0]["trace_id"]
    assert document(second, taken)["run"] == first.name
    (first / "traces" / f"{taken}.jsonl").write_text("{}")
    told = document(second, second.name)
    assert told["reason"] == "run-damaged"
    assert taken in " ".join(told["damage"])
    shutil.rmtree(first)
    told = document(second, second.name)
    assert "which is not there" in told["trials"][0]["why_unreadable"]
