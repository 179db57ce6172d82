"""Rotation: new material for a key, old material kept for decrypting.

Automatic rotation is a job at the key's next rotation date, under a name of its own, so that every change of the dates
replaces it.  AWS: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
"""

from __future__ import annotations

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, cancel, enqueue
from tule.core import arn as arns
from tule.platform.node import Node
from tule.services.kms import events, making, names, state
from tule.services.kms.sealing import Sealer, sealer
from tule.services.kms.state import Document
from tule.store.store import Tx

KIND = "kms-rotation"
DAY_MS = 86_400_000
USUAL_DAYS = 365
AUTOMATIC = "AUTOMATIC"
ON_DEMAND = "ON_DEMAND"
_MAX_ATTEMPTS = 100


def schedule(tx: Tx, account: str, region: str, document: Document) -> None:
    """Let the key be rotated at its next date, or not at all."""
    arn = names.key_arn(account, region, document["id"])
    rotation = document.get("rotation") or {}
    if not rotation.get("enabled") or document["state"] != "Enabled":
        cancel(tx, _job_name(arn))
        return
    enqueue(tx, Job(KIND, arn, account, region, {}, due_ms=rotation["next_ms"], max_attempts=_MAX_ATTEMPTS, name=_job_name(arn)))


def _job_name(arn: str) -> str:
    return f"{KIND}:{arn}"


def rotate(tx: Tx, box: Sealer, account: str, region: str, document: Document, secret: bytes, kind: str) -> None:
    """Give the key new material, here and, of a multi-region key, in all its regions."""
    document["material"] = making.add_material(tx, box, account, region, document, secret, {"kind": kind})
    state.put_key(tx, account, region, document)
    events.tell(tx, account, region, document["id"], events.ROTATION)
    if document.get("primary"):
        for replica in document["replicas"]:
            other = state.key(tx, account, replica, document["id"])
            if other is not None:
                state.put_key(tx, account, replica, {**other, "material": document["material"], "rotation": document.get("rotation")})


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    box = await sealer(node)
    secret = node.ids.bytes(making.SYMMETRIC_BYTES)
    arn = arns.parse(delivery.target)

    def turn(tx: Tx) -> None:
        document = state.key(tx, arn.account, arn.region, arn.resource_id)
        rotation = (document or {}).get("rotation") or {}
        if document is None or document["state"] != "Enabled" or not rotation.get("enabled") or rotation["next_ms"] > tx.now_ms:
            return
        document["rotation"] = {**rotation, "next_ms": rotation["next_ms"] + rotation["period_days"] * DAY_MS}
        rotate(tx, box, arn.account, arn.region, document, secret, AUTOMATIC)
        schedule(tx, arn.account, arn.region, document)

    await node.store.write(turn)
    return Done()
