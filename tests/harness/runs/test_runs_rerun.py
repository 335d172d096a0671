"""Runs that build on an earlier one: in a folder of their own, and only on what is whole and of the same file."""

import json

import pytest
from ladder_process import sealed, verdicts

pytestmark = pytest.mark.processes

USAGE = 2


@pytest.fixture
def ladder(warm_ladder):
    return warm_ladder


@pytest.fixture
def climbed(ladder):
    """A ladder with one green run."""
    assert ladder.run(*ladder.climb()).returncode == 0
    return ladder


@pytest.fixture
def red(ladder, stub):
    """A ladder whose last scenario was red."""
    stub.fails_edits = True
    assert ladder.run(*ladder.climb()).returncode == 1
    stub.asked.clear()
    return ladder


def newest(ladder):
    return sealed(ladder.entries()[0])


def without_traces(asked):
    """What the steps asked; each scenario asks for its trace as well."""
    return [(method, path) for method, path in asked if not path.startswith("/api/v1/traces/")]


def project_of(entry):
    return json.loads((entry.folder / "state.json").read_text())["captures"]["S01"]["pid"]


def test_one_scenario_uses_the_captures_of_the_newest_run(climbed, stub):
    assert climbed.run(*climbed.climb()).returncode == 0
    before = climbed.entries()
    stub.asked.clear()
    done = climbed.run(*climbed.climb("--only", "S02"))
    assert done.returncode == 0, done.stderr
    assert without_traces(stub.asked) == [("GET", f"/api/v1/{project_of(before[0])}/files")]
    entry = newest(climbed)
    assert entry.record.rerun_of == before[0].run_id
    assert verdicts(entry) == {"S02": "PASS"}
    assert project_of(entry) == project_of(before[0])
    # The runs before it are as they were.
    assert [sealed(each).run_id for each in climbed.entries()[1:]] == [each.run_id for each in before]


def test_the_run_that_is_built_on_can_be_named(climbed, stub):
    first = climbed.only_entry()
    assert climbed.run(*climbed.climb()).returncode == 0
    stub.asked.clear()
    assert climbed.run(*climbed.climb("--only", "S02", "--from", first.run_id[:13])).returncode == 0
    assert newest(climbed).record.rerun_of == first.run_id
    assert without_traces(stub.asked) == [("GET", f"/api/v1/{project_of(first)}/files")]


@pytest.mark.parametrize("flags", [("--resume", "{run}"), ("--last-failed",)])
def test_a_red_run_goes_on_at_its_first_red_scenario(red, stub, flags):
    first = red.only_entry()
    stub.fails_edits = False
    done = red.run(*red.climb(*(first.name if each == "{run}" else each for each in flags)))
    assert done.returncode == 0, done.stderr
    entry = newest(red)
    assert verdicts(entry) == {"S03": "PASS"}
    assert entry.record.rerun_of == first.run_id
    assert stub.count("POST", "/projects/") == 0
    assert verdicts(sealed(first)) == {"S01": "PASS", "S02": "PASS", "S03": "FAIL"}


def test_a_resumed_run_that_is_red_again_can_be_resumed_again(red, stub):
    assert red.run(*red.climb("--last-failed")).returncode == 1
    stub.fails_edits = False
    assert red.run(*red.climb("--last-failed")).returncode == 0
    assert verdicts(newest(red)) == {"S03": "PASS"}
    assert len(red.entries()) == 3


def test_nothing_is_left_to_resume_after_a_green_run(climbed, stub):
    stub.asked.clear()
    done = climbed.run(*climbed.climb("--last-failed"))
    assert done.returncode == USAGE
    assert "nothing-to-resume" in done.stderr
    assert stub.asked == []
    assert len(climbed.entries()) == 1


def test_a_missing_prerequisite_names_the_scenario_to_run_first(red, stub):
    # It has S01 and S02, and not what S03 would have captured.
    red.file.write_text(
        red.file.read_text() + "  S04: {title: Again, needs: [S03], steps: [{get: '/api/v1/${S03.job}'}]}\n"
    )
    stub.fails_edits = True
    assert red.run(*red.climb()).returncode == 1
    stub.asked.clear()
    done = red.run(*red.climb("--only", "S04"))
    assert done.returncode == USAGE
    assert "prerequisite-missing" in done.stderr
    assert "S04 builds on S03" in done.stderr
    assert "--only S03" in done.stderr
    assert stub.asked == []


def test_what_is_needed_can_be_climbed_as_well(ladder, stub):
    assert ladder.run(*ladder.climb("--only", "S02", "--with-needs")).returncode == 0
    assert verdicts(ladder.sealed()) == {"S01": "PASS", "S02": "PASS"}


@pytest.mark.parametrize("flags", [("--only", "S02"), ("--last-failed",), ("--resume", "{run}")])
def test_a_ladder_that_has_changed_since_is_refused(red, stub, flags):
    name = red.only_entry().name
    red.file.write_text(red.file.read_text().replace("ten numbers", "12 numbers"))
    done = red.run(*red.climb(*(name if each == "{run}" else each for each in flags)))
    assert done.returncode == USAGE
    assert "ladder-changed" in done.stderr
    assert stub.asked == []
    assert len(red.entries()) == 1


def test_a_run_that_was_altered_is_not_built_on(climbed, stub):
    folder = climbed.only_entry().folder
    state = folder / "state.json"
    text = state.read_text()
    state.chmod(0o600)
    state.write_text(text.replace('"S01"', '"S0x"'))
    stub.asked.clear()
    done = climbed.run(*climbed.climb("--only", "S02"))
    assert done.returncode == 1
    assert "error[run-damaged]" in done.stderr
    assert "state.json" in done.stderr
    assert stub.asked == []


def test_a_partial_run_is_never_built_on(climbed, stub):
    folder = climbed.only_entry().folder
    folder.rename(folder.with_name(f"{folder.name}.partial"))
    for flags, told in ((("--only", "S02"), "prerequisite-missing"), (("--resume", folder.name), "run-unfinished")):
        done = climbed.run(*climbed.climb(*flags))
        assert done.returncode == USAGE
        assert told in done.stderr
