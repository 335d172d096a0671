"""The report in Markdown, for the summary of a CI job: at most 1 MiB, with the details of each scenario folded.

What comes first is what must be read; when it grows too long, details are left out from the end, and their number is
told. The doubt: a summary of several steps has one limit for each of them, and this page keeps to its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.judging.results import Outcome
from harness.judging.verdict import Verdict
from harness.reporting.markdown_escaping import cell, code, inside_html, row
from harness.reporting.words import MARKS, facts_of, mark_of, tallied, took, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.reporting.told_run import ToldRun, ToldScenario
    from harness.reporting.trials import ToldTrials
    from harness.traces.case_records import ApiCall, Assertion

MOST_BYTES: Final = 1 << 20
"""What GitHub takes of one step's summary."""

MOST_ROWS: Final = 100
"""Of one table."""

_LAST_WORDS: Final = 1_000
"""Bytes kept for saying what was left out."""

_ALERTS: Final = {True: "NOTE", False: "CAUTION"}


def markdown_page(run: ToldRun, *, most_bytes: int = MOST_BYTES) -> str:
    """Spell the page.

    Args:
        run: What is told.
        most_bytes: Of the whole page, in UTF-8.
    """
    left = most_bytes - _LAST_WORDS
    kept: list[str] = []
    for dropped, block in enumerate(_blocks(run)):
        left -= len(block.encode())
        if left < 0:
            what = f"\n*It goes on: after {dropped} parts of this page there is no room left.* "
            return "".join(kept) + what + "Read the rest with `ladder report --format html`.\n"
        kept.append(block)
    return "".join(kept)


def _blocks(run: ToldRun) -> Iterator[str]:
    """The page in pieces that can each be the last."""
    word = verdict_of(run.record) if run.record else "unreadable"
    doubt = "" if run.standing.is_sound else f" ({run.standing.word})"
    yield f"# {mark_of(word)} {word}{doubt}: run {code(run.name)}\n\n"
    yield _standing(run)
    if run.record is None:
        return
    counts = ", ".join(f"{count} {name}" for name, count in tallied(run.record.scenarios))
    yield f"**{counts or 'nothing was run'}** in {took(run.record.duration_s)}\n"
    if run.trials:
        yield from _trials(run.trials)
    for part, found in run.parts.items():
        yield f"\n## {code(part)}\n\n| ID | Title | Verdict | Result | Duration | Reason |\n"
        yield "|---|---|---|---|---:|---|\n"
        yield from (_overview(each) for each in found)
    if run.left_out:
        yield f"\n{run.left_out} more parts, those of other trials, are in `run.json`.\n"
    yield "\n## Details\n\n"
    red_first = sorted(run.scenarios, key=lambda each: each.record.verdict is Verdict.PASS)
    yield from map(_details, red_first)
    yield "\n<details><summary>What was run, and on what</summary>\n\n| Fact | Value |\n|---|---|\n"
    yield "".join(row((name, cell(text))) for name, text in facts_of(run.record))
    ladders = ((f"ladder {each.name}", f"{each.file} {each.digest}") for each in run.record.ladders)
    yield "".join(row((cell(name), cell(text))) for name, text in ladders)
    yield "\n</details>\n"


def _standing(run: ToldRun) -> str:
    headline, *faults, signature = run.standing.lines
    told = "".join(f"> - {code(line)}\n" for line in faults)
    return f"> [!{_ALERTS[run.standing.is_sound]}]\n> {headline}\n{told}>\n> {signature}\n\n"


def _trials(trials: ToldTrials) -> Iterator[str]:
    yield "\n## Trials\n\n" + "".join(f"- {name}: {code(text)}\n" for name, text in trials.facts)
    yield "\n| Trial | Verdict | Duration | Trace | Folder | Broken by |\n|---:|---|---:|---|---|---|\n"
    for each in trials.trials[:MOST_ROWS]:
        words = (cell(each.trace_id), cell(each.folder), cell(each.error or ""))
        yield row((str(each.trial_index), _verdict(each.status), took(each.duration_s), *words))
    yield _more(len(trials.trials))


def _overview(told: ToldScenario) -> str:
    each = told.record
    words = (cell(each.result_status), took(each.duration_s), cell(each.reason))
    return row((cell(each.id), cell(each.title), _verdict(each.verdict), *words))


def _details(told: ToldScenario) -> str:
    record = told.record
    is_open = "" if record.verdict is Verdict.PASS else " open"
    head = f"{mark_of(record.verdict)} {record.verdict.value} {inside_html(record.folder)} {inside_html(record.title)}"
    lines = [*record.missed, *(f"limitation: {each}" for each in record.limits)]
    told_lines = "".join(f"- {code(line)}\n" for line in lines[:MOST_ROWS]) + _more(len(lines))
    told_lines += f"- its case cannot be read: {code(told.why)}\n" if told.why else ""
    tables = _checks(told.case.assertions) + _calls(told.case.api_calls_used) if told.case else ""
    return f"<details{is_open}><summary>{head}</summary>\n\n{told_lines}{tables}\n</details>\n\n"


def _checks(checks: tuple[Assertion, ...]) -> str:
    """Those that did not hold; those that did are counted."""
    if not checks:
        return "\nNothing was checked.\n"
    red = [check for check in checks if check.outcome is not Outcome.HELD]
    counted = f"\n{len(checks) - len(red)} of {len(checks)} checks held.\n"
    if not red:
        return counted
    rows = (
        row((each.outcome.value, cell(each.step), cell(each.path), cell(each.wanted), cell(each.got)))
        for each in red[:MOST_ROWS]
    )
    return f"{counted}\n| Outcome | Step | Looked at | Wanted | Got |\n|---|---|---|---|---|\n{''.join(rows)}" + _more(
        len(red)
    )


def _calls(calls: tuple[ApiCall, ...]) -> str:
    if not calls:
        return ""
    rows = (
        row((cell(each.step), cell(f"{each.method} {each.path}"), _answer(each), took(each.duration_ms / 1000)))
        for each in calls[:MOST_ROWS]
    )
    return f"\n| Step | Request | Answer | Duration |\n|---|---|---|---:|\n{''.join(rows)}" + _more(len(calls))


def _answer(call: ApiCall) -> str:
    return str(call.status) if call.status is not None else cell(f"no answer {call.error}")


def _verdict(word: str) -> str:
    return f"{mark_of(word)} {word}" if word in MARKS else cell(word)


def _more(count: int) -> str:
    return f"\n{count - MOST_ROWS} more are in the run's folder.\n" if count > MOST_ROWS else ""
