"""What a job writes, decided before anything is written.

A plan holds whole files, in the order in which writing them leaves the project working after each. Files that would
stay as they are do not appear in it; a plan without writes is a success that says "No changes:". A file that parsed
before parses after, or there is no plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from worker.rules import texts
from worker.rules.comment import with_comment
from worker.rules.count import with_count
from worker.rules.fibonacci import is_split, module_source, same_function, with_iteration, without_function
from worker.rules.format_sequence import UTILS, has_helper, with_helper_used
from worker.rules.options import with_options
from worker.rules.problem import EditError
from worker.rules.source import Source, parsed
from worker.rules.words import DEFAULT_COUNT, Rule, Words, asked_count, choose, first_count

if TYPE_CHECKING:
    from collections.abc import Callable

APP_PATH: Final = "app.py"
FIBONACCI_PATH: Final = "fibonacci.py"
UTILS_PATH: Final = "utils.py"
README_PATH: Final = "README.md"
CHANGELOG_PATH: Final = "CHANGELOG.md"
TEST_PATH: Final = "tests/test_cli.py"

Writes = dict[str, bytes]


class Project(Protocol):
    """The files that the rules may read."""

    def has(self, path: str) -> bool:
        """Tell whether anything stands at ``path``."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or raise ``EditError``: ``missing`` or ``unsupported_layout``."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Files to write, in order, and what to say about it.

    Attributes:
        rule: For the log, such as ``R9 count``.
    """

    rule: str
    writes: Writes
    summary: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What an edit is asked for."""

    instruction: str
    words: Words
    today: str


def initial_project(instruction: str, project: Project) -> Plan:
    """Plan the files of a new project; those that exist are left alone."""
    count = first_count(Words.of(instruction)) or DEFAULT_COUNT
    wanted = {README_PATH: texts.README, APP_PATH: texts.APP.format(count=count), TEST_PATH: texts.TEST}
    writes = {path: text.encode() for path, text in wanted.items() if not project.has(path)}
    if not writes:
        return Plan("initial project", writes, "No changes: the files of the project exist already.")
    summary = f"Created {', '.join(writes)}: a program that prints the first Fibonacci numbers, and its test."
    return Plan("initial project", writes, summary)


def edit(instruction: str, project: Project, *, today: str) -> Plan:
    """Plan the first rule that fits the instruction.

    Raises:
        EditError: The rule does not fit the project.
    """
    words = Words.of(instruction)
    rule = choose(words)
    wanted = RULES[rule](project, Ask(instruction, words, today))
    writes = {path: data for path, data in wanted.items() if not (project.has(path) and project.read(path) == data)}
    for path, data in writes.items():
        require_intact(path, data, project)
    if not writes:
        return Plan(rule, writes, f"No changes: the project is already as rule {rule} would leave it.")
    return Plan(rule, writes, f"Applied rule {rule} to {', '.join(writes)}.")


def require_intact(path: str, data: bytes, project: Project) -> None:
    """Refuse to write a Python file that does not parse where nothing, or a file that parses, was before.

    Raises:
        EditError: ``edit_would_break``.
    """
    if not path.endswith(".py") or parsed(data) is not None:
        return
    if not project.has(path) or parsed(project.read(path)) is not None:
        raise EditError.edit_would_break(path)


def _newline(project: Project, _ask: Ask) -> Writes:
    return {README_PATH: texts.with_final_newline(project.read(README_PATH))}


def _docs(project: Project, _ask: Ask) -> Writes:
    return {
        path: texts.module_page(name, _source(project, f"{name}.py") if project.has(f"{name}.py") else None)
        for name in texts.DOCUMENTED
        if not project.has(path := f"docs/{name}.md")
    }


def _use_helper(project: Project, _ask: Ask) -> Writes:
    if not has_helper(_source(project, UTILS_PATH)):
        raise EditError.unsupported_layout(UTILS_PATH)
    return {APP_PATH: with_helper_used(_source(project, APP_PATH))}


def _make_helper(project: Project, _ask: Ask) -> Writes:
    if not project.has(UTILS_PATH):
        return {UTILS_PATH: UTILS.encode()}
    if not has_helper(_source(project, UTILS_PATH)):
        raise EditError.unsupported_layout(UTILS_PATH)
    return {}


def _arguments(project: Project, _ask: Ask) -> Writes:
    readme = texts.with_example(project.read(README_PATH))
    return {APP_PATH: with_options(_source(project, APP_PATH)), README_PATH: readme}


def _split(project: Project, _ask: Ask) -> Writes:
    app = _source(project, APP_PATH)
    if is_split(app):
        return {}
    moved = module_source(app).encode()
    if project.has(FIBONACCI_PATH):
        # Only the same function may be there already: the first half of a move that was interrupted.
        if not same_function(app, _source(project, FIBONACCI_PATH)):
            raise EditError.unsupported_layout(FIBONACCI_PATH)
        moved = project.read(FIBONACCI_PATH)
    return {FIBONACCI_PATH: moved, APP_PATH: without_function(app)}


def _texts(project: Project, ask: Ask) -> Writes:
    writes = {README_PATH: texts.with_usage(project.read(README_PATH))}
    if not project.has(CHANGELOG_PATH):
        writes[CHANGELOG_PATH] = texts.CHANGELOG.format(today=ask.today).encode()
    return writes


def _iterative(project: Project, _ask: Ask) -> Writes:
    app = _source(project, APP_PATH)
    found = _source(project, FIBONACCI_PATH) if is_split(app) else app
    return {found.path: with_iteration(found)}


def _count(project: Project, ask: Ask) -> Writes:
    return {APP_PATH: with_count(_source(project, APP_PATH), asked_count(ask.words) or DEFAULT_COUNT)}


def _other(project: Project, ask: Ask) -> Writes:
    return {APP_PATH: with_comment(_source(project, APP_PATH), ask.instruction)}


def _source(project: Project, path: str) -> Source:
    return Source.parse(path, project.read(path))


RULES: Final[dict[Rule, Callable[[Project, Ask], Writes]]] = {
    Rule.NEWLINE: _newline,
    Rule.DOCS: _docs,
    Rule.USE_HELPER: _use_helper,
    Rule.MAKE_HELPER: _make_helper,
    Rule.ARGUMENTS: _arguments,
    Rule.SPLIT: _split,
    Rule.TEXTS: _texts,
    Rule.ITERATIVE: _iterative,
    Rule.COUNT: _count,
    Rule.OTHER: _other,
}
