"""What lies around a bundle and says something about it: the ledger, the other runs, and the pinned keys.

Read once, and only when a check asks for it. None of it is taken from the bundle, which is the point. That nobody has
changed these as well is what a published head and the history of the repository are for.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness.errors import PrerequisiteError
from harness.evidence.chaining import finished_names, read_ledger, stored_runs
from harness.evidence.guarded import open_root
from harness.evidence.layout import KEYS, LEDGER
from harness.sealing.ledger import Ledger, left_out, troubles
from harness.sealing.pinning import read_pinned
from harness.verifying.findings import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from harness.sealing.ledger import Stored, Trouble
    from harness.sealing.pinning import Pinned

    ReadsRuns = Callable[[int, Iterable[str]], Iterable[Stored]]
    """Reads the manifests of runs by name, below the open root."""


@dataclass(frozen=True, slots=True)
class Believed:
    """What a verifier takes from elsewhere.

    Attributes:
        keys: Folder of pinned keys; ``None`` for that of the evidence root.
        head: SHA-256 of the newest manifest, as it was published; empty when none is known.
    """

    keys: Path | None = None
    head: str = ""


@dataclass(frozen=True)
class Chain:
    """Ledger and runs of an evidence root; what follows from them is found once, for whoever verifies many runs."""

    ledger: Ledger | None
    stored: tuple[Stored, ...]

    @cached_property
    def troubles(self) -> tuple[Trouble, ...]:
        """What is wrong with them together, or worth knowing."""
        return troubles(self.ledger, self.stored)

    @cached_property
    def head(self) -> str:
        """The newest manifest, to publish; that of a run whose line was left out counts."""
        ledger = self.ledger or Ledger()
        behind = left_out(ledger, self.stored)
        return behind.manifest_sha256 if behind else ledger.head if ledger.lines else ""

    def newer_than(self, head: str) -> int | None:
        """How many runs were sealed after a head; ``None`` when it is the manifest of none that is there."""
        stored = {each.manifest_sha256 for each in self.stored}
        if head not in stored:
            return None
        chained = [line.manifest_sha256 for line in self.ledger.lines] if self.ledger else []
        return len(chained) - 1 - chained.index(head) if head in chained else 0


class Surroundings:
    """The evidence root that a bundle lies in."""

    def __init__(self, root: Path, believed: Believed, *, reads: ReadsRuns = stored_runs) -> None:
        self.root, self.believed, self._reads = root, believed, reads

    @cached_property
    def pinned(self) -> Pinned:
        """The keys that signatures are judged by.

        Raises:
            UnreadableError: ``keys-unreadable``.
        """
        try:
            return read_pinned(self.believed.keys or self.root / KEYS)
        except PrerequisiteError as error:
            raise UnreadableError(error.reference, KEYS, error.message) from None

    @cached_property
    def chain(self) -> Chain:
        """Ledger and runs.

        Raises:
            UnreadableError: ``ledger-unreadable``.
        """
        descriptor = -1
        try:
            descriptor = open_root(self.root)
            return Chain(read_ledger(descriptor), tuple(self._reads(descriptor, finished_names(descriptor))))
        except OSError as error:
            raise UnreadableError("ledger-unreadable", LEDGER, f"{error.strerror}") from None
        finally:
            with suppress(OSError):
                os.close(descriptor)
