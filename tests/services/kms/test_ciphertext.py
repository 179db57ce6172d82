"""Blobs: what is encrypted comes out again, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.core.errors import ServiceError
from tule.core.ids import Ids
from tule.services.kms import ciphertext

SECRET = bytes(range(32))
HEADER = ciphertext.header_of("12345678-1234-1234-1234-123456789012", "ab" * 32)
contexts = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=4)


def _encrypted(plaintext: bytes, context: dict[str, str], header: bytes = HEADER) -> bytes:
    return ciphertext.encrypt(SECRET, header, Ids(seed=1).bytes(28), plaintext, context)


@given(plaintext=st.binary(max_size=200), context=contexts)
def test_what_was_encrypted_comes_out(plaintext: bytes, context: dict[str, str]) -> None:
    sealed = ciphertext.parse(_encrypted(plaintext, context))
    assert ciphertext.decrypt(SECRET, sealed, dict(reversed(context.items()))) == plaintext


@given(context=contexts, other=contexts)
def test_only_the_same_context_opens(context: dict[str, str], other: dict[str, str]) -> None:
    sealed = ciphertext.parse(_encrypted(b"text", context))
    if context == other:
        assert ciphertext.decrypt(SECRET, sealed, other) == b"text"
    else:
        with pytest.raises(ServiceError, match="InvalidCiphertextException"):
            ciphertext.decrypt(SECRET, sealed, other)


@given(data=st.data())
def test_a_blob_that_was_touched_anywhere_opens_nowhere(data: st.DataObject) -> None:
    blob = bytearray(_encrypted(b"some text", {"a": "b"}))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ServiceError, match="InvalidCiphertextException"):
        ciphertext.decrypt(SECRET, ciphertext.parse(bytes(blob)), {"a": "b"})


@given(blob=st.binary(max_size=120))
def test_what_is_no_blob_is_refused(blob: bytes) -> None:
    with pytest.raises(ServiceError, match="InvalidCiphertextException"):
        ciphertext.decrypt(SECRET, ciphertext.parse(blob), None)


@pytest.mark.parametrize("id", ["12345678-1234-1234-1234-123456789012", "mrk-" + "0123456789abcdef" * 2])
def test_a_blob_names_its_key_and_material(id: str) -> None:
    sealed = ciphertext.parse(_encrypted(b"x", {}, ciphertext.header_of(id, "cd" * 32)))
    assert (sealed.key_id, sealed.material) == (id, "cd" * 16)
