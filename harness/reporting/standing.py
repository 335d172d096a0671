"""How far a stored run can be believed: the first thing that is told of it, in every form.

That its files fit one another is looked up, file by file, and a signature is judged by the keys that are pinned beside
the run. Whether the chain of runs is whole, and every case follows, is a matter for ``ladder verify``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.checking import faults_of
from harness.evidence.guarded import stored_text
from harness.evidence.layout import ENVELOPE, KEYS, MANIFEST
from harness.evidence.printable import one_line, shortened
from harness.evidence.reading import RunCondition
from harness.evidence.run_record import RunStatus
from harness.sealing.envelope import UNSIGNED, Judged, SignatureWord, judge
from harness.sealing.pinning import read_pinned

if TYPE_CHECKING:
    from harness.evidence.reading import RunEntry

INTERRUPTED: Final = "interrupted"

MOST_FAULTS: Final = 20
"""Told one by one; the rest is counted."""

_LONGEST: Final = 300
_SHOWN: Final = 16
"""Characters of a key's id."""

_WRONG: Final = frozenset({SignatureWord.BAD, SignatureWord.WRONG_TYPE})
"""A signature that is not right, as opposed to one that nobody here can judge."""

_HEADLINES: Final = {
    RunCondition.FINISHED: "Finished, and every file is as it was recorded.",
    INTERRUPTED: "Interrupted: what is missing was never climbed. Every file is as it was recorded.",
    RunCondition.RUNNING: "Still running: this is how far it has come, and no evidence yet.",
    RunCondition.PARTIAL: "Partial: it did not finish, and does not count as evidence.",
    RunCondition.DAMAGED: "Damaged: it is not as it was recorded. Do not rely on anything below.",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a run is evidence.

    Attributes:
        word: A condition of ``RunCondition``, or ``interrupted``.
        is_sound: It has ended, and every file is as recorded.
        seal: What its signature is.
        why: What speaks against it, one line each.
    """

    word: str
    is_sound: bool
    seal: Judged
    why: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The word as a sentence."""
        return _HEADLINES[self.word]

    @property
    def signature(self) -> str:
        """What is known of who made it, as a sentence."""
        if self.seal.key is not None:
            return f"Verified: signed with the pinned key {self.seal.key.keyid[:_SHOWN]}."
        if self.seal.word is SignatureWord.UNSIGNED:
            return "Unsigned: nothing says who made this bundle."
        return f"Signed, and nobody knows by whom: {self.seal.what}."

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything above, to be read from the top."""
        more = len(self.why) - MOST_FAULTS
        told = (*self.why[:MOST_FAULTS], *((f"and {more} more",) if more > 0 else ()))
        return (self.headline, *told, self.signature)

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        told = {"condition": self.word, "sound": self.is_sound, "why": list(self.why)}
        return {**told, "signed": self.seal.word is not SignatureWord.UNSIGNED, "signature": self.seal.word.value}


def standing_of(entry: RunEntry, *, more: tuple[str, ...] = ()) -> Standing:
    """Look at every byte of a run that says that it has ended.

    Args:
        entry: The run.
        more: Other things that are known to speak against a run that has ended.
    """
    is_finished = entry.condition is RunCondition.FINISHED
    found = tuple(f"{fault.kind}: {fault.path}" for fault in faults_of(entry.folder)) if is_finished else ()
    seal = _seal_of(entry)
    if is_finished and seal.word in _WRONG:
        found = (*found, f"{seal.word}: {seal.what}")
    why = tuple(shortened(one_line(text), _LONGEST) for text in (entry.why, *found, *more) if text)
    word: str = entry.condition.value
    if is_finished and why:
        word = RunCondition.DAMAGED.value
    elif is_finished and entry.record is not None and entry.record.status is RunStatus.INTERRUPTED:
        word = INTERRUPTED
    return Standing(word, is_finished and not why, seal, why)


def _seal_of(entry: RunEntry) -> Judged:
    if not entry.is_signed:
        return UNSIGNED
    try:
        envelope, manifest = (stored_text(entry.folder / name).encode() for name in (ENVELOPE, MANIFEST))
    except (OSError, UnicodeDecodeError) as error:
        return Judged(SignatureWord.BAD, f"it cannot be read: {type(error).__name__}")
    return judge(envelope, manifest, read_pinned(entry.folder.parent / KEYS).keys)
