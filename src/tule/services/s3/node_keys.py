"""S3's own keys (SSE-S3): each object has a data key, and that is wrapped with a key which the installation keeps in its store.

A wrapped key is 62 bytes: what it is (1), the number of the wrapping key (1), a nonce (12), the encrypted data key and its tag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tule.platform.node import Node
from tule.services.s3.sealing import KEY_BYTES, Damaged, cipher, invalid_tag
from tule.store import secret
from tule.store.store import Tx

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KIND = b"\x01"
_CURRENT = 1
_HEAD_OF_CURRENT = KIND + bytes((_CURRENT,))
_NONCE_BYTES = 12
_HEAD = len(KIND) + 1 + _NONCE_BYTES


class NodeKeys:
    """The wrapping keys that this node has in memory."""

    def __init__(self) -> None:
        self._ciphers: dict[int, AESGCM] = {}

    @staticmethod
    def of(node: Node) -> NodeKeys:
        keys = node.memory.get("s3.keys")
        if keys is None:
            keys = node.memory["s3.keys"] = NodeKeys()
        return keys

    async def new(self, node: Node) -> tuple[bytes, bytes]:
        """A data key, and the same wrapped."""
        wrapping = self._ciphers.get(_CURRENT)
        if wrapping is None:
            kept = await node.store.write(lambda tx: secret.make(tx, _name(_CURRENT)))
            wrapping = self._ciphers[_CURRENT] = cipher(kept)
        drawn = node.ids.bytes(KEY_BYTES + _NONCE_BYTES)
        key, nonce = drawn[:KEY_BYTES], drawn[KEY_BYTES:]
        return key, b"".join((_HEAD_OF_CURRENT, nonce, wrapping.encrypt(nonce, key, None)))

    def unwrap(self, tx: Tx, wrapped: bytes) -> bytes:
        """Raises Damaged."""
        number = wrapped[1]
        wrapping = self._ciphers.get(number)
        if wrapping is None:
            kept = secret.find(tx, _name(number))
            if kept is None:
                raise Damaged(f"S3's wrapping key {number} is not in the store: these bytes cannot be read.")
            wrapping = self._ciphers[number] = cipher(kept)
        return decrypted(wrapping, wrapped[2:_HEAD], wrapped[_HEAD:])


def _name(number: int) -> str:
    return f"s3 wrapping key {number}"


def decrypted(wrapping: AESGCM, nonce: bytes, wrapped: bytes) -> bytes:
    """Raises Damaged."""
    try:
        return wrapping.decrypt(nonce, wrapped, None)
    except invalid_tag():
        raise Damaged("A wrapped data key does not fit its wrapping key: it has changed since it was written.") from None
