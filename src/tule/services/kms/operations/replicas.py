"""ReplicateKey, UpdatePrimaryRegion.  AWS: KMS developer guide, "Multi-Region keys"."""

from __future__ import annotations

from typing import Any

from tule.core.errors import validation
from tule.core.tags import to_list
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms import changing, errors, names, policies, rotation, state, tagging
from tule.services.kms.key import metadata
from tule.services.kms.names import Ref
from tule.services.kms.state import Document
from tule.store.store import Tx

_SHARED = ("id", "spec", "usage", "origin", "manager", "material", "rotation", "primary")


async def replicate_key(call: Call, params: Params) -> dict[str, Any]:
    region = params["ReplicaRegion"]
    id = names.parse(params["KeyId"], call.account, call.region).id
    policy = params.get("Policy")
    if policy is not None:
        arn = names.key_arn(call.account, region, id)
        await policies.check_new(call, arn, call.account, policy, bypass=bool(params.get("BypassPolicyLockoutSafetyCheck")))
    text = policy or policies.default(call.account, region)
    tags = tagging.checked(params.get("Tags") or [])

    def replicate(tx: Tx) -> Document:
        ref, document = changing.usable(call, tx, params["KeyId"]) if _is_own(call, tx, params) else changing.staying(call, tx, params["KeyId"])
        changing.check_primary(ref, document)
        if region == ref.region:
            raise validation(f"The replica region {region} is the region of the primary key.")
        if state.key(tx, ref.account, region, ref.id) is not None:
            raise errors.replica_exists(names.key_arn(ref.account, region, ref.id))
        document["replicas"] = [*document["replicas"], region]
        replica: Document = {name: document[name] for name in _SHARED if name in document}
        replica |= {
            "created_ms": tx.now_ms,
            "state": "Enabled" if document["origin"] == "AWS_KMS" else "PendingImport",
            "description": params.get("Description", ""),
            "policy": text,
            "tags": tags,
            "aliases": [],
            "replicas": document["replicas"],
        }
        state.create_key(tx, ref.account, region, replica)
        changing.put_everywhere(tx, ref, document, ("replicas",))
        return replica

    made = await call.node.store.write(replicate)
    being_made = {name: value for name, value in made.items() if name != "material"} | {"state": "Creating"}
    return {
        "ReplicaKeyMetadata": metadata(call.account, region, being_made),
        "ReplicaPolicy": text,
        "ReplicaTags": to_list(tags, "TagKey", "TagValue"),
    }


def _is_own(call: Call, tx: Tx, params: Params) -> bool:
    """Whether the key's material is KMS's own: keys that wait for theirs may be replicated, too."""
    return changing.held(call, tx, params["KeyId"])[1]["origin"] == "AWS_KMS"


def update_primary_region(call: Call, tx: Tx, params: Params) -> None:
    ref, document = changing.usable(call, tx, params["KeyId"])
    changing.check_primary(ref, document)
    region = params["PrimaryRegion"]
    if region not in document["replicas"]:
        raise errors.no_key(names.key_arn(ref.account, region, ref.id))
    document["primary"] = region
    document["replicas"] = [other if other != region else ref.region for other in document["replicas"]]
    changing.put_everywhere(tx, ref, document, ("primary", "replicas"))
    rotation.schedule(tx, ref.account, ref.region, {**document, "rotation": {}})
    heir = Ref(ref.account, region, ref.id)
    rotation.schedule(tx, *heir[:2], state.key(tx, *heir) or document)
