"""DSSE v1: a signature over a manifest, in an envelope that holds both; made and judged here, without files.

What is signed is not the manifest alone but its type, its length and its bytes (the pre-authentication encoding), so
that a signature for something else is never one for a manifest. The ids of keys in an envelope are hints: a signature
counts when a pinned key verifies it, whatever the envelope calls that key.
See https://github.com/secure-systems-lab/dsse: envelope.md and protocol.md.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from harness.sealing.keys import SIGNATURE_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.sealing.keys import PublicKey

PAYLOAD_TYPE: Final = "application/vnd.ladder.manifest+json"

MOST_SIGNATURES: Final = 16
"""Each costs time to verify, and a stranger may have written the envelope."""

_STANDARD: Final = str.maketrans("-_", "+/")


class Signs(Protocol):
    """A private key."""

    @property
    def public(self) -> PublicKey:
        """Its public half."""

    def sign(self, data: bytes) -> bytes:
        """Sign some bytes."""


class SignatureWord(StrEnum):
    """What a signature is."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    BAD = "bad-signature"
    UNKNOWN_KEY = "unknown-key"
    WRONG_TYPE = "wrong-type"


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement about an envelope.

    Attributes:
        what: Why, in words.
        key: The pinned key that verified it.
    """

    word: SignatureWord
    what: str = ""
    key: PublicKey | None = None


UNSIGNED: Final = Judged(SignatureWord.UNSIGNED, "nothing says who made this bundle")


def pae(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """The bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope(payload: bytes, key: Signs, payload_type: str = PAYLOAD_TYPE) -> str:
    """Sign a payload, and give the text of ``manifest.dsse.json``."""
    signature = {"keyid": key.public.keyid, "sig": _spelt(key.sign(pae(payload, payload_type)))}
    return json.dumps({"payload": _spelt(payload), "payloadType": payload_type, "signatures": [signature]})


def judge(data: bytes, payload: bytes, pinned: Mapping[str, PublicKey]) -> Judged:
    """Judge an envelope.

    Args:
        data: The envelope as it is stored.
        payload: The manifest beside it.
        pinned: Public keys by id that were pinned outside the bundle.
    """
    try:
        found = json.loads(data, object_pairs_hook=_unique)
        kind, signed, signatures = found["payloadType"], _decoded(found["payload"]), _signatures(found["signatures"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Judged(SignatureWord.BAD, "it is no DSSE envelope")
    if kind != PAYLOAD_TYPE:
        return Judged(SignatureWord.WRONG_TYPE, f"it signs something else than {PAYLOAD_TYPE}")
    if signed != payload:
        return Judged(SignatureWord.BAD, "it signs another manifest than the one beside it")
    return _judged(signatures, payload, pinned)


def _judged(signatures: Sequence[tuple[str, bytes]], payload: bytes, pinned: Mapping[str, PublicKey]) -> Judged:
    whole = [(keyid, sig) for keyid, sig in signatures if len(sig) == SIGNATURE_BYTES]
    if not whole:
        return Judged(SignatureWord.BAD, "it holds no signature")
    data = pae(payload)
    for _, sig in whole:
        for key in pinned.values():
            if key.verifies(sig, data):
                return Judged(SignatureWord.VERIFIED, key=key)
    if not pinned:
        return Judged(SignatureWord.UNKNOWN_KEY, "no key is pinned that could verify it")
    if not any(keyid in pinned or not keyid for keyid, _ in whole):
        return Judged(SignatureWord.UNKNOWN_KEY, "no pinned key has made it")
    return Judged(SignatureWord.BAD, "the pinned key that it names has not made it")


def _signatures(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, bytes]]:
    if len(found) > MOST_SIGNATURES:
        raise ValueError("more signatures than anybody would make")
    signatures = [(each.get("keyid", ""), _decoded(each["sig"])) for each in found]
    if not all(isinstance(keyid, str) for keyid, _ in signatures):
        raise TypeError("the id of a key is a text")
    return signatures


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _spelt(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    """Base64 in either alphabet, as the specification asks of readers."""
    try:
        return base64.b64decode(text.translate(_STANDARD), validate=True)
    except (AttributeError, binascii.Error) as error:
        raise ValueError("no base64") from error
