"""What lies around the runs of one root, looked at again when something changed: ledger, other runs, pinned keys.

Of ten thousand runs, all manifests are read once, and afterwards those that changed; what follows from all of them
together is found again only if one did. The doubt: a manifest that is changed in place is seen after ten seconds by the
runs that continue from it; by its own run, at once.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.console.shelf import LOOKED_S
from harness.console.stamps import stamp_of, stamps_below
from harness.evidence.chaining import stored_runs
from harness.evidence.layout import KEYS, LEDGER, MANIFEST
from harness.sealing.ledger import ChainWord
from harness.verifying.findings import Finding, UnreadableError
from harness.verifying.seal_checks import finding_of
from harness.verifying.surroundings import Believed, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from harness.sealing.ledger import Stored, Trouble
    from harness.verifying.surroundings import Chain

MOST_FINDINGS: Final = 100
"""Of those that every run is told; the others are counted, since a ledger may have a hundred thousand odd lines."""


@dataclass(frozen=True, slots=True)
class Links:
    """What is wrong with a chain, or worth knowing.

    Attributes:
        shared: What concerns every run.
        untold: So many more concern every run.
        own: What concerns one run, by its folder.
    """

    shared: tuple[Finding, ...] = ()
    untold: int = 0
    own: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, chain: Chain) -> Self:
        """Go through the troubles of a chain once."""
        shared: list[Trouble] = []
        own: defaultdict[str, list[Trouble]] = defaultdict(list)
        for each in chain.troubles:
            (own[each.run] if each.word is ChainWord.BEFORE else shared).append(each)
        told = sorted(shared, key=lambda each: not each.is_fault)[:MOST_FINDINGS]
        return cls(
            tuple(map(finding_of, told)),
            len(shared) - len(told),
            {run: tuple(map(finding_of, found)) for run, found in own.items()},
        )

    def told(self, run: str) -> tuple[Finding, ...]:
        """What is told with one run."""
        return (*self.shared, *self.own.get(run, ()))


class Chained:
    """The surroundings of the runs of one root; used by several threads at a time.

    Args:
        root: Where evidence lies.
        clock: In seconds, monotonic.
    """

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._root, self._clock = root, clock
        self._lock = threading.Lock()
        self._stored: dict[str, tuple[object, Stored]] = {}
        self._looked: tuple[object, float] | None = None
        self._around = Surroundings(root, Believed(), reads=self._read)
        self._places: dict[str, int] = {}
        self._links = Links()

    def around(self) -> Surroundings:
        """Ledger, runs and pinned keys as they are, or were up to ten seconds ago."""
        stamp, now = self._stamp(), self._clock()
        with self._lock:
            if self._looked is None or self._looked[0] != stamp or now - self._looked[1] > LOOKED_S:
                self._look_again(is_other=self._looked is None or self._looked[0] != stamp)
                self._looked = stamp, now
            return self._around

    @property
    def keys(self) -> object:
        """Changes whenever a pinned key does."""
        return stamps_below(self._root / KEYS)

    @property
    def links(self) -> Links:
        """What is wrong with the chain, or worth knowing about its runs."""
        self.around()
        return self._links

    def place(self, name: str) -> str:
        """Which one a run is in the ledger; empty when it is not listed, or no ledger can be read."""
        self.around()
        at = self._places.get(name)
        return f"run {at} of {len(self._places)} in the ledger" if at else ""

    def _stamp(self) -> object:
        """What changes whenever a run comes or goes, or ledger or keys do."""
        return (*(stamp_of(f"{self._root}{name}") for name in ("", f"/{LEDGER}")), self.keys)

    def _look_again(self, *, is_other: bool) -> None:
        fresh = Surroundings(self._root, Believed(), reads=self._read)
        try:
            found = fresh.chain
            if not is_other and found == self._around.chain:
                return
            lines, told = found.ledger.lines if found.ledger else (), Links.of(found)
        except UnreadableError as error:
            lines, told = (), Links((error.finding,))
        self._around, self._links = fresh, told
        self._places = {line.run: at for at, line in enumerate(lines, start=1)}

    def _read(self, root: int, names: Iterable[str]) -> Iterator[Stored]:
        """Manifests that are as they were are not read again."""
        before, self._stored = self._stored, {}
        for name in names:
            stamp = stamp_of(f"{name}/{MANIFEST}", root=root)
            held = before.get(name)
            if held is None or held[0] != stamp or not stamp:
                read = next(iter(stored_runs(root, (name,))), None)
                held = (stamp, read) if read else None
            if held:
                self._stored[name] = held
                yield held[1]
