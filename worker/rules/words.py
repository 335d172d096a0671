"""Which rule an instruction asks for, decided by its words alone.

Words are runs of letters, digits, underscores and inner dots, lower-cased: ``docs/`` is ``docs``, ``utils.py`` stays.
The order of ``Rule`` is the order of precedence. There is no understanding here: an instruction that means a rule but
uses none of its words gets R10, and one that mentions the words for another reason gets the rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_COUNT: Final = 1000
DEFAULT_COUNT: Final = 10


class Rule(StrEnum):
    """Rules R1 to R10 of the contract, by number and name."""

    NEWLINE = "R1 newline"
    DOCS = "R2 docs"
    USE_HELPER = "R3 use helper"
    MAKE_HELPER = "R4 make helper"
    ARGUMENTS = "R5 arguments"
    SPLIT = "R6 split"
    TEXTS = "R7 texts"
    ITERATIVE = "R8 iterative"
    COUNT = "R9 count"
    OTHER = "R10 other"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of an instruction, in order."""

    sequence: tuple[str, ...]

    @classmethod
    def of(cls, instruction: str) -> Words:
        """Split an instruction into words."""
        return cls(tuple(re.findall(r"\w+(?:\.\w+)*", instruction.lower())))

    def has(self, *alternatives: str) -> bool:
        """Tell whether at least one of the alternatives is a word."""
        return any(word in self.sequence for word in alternatives)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield each word with the one after it."""
        return zip(self.sequence, self.sequence[1:], strict=False)


def choose(words: Words) -> Rule:
    """Return the first rule that fits."""
    return next((rule for rule, fits in _FITS.items() if fits(words)), Rule.OTHER)


def asked_count(words: Words) -> int | None:
    """Return the count that an edit asks for: "first K", else "K fibonacci" or "K numbers", else "to K"."""
    return first_count(words) or _counted(words) or _counted_to(words)


def first_count(words: Words) -> int | None:
    """Return K of "first K", if K is from 1 to 1000."""
    return _first_number(second for first, second in words.pairs() if first == "first")


def is_forced_error(instruction: str) -> bool:
    """Tell whether a job is asked to fail: the word ``force_error``, or a text that starts with ``error:``."""
    standing_alone = re.search(r"(?<!\w)force_error(?!\w)", instruction, re.IGNORECASE)
    return standing_alone is not None or instruction.strip().startswith("error:")


def _counted(words: Words) -> int | None:
    return _first_number(first for first, second in words.pairs() if second in {"fibonacci", "numbers"})


def _counted_to(words: Words) -> int | None:
    if not words.has("count", "output"):
        return None
    return _first_number(second for first, second in words.pairs() if first == "to")


def _first_number(candidates: Iterator[str]) -> int | None:
    # ASCII digits only: int() would also read digits of other scripts.
    numbers = (int(word) for word in candidates if re.fullmatch("[0-9]{1,4}", word))
    return next((number for number in numbers if 1 <= number <= MAX_COUNT), None)


def _newline(words: Words) -> bool:
    phrase = ("trailing", "newline") in words.pairs()
    return phrase or (words.has("newline") and words.has("readme", "readme.md"))


def _texts(words: Words) -> bool:
    readme = words.has("readme", "readme.md") and words.has("enhance", "usage", "add", "update")
    return readme or words.has("changelog", "changelog.md")


_FITS: Final[dict[Rule, Callable[[Words], bool]]] = {
    Rule.NEWLINE: _newline,
    Rule.DOCS: lambda words: words.has("docs") and words.has("folder", "directory", "markdown"),
    Rule.USE_HELPER: lambda words: words.has("format_sequence") and words.has("use", "import"),
    Rule.MAKE_HELPER: lambda words: words.has("utils.py") and words.has("format_sequence", "helper", "module"),
    Rule.ARGUMENTS: lambda words: (
        words.has("argument", "arguments", "argparse", "args", "cli")
        and words.has("parse", "parsing", "accept", "accepts")
    ),
    Rule.SPLIT: lambda words: words.has("fibonacci.py") and words.has("refactor", "move", "moving", "extract", "split"),
    Rule.TEXTS: _texts,
    Rule.ITERATIVE: lambda words: words.has("refactor") and words.has("iterative", "guard", "docstring"),
    Rule.COUNT: lambda words: asked_count(words) is not None,
}
