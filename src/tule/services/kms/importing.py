"""Imported key material: which of it a key has, until when, and how it takes its turn.

A key with imported material may be used when all that belongs to it is there.  Deleted and expired material leaves its id
behind, so that only the same comes back.  New material of a symmetric key waits for a rotation on demand; that of a
multi-region key first for its replicas.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.backbone.delivery import Delivery, Done, Outcome
from tule.backbone.jobs import Job, cancel, enqueue
from tule.core import arn as arns
from tule.platform.node import Node
from tule.services.kms import changing, errors, events, names, specs, state
from tule.services.kms.names import Ref
from tule.services.kms.sealing import Sealer, bound_to
from tule.services.kms.state import Document, MaterialRow
from tule.store.store import Tx

KIND = "kms-expiry"
NEW = "NEW_KEY_MATERIAL"
EXISTING = "EXISTING_KEY_MATERIAL"
PENDING_ROTATION = "PENDING_ROTATION"
PENDING_REGIONS = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
_MAX_ATTEMPTS = 100


class Import(NamedTuple):
    """What is to be imported.  `kind` is the API's ImportType, empty where the call does not say; `expires_ms` 0 is never."""

    secret: bytes
    kind: str
    material_id: str
    description: str | None
    expires_ms: int


def add(tx: Tx, box: Sealer, ref: Ref, document: Document, given: Import) -> str:
    """Keep imported material; its id.  Raises IncorrectKeyMaterialException, KMSInvalidStateException."""
    rows = {row.id: row for row in state.materials(tx, ref.account, ref.region, ref.id)}
    known = rows | _of_primary(tx, ref, document)
    id = box.name_of(given.secret, ref.id)
    if given.material_id and given.material_id != id:
        raise errors.incorrect_material()
    kind = given.kind or (EXISTING if known else NEW)
    if kind == EXISTING and id not in known:
        raise errors.incorrect_material()
    if kind == NEW and id not in known:
        _check_new(ref, document, known)
    earlier = known.get(id)
    body: dict[str, Any] = dict(earlier.body) if earlier is not None else _new_body(tx, document, known)
    body.pop("expires_ms", None)
    if given.expires_ms:
        body["expires_ms"] = given.expires_ms
    if given.description is not None:
        body["description"] = given.description
    number = earlier.number if earlier is not None else len(known)
    sealed = box.seal(given.secret, bound_to(ref.account, ref.region, ref.id, id), tx.ids.bytes(12))
    state.put_material(tx, ref.account, ref.region, ref.id, MaterialRow(id, number, sealed, body))
    _expire_later(tx, ref, id, given.expires_ms)
    if "pending" not in body and number == max((row.number for row in known.values() if "pending" not in row.body), default=number):
        document["material"] = id
    settle(tx, ref, document)
    _all_regions_have(tx, ref, document, id)
    return id


def _of_primary(tx: Tx, ref: Ref, document: Document) -> dict[str, MaterialRow]:
    """The material of the primary key, which its replicas get, too."""
    primary = document.get("primary", ref.region)
    if primary == ref.region:
        return {}
    return {row.id: row for row in state.materials(tx, ref.account, primary, ref.id)}


def _check_new(ref: Ref, document: Document, known: Mapping[str, MaterialRow]) -> None:
    if document.get("primary", ref.region) != ref.region:
        changing.check_primary(ref, document)
    if known and document["spec"] != specs.SYMMETRIC:
        raise errors.incorrect_material()
    if any("pending" in row.body for row in known.values()):
        raise errors.invalid_state(names.arn_of(ref), "pending rotation of imported key material")


def _new_body(tx: Tx, document: Document, known: Mapping[str, MaterialRow]) -> dict[str, Any]:
    body: dict[str, Any] = {"created_ms": tx.now_ms}
    if known:
        body["pending"] = PENDING_REGIONS if document.get("replicas") else PENDING_ROTATION
    return body


def _all_regions_have(tx: Tx, ref: Ref, document: Document, id: str) -> None:
    """Material that has come to every region may take its turn."""
    regions = changing.related(document)
    held = [(region, _row(tx, ref.account, region, ref.id, id)) for region in regions]
    if not all(row is not None and row.sealed for _, row in held):
        return
    for region, row in held:
        if row is not None and row.body.get("pending") == PENDING_REGIONS:
            state.put_material(tx, ref.account, region, ref.id, row._replace(body={**row.body, "pending": PENDING_ROTATION}))


