"""What several trials of one ladder add up to: a rate with its uncertainty, and one verdict. Pure.

A trial counts when it has an answer: PASS, LIMITED or FAIL. One that ended as ERROR or INCONCLUSIVE says nothing about
the subject and is counted beside them, so that it can neither hide a failure nor make one. The doubt: trials of one
stack are not quite independent of one another, and all figures take them to be.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.errors import ExitCode
from harness.judging.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Z_95: Final = 1.959963984540054
"""97.5 % quantile of the normal distribution."""

LARGEST_K: Final = 10
"""pass@k and pass^k are told up to this k."""

ANSWERS: Final = frozenset({Verdict.PASS, Verdict.LIMITED, Verdict.FAIL})


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run of several trials must reach.

    Attributes:
        min_pass_rate: Of the trials with an answer, 0 to 1.
        max_errors: How many trials may end as ERROR.
        proceed_on: Lower-case verdict words of the ladder's gate: a trial that ended so is green.
    """

    min_pass_rate: float = 1.0
    max_errors: int = 0
    proceed_on: frozenset[str] = frozenset({"pass", "limited"})

    def is_green(self, verdict: Verdict) -> bool:
        """Whether a trial that ended so counts as passed."""
        return verdict in ANSWERS and verdict.value.lower() in self.proceed_on


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Trials taken together.

    Attributes:
        counts: Verdict word → trials.
        answered: Trials with an answer (n); ``passed`` are the green ones among them (k).
        rate: k/n; ``None`` without an answer, as the interval is.
        low, high: 95 % Wilson interval of the rate.
        pass_at: k → chance that at least one of k trials drawn from these is green (Chen et al. 2021, unbiased).
        pass_all: k → chance that all of k drawn trials are green (pass^k).
        is_flaky: Some trials are green and some are not.
        arithmetic: How the verdict came about, in one line.
    """

    verdict: Verdict
    trials: int
    answered: int
    passed: int
    counts: Mapping[str, int]
    rate: float | None
    low: float | None
    high: float | None
    pass_at: Mapping[str, float]
    pass_all: Mapping[str, float]
    is_flaky: bool
    arithmetic: str


def aggregate(verdicts: Iterable[Verdict], policy: Policy) -> Aggregation:
    """Take trials together; the first rule that fits decides (trials-and-replay §6).

    Args:
        verdicts: Of the trials that have ended.
        policy: What they must reach.
    """
    ended = list(verdicts)
    counts = Counter(verdict.value for verdict in ended)
    n = sum(verdict in ANSWERS for verdict in ended)
    k = sum(map(policy.is_green, ended))
    verdict, why = _verdict(counts, n, k, policy=policy)
    low, high = wilson(k, n) if n else (None, None)
    largest = range(1, min(n, LARGEST_K) + 1)
    return Aggregation(
        verdict=verdict,
        trials=len(ended),
        answered=n,
        passed=k,
        counts=dict(sorted(counts.items())),
        rate=k / n if n else None,
        low=low,
        high=high,
        pass_at={str(drawn): 1 - math.comb(n - k, drawn) / math.comb(n, drawn) for drawn in largest},
        pass_all={str(drawn): math.comb(k, drawn) / math.comb(n, drawn) for drawn in largest},
        is_flaky=0 < k < n,
        arithmetic=f"{verdict}: {why}",
    )


def _verdict(counts: Mapping[str, int], n: int, k: int, *, policy: Policy) -> tuple[Verdict, str]:
    errors, open_ones = counts.get(Verdict.ERROR, 0), counts.get(Verdict.INCONCLUSIVE, 0)
    rate = f"{k}/{n} green" if n else "no trial has an answer"
    if n == 0:
        return (Verdict.ERROR, f"{rate}, {errors} ERROR") if errors else (Verdict.INCONCLUSIVE, rate)
    if k < policy.min_pass_rate * n - _ROUNDING:
        return (Verdict.FLAKY if k else Verdict.FAIL), f"{rate}, {policy.min_pass_rate:g} wanted"
    if errors > policy.max_errors:
        return Verdict.ERROR, f"{rate}, but {errors} ERROR > {policy.max_errors} allowed"
    if open_ones:
        return Verdict.INCONCLUSIVE, f"{rate}, but {open_ones} INCONCLUSIVE"
    word = Verdict.LIMITED if counts.get(Verdict.LIMITED) else Verdict.PASS
    return word, f"{rate}, {policy.min_pass_rate:g} wanted" + (", flaky" if k < n else "")


_ROUNDING: Final = 1e-9
"""0.7 * 10 is more than 7 to a computer."""


def exit_code_of(aggregation: Aggregation, policy: Policy) -> ExitCode:
    """The exit code that follows from a verdict over trials."""
    if aggregation.verdict is Verdict.LIMITED and "limited" not in policy.proceed_on:
        return ExitCode.FAILED
    return _EXIT_CODES[aggregation.verdict]


_EXIT_CODES: Final = {
    Verdict.PASS: ExitCode.OK,
    Verdict.LIMITED: ExitCode.OK,
    Verdict.FAIL: ExitCode.FAILED,
    Verdict.FLAKY: ExitCode.FAILED,
    Verdict.ERROR: ExitCode.PREREQUISITE,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


def is_out_of_reach(verdicts: Sequence[Verdict], planned: int, policy: Policy) -> bool:
    """Whether the wanted rate cannot be reached any more, however the trials that are left end.

    A trial that ended without an answer counts neither way, so what is left can at best all be green.
    """
    n = sum(verdict in ANSWERS for verdict in verdicts)
    k = sum(map(policy.is_green, verdicts))
    left = planned - len(verdicts)
    return k + left < policy.min_pass_rate * (n + left) - _ROUNDING


def wilson(passed: int, answered: int) -> tuple[float, float]:
    """95 % interval of a rate by Wilson's score (1927), which stays within 0 and 1 also for few trials.

    Raises:
        ValueError: Nothing was counted, or more passed than there were.
    """
    if not 0 <= passed <= answered or answered == 0:
        msg = f"{passed} of {answered} is no rate"
        raise ValueError(msg)
    rate, z2 = passed / answered, Z_95 * Z_95
    centre = rate + z2 / (2 * answered)
    spread = Z_95 * math.sqrt(rate * (1 - rate) / answered + z2 / (4 * answered * answered))
    scale = 1 + z2 / answered
    # Rounding alone would leave 1 - 1e-16 where every trial is green.
    low = 0.0 if passed == 0 else (centre - spread) / scale
    high = 1.0 if passed == answered else (centre + spread) / scale
    return low, high


def nearest_rank(values: Iterable[float], percent: float) -> float:
    """The smallest value that at least ``percent`` per cent of all are not above; always one of them.

    Raises:
        ValueError: There is no value, or ``percent`` is not above 0 and at most 100.
    """
    ordered = sorted(values)
    if not ordered or not 0 < percent <= 100:  # noqa: PLR2004  # per cent
        msg = "a percentile needs values, and a rank above 0 and at most 100"
        raise ValueError(msg)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
