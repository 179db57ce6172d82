"""GetKeyPolicy, PutKeyPolicy, ListKeyPolicies.  AWS: KMS API reference."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.kms import changing, errors, names, policies
from tule.store.store import Tx


@reads
def get_key_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    _, document = changing.held(call, tx, params["KeyId"])
    _check_name(params)
    return {"Policy": document["policy"], "PolicyName": policies.NAME}


def _check_name(params: Params) -> None:
    if params.get("PolicyName", policies.NAME) != policies.NAME:
        raise errors.no_policy()


async def put_key_policy(call: Call, params: Params) -> None:
    _check_name(params)
    text = params["Policy"]
    ref = names.parse(params["KeyId"], call.account, call.region)
    bypass = bool(params.get("BypassPolicyLockoutSafetyCheck"))
    await policies.check_new(call, names.arn_of(ref), ref.account, text, bypass=bypass)

    def put(tx: Tx) -> None:
        found, document = changing.staying(call, tx, params["KeyId"])
        changing.put(tx, found, {**document, "policy": text})

    await call.node.store.write(put)


@reads
def list_key_policies(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    changing.held(call, tx, params["KeyId"])
    return {"PolicyNames": [policies.NAME], "Truncated": False}
