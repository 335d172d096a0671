"""Which values of settings are no such thing, told all at once and without showing one.

What this side itself needs is judged by ``make_plan``, one name at a time, so that the first fault hides no other. What
only the backend reads is judged by the table below, which says what the backend says; a test holds the two together.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.doctor.findings import error, ok
from harness.errors import PrerequisiteError, UsageError
from harness.stack import env_file, plan
from harness.stack.secrets import PRIVATE_NAMES
from worker.contract import EngineName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.config import Settings
    from harness.doctor.findings import Finding

TRUTH_WORDS: Final = frozenset({"1", "true", "t", "yes", "y", "on", "0", "false", "f", "no", "n", "off"})
"""The words that pydantic reads as a truth value. This side takes any other for live, and the backend refuses it."""

_WHOLE: Final = re.compile(r"[+-]?[0-9_]+(\.0+)?")


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number within bounds.

    Attributes:
        above: Whether ``low`` itself is too low.
    """

    low: float
    high: float = math.inf
    whole: bool = False
    above: bool = False

    @property
    def expected(self) -> str:
        """For an error's text."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} {'above' if self.above else 'from'} {self.low:g}" + (
            f" to {self.high:g}" if math.isfinite(self.high) else ""
        )

    def accepts(self, text: str) -> bool:
        """Whether the text is such a number to pydantic, which takes 4.0 for whole, but no 1e3 and no other digits."""
        if not text.isascii() or (self.whole and not _WHOLE.fullmatch(text)):
            return False
        try:
            number = float(text)
        except ValueError:
            return False
        too_low = number <= self.low if self.above else number < self.low
        return math.isfinite(number) and not too_low and number <= self.high


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a shape, in any case of letters where the pattern says so."""

    pattern: str
    expected: str

    def accepts(self, text: str) -> bool:
        """Whether the whole text has the shape."""
        return re.fullmatch(self.pattern, text) is not None


_TRUTH: Final = Text(f"(?i:{'|'.join(sorted(TRUTH_WORDS))})", "True or False")
_ENGINES: Final = tuple(name.value for name in EngineName if name is not EngineName.DUMMY)
_SIZE: Final = Number(1024, whole=True)

RULES: Final[Mapping[str, Number | Text]] = {
    "USE_DUMMY_WORKER": _TRUTH,
    "ALLOW_CREDENTIALS": _TRUTH,
    "WORKER_ENGINE": Text("|".join(_ENGINES), ", ".join(_ENGINES)),
    "LOG_FORMAT": Text("json|console", "json or console"),
    "API_V1_STR": Text(r"(/[A-Za-z0-9._~-]+)+", "a path such as /api/v1"),
    "WORKER_MEMORY": Text(r"[1-9][0-9]*[bkmgBKMG]?", "a size such as 512m"),
    "WORKER_NETWORK": Text(r"[A-Za-z0-9_.-]+", "none or the name of a network"),
    "WORKER_CPUS": Number(0, 1024, above=True),
    "WORKER_PIDS": Number(8, 65536, whole=True),
    "SLEEP_SECONDS": Number(0, 3600),
    "JOB_TIMEOUT_SECONDS": Number(0, 86400, above=True),
    "JOB_STOP_GRACE_SECONDS": Number(0, 300),
    "MAX_CONCURRENT_JOBS": Number(1, 256, whole=True),
    "MAX_QUEUED_JOBS": Number(1, 10000, whole=True),
    "MAX_BODY_BYTES": _SIZE,
    "MAX_FILE_BYTES": _SIZE,
    "MAX_RESULT_BYTES": _SIZE,
    "MAX_LOG_BYTES": _SIZE,
    "MIN_FREE_BYTES": Number(0, whole=True),
    "TRACE_ENABLED": _TRUTH,
    "TRACE_MAX_COUNT": Number(1, whole=True),
    "TRACE_MAX_AGE_DAYS": Number(0, 3650, above=True),
    "TRACE_MAX_RECORDS": Number(100, 1_000_000, whole=True),
    "TRACE_QUEUE_SIZE": Number(100, 1_000_000, whole=True),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Text(r"https?://[^\s@]+", "an http or https URL without a user"),
}


def check_values(settings: Settings) -> Finding:
    """Judge every setting that the environment or ``.env`` gives."""
    faults = invalid_values(settings)
    if not faults:
        return ok("env-values", "every setting has a value that it can have")
    names = ", ".join(faults)
    return error("env-values", "; ".join(faults.values()), f"correct {names} where each is set")


def invalid_values(settings: Settings) -> dict[str, str]:
    """What is wrong, by name.

    Raises:
        PrerequisiteError: A file cannot be read.
    """
    values = env_file.read(settings.env_file)
    faults: dict[str, str] = {}
    for name in sorted(known_names(settings)):
        value, place = settings.get(name), "the environment"
        if not value:
            value, place = values.get(name, ""), settings.env_file.name
        if value and (fault := _fault(settings, name, value)):
            faults[name] = f"{fault} (set in {place})"
    return faults


def _fault(settings: Settings, name: str, value: str) -> str:
    rule = RULES.get(name)
    if rule is not None and not rule.accepts(value):
        return f"{name} is not valid: expected {rule.expected}"
    alone = replace(settings, environ={})
    try:
        plan.make_plan(alone, {name: value}, known=frozenset({name}), uid=os.geteuid(), gid=os.getegid())
        if name not in PRIVATE_NAMES:
            # The values go into a file for compose, and not every text can stand in one.
            env_file.render({name: value})
    except UsageError as refused:
        return refused.message
    except (OSError, RuntimeError, ValueError):
        # Such as a folder of a user who does not exist, or a link in a circle.
        return f"{name} is not valid: no such path can be"
    return ""


def known_names(settings: Settings) -> frozenset[str]:
    """Every name that is a setting.

    Raises:
        PrerequisiteError: ``settings-example-missing``; without it every name would look unknown.
    """
    example = settings.root / ".env.example"
    if not (names := env_file.read(example)):
        raise PrerequisiteError(
            "settings-example-missing", f"{example} is missing or empty", "git checkout -- .env.example"
        )
    return frozenset(names) | frozenset(PRIVATE_NAMES)
