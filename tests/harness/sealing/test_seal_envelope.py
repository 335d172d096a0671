"""Envelopes: what is signed, what counts as signed, and that nothing forged, blank or borrowed does."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sealing.envelope import PAYLOAD_TYPE, SignatureWord, envelope, judge, pae
from harness.sealing.keys import SigningKey

KEY, OTHER = SigningKey.new(), SigningKey.new()
PINNED = {KEY.public.keyid: KEY.public}
MANIFEST = b'{"schema":"ladder.manifest/1"}'


def word(data, payload=MANIFEST, pinned=PINNED):
    return judge(data.encode() if isinstance(data, str) else data, payload, pinned).word


def changed(**facts):
    return json.dumps(json.loads(envelope(MANIFEST, KEY)) | facts)


def with_signature(**facts):
    document = json.loads(envelope(MANIFEST, KEY))
    document["signatures"][0].update(facts)
    return json.dumps(document)


def test_what_is_signed_is_spelt_as_the_specification_says():
    # The example of DSSE v1, protocol.md.
    wanted = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae(b"hello world", "http://example.com/HelloWorld") == wanted


def test_the_length_of_a_type_is_counted_in_bytes():
    assert pae(b"", "é") == b"DSSEv1 2 \xc3\xa9 0 "


def test_an_envelope_has_the_shape_of_the_specification_and_verifies():
    document = json.loads(envelope(MANIFEST, KEY))
    (signature,) = document["signatures"]
    assert (document["payloadType"], base64.b64decode(document["payload"])) == (PAYLOAD_TYPE, MANIFEST)
    assert signature["keyid"] == KEY.public.keyid
    assert KEY.public.verifies(base64.b64decode(signature["sig"]), pae(MANIFEST))
    judged = judge(envelope(MANIFEST, KEY).encode(), MANIFEST, PINNED)
    assert (judged.word, judged.key) == (SignatureWord.VERIFIED, KEY.public)


def test_a_signature_of_another_key_is_of_an_unknown_key():
    assert word(envelope(MANIFEST, OTHER)) is SignatureWord.UNKNOWN_KEY


def test_without_pinned_keys_every_key_is_unknown():
    assert word(envelope(MANIFEST, KEY), pinned={}) is SignatureWord.UNKNOWN_KEY
    assert word(with_signature(keyid=""), pinned={}) is SignatureWord.UNKNOWN_KEY


def test_a_signature_of_another_key_under_the_name_of_a_pinned_one_is_bad():
    borrowed = json.loads(envelope(MANIFEST, OTHER))["signatures"][0]["sig"]
    assert word(with_signature(sig=borrowed)) is SignatureWord.BAD


def test_the_id_in_an_envelope_is_a_hint_and_no_more():
    for keyid in ("", "another", OTHER.public.keyid):
        assert word(with_signature(keyid=keyid)) is SignatureWord.VERIFIED


def test_a_forged_signature_is_bad():
    assert word(with_signature(sig=base64.b64encode(bytes(64)).decode())) is SignatureWord.BAD
    assert word(with_signature(sig=base64.b64encode(bytes(64)).decode(), keyid="")) is SignatureWord.BAD


@pytest.mark.parametrize("sig", ["", "AAAA", base64.b64encode(bytes(63)).decode(), "====", "é", None, 7, ["x"]])
def test_a_blank_signature_is_bad(sig):
    assert word(with_signature(sig=sig)) is SignatureWord.BAD
    assert word(with_signature(sig=sig, keyid="unknown")) is SignatureWord.BAD


@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"{}", b"[]", b"null", b"7", b'"x"', b"\xff", b"[" * 100_000,
        b'{"payload": "", "payloadType": "", "signatures": 7}', b'{"payload": 7, "payloadType": "", "signatures": []}',
        changed(signatures=[]).encode(), changed(signatures=[7]).encode(), changed(signatures={}).encode(),
        changed(signatures=["x"]).encode(), changed(signatures=[{"keyid": 7, "sig": "AAAA"}]).encode(),
        changed(signatures=json.loads(envelope(MANIFEST, KEY))["signatures"] * 17).encode(),
        changed(payload=None).encode(), changed(payload="*").encode(),
        envelope(MANIFEST, KEY).encode().replace(b'{"payload"', b'{"payload": "", "payload"'),
    ],
)  # fmt: skip
def test_what_is_no_envelope_is_bad_and_breaks_nothing(data):
    assert word(data) is SignatureWord.BAD


def test_a_signature_for_something_else_is_of_the_wrong_type():
    statement = envelope(MANIFEST, KEY, "application/vnd.in-toto+json")
    assert word(statement) is SignatureWord.WRONG_TYPE
    # Relabelled it is no signature for a manifest either, because the type is signed as well.
    relabelled = json.dumps(json.loads(statement) | {"payloadType": PAYLOAD_TYPE})
    assert word(relabelled) is SignatureWord.BAD


def test_a_manifest_that_was_made_anew_does_not_fit_the_old_signature():
    anew = b'{"schema":"ladder.manifest/2"}'
    assert word(envelope(MANIFEST, KEY), payload=anew) is SignatureWord.BAD
    assert word(changed(payload=base64.b64encode(anew).decode()), payload=anew) is SignatureWord.BAD


def test_an_envelope_that_holds_something_else_than_what_was_signed_is_bad():
    # Its signature fits the manifest; every other reader of envelopes looks at the payload.
    assert word(changed(payload=base64.b64encode(b"{}").decode())) is SignatureWord.BAD


def test_one_signature_of_a_pinned_key_among_others_is_enough():
    others = json.loads(envelope(MANIFEST, OTHER))["signatures"] + json.loads(envelope(MANIFEST, KEY))["signatures"]
    assert word(changed(signatures=others)) is SignatureWord.VERIFIED


def test_base64_in_the_alphabet_of_urls_is_read_as_well():
    payload = bytes(range(256))
    document = json.loads(envelope(payload, KEY))
    document["payload"] = document["payload"].translate(str.maketrans("+/", "-_"))
    document["signatures"][0]["sig"] = document["signatures"][0]["sig"].translate(str.maketrans("+/", "-_"))
    assert word(json.dumps(document), payload=payload) is SignatureWord.VERIFIED


@given(payload=st.binary(max_size=200), position=st.integers(0, 10**6), mask=st.integers(1, 255))
def test_no_changed_payload_ever_verifies(payload, position, mask):
    sealed = json.loads(envelope(payload, KEY))
    data = bytearray(payload or b"x")
    data[position % len(data)] ^= mask if payload else 0
    sealed["payload"] = base64.b64encode(data).decode()
    assert word(json.dumps(sealed), payload=bytes(data)) is SignatureWord.BAD
