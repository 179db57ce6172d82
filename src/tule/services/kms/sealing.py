"""Key material at rest: sealed by AES-256-GCM under a master key, and bound to the key to which it belongs.

The master key follows from the installation's secret, so that all nodes of an installation have the same one and a wipe
leaves it.  Whoever has a backup of the whole store has both.
"""

from __future__ import annotations

import hashlib
import hmac

from tule.platform.node import Node
from tule.store.secret import installation_secret

_MEMORY = "kms.sealer"
_NONCE_BYTES = 12


class Sealer:
    def __init__(self, secret: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # a node starts without it

        self._cipher = AESGCM(_derived(secret, "key material"))
        self._names = _derived(secret, "names of key material")

    def seal(self, secret: bytes, bound_to: str, nonce: bytes) -> bytes:
        """`nonce` is 12 random bytes, never used twice."""
        return nonce + self._cipher.encrypt(nonce, secret, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Raises cryptography's InvalidTag where somebody has touched it."""
        return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())

    def name_of(self, material: bytes, key_id: str) -> str:
        """The id of a piece of key material: the same whenever the same material is imported into the same key."""
        return hmac.digest(self._names, key_id.encode() + b"\0" + material, "sha256").hex()


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"tule kms: {purpose}".encode(), hashlib.sha256)


def bound_to(account: str, home: str, key_id: str, material_id: str) -> str:
    """What sealed material belongs to."""
    return f"{account}/{home}/{key_id}/{material_id}"


async def sealer(node: Node) -> Sealer:
    known = node.memory.get(_MEMORY)
    if known is None:
        known = node.memory[_MEMORY] = Sealer(await installation_secret(node.store))
    return known
