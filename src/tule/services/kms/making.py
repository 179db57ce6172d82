"""Making keys: their material, and their rows.

RSA keys take long to find: that is done on a thread, before the transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tule.platform.node import Node
from tule.services.kms import specs, state
from tule.services.kms.sealing import Sealer, bound_to
from tule.services.kms.state import Document, MaterialRow
from tule.store.store import Tx

SYMMETRIC_BYTES = 32
_HMAC_BYTES = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}


async def new_material(node: Node, spec: str) -> bytes:
    """Fresh material for a key of this spec."""
    if not specs.is_asymmetric(spec):
        return node.ids.bytes(_HMAC_BYTES.get(spec, SYMMETRIC_BYTES))
    from tule.services.kms import asymmetric

    if spec.startswith("RSA_"):
        return await asyncio.to_thread(asymmetric.generate, spec)
    return asymmetric.generate(spec)


def fits(secret: bytes, spec: str) -> bool:
    """Whether imported material is what a key of this spec takes."""
    if not specs.is_asymmetric(spec):
        return len(secret) == _HMAC_BYTES.get(spec, SYMMETRIC_BYTES)
    from tule.services.kms import asymmetric

    return asymmetric.fits(secret, spec)


def add_material(tx: Tx, box: Sealer, account: str, region: str, document: Document, secret: bytes, body: Mapping[str, Any]) -> str:
    """Keep material of a key, as the one after those that it has; the material's id."""
    home, key_id = state.home_of(document, region), document["id"]
    id = box.name_of(secret, key_id)
    number = len(state.materials(tx, account, home, key_id))
    sealed = box.seal(secret, bound_to(account, home, key_id, id), tx.ids.bytes(12))
    state.put_material(tx, account, home, key_id, MaterialRow(id, number, sealed, {"created_ms": tx.now_ms, **body}))
    return id
