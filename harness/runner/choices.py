"""What a person may choose on the command line; light, so that the command line may import it."""

from __future__ import annotations

from enum import StrEnum


class RecordChoice(StrEnum):
    """How much of a run is kept."""

    FULL = "full"
    METADATA_ONLY = "metadata_only"
    """Codes, times, sizes, digests, ids and names; contents become ``[CONTENT_EXCLUDED]``."""


class WitnessChoice(StrEnum):
    """Whether the engine is asked about containers."""

    AUTO = "auto"
    """It must answer for our own stack; for a foreign one it is asked when the address is local and it answers."""
    REQUIRED = "required"
    OFF = "off"
