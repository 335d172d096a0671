"""How a whole run has ended, from the courses of its parts: its exit code. Pure.

The verdict of a run counts every part in; its exit code is the ladder's, and the rollback's only after a green ladder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import ExitCode
from harness.judging.verdict import RunFacts, exit_code

if TYPE_CHECKING:
    from harness.runner.climb import PartCourse
    from harness.runner.planning import Plan


def exit_code_of(plan: Plan, climbed: PartCourse, rolled: PartCourse | None, *, is_interrupted: bool) -> ExitCode:
    """The ladder's verdict; only a green one leaves room for a rollback that failed."""
    leaked = climbed.secret_hits > 0 or (rolled is not None and rolled.secret_hits > 0)
    facts = RunFacts(secret_found=leaked, interrupted=is_interrupted)
    code = exit_code(climbed.verdicts, plan.climbed.ladder.proceed_on, facts)
    if code is ExitCode.OK and rolled is not None and plan.rollback is not None:
        return exit_code(rolled.verdicts, plan.rollback.ladder.proceed_on, RunFacts())
    return code
