"""Which policies let an entity use a service.  AWS: IAM API reference, ListPoliciesGrantingServiceAccess."""

from __future__ import annotations

from typing import Any

import orjson

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import grants, listing, policy_texts
from tule.services.iam.entity_arns import entity_at
from tule.services.iam.policy_texts import PolicyText
from tule.store.store import Tx


@reads
def list_policies_granting_service_access(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    kind, entity = entity_at(tx, call.account, params["Arn"])
    found = policy_texts.of_entity(tx, kind, call.account, entity)
    rows = [
        {"ServiceNamespace": namespace, "Policies": [_shape(one) for one in found if grants.grants(orjson.loads(one.text), namespace)]}
        for namespace in params["ServiceNamespaces"]
    ]
    return listing.numbered(call, params, "PoliciesGrantingServiceAccess", rows, lambda row: row)


def _shape(policy: PolicyText) -> dict[str, str]:
    if policy.arn:
        return {"PolicyName": policy.name, "PolicyType": "MANAGED", "PolicyArn": policy.arn}
    return {"PolicyName": policy.name, "PolicyType": "INLINE", "EntityType": policy.kind.noun.upper(), "EntityName": policy.holder}
