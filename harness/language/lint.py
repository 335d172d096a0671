"""All rules that need more than the shape of a file, over a draft.

A rule tells what it finds and nothing about other rules; a fault in a template that is used ten times is told once,
because its place is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.language import (
    lint_evidence,
    lint_expressions,
    lint_judging,
    lint_lengths,
    lint_names,
    lint_order,
    lint_requests,
    lint_variables,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.language.drafts import Draft
    from harness.language.findings import Finding


def lint(draft: Draft, environ: Mapping[str, str]) -> list[Finding]:
    """All findings, in the order of the file.

    Args:
        draft: A file of the right shape, with its templates inserted.
        environ: Where ``${env:NAME}`` without a default must find its value.
    """
    rules = (
        lint_order.needs,
        lint_order.copies,
        lint_order.steps,
        lint_expressions.paths,
        lint_expressions.patterns,
        lint_judging.criteria,
        lint_requests.slashes,
        lint_requests.until_judges,
        lint_requests.repolls,
        lint_evidence.evidence,
        lint_names.unsafe,
        lint_names.clashes,
    )
    found = {finding for rule in rules for finding in rule(draft)}
    return sorted(found.union(lint_variables.variables(draft, environ), lint_lengths.lengths(draft, environ)))
