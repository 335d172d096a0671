"""Wrong use is told before anything is sent or written."""

import pytest

pytestmark = pytest.mark.processes

USAGE = 2


@pytest.fixture
def ladder(warm_ladder):
    return warm_ladder


CASES = {
    "a ladder that nobody knows": (["run", "no-such-ladder"], "ladder-missing"),
    "a ladder with a slip in its name": (["run", "mockd"], "did you mean 'mocked'?"),
    "a file that is not there": (["run", "missing.ladder.yaml"], "missing.ladder.yaml"),
    "a scenario with a slip in its name": (["run", "{small}", "--only", "S1"], "did you mean 'S01'?"),
    "a scenario of another ladder": (["run", "{small}", "--only", "S01", "--only", "L05"], "no scenario 'L05'"),
    "a flag that nobody knows": (["run", "{small}", "--onyl", "S01"], "--onyl"),
    "a witness that nobody knows": (["run", "{small}", "--witness", "maybe"], "maybe"),
    "nothing to resume": (["run", "{small}", "--last-failed"], "nothing-to-resume"),
    "captures that nobody has": (["run", "{small}", "--only", "S02"], "prerequisite-missing"),
    "a name that is no run's": (["run", "{small}", "--only", "S02", "--from", "../../etc"], "run-name-invalid"),
}

BAD_FILES = {
    "no YAML": ("scenarios: [S01\n", "error:"),
    "an unknown key": ("apiVersion: ladder/v1\nmode: mocked\nscenarois: {}\n", "unknown-key"),
    "a duplicate key": ("apiVersion: ladder/v1\nmode: mocked\nmode: live\n", "duplicate-key"),
    "nothing at all": ("", "error:"),
}


def is_untouched(ladder, stub):
    return stub.asked == [] and not ladder.out.exists()


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_command_sends_and_writes_nothing(ladder, stub, case):
    arguments, told = CASES[case]
    done = ladder.run(*(str(ladder.file) if each == "{small}" else each for each in arguments))
    assert done.returncode == USAGE, done.stdout + done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert is_untouched(ladder, stub)


@pytest.mark.parametrize("case", BAD_FILES)
def test_an_invalid_ladder_sends_and_writes_nothing(ladder, stub, case):
    text, told = BAD_FILES[case]
    ladder.file.write_text(text)
    done = ladder.run(*ladder.climb())
    assert done.returncode == USAGE, done.stdout + done.stderr
    assert told in done.stderr
    assert "small.ladder.yaml" in done.stderr
    assert "Traceback" not in done.stderr
    assert is_untouched(ladder, stub)


def test_a_run_that_is_not_recorded_is_told(ladder, stub):
    done = ladder.run(*ladder.climb("--only", "S02", "--from", "2025-11-14T17:14:05Z"))
    assert "run-unknown" in done.stderr
    assert done.returncode in {1, USAGE}
    assert is_untouched(ladder, stub)


def test_a_secret_that_cannot_be_searched_for_stops_the_run_without_being_shown(ladder, stub):
    ladder.has_secret("OPENAI_API_KEY", "hunter2")
    done = ladder.run(*ladder.climb())
    assert done.returncode == 3
    assert "OPENAI_API_KEY" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert is_untouched(ladder, stub)
