"""The ``Prefer`` header (RFC 7240): ``wait=N`` and ``respond-async``; what is unknown or malformed is ignored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_WAIT_S: Final = 60

LONGEST_PREFERENCE: Final = 200
"""Characters; a longer one is none of ours, and matching it would cost the square of its length."""

_ITEM = re.compile(r'(?:[^,"]|"[^"]*"?)+')
_PREFERENCE = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*(?:=\s*(?:\"([^\"]*)\"|([^\s;,\"]*)))?\s*(?:;.*)?")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the caller would like.

    Attributes:
        wait_s: Seconds to wait for the end of a job, at most 60; ``None`` when nothing was said.
        respond_async: Answer at once; ``wait_s`` is 0 then.
    """

    wait_s: int | None = None
    respond_async: bool = False

    @property
    def applied(self) -> str | None:
        """Value for ``Preference-Applied``."""
        if self.respond_async:
            return "respond-async"
        return None if self.wait_s is None else f"wait={self.wait_s}"


def parse(headers: Sequence[str]) -> Preferences:
    """Read all ``Prefer`` headers of a request; of a repeated preference the first counts (RFC 7240 §2)."""
    found: dict[str, str] = {}
    for item in _ITEM.findall(",".join(headers)):
        stripped = item.strip()
        if len(stripped) <= LONGEST_PREFERENCE and (match := _PREFERENCE.fullmatch(stripped)):
            found.setdefault(match[1].lower(), match[2] or match[3] or "")
    if "respond-async" in found:
        return Preferences(wait_s=0, respond_async=True)
    wait = found.get("wait", "")
    return Preferences(wait_s=min(int(wait), LONGEST_WAIT_S) if re.fullmatch(r"[0-9]{1,9}", wait) else None)
