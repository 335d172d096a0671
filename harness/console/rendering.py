"""Documents drawn as HTML: every text that is put in is spelt out, cut and escaped, wherever it comes from.

Templates are ours and hold no script, no style and no ``style=``. What a program gets is the document as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from harness.evidence.printable import block, shortened
from harness.reporting.words import MARKS, mark_of, size, took

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment

Json = dict[str, Any]
"""A document: what a page shows, as JSON values."""

LONGEST: Final = 20_000
"""Characters of one text on a page; the file that has all of it is linked."""

MOST_ROWS: Final = 2_000
"""Of one table on a page; the JSON beside it has all of them."""

_FOLDER: Final = "harness.console"
_STYLES: Final = (("harness.reporting", "report.css"), ("harness.console.page", "console.css"))

SECTIONS: Final = (
    ("runs", "/", "Runs"),
    ("traces", "/traces", "Traces"),
    ("compare", "/compare", "Compare"),
    ("live", "/live", "Live"),
)
"""Template → address and name of what stands at the top of every page."""

_PART_OF: Final = {"run": "runs", "case": "runs", "file": "runs", "trace": "traces"}
"""Template → the section that it is a page of."""

_STATES: Final = {
    "PASS": "pass",
    "SUCCESS": "pass",
    "verified": "pass",
    "held": "pass",
    "committed": "pass",
    "LIMITED": "limited",
    "PARTIAL": "limited",
    "INCONCLUSIVE": "limited",
    "TIMED_OUT": "limited",
    "partial": "limited",
    "undecided": "limited",
    "FAIL": "fail",
    "FAILED": "fail",
    "BLOCKED": "blocked",
    "broken": "fail",
    "damaged": "fail",
    "missed": "fail",
    "failed": "fail",
    "ERROR": "error",
    "FLAKY": "flaky",
    "RUNNING": "running",
    "STARTED": "running",
    "running": "running",
    "changed": "limited",
    "the same": "pass",
}
"""Word → class of its colour; the word and a mark always stand beside it."""

_MARKS: Final = {
    **MARKS,
    "SUCCESS": "✓",
    "verified": "✓",
    "held": "✓",
    "the same": "✓",
    "changed": "△",
    "unsigned": "○",
    "broken": "✗",
    "damaged": "✗",
    "missed": "✗",
    "undecided": "?",
    "FAILED": "✗",
    "PARTIAL": "△",
    "partial": "△",
    "CANCELLED": "⊘",
    "TIMED_OUT": "⧗",
    "RUNNING": "▶",
    "STARTED": "▶",
    "running": "▶",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its template, its heading, and the document that it shows.

    Attributes:
        here: The address of the page, without ``.json``.
        keep: Gives the page as it was drawn before, or draws it now.
    """

    template: str
    title: str
    document: Json
    here: str
    status: int = 200
    keep: Callable[[Callable[[], str]], str] | None = None


def drawn(page: Page) -> str:
    """The page as HTML."""
    return page.keep(lambda: _drawn(page)) if page.keep else _drawn(page)


def _drawn(page: Page) -> str:
    made: str = (
        _environment()
        .get_template(f"{page.template}.html")
        .render(
            doc=page.document,
            title=page.title,
            here=page.here,
            twin=twin_of(page.here),
            section=page.template,
            part_of=_PART_OF.get(page.template, page.template),
        )
    )
    return made


def exported(document: Json, *, style: str, policy: str) -> str:
    """A run as one file; ``style`` is ours and taken as it is."""
    from markupsafe import Markup

    made: str = (
        _environment().get_template("export.html").render(**document, style=Markup(style), policy=policy, twin="")  # noqa: S704  # our own style sheet
    )
    return made


def state_of_word(word: str) -> str:
    """The class of a word's colour; empty where it has none."""
    return _STATES.get(word, "")


def mark_of_word(word: str) -> str:
    """The mark that stands beside a word."""
    return _MARKS.get(word) or mark_of(word)


def twin_of(here: str) -> str:
    """The address of the same document as JSON."""
    path, mark, query = here.partition("?")
    return f"{path}.json{mark}{query}"


@cache
def asset(name: str) -> bytes:
    """A file of ours that pages link to.

    Raises:
        KeyError: There is none of that name.
    """
    if name == "console.css":
        texts = (resources.files(folder).joinpath(file).read_text(encoding="utf-8") for folder, file in _STYLES)
        return "\n".join(texts).encode()
    if name == "console.js":
        return resources.files("harness.console.page").joinpath(name).read_bytes()
    raise KeyError(name)


def address(*parts: str) -> str:
    """A path of parts that may hold anything."""
    return "/" + "/".join(quote(part, safe=":@,+=-._~", errors="backslashreplace") for part in parts)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(_FOLDER, package_path="page"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(took=took, size=size, most_rows=MOST_ROWS, sections=SECTIONS)
    made.filters.update(state=state_of_word, mark=mark_of_word)
    made.filters.update(whole=_whole, base_name=lambda place: place.rpartition("/")[2])
    return made


def _whole(text: str) -> Any:  # noqa: ANN401  # jinja2's own kind of text
    """A text that was cut and spelt out before."""
    from markupsafe import escape

    return escape(text)


def _shown(value: Any) -> Any:  # noqa: ANN401  # whatever a template puts in
    """Every text on its way into a page; what is escaped already came from here."""
    if value is None:
        return "unknown"
    return block(shortened(value, LONGEST)) if isinstance(value, str) and not hasattr(value, "__html__") else value
