"""``state.json``: captured values by scenario, so that one scenario can be run again without those before it."""

# Annotations are read at run time by the codec, so they are not deferred here.
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.evidence.documents import of_schema, pretty
from harness.evidence.records import from_document, to_document

SCHEMA: Final = "ladder.state/1"


@dataclass(frozen=True, slots=True)
class RunState:
    """What a run captured.

    Attributes:
        ladder_digest: SHA-256 of the ladder's file; captures are reused only with the same.
        captures: Scenario id → name → value, redacted.
    """

    run_id: str
    ladder_digest: str
    captures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def encode_state(state: RunState) -> str:
    """Spell ``state.json``."""
    return pretty({"schema": SCHEMA} | to_document(state))


def decode_state(text: str) -> RunState:
    """Read ``state.json``.

    Raises:
        DamagedRecordError: It is not JSON, of another schema, or not whole.
    """
    return from_document(RunState, of_schema(text, SCHEMA))
