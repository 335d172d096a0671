"""An ed25519 key pair: the private half signs and never shows itself, the public half verifies and has an id.

The id is the SHA-256 of the public key's DER form (SubjectPublicKeyInfo, RFC 8410), in hex; so it can be computed with
any tool, such as ``openssl pkey -pubin -outform DER | sha256sum``. The library that does the arithmetic is imported
when a key is used, because most commands use none. The doubt: Python cannot wipe memory.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_BYTES: Final = 64

_OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_NAME_LINE: Final = re.compile(rb"^name: ([A-Za-z0-9][A-Za-z0-9_.@-]{0,63})$", re.MULTILINE)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


class KeyFormatError(ValueError):
    """A text is no ed25519 key of the wanted kind; the message says why, without a byte of it."""


def is_name(name: str) -> bool:
    """Whether a key may be called so: letters, digits and ``_.@-``, at most 64."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The half that anyone may have.

    Attributes:
        key: As the library holds it.
        name: What its maker called it; it proves nothing.
    """

    key: Ed25519PublicKey
    name: str = ""

    @classmethod
    def parse(cls, pem: bytes) -> Self:
        """Read a PEM file; text before the key may say its name (``name: ci``), as RFC 7468 allows.

        Raises:
            KeyFormatError: It is no ed25519 public key.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise KeyFormatError("it is no public key in PEM form") from None
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFormatError("it is a public key, and none of ed25519")
        return cls(key, _name_in(pem))

    @property
    def keyid(self) -> str:
        """SHA-256 of the DER form, in hex."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()

    @property
    def pem(self) -> str:
        """As a file for ``keys/``, with the name on top."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        text = self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return named(text, self.name)

    @property
    def openssh(self) -> str:
        """As one line for ``authorized_keys`` and, behind a name, ``allowed_signers``."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether the private half of this key has signed these bytes."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The half that signs. It shows itself in no text, and is not pickled."""

    __slots__ = ("_key", "public")

    def __init__(self, key: Ed25519PrivateKey, name: str = "") -> None:
        self._key = key
        self.public = PublicKey(key.public_key(), name)

    @classmethod
    def new(cls, name: str = "") -> Self:
        """Make a key from the system's randomness."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate(), name)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a private key: PEM (PKCS#8), or the form of OpenSSH, which is all that ``ssh-keygen -Y`` reads.

        Raises:
            KeyFormatError: It is none of ed25519, or needs a passphrase, for which nobody could be asked in CI.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

        load = load_ssh_private_key if _OPENSSH in data else load_pem_private_key
        try:
            key = load(data, password=None)
        except TypeError:
            raise KeyFormatError("it needs a passphrase, and nobody is asked for one") from None
        except (ValueError, UnsupportedAlgorithm):
            raise KeyFormatError("it is no private key in PEM form") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFormatError("it is a private key, and none of ed25519")
        return cls(key, _name_in(data))

    @property
    def pem(self) -> str:
        """PKCS#8, for the one file that holds it."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        text = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return named(text, self.public.name)

    def sign(self, data: bytes) -> bytes:
        """Sign some bytes."""
        return self._key.sign(data)

    def spellings(self) -> tuple[str, ...]:
        """Everything that is secret in any file that holds the key, for the redactor and for nothing else."""
        seed = self._key.private_bytes_raw()
        return (seed.hex(), *_base64_cores(seed))

    def __repr__(self) -> str:
        return "SigningKey([REDACTED])"

    def __reduce__(self) -> NoReturn:
        msg = "a private key is never pickled or copied"
        raise TypeError(msg)


def named(pem: str, name: str) -> str:
    """A PEM text with a name on top."""
    return f"name: {name}\n{pem}" if name else pem


def _name_in(data: bytes) -> str:
    found = _NAME_LINE.search(data.partition(b"-----BEGIN")[0])
    return found[1].decode() if found else ""


def _base64_cores(data: bytes) -> Iterator[str]:
    """The characters that depend on these bytes alone, however they lie among others; what stands around is public."""
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + data).decode()
        yield text[-(-8 * offset // 6) : 8 * (offset + len(data)) // 6]
