"""Deleting keys: after a waiting period, by a job.

A multi-region primary key waits for its replicas first: its period begins when the last of them is gone.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
"""

from __future__ import annotations

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, cancel, enqueue
from tule.core import arn as arns
from tule.platform.node import Node
from tule.services.kms import changing, events, names, rotation, state
from tule.services.kms.names import Ref
from tule.services.kms.state import Document
from tule.store.store import Tx

KIND = "kms-deletion"
USUAL_DAYS = 30
LEAST_DAYS = 7
_MAX_ATTEMPTS = 100


def schedule(tx: Tx, ref: Ref, document: Document, days: int) -> None:
    document["window_days"] = days
    if document.get("primary") == ref.region and document["replicas"]:
        document["state"] = "PendingReplicaDeletion"
    else:
        _wait(tx, ref, document)
    changing.put(tx, ref, document)
    rotation.schedule(tx, ref.account, ref.region, document)


def _wait(tx: Tx, ref: Ref, document: Document) -> None:
    document["state"] = "PendingDeletion"
    document["deletion_ms"] = tx.now_ms + document["window_days"] * rotation.DAY_MS
    arn = names.arn_of(ref)
    enqueue(tx, Job(KIND, arn, ref.account, ref.region, {}, due_ms=document["deletion_ms"], max_attempts=_MAX_ATTEMPTS, name=_job_name(arn)))


def unschedule(tx: Tx, ref: Ref, document: Document) -> None:
    """The key stays, disabled."""
    cancel(tx, _job_name(names.arn_of(ref)))
    for name in ("deletion_ms", "window_days"):
        document.pop(name, None)
    document["state"] = "Disabled"
    changing.put(tx, ref, document)


def _job_name(arn: str) -> str:
    return f"{KIND}:{arn}"


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    arn = arns.parse(delivery.target)
    ref = Ref(arn.account, arn.region, arn.resource_id)

    def drop(tx: Tx) -> None:
        document = state.key(tx, *ref)
        if document is not None and document["state"] == "PendingDeletion" and document["deletion_ms"] <= tx.now_ms:
            _drop(tx, ref, document)

    await node.store.write(drop)
    return Done()


def _drop(tx: Tx, ref: Ref, document: Document) -> None:
    state.drop_key(tx, ref.account, ref.region, document)
    events.tell(tx, ref.account, ref.region, ref.id, events.DELETION)
    home = state.home_of(document, ref.region)
    if home or document["primary"] == ref.region:
        state.drop_materials(tx, ref.account, home, ref.id)
    if document.get("primary", ref.region) != ref.region:
        _tell_primary(tx, ref, document)


def _tell_primary(tx: Tx, ref: Ref, document: Document) -> None:
    """A replica is gone."""
    replicas = [region for region in document["replicas"] if region != ref.region]
    for region in (document["primary"], *replicas):
        here = Ref(ref.account, region, ref.id)
        other = state.key(tx, *here)
        if other is None:
            continue
        other["replicas"] = replicas
        if other["state"] == "PendingReplicaDeletion" and not replicas:
            _wait(tx, here, other)
        changing.put(tx, here, other)
