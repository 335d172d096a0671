"""The ``Prefer`` header (RFC 7240): ``wait=N`` and ``respond-async``; what is unknown or malformed is ignored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_WAIT_S: Final = 60

_PREFERENCE = re.compile(r"\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*(?:=\s*(?:\"([^\"]*)\"|([^\s;,\"]*)))?\s*(?:;.*)?")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the caller would like.

    Attributes:
        wait_s: Seconds to wait for the end of a job, at most 60; ``None`` when nothing was said.
        respond_async: Answer at once.
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
    for item in ",".join(headers).split(","):
        if match := _PREFERENCE.fullmatch(item):
            found.setdefault(match[1].lower(), match[2] or match[3] or "")
    wait = found.get("wait", "")
    seconds = min(int(wait), LONGEST_WAIT_S) if re.fullmatch(r"[0-9]{1,9}", wait) else None
    return Preferences(wait_s=seconds, respond_async="respond-async" in found)
