"""How bytes are encrypted at rest: AES-256-GCM in chunks, so that any range can be read and nothing is held in memory.

Stored bytes are a salt of 16 bytes and then the chunks of 64 KiB, each followed by its tag.  A chunk's key is derived from the
data key and the salt, so that parts of an upload and objects of one customer key may share a data key; its nonce is its number and
whether it is the last one, so that chunks can be neither exchanged nor cut off.  Dual-layer encryption does it twice, with two keys.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from functools import cache
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING, Any

from tule.blobs.blobs import Blobs
from tule.core.ids import Ids
from tule.store.errors import StoreUnavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
CHUNK = 64 * 1024
SALT_BYTES = 16
_TAG_BYTES = 16
_READ_CHUNKS = 8  # of a long read, at a time
_NONCE = Struct(">QI")
_ONLY = _NONCE.pack(0, True)  # the nonce of what is one chunk


class Damaged(StoreUnavailable):
    """Stored bytes are not what was written."""


@cache
def _aead() -> Any:
    """Loaded when the first bytes are sealed: it costs a node's start."""
    from cryptography.hazmat.primitives.ciphers import aead

    return aead.AESGCM


@cache
def invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag


def cipher(key: bytes) -> AESGCM:
    return _aead()(key)


class Seal:
    """The data keys of some bytes, one a layer.  `has_md5_etag` is false where AWS's entity tag is no digest of the content."""

    __slots__ = ("_keys", "has_md5_etag")

    def __init__(self, *keys: bytes, has_md5_etag: bool) -> None:
        self._keys = keys
        self.has_md5_etag = has_md5_etag

    def within(self, outer: bytes) -> Seal:
        """The same inside another layer."""
        return Seal(*self._keys, outer, has_md5_etag=self.has_md5_etag)

    @property
    def _step(self) -> int:
        return CHUNK + _TAG_BYTES * len(self._keys)

    def ciphers(self, salt: bytes) -> tuple[AESGCM, ...]:
        """A data key and a salt have one length each, so that their digest is as good as a keyed one, at a third of the time."""
        return tuple(cipher(sha256(key + salt).digest()) for key in self._keys)

    def etag(self, md5: bytes) -> str:
        """An entity tag as AWS gives it: the MD5, or something that says nothing of the content."""
        return md5.hex() if self.has_md5_etag else hmac.digest(self._keys[0], md5, "md5").hex()

    def stored_bytes(self, size: int) -> int:
        """How many bytes `size` bytes are when sealed."""
        return stored_bytes(size, len(self._keys))

    def seal(self, data: bytes, ids: Ids) -> bytes:
        """All at once, for few bytes."""
        if len(data) > CHUNK:
            sealer = Sealer(self, ids)
            return b"".join((*sealer.update(data), *sealer.finish()))
        salt = ids.bytes(SALT_BYTES)
        chunk = data
        for each in self.ciphers(salt):
            chunk = each.encrypt(_ONLY, chunk, None)
        return salt + chunk

    def open(self, stored: bytes, size: int) -> bytes:
        """Raises Damaged."""
        if len(stored) != self.stored_bytes(size):
            raise Damaged("Sealed bytes were cut short.")
        salt, chunks = stored[:SALT_BYTES], memoryview(stored)[SALT_BYTES:]
        return decrypted(self.ciphers(salt), _ONLY, chunks) if size <= CHUNK else Opener(self, salt, size).open(chunks)

    async def read(self, blobs: Blobs, blob: str, size: int, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes from `start` up to `end` of the `size` that are sealed in a blob.  Raises Damaged."""
        if start >= end:
            return
        first, last = start // CHUNK, (end - 1) // CHUNK
        salt = b"".join([piece async for piece in blobs.read(blob, 0, SALT_BYTES)])
        opener = Opener(self, salt, size, first)
        stop = min(SALT_BYTES + (last + 1) * self._step, self.stored_bytes(size))
        left, skip = end - start, start - first * CHUNK
        async for piece in blobs.read(blob, SALT_BYTES + first * self._step, stop, piece=_READ_CHUNKS * self._step, through=opener.open):
            wanted = piece[skip : skip + left] if skip or len(piece) > left else piece
            left, skip = left - len(wanted), 0
            yield wanted
        if left:
            raise Damaged(f"Blob {blob} was cut short.")


def decrypted(ciphers: tuple[AESGCM, ...], nonce: bytes, stored: bytes | memoryview) -> bytes:
    """Raises Damaged."""
    try:
        for each in reversed(ciphers):
            stored = each.decrypt(nonce, stored, None)
    except invalid_tag():
        raise Damaged("Sealed bytes have changed since they were written.") from None
    return stored  # type: ignore[return-value]


def stored_bytes(size: int, layers: int) -> int:
    return SALT_BYTES + size + max(1, -(-size // CHUNK)) * _TAG_BYTES * layers


class Sealer:
    """Encrypts bytes as they come, into pieces that are stored in their order.  `update` keeps the last chunk back, as only the end
    tells which one is the last."""

    def __init__(self, seal: Seal, ids: Ids) -> None:
        salt = ids.bytes(SALT_BYTES)
        self._ciphers = seal.ciphers(salt)
        self._out: list[bytes] = [salt]
        self._rest = b""
        self._number = 0

    def update(self, data: bytes) -> list[bytes]:
        view = memoryview(data)
        at = 0
        if self._rest:
            at = min(CHUNK - len(self._rest), len(view))
            self._rest += view[:at]
            if at == len(view):
                return self._taken()
            self._seal(self._rest, last=False)
        while len(view) - at > CHUNK:
            self._seal(view[at : at + CHUNK], last=False)
            at += CHUNK
        self._rest = bytes(view[at:])
        return self._taken()

    def finish(self) -> list[bytes]:
        self._seal(self._rest, last=True)
        self._rest = b""
        return self._taken()

    def _seal(self, chunk: bytes | memoryview, *, last: bool) -> None:
        nonce = _NONCE.pack(self._number, last)
        for each in self._ciphers:
            chunk = each.encrypt(nonce, chunk, None)
        self._out.append(chunk)  # type: ignore[arg-type]
        self._number += 1

    def _taken(self) -> list[bytes]:
        taken, self._out = self._out, []
        return taken


class Opener:
    """Decrypts chunks in order, from number `first` on, of `size` bytes that were sealed together."""

    def __init__(self, seal: Seal, salt: bytes, size: int, first: int = 0) -> None:
        self._ciphers = seal.ciphers(salt)
        self._step = CHUNK + _TAG_BYTES * len(self._ciphers)
        self._number = first
        self._last = max(1, -(-size // CHUNK)) - 1

    def open(self, stored: bytes | memoryview) -> bytes:
        """Some whole chunks.  Raises Damaged."""
        view = memoryview(stored)
        chunks = [self._chunk(view[at : at + self._step]) for at in range(0, len(view), self._step)]
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _chunk(self, stored: memoryview) -> bytes:
        nonce = _NONCE.pack(self._number, self._number == self._last)
        self._number += 1
        return decrypted(self._ciphers, nonce, stored)
