"""What ``ladder key`` does, and what it says: ``new``, ``pin``, ``list``. No answer holds a byte of a private key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.errors import PrerequisiteError, UsageError
from harness.sealing.key_files import DEFAULT, MAX_BYTES, VARIABLE, default_path, load, signing_key, write_new
from harness.sealing.keys import KeyFormatError, PublicKey, SigningKey, is_name
from harness.sealing.pinning import pin, read_pinned

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.sealing.pinning import Pinned

_PRIVATE: Final = b"PRIVATE KEY-----"


def new_key(settings: Settings, evidence: Path, *, out: Path | None, name: str) -> str:
    """Make a key pair, and say what to do with it.

    Raises:
        UsageError: ``key-name-invalid``, ``signing-key-misplaced``, ``signing-key-exists``.
        PrerequisiteError: ``home-unknown`` or ``signing-key-unwritable``.
    """
    if name and not is_name(name):
        message = f"a key cannot be called {name!r}"
        raise UsageError("key-name-invalid", message, "letters, digits and _.@-, at most 64 of them")
    path, key = out.absolute() if out else _default(settings), SigningKey.new(name)
    write_new(key, path, settings, evidence=evidence)
    is_default = path == default_path(settings)
    lines = [
        f"private key: {path} (mode 0600; keep it, and keep it out of every repository)",
        f"key id: {key.public.keyid}",
        f"pin it: ladder key pin {DEFAULT if is_default else path}",
        "every run from now on is signed with it" if is_default else f"sign with it: {VARIABLE}={path}",
    ]
    return "".join(f"{line}\n" for line in lines)


def pin_key(settings: Settings, keys: Path, which: str) -> str:
    """Put a public key among the pinned ones of an evidence root.

    Args:
        settings: Say where the default key lies.
        keys: The folder of pinned keys, below the evidence root.
        which: ``default``, or a file with a private or a public key.

    Raises:
        UsageError: ``key-invalid`` or ``key-clash``.
        PrerequisiteError: ``signing-key-…``, ``key-unreadable``, ``keys-unwritable``.
    """
    key = _public(_default(settings) if which == DEFAULT else Path(which), settings, keys.parent)
    path, is_new = pin(key, keys)
    lines = [
        f"{'pinned' if is_new else 'pinned before'}: {path}",
        f"key id: {key.keyid}",
        "commit that file: what verifies against it is trusted by everyone who has the repository",
    ]
    return "".join(f"{line}\n" for line in lines)


def list_keys(settings: Settings, keys: Path, *, as_json: bool) -> str:
    """The key that runs are signed with, and those that are pinned.

    Raises:
        PrerequisiteError: ``keys-unreadable``, or the signing key is unfit for use.
    """
    signing, pinned = signing_key(settings, keys.parent), read_pinned(keys)
    if as_json:
        document = {
            "signing": _document(signing.public) if signing else None,
            "pinned": [_document(key) for key in pinned.keys.values()],
            "not_keys": dict(pinned.odd),
        }
        return json.dumps(document, indent=2) + "\n"
    return _text(signing, pinned, settings.get(VARIABLE) or DEFAULT)


def _text(signing: SigningKey | None, pinned: Pinned, which: str) -> str:
    lines = [f"signing with: {_told(signing.public)}" if signing else "signing with: no key, so runs are unsigned"]
    lines += [f"pinned: {_told(key)}" for key in pinned.keys.values()]
    lines += [f"no pinned key: {name}: {why}" for name, why in pinned.odd.items()]
    if signing and signing.public.keyid not in pinned.keys:
        lines.append(f"the signing key is not pinned, so its runs are of an unknown key: ladder key pin {which}")
    return "".join(f"{line}\n" for line in lines)


def _told(key: PublicKey) -> str:
    return f"{key.keyid} {key.name}".rstrip()


def _document(key: PublicKey) -> dict[str, Any]:
    return {"keyid": key.keyid, "name": key.name or None, "openssh": key.openssh}


def _default(settings: Settings) -> Path:
    path = default_path(settings)
    if path is None:
        raise PrerequisiteError("home-unknown", "HOME is not set, so there is no default place for a key", "set HOME")
    return path


def _public(path: Path, settings: Settings, evidence: Path) -> PublicKey:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError as error:
        hint = "make one: ladder key new"
        raise PrerequisiteError("key-unreadable", f"the key {path}: {error.strerror}", hint) from None
    if _PRIVATE in data:
        return load(path, (settings.root, evidence)).public
    try:
        return PublicKey.parse(data)
    except KeyFormatError as error:
        raise UsageError("key-invalid", f"{path}: {error}", "name a PEM file of an ed25519 key") from None
