"""CreateKey, DescribeKey, ListKeys, and what turns keys on and off.  AWS: KMS API reference."""

from __future__ import annotations

from typing import Any

from tule.core.errors import not_implemented, validation
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.kms import changing, deletion, errors, making, names, policies, rotation, specs, state, tagging
from tule.services.kms.key import metadata
from tule.services.kms.keys import keys
from tule.services.kms.names import Ref
from tule.services.kms.sealing import sealer
from tule.services.kms.state import Document
from tule.services.kms.usage import usage, written
from tule.store.store import Tx

_USUAL_LIMIT = 100


async def create_key(call: Call, params: Params) -> dict[str, Any]:
    spec, usage = _kind(params)
    origin = params.get("Origin", "AWS_KMS")
    _check_origin(params, spec, origin)
    tags = tagging.checked(params.get("Tags") or [])
    id = _new_id(call, is_multi_region=bool(params.get("MultiRegion")))
    policy = params.get("Policy")
    if policy is None:
        policy = policies.default(call.account, call.region)
    else:
        arn = names.key_arn(call.account, call.region, id)
        await policies.check_new(call, arn, call.account, policy, bypass=bool(params.get("BypassPolicyLockoutSafetyCheck")))
    document: Document = {
        "id": id,
        "created_ms": call.now_ms,
        "state": "Enabled" if origin == "AWS_KMS" else "PendingImport",
        "description": params.get("Description", ""),
        "spec": spec,
        "usage": usage,
        "origin": origin,
        "manager": "CUSTOMER",
        "policy": policy,
        "tags": tags,
        "aliases": [],
    }
    if params.get("MultiRegion"):
        document |= {"primary": call.region, "replicas": []}
    secret = await making.new_material(call.node, spec) if origin == "AWS_KMS" else None
    box = await sealer(call.node)

    def create(tx: Tx) -> Document:
        made = dict(document)
        if secret is not None:
            made["material"] = making.add_material(tx, box, call.account, call.region, made, secret, {})
        state.create_key(tx, call.account, call.region, made)
        return made

    return {"KeyMetadata": metadata(call.account, call.region, await call.node.store.write(create))}


def _new_id(call: Call, *, is_multi_region: bool) -> str:
    return "mrk-" + call.node.ids.hex(32) if is_multi_region else call.node.ids.uuid()


def _kind(params: Params) -> tuple[str, str]:
    """The key's spec and usage."""
    old, new = params.get("CustomerMasterKeySpec"), params.get("KeySpec")
    if old is not None and new is not None and old != new:
        raise validation("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
    spec = new or old or specs.SYMMETRIC
    if spec not in specs.SPECS:
        raise not_implemented("kms", f"keys of spec {spec}")
    usages = specs.SPECS[spec]
    usage = params.get("KeyUsage")
    if usage is None:
        if spec.startswith("HMAC_") or specs.is_asymmetric(spec):
            raise validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
        usage = specs.ENCRYPT_DECRYPT
    if usage not in usages:
        raise validation(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    return spec, usage


def _check_origin(params: Params, spec: str, origin: str) -> None:
    if origin in ("AWS_CLOUDHSM", "EXTERNAL_KEY_STORE") or params.get("CustomKeyStoreId") or params.get("XksKeyId"):
        raise not_implemented("kms", "keys in custom key stores")
    if origin == "EXTERNAL" and spec.startswith(("ML_DSA", "ML_KEM")):
        raise errors.unsupported(f"KeySpec {spec} is not supported for Origin {origin}")


async def describe_key(call: Call, params: Params) -> dict[str, Any]:
    """May make an AWS managed key, and so is no read."""
    key = await keys(call.node).named(call, params["KeyId"])
    return {"KeyMetadata": metadata(key.account, key.region, key.document)}


@reads
def list_keys(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    limit = params.get("Limit", _USUAL_LIMIT)
    after = call.node.pager.after("kms.ListKeys", params.get("Marker"), errors.invalid_marker)
    rows = state.KEYS.page(tx, call.account, call.region, after=after, limit=limit + 1)
    shown, last = page(rows, limit, lambda row: row[0])
    answer: dict[str, Any] = {
        "Keys": [{"KeyId": id, "KeyArn": names.key_arn(call.account, call.region, id)} for id, _ in shown],
        "Truncated": last is not None,
    }
    return answer if last is None else answer | {"NextMarker": call.node.pager.token("kms.ListKeys", last)}


def enable_key(call: Call, tx: Tx, params: Params) -> None:
    ref, document = changing.staying(call, tx, params["KeyId"])
    if document["state"] == "PendingImport":
        raise errors.invalid_state(names.arn_of(ref), "pending import")
    _switch(tx, ref, document, "Enabled")


def disable_key(call: Call, tx: Tx, params: Params) -> None:
    ref, document = changing.staying(call, tx, params["KeyId"])
    if document["state"] == "PendingImport":
        raise errors.invalid_state(names.arn_of(ref), "pending import")
    _switch(tx, ref, document, "Disabled")


def _switch(tx: Tx, ref: Ref, document: Document, to: str) -> None:
    document["state"] = to
    changing.put(tx, ref, document)
    rotation.schedule(tx, ref.account, ref.region, document)


def update_key_description(call: Call, tx: Tx, params: Params) -> None:
    ref, document = changing.staying(call, tx, params["KeyId"])
    changing.put(tx, ref, {**document, "description": params["Description"]})


def schedule_key_deletion(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    days = params.get("PendingWindowInDays", deletion.USUAL_DAYS)
    changing.check_days(days, deletion.LEAST_DAYS, deletion.USUAL_DAYS, "PendingWindowInDays")
    ref, document = changing.staying(call, tx, params["KeyId"])
    deletion.schedule(tx, ref, document, days)
    answer: dict[str, Any] = {"KeyId": names.arn_of(ref), "KeyState": document["state"], "PendingWindowInDays": days}
    return answer | {"DeletionDate": document["deletion_ms"] / 1000} if "deletion_ms" in document else answer


def cancel_key_deletion(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    ref, document = changing.held(call, tx, params["KeyId"])
    if document["state"] not in ("PendingDeletion", "PendingReplicaDeletion"):
        raise errors.invalid_state(names.arn_of(ref), "not pending deletion")
    deletion.unschedule(tx, ref, document)
    return {"KeyId": names.arn_of(ref)}


async def get_key_last_usage(call: Call, params: Params) -> dict[str, Any]:
    ref, document = await call.node.store.read(lambda tx: changing.held(call, tx, params["KeyId"]))
    key = await keys(call.node).named(call, params["KeyId"])
    use = usage(call.node).latest(key) or await call.node.store.read(lambda tx: written(tx, *ref))
    created = document["created_ms"] / 1000
    last = {} if use is None else {"Operation": use.operation, "Timestamp": use.at_ms / 1000, "KmsRequestId": use.request}
    return {"KeyId": ref.id, "KeyLastUsage": last, "TrackingStartDate": created, "KeyCreationDate": created}
