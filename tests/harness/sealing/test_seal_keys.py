"""Key pairs: how they are read and written, what an id is, and that the private half never shows itself."""

import base64
import hashlib
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from harness.redaction.redacted import MARKER
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet
from harness.sealing.keys import KeyFormatError, PublicKey, SigningKey, is_name

# RFC 8032, section 7.1, test 1.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
SPKI = bytes.fromhex("302a300506032b6570032100")
"""What stands before the key in its DER form (RFC 8410, section 10.1)."""


def of_seed():
    return SigningKey(ed25519.Ed25519PrivateKey.from_private_bytes(SEED))


def pem(key, form=PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_signature_is_that_of_the_standard():
    key = of_seed()
    assert key.sign(b"") == SIGNATURE
    assert key.public.verifies(SIGNATURE, b"")
    assert not key.public.verifies(SIGNATURE, b" ")
    assert not key.public.verifies(b"", b"")
    assert not key.public.verifies(bytes(64), b"")


def test_the_id_of_a_key_is_the_hash_of_its_der_form():
    assert of_seed().public.keyid == hashlib.sha256(SPKI + PUBLIC).hexdigest()


def test_a_pair_is_read_back_as_it_was_written_with_its_name():
    key = SigningKey.new("ci")
    again = SigningKey.parse(key.pem.encode())
    assert (again.public.keyid, again.public.name) == (key.public.keyid, "ci")
    public = PublicKey.parse(key.public.pem.encode())
    assert (public.keyid, public.name, public.pem) == (key.public.keyid, "ci", key.public.pem)
    assert SigningKey.parse(SigningKey.new().pem.encode()).public.name == ""


def test_a_key_in_the_form_of_openssh_is_the_same_key():
    library = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
    key = SigningKey.parse(pem(library, PrivateFormat.OpenSSH))
    assert key.public.keyid == of_seed().public.keyid
    assert key.public.openssh.startswith("ssh-ed25519 AAAA")


@pytest.mark.parametrize("name", ["", "a b", "-x", "a\nb", "é", "a" * 65, "../x", "a\n"])
def test_a_name_that_could_be_misread_is_none(name):
    assert not is_name(name)


def test_ordinary_names_are_names():
    assert all(map(is_name, ["ci", "release-2026", "me@example.com", "a" * 64, "A_b.c"]))


def test_two_new_keys_are_not_the_same():
    assert SigningKey.new().public.keyid != SigningKey.new().public.keyid


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no private key in PEM form"),
        (
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "no private key in PEM form",
        ),
        (public_pem(ed25519.Ed25519PrivateKey.generate()), "no private key in PEM form"),
        (pem(rsa.generate_private_key(65537, 1024)), "none of ed25519"),
        (pem(x25519.X25519PrivateKey.generate()), "none of ed25519"),
        (
            pem(ed25519.Ed25519PrivateKey.generate(), encryption=BestAvailableEncryption(b"canary-pass")),
            "needs a passphrase",
        ),
    ],
)
def test_what_is_no_private_key_of_ed25519_is_refused_in_words_without_it(data, words):
    with pytest.raises(KeyFormatError, match=words) as caught:
        SigningKey.parse(data)
    assert all(line not in str(caught.value) for line in data.decode().splitlines() if line)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", pem(ed25519.Ed25519PrivateKey.generate()), public_pem(rsa.generate_private_key(65537, 1024))],
)
def test_what_is_no_public_key_of_ed25519_is_refused(data):
    with pytest.raises(KeyFormatError):
        PublicKey.parse(data)


def test_a_private_key_shows_itself_in_no_text_and_is_not_pickled():
    key = of_seed()
    for text in (repr(key), str(key), f"{key}", repr(key.public)):
        assert SEED.hex() not in text
        assert base64.b64encode(SEED).decode()[:12] not in text
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.OpenSSH])
def test_the_redactor_knows_the_private_half_in_every_file_that_can_hold_it(form):
    library = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
    redactor = Redactor(SecretSet(tuple(NamedSecret("KEY", Secret(text)) for text in of_seed().spellings())))
    text = pem(library, form).decode()
    shown = redactor.text(text)
    assert MARKER in shown
    seed = base64.b64encode(SEED).decode()
    # Whatever line of the file is printed alone: nothing that depends on the seed alone is left of it.
    parsed = b"".join(base64.b64decode(f"{line}==") for line in shown.splitlines() if line.isalnum())
    assert SEED not in parsed
    for line in text.splitlines():
        assert not any(seed[at : at + 16] in redactor.text(line) for at in range(len(seed) - 16))
    assert MARKER in redactor.text(f"leaked {SEED.hex()}")
    assert MARKER in redactor.text(f"leaked {seed}")


def test_the_public_half_is_no_secret():
    redactor = Redactor(SecretSet(tuple(NamedSecret("KEY", Secret(text)) for text in of_seed().spellings())))
    key = of_seed().public
    for text in (key.pem, key.openssh, key.keyid):
        assert redactor.text(text) == text
