"""Which rule an instruction gets is decided by its words and by nothing else."""

import pytest

from worker.rules.words import Rule, Words, asked_count, choose, first_count, is_forced_error


@pytest.mark.parametrize(
    ("instruction", "rule"),
    [
        ("Append a trailing newline to README.md if missing; otherwise make no changes.", Rule.NEWLINE),
        ("trailing-newline, please", Rule.NEWLINE),
        ("The readme needs a newline", Rule.NEWLINE),
        ("Add a docs/ folder with three small markdown files documenting modules (app, fibonacci, utils).", Rule.DOCS),
        ("docs directory", Rule.DOCS),
        ("Update app.py to use format_sequence from utils.py for printing.", Rule.USE_HELPER),
        ("import format_sequence", Rule.USE_HELPER),
        (
            "Add a module utils.py with helper function format_sequence(seq) that returns a comma-joined string.",
            Rule.MAKE_HELPER,
        ),
        (
            "Add CLI argument parsing so the program accepts N and prints the first N Fibonacci numbers.",
            Rule.ARGUMENTS,
        ),
        ("argparse: parse the options", Rule.ARGUMENTS),
        ("Refactor by moving fibonacci() to fibonacci.py and have app.py import and use it.", Rule.SPLIT),
        ("Enhance README with usage instructions and create CHANGELOG.md with initial entry.", Rule.TEXTS),
        ("changelog", Rule.TEXTS),
        ("Refactor fibonacci() to be iterative, add an input guard, and add a docstring note.", Rule.ITERATIVE),
        ("Modify the CLI to print the first 15 Fibonacci numbers.", Rule.COUNT),
        ("Print 20 numbers", Rule.COUNT),
        ("Change the count to 20", Rule.COUNT),
        ("Append a comment line to app.py describing the change.", Rule.OTHER),
        ("fix the README", Rule.OTHER),
        ("", Rule.OTHER),
    ],
)
def test_the_first_rule_that_fits_is_chosen(instruction, rule):
    assert choose(Words.of(instruction)) is rule


@pytest.mark.parametrize(
    "instruction",
    [
        "Handle a large argument",
        "Use click for the options",
        "Support a table of 8015 rows",
        "Fix the error: NameError",
        "Print the first 0 numbers",
        "Print the first 1001 rows",
        "first 1.5 seconds",
        "Change the size to 20",
        "fold the documents",
        "newlines in the text",
        "print the first \u0661\u0665 primes",
    ],
)
def test_f31_words_that_only_look_alike_trigger_no_special_rule(instruction):
    assert choose(Words.of(instruction)) is Rule.OTHER
    assert not is_forced_error(instruction)


@pytest.mark.parametrize(
    ("instruction", "count"),
    [
        ("first 1", 1),
        ("first 1000 of them", 1000),
        ("7 Fibonacci terms", 7),
        ("the first 15 instead of 10 numbers", 15),
        ("print 12 numbers, count up to 90", 12),
        ("set the output to 30", 30),
        ("first 1001, then 20 numbers", 20),
        ("to 30", None),
        ("30", None),
        ("first ten", None),
    ],
)
def test_the_count_is_read_from_its_neighbours(instruction, count):
    assert asked_count(Words.of(instruction)) == count


@pytest.mark.parametrize(("instruction", "count"), [("the first 25", 25), ("25 numbers", None), ("first 5000", None)])
def test_a_new_project_takes_its_count_from_first_n_alone(instruction, count):
    assert first_count(Words.of(instruction)) == count


@pytest.mark.parametrize(
    "instruction",
    [
        "force_error",
        "force_error: provoke a controlled failure",
        "please FORCE_ERROR now",
        "(Force_Error)",
        "  error: stop here",
        "a-force_error-b",
    ],
)
def test_a_job_is_made_to_fail_on_demand(instruction):
    assert is_forced_error(instruction)


@pytest.mark.parametrize(
    "instruction",
    ["no_force_errors", "force_errors", "xforce_error", "force_error1", "éforce_error", "force error", "an error: x"],
)
def test_a_job_is_not_made_to_fail_by_a_word_that_only_holds_the_word(instruction):
    assert not is_forced_error(instruction)


def test_words_keep_inner_dots_and_lose_outer_ones():
    words = Words.of("See docs/, utils.py and README. A_b!")
    assert words.sequence == ("see", "docs", "utils.py", "and", "readme", "a_b")