def _row(tx: Tx, account: str, region: str, key_id: str, id: str) -> MaterialRow | None:
    return next((row for row in state.materials(tx, account, region, key_id) if row.id == id), None)


def settle(tx: Tx, ref: Ref, document: Document) -> None:
    """Whether the key may be used follows from whether all of its material is there."""
    own = [row for row in state.materials(tx, ref.account, ref.region, ref.id) if "pending" not in row.body]
    complete = bool(own) and all(row.sealed for row in own)
    current = next((row for row in own if row.id == document.get("material")), None)
    document["imported"] = complete
    document["expires_ms"] = current.body.get("expires_ms", 0) if current is not None else 0
    if complete and document["state"] == "PendingImport":
        document["state"] = "Enabled"
    elif not complete and document["state"] in ("Enabled", "Disabled"):
        document["state"] = "PendingImport"
    changing.put(tx, ref, document)


def remove(tx: Tx, ref: Ref, document: Document, id: str) -> None:
    """Material that waits for its turn goes without a trace.  Raises NotFoundException."""
    row = _row(tx, ref.account, ref.region, ref.id, id)
    if row is None:
        raise errors.no_material(id)
    _expire_later(tx, ref, id, 0)
    if "pending" in row.body:
        state.drop_material(tx, ref.account, ref.region, ref.id, id)
    else:
        state.put_material(tx, ref.account, ref.region, ref.id, row._replace(sealed=b""))
    settle(tx, ref, document)


def rotate(tx: Tx, ref: Ref, document: Document) -> None:
    """Let the material that waits take its turn, in all regions.  Raises KMSInvalidStateException."""
    rows = state.materials(tx, ref.account, ref.region, ref.id)
    waiting = next((row for row in rows if row.body.get("pending") == PENDING_ROTATION), None)
    if waiting is None:
        raise errors.nothing_to_rotate(names.arn_of(ref))
    for region in changing.related(document) or [ref.region]:
        row = _row(tx, ref.account, region, ref.id, waiting.id)
        here = Ref(ref.account, region, ref.id)
        other = document if region == ref.region else state.key(tx, *here)
        if row is None or other is None:
            continue
        body = {name: value for name, value in row.body.items() if name != "pending"} | {"kind": "ON_DEMAND", "rotated_ms": tx.now_ms}
        state.put_material(tx, ref.account, region, ref.id, row._replace(body=body))
        other["material"] = waiting.id
        settle(tx, here, other)


def _expire_later(tx: Tx, ref: Ref, id: str, expires_ms: int) -> None:
    arn = names.arn_of(ref)
    name = f"{KIND}:{arn}:{id}"
    if not expires_ms:
        cancel(tx, name)
        return
    enqueue(tx, Job(KIND, arn, ref.account, ref.region, {"material": id}, due_ms=expires_ms, max_attempts=_MAX_ATTEMPTS, name=name))


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    arn = arns.parse(delivery.target)
    ref = Ref(arn.account, arn.region, arn.resource_id)

    def expire(tx: Tx) -> None:
        document = state.key(tx, *ref)
        row = _row(tx, ref.account, ref.region, ref.id, delivery.payload["material"])
        if document is None or row is None or not row.sealed or not 0 < row.body.get("expires_ms", 0) <= tx.now_ms:
            return
        remove(tx, ref, document, row.id)
        events.tell(tx, ref.account, ref.region, ref.id, events.EXPIRATION)

    await node.store.write(expire)
    return Done()


def shown(row: MaterialRow) -> dict[str, Any]:
    """What listings say of imported material."""
    told: dict[str, Any] = {"ImportState": "IMPORTED" if row.sealed else "PENDING_IMPORT"}
    if row.sealed:
        expires_ms = row.body.get("expires_ms", 0)
        told["ExpirationModel"] = "KEY_MATERIAL_EXPIRES" if expires_ms else "KEY_MATERIAL_DOES_NOT_EXPIRE"
        if expires_ms:
            told["ValidTo"] = expires_ms / 1000
    if row.body.get("description"):
        told["KeyMaterialDescription"] = row.body["description"]
    return told
