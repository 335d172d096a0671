"""The report as one HTML page that opens from disk: it asks for nothing, runs nothing, obeys nothing it quotes.

Every text that is put in is spelt out (control signs, bidi marks), cut and escaped, wherever it comes from; only the
style sheet is taken as it is, and the page's policy allows that one by its hash and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.layout import case_file
from harness.evidence.printable import block, shortened
from harness.reporting.words import MARKS, facts_of, mark_of, size, tallied, took, verdict_of
from harness.traces.case_names import case_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Environment

    from harness.reporting.told_run import ToldRun, ToldScenario
    from harness.traces.case_records import Assertion

MOST_ROWS: Final = 200
"""Of one table; the rest is counted, and the file that has them is named."""

LONGEST: Final = 2_000
"""Characters of one text."""

_FOLDER: Final = "harness.reporting"


def html_page(run: ToldRun) -> str:
    """Spell the page."""
    style = resources.files(_FOLDER).joinpath("report.css").read_text(encoding="utf-8")
    longest = max((_seconds(each.record.duration_s) for each in run.scenarios), default=0.0)
    page: str = (
        _environment(longest)
        .get_template("report.html")
        .render(
            run=run,
            word=verdict_of(run.record) if run.record else "unreadable",
            style=_trusted(style),
            policy=_policy(style),
            told_faults=run.standing.lines[1:-1],
            most_rows=MOST_ROWS,
            tally=tallied(run.record.scenarios) if run.record else (),
            run_facts=facts_of(run.record) if run.record else (),
            anchors={each.record.folder: f"scenario-{place}" for place, each in enumerate(run.scenarios, start=1)},
        )
    )
    return page


def _environment(longest_s: float) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(_FOLDER, package_path=""),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(took=took, size=size)
    made.filters.update(
        mark=mark_of,
        css_class=_css_class,
        share=lambda seconds: _share(seconds, longest_s),
        case_facts=_case_facts,
        case_path=lambda folder: case_file(case_id_of(folder)),
        outcomes=_outcomes,
        base_name=lambda place: place.rpartition("/")[2].replace(".ladder.yaml", ""),
    )
    return made


def _shown(value: Any) -> Any:  # noqa: ANN401  # whatever a template puts in
    """Every text on its way into the page; what is escaped already came from here."""
    return block(shortened(value, LONGEST)) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _trusted(text: str) -> str:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  # our own style sheet


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _css_class(word: str) -> str:
    return word.lower() if word in MARKS else ""


def _seconds(seconds: float) -> float:
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _share(seconds: float, longest_s: float) -> str:
    """Per cent of the longest; something is always there to be seen."""
    return f"{max(1.0, 100 * _seconds(seconds) / longest_s):.1f}" if longest_s else "0"


def _outcomes(checks: Iterable[Assertion]) -> str:
    found = Counter(check.outcome.value for check in checks)
    return ", ".join(f"{count} {word}" for word, count in found.items())


def _case_facts(told: ToldScenario) -> list[tuple[str, str]]:
    """What stands above the tables of a scenario."""
    case, record = told.case, told.record
    watched = {True: "watched", False: "not watched, so that none were seen says nothing", None: "nothing is known"}
    rows = [
        ("Started", record.started_at or "not climbed"),
        ("Trace", record.trace_id or "none"),
        ("Structure", case.determinism_hash if case and case.determinism_hash else "none"),
        ("Main call", case.operation_name if case else ""),
        ("Database", watched[told.is_watched] if record.trace_id else ""),
    ]
    return [row for row in rows if row[1]]
