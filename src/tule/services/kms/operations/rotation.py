"""EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand, ListKeyRotations.  AWS: KMS API reference."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.kms import changing, errors, importing, listing, making, names, rotation, specs, state
from tule.services.kms.names import Ref
from tule.services.kms.sealing import sealer
from tule.services.kms.state import Document, MaterialRow
from tule.store.store import Tx

_MAX_ON_DEMAND = 25


def _check_rotates(ref: Ref, document: Document) -> None:
    """Raises UnsupportedOperationException for keys whose material is not KMS's to renew."""
    if document["spec"] != specs.SYMMETRIC:
        raise errors.unsupported("")
    if document["origin"] != "AWS_KMS":
        raise errors.wrong_origin(names.arn_of(ref), document["origin"])
    if document.get("primary"):
        changing.check_primary(ref, document)


def enable_key_rotation(call: Call, tx: Tx, params: Params) -> None:
    ref, document = changing.usable(call, tx, params["KeyId"])
    _check_rotates(ref, document)
    old = document.get("rotation") or {}
    days = params.get("RotationPeriodInDays", rotation.USUAL_DAYS)
    if old.get("enabled") and old["period_days"] == days:
        return
    since_ms = old["next_ms"] - old["period_days"] * rotation.DAY_MS if old.get("enabled") else tx.now_ms
    next_ms = max(since_ms + days * rotation.DAY_MS, tx.now_ms)
    document["rotation"] = {"enabled": True, "period_days": days, "next_ms": next_ms}
    changing.put_everywhere(tx, ref, document, ("rotation",))
    rotation.schedule(tx, ref.account, ref.region, document)


def disable_key_rotation(call: Call, tx: Tx, params: Params) -> None:
    ref, document = changing.usable(call, tx, params["KeyId"])
    _check_rotates(ref, document)
    document["rotation"] = {"enabled": False}
    changing.put_everywhere(tx, ref, document, ("rotation",))
    rotation.schedule(tx, ref.account, ref.region, document)


@reads
def get_key_rotation_status(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    ref, document = changing.held(call, tx, params["KeyId"])
    found = document.get("rotation") or {}
    answer: dict[str, Any] = {"KeyId": ref.id, "KeyRotationEnabled": bool(found.get("enabled"))}
    if found.get("enabled"):
        answer["RotationPeriodInDays"] = found["period_days"]
        if document["state"] not in ("PendingDeletion", "PendingReplicaDeletion"):
            answer["NextRotationDate"] = found["next_ms"] / 1000
    return answer


async def rotate_key_on_demand(call: Call, params: Params) -> dict[str, Any]:
    box = await sealer(call.node)
    secret = call.node.ids.bytes(making.SYMMETRIC_BYTES)

    def turn(tx: Tx) -> str:
        ref, document = changing.usable(call, tx, params["KeyId"])
        if document["spec"] != specs.SYMMETRIC:
            raise errors.unsupported("")
        if document.get("primary"):
            changing.check_primary(ref, document)
        rows = state.materials(tx, ref.account, state.home_of(document, ref.region), ref.id)
        if sum(row.body.get("kind") == rotation.ON_DEMAND for row in rows) >= _MAX_ON_DEMAND:
            raise errors.limit_exceeded(f"The maximum number of on-demand rotations has been reached for {names.arn_of(ref)}.")
        if document["origin"] == "EXTERNAL":
            importing.rotate(tx, ref, document)
        else:
            rotation.rotate(tx, box, ref.account, ref.region, document, secret, rotation.ON_DEMAND)
        return names.arn_of(ref)

    return {"KeyId": await call.node.store.write(turn)}


@reads
def list_key_rotations(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    ref, document = changing.held(call, tx, params["KeyId"])
    if document["spec"] != specs.SYMMETRIC:
        raise errors.unsupported("")
    after = listing.after(call, params)
    rows = state.materials(tx, ref.account, state.home_of(document, ref.region), ref.id)
    if params.get("IncludeKeyMaterial") != "ALL_KEY_MATERIAL":
        rows = [row for row in rows if "kind" in row.body]
    rest = rows if after == "" else [row for row in rows if row.number > after]
    return listing.answer(call, params, "Rotations", rest, lambda row: row.number, lambda row: _shown(ref, document, row), usual=100)


def _shown(ref: Ref, document: Document, row: MaterialRow) -> dict[str, Any]:
    pending = row.body.get("pending")
    shown: dict[str, Any] = {
        "KeyId": names.arn_of(ref),
        "KeyMaterialId": row.id,
        "KeyMaterialState": pending or ("CURRENT" if row.id == document.get("material") else "NON_CURRENT"),
    }
    if "kind" in row.body:
        shown |= {"RotationDate": row.body.get("rotated_ms", row.body["created_ms"]) / 1000, "RotationType": row.body["kind"]}
    if document["origin"] == "EXTERNAL":
        shown |= importing.shown(row)
    return shown
