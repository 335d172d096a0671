"""Durations as a ladder writes them: a number with a unit, so that nobody has to guess which unit was meant."""

from __future__ import annotations

import re
from typing import Final

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_FORM: Final = re.compile(r"((?:0|[1-9][0-9]*)(?:\.[0-9]+)?)(ms|s|m|h)")


def seconds(text: str) -> float:
    """Read ``500ms``, ``2s``, ``1.5m`` or ``1h``.

    Raises:
        ValueError: It has another form; the schema has refused it before.
    """
    if not (found := _FORM.fullmatch(text)):
        msg = f"{text!r} is no duration"
        raise ValueError(msg)
    return float(found[1]) * _SECONDS[found[2]]
