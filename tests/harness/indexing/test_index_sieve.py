"""What is asked of a list: verdicts, scenarios, ladders, traces and times; and what is no question."""

from dataclasses import replace
from datetime import timedelta

import pytest
from indexed_runs import FUTURE_NS, MINUTE, NOW, add_run, record_of, run_id, trace_id

from harness.errors import UsageError
from harness.evidence.run_record import RunStatus
from harness.indexing.instants import first_us, last_us
from harness.indexing.listing import list_facts
from harness.indexing.sieve import Sieve
from harness.indexing.store import Index
from harness.indexing.wishes import Wishes
from harness.judging.verdict import Verdict


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """0: PASS, 1: FAIL, 2: interrupted FAIL, 3: FLAKY of another ladder, 4: partial with a verdict, 5: damaged."""
    root = tmp_path_factory.mktemp("runs")
    add_run(root, 0)
    add_run(root, 1, Verdict.FAIL)
    add_run(root, 2, Verdict.FAIL, status=RunStatus.INTERRUPTED)
    (ladder,) = record_of(3).ladders
    add_run(root, 3, Verdict.FLAKY, ladders=(replace(ladder, name="own", file="elsewhere/my.ladder.yaml"), ladder))
    folder = add_run(root, 4, Verdict.PASS)
    folder.rename(f"{folder}.partial")
    (add_run(root, 5, Verdict.PASS) / "manifest.json").unlink()
    return root


def found(root, **wishes):
    """Numbers of the runs, with an index that knows them and without one."""
    sieve = Sieve.of(Wishes(**wishes), NOW + timedelta(days=1))
    answers = []
    for index in (Index(root), Index(root)):
        listing = list_facts(root, index, with_contents=sieve.needs_contents, now_ns=lambda: FUTURE_NS)
        passed = sieve.sifted(listing.runs, listing.contents)
        answers.append([[run_id(number) for number in range(6)].index(each.run_id) for each in passed])
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.parametrize(
    ("wishes", "numbers"),
    [
        ({}, [5, 4, 3, 2, 1, 0]),
        ({"status": "PASS"}, [0]),
        ({"status": "fail"}, [2, 1]),
        ({"status": "FLAKY"}, [3]),
        ({"status": "ERROR"}, []),
        ({"status": "finished"}, [3, 2, 1, 0]),
        ({"status": "Partial"}, [4]),
        ({"status": "damaged"}, [5]),
        ({"status": "running"}, []),
        ({"status": "interrupted"}, [4, 2]),
        ({"scenario": "L01"}, [5, 4, 3, 2, 1, 0]),
        ({"scenario": "live/L02"}, [5, 4, 3, 2, 1, 0]),
        ({"scenario": "L0"}, []),
        ({"scenario": "L02", "status": "FAIL"}, [3, 2, 1, 0]),
        ({"scenario": "L03", "status": "BLOCKED"}, [3, 2, 1, 0]),
        ({"scenario": "L01", "status": "FAIL"}, []),
        ({"scenario": "L01", "status": "damaged"}, [5]),
        ({"ladder": "live"}, [5, 4, 2, 1, 0]),
        ({"ladder": "own"}, [3]),
        ({"ladder": "my"}, [3]),
        ({"ladder": "elsewhere/my.ladder.yaml"}, [3]),
        ({"ladder": "liv"}, []),
        ({"trace": trace_id(3)}, [3]),
        ({"trace": trace_id(2, 1)[:13]}, [2]),
        ({"trace": trace_id(1).replace("-", "").upper()}, [1]),
        ({"trace": "01900002"}, [2]),
        ({"trace": "ffffffff"}, []),
        ({"since": "2025-11-14T17:16:05Z"}, [5, 4, 3, 2]),
        ({"until": "2025-11-14T17:16:05Z"}, [2, 1, 0]),
        ({"since": "2025-11-14T18:16:05+01:00", "until": "2025-11-14t17:17:05z"}, [3, 2]),
        ({"since": "2025-11-14", "until": "2025-11-14"}, [5, 4, 3, 2, 1, 0]),
        ({"since": "2025-11-15"}, []),
        ({"until": "2025-11-13"}, []),
        ({"since": "1d"}, [5, 4, 3, 2, 1, 0]),
        ({"since": "1438m"}, [5, 4, 3, 2]),
        ({"until": "24h"}, [0]),
        ({"since": "1w", "status": "FAIL", "scenario": "L02", "ladder": "own"}, [3]),
    ],
    ids=str,
)
def test_wishes_narrow_the_list_and_one_another(root, wishes, numbers):
    assert found(root, **wishes) == numbers


@pytest.mark.parametrize(
    ("wishes", "reference"),
    [
        ({"status": "green"}, "status-unknown"),
        ({"since": "yesterday"}, "date-invalid"),
        ({"since": "2025-13-01"}, "date-invalid"),
        ({"since": "2025-11-14T17:14:05"}, "date-invalid"),
        ({"since": "2025-11-14T25:14:05Z"}, "date-invalid"),
        ({"since": "20251114"}, "date-invalid"),
        ({"since": "-7d"}, "date-invalid"),
        ({"since": "7"}, "date-invalid"),
        ({"since": "999999w"}, "date-invalid"),
        ({"until": "7 d"}, "date-invalid"),
        ({"until": "\uff12\uff10\uff12\uff15-11-14"}, "date-invalid"),
        ({"since": "2025-11-15", "until": "2025-11-14"}, "flags-contradict"),
        ({"trace": "0190aaa"}, "trace-prefix-invalid"),
        ({"trace": "../../etc/passwd"}, "trace-prefix-invalid"),
        ({"trace": "0" * 33}, "trace-prefix-invalid"),
        ({"scenario": "L01\tPASS"}, "scenario-name-invalid"),
        ({"scenario": "L.*|"}, "scenario-name-invalid"),
    ],
    ids=str,
)
def test_what_is_no_question_is_a_usage_error_that_says_what_would_be_one(wishes, reference):
    with pytest.raises(UsageError) as caught:
        Sieve.of(Wishes(**wishes), NOW)
    assert caught.value.reference == reference
    assert caught.value.hint


def test_a_day_is_meant_as_a_whole():
    assert last_us("--until", "2025-11-14", NOW) - first_us("--since", "2025-11-14", NOW) == 86_400_000_000 - 1
    assert last_us("--until", "2025-11-14T00:00:00Z", NOW) == first_us("--since", "2025-11-14", NOW)


def test_a_name_that_would_look_like_two_columns_is_one(tmp_path):
    scenario = replace(record_of(0).scenarios[0], id="X\tlive/X\tPASS\n\nL77", folder="live/X")
    add_run(tmp_path, 0, scenarios=(scenario,))
    sieve = Sieve.of(Wishes(scenario="L77"), NOW + MINUTE)
    listing = list_facts(tmp_path, Index(tmp_path), with_contents=True)
    assert sieve.sifted(listing.runs, listing.contents) == []
