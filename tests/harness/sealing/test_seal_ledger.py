"""The ledger and the runs beside it: what a kill leaves is mended, and whatever else does not fit is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sealing.ledger import NO_PREVIOUS, ChainWord, Ledger, Line, Stored, left_out, parse, troubles

NAMES = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 6)]


def sha(number):
    return f"{number:064x}"


def chain(count, start=NO_PREVIOUS):
    """So many runs in one chain."""
    prevs = [start, *(sha(number) for number in range(1, count))]
    return [Stored(NAMES[number], sha(number + 1), prev) for number, prev in enumerate(prevs)]


def ledger(runs):
    return parse(b"".join(each.line.spelt() for each in runs))


def told(book, runs):
    return {(each.word, each.run) for each in troubles(book, runs)}


def words(book, runs):
    return {each.word for each in troubles(book, runs)}


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_whole_chain_has_no_trouble(count):
    runs = chain(count)
    assert troubles(ledger(runs), runs) == ()
    assert ledger(runs).head == (runs[-1].manifest_sha256 if runs else NO_PREVIOUS)


def test_a_line_is_spelt_in_one_way():
    line = Line(NAMES[0], sha(1), NO_PREVIOUS)
    spelt = line.spelt()
    assert spelt.startswith(b'{"run": "2026-01-01T00:00:00Z", "manifest_sha256": "000')
    assert parse(spelt).lines == (line,)
    for odd in (
        spelt.replace(b": ", b":"),
        spelt.replace(b"}", b', "x": 1}'),
        b" " + spelt,
        spelt.upper(),
        b"\n",
        b"7\n",
    ):
        assert parse(odd).lines == ()
        assert [each.word for each in parse(odd).troubles] == [ChainWord.MISMATCH]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_a_ledger_without_failing(data):
    found = parse(data)
    assert not found.lines or data


# What a kill leaves.


@pytest.mark.parametrize("count", [1, 4])
def test_a_last_line_that_is_missing_is_told_and_is_no_fault(count):
    runs = chain(count)
    book = ledger(runs[:-1])
    assert left_out(book, runs) == runs[-1]
    (trouble,) = troubles(book, runs)
    assert (trouble.word, trouble.run, trouble.is_fault) == (ChainWord.BEHIND, runs[-1].run, False)


@pytest.mark.parametrize("kept", [1, 30, -1])
def test_a_last_line_that_is_torn_anywhere_is_completed(kept):
    runs = chain(3)
    data = b"".join(each.line.spelt() for each in runs[:2])
    torn = runs[2].line.spelt()[:kept]
    book = parse(data + torn)
    assert (book.torn, left_out(book, runs)) == (torn, runs[2])
    assert words(book, runs) == {ChainWord.BEHIND}


def test_a_torn_line_of_no_run_that_is_there_is_not_completed():
    runs = chain(2)
    book = parse(b"".join(each.line.spelt() for each in runs) + b'{"run": "2026')
    assert left_out(book, runs) is None
    assert words(book, runs) == {ChainWord.MISMATCH}
    other = parse(runs[0].line.spelt() + b'{"run": "2020-01-01')
    assert left_out(other, runs) is None
    assert words(other, runs) == {ChainWord.MISMATCH}


# What no kill leaves.


def test_a_run_that_was_dropped_in_the_middle_breaks_the_chain():
    runs = chain(4)
    without = [runs[0], runs[1], runs[3]]
    # With its line, and without.
    assert (ChainWord.BROKEN, NAMES[3]) in told(ledger(without), without)
    assert {(ChainWord.BROKEN, NAMES[3]), (ChainWord.MISMATCH, NAMES[2])} <= told(ledger(runs), without)


def test_the_first_run_of_a_chain_is_missed_as_well():
    runs = chain(3)
    assert (ChainWord.BROKEN, NAMES[1]) in told(ledger(runs[1:]), runs[1:])


def test_lines_that_changed_places_break_the_chain():
    runs = chain(4)
    book = ledger([runs[0], runs[2], runs[1], runs[3]])
    assert ChainWord.BROKEN in words(book, runs)


def test_runs_that_changed_places_do_not_fit_the_ledger():
    runs = chain(3)
    swapped = [runs[0], Stored(NAMES[2], sha(2), sha(1)), Stored(NAMES[1], sha(3), sha(2))]
    assert told(ledger(runs), swapped) == {(ChainWord.MISMATCH, NAMES[1]), (ChainWord.MISMATCH, NAMES[2])}


@pytest.mark.parametrize(
    "edited",
    [
        Line(NAMES[1], sha(9), sha(1)),
        Line(NAMES[1], sha(2), sha(9)),
        Line("2020-01-01T00:00:00Z", sha(2), sha(1)),
    ],
)
def test_a_line_that_was_edited_is_told(edited):
    runs = chain(3)
    book = parse(runs[0].line.spelt() + edited.spelt() + runs[2].line.spelt())
    assert ChainWord.MISMATCH in words(book, runs)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_line_that_is_missing_before_the_last_is_told(missing):
    runs = chain(4)
    book = ledger([each for each in runs if each.run != NAMES[missing]])
    assert (ChainWord.MISMATCH, NAMES[missing]) in told(book, runs)


def test_the_newest_run_cannot_vanish_and_leave_its_line():
    runs = chain(3)
    assert told(ledger(runs), runs[:2]) == {(ChainWord.MISMATCH, NAMES[2])}


def test_two_runs_that_continue_from_the_same_one_are_a_fork_and_none_is_chosen():
    runs = chain(2)
    fork = Stored(NAMES[2], sha(7), sha(1))
    assert left_out(ledger(runs[:1]), [*runs, fork]) is None
    found = told(ledger(runs), [*runs, fork])
    assert {(ChainWord.BROKEN, NAMES[1]), (ChainWord.BROKEN, NAMES[2]), (ChainWord.MISMATCH, NAMES[2])} <= found


def test_a_run_that_is_listed_twice_is_told():
    runs = chain(2)
    assert (ChainWord.MISMATCH, NAMES[0]) in told(ledger([runs[0], *runs]), runs)


def test_a_run_whose_manifest_cannot_be_read_is_told():
    runs = chain(3)
    broken = [runs[0], Stored(NAMES[1], "", ""), runs[2]]
    assert (ChainWord.MISMATCH, NAMES[1]) in told(ledger(runs), broken)


def test_no_ledger_beside_a_run_that_continues_from_another_is_told():
    runs = chain(2)
    assert (ChainWord.MISMATCH, NAMES[1]) in told(None, runs)


# Runs of before the ledger.


def test_runs_of_before_the_ledger_are_no_part_of_the_chain_and_no_fault():
    old = [Stored(name, sha(100 + number), NO_PREVIOUS) for number, name in enumerate(NAMES[:2])]
    assert words(None, old) == {ChainWord.BEFORE}
    new = [Stored(NAMES[3], sha(1), NO_PREVIOUS), Stored(NAMES[4], sha(2), sha(1))]
    assert told(ledger(new), [*old, *new]) == {(ChainWord.BEFORE, NAMES[0]), (ChainWord.BEFORE, NAMES[1])}


def test_a_run_that_claims_to_be_older_than_the_ledger_and_is_not_is_told():
    runs = chain(2)
    late = Stored(NAMES[4], sha(9), NO_PREVIOUS)
    assert told(ledger(runs), [*runs, late]) == {(ChainWord.MISMATCH, NAMES[4])}


def test_in_a_ledger_without_lines_the_newest_run_is_the_one_that_was_killed():
    runs = [Stored(name, sha(100 + number), NO_PREVIOUS) for number, name in enumerate(NAMES[:3])]
    assert left_out(Ledger(), runs) == runs[2]
    assert words(Ledger(), runs) == {ChainWord.BEFORE, ChainWord.BEHIND}


def test_lines_are_sorted_by_name_a_few_times_and_not_once_for_each_run(monkeypatch):
    asked = []
    real = Ledger.runs.fget
    monkeypatch.setattr(Ledger, "runs", property(lambda ledger: asked.append(1) or real(ledger)))
    prevs = [NO_PREVIOUS, *(sha(number) for number in range(1, 50))]
    runs = [Stored(f"2026-01-01T00:00:{number:02}Z", sha(number + 1), prev) for number, prev in enumerate(prevs)]
    assert troubles(ledger(runs), runs) == ()
    assert len(asked) < 5
