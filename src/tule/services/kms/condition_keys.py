"""KMS's condition keys: what a call, its key and its encryption context say of themselves.

AWS: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.access.actions import tags_in_request
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms import names, specs
from tule.services.kms.key import Key


def via_service(call: Call) -> str | None:
    """`s3.us-east-1.amazonaws.com`, when a service calls for somebody."""
    via = call.principal.context.get("via")
    return f"{via[-1].partition('.')[0]}.{call.region}.amazonaws.com" if via else None


def of_caller(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {"kms:CallerAccount": call.principal.source_account or call.principal.account}
    via = via_service(call)
    if via is not None:
        found["kms:ViaService"] = via
    return found


def of_key(call: Call, key: Key, params: Params) -> dict[str, Any]:
    document = key.document
    found = of_caller(call) | {
        "kms:KeySpec": key.spec,
        "kms:CustomerMasterKeySpec": key.spec,
        "kms:KeyUsage": key.usage,
        "kms:CustomerMasterKeyUsage": key.usage,
        "kms:KeyOrigin": document["origin"],
        "kms:MultiRegion": bool(document.get("primary")),
        "kms:ResourceAliases": document["aliases"],
    }
    if document.get("primary"):
        found["kms:MultiRegionKeyType"] = "PRIMARY" if document["primary"] == key.region else "REPLICA"
    found |= {f"aws:ResourceTag/{name}": value for name, value in document["tags"].items()}
    alias = _alias_in(params)
    return found | {"kms:RequestAlias": alias} if alias else found


def _alias_in(params: Params) -> str | None:
    text = params.get("KeyId")
    if not isinstance(text, str):
        return None
    if text.startswith(names.ALIAS):
        return text
    return names.ALIAS + text.partition(":alias/")[2] if ":alias/" in text else None


def of_context(context: Mapping[str, str] | None, params: Params) -> dict[str, Any]:
    """Of an encryption: its context and its algorithm."""
    found: dict[str, Any] = {"kms:EncryptionAlgorithm": params.get("EncryptionAlgorithm", specs.SYMMETRIC)}
    if context:
        found |= {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
        found["kms:EncryptionContextKeys"] = list(context)
    return found


def of_new_key(call: Call, params: Params) -> dict[str, Any]:
    spec = params.get("KeySpec") or params.get("CustomerMasterKeySpec") or specs.SYMMETRIC
    usage = params.get("KeyUsage", specs.ENCRYPT_DECRYPT)
    return {
        **of_caller(call),
        **tags_in_request(params),
        "kms:KeySpec": spec,
        "kms:CustomerMasterKeySpec": spec,
        "kms:KeyUsage": usage,
        "kms:CustomerMasterKeyUsage": usage,
        "kms:KeyOrigin": params.get("Origin", "AWS_KMS"),
        "kms:MultiRegion": bool(params.get("MultiRegion")),
        "kms:BypassPolicyLockoutSafetyCheck": bool(params.get("BypassPolicyLockoutSafetyCheck")),
    }


def of_grant(call: Call, params: Params) -> dict[str, Any]:
    constraints = params.get("Constraints") or {}
    found: dict[str, Any] = {
        "kms:GrantIsForAWSResource": via_service(call) is not None,
        "kms:GrantOperations": params["Operations"],
        "kms:GranteePrincipal": params.get("GranteePrincipal") or params.get("GranteeServicePrincipal"),
    }
    retiring = params.get("RetiringPrincipal") or params.get("RetiringServicePrincipal")
    if retiring is not None:
        found["kms:RetiringPrincipal"] = retiring
    for kind in ("EncryptionContextEquals", "EncryptionContextSubset"):
        if kind in constraints:
            found["kms:GrantConstraintType"] = kind
            found |= {f"kms:EncryptionContext:{name}": value for name, value in constraints[kind].items()}
            found["kms:EncryptionContextKeys"] = list(constraints[kind])
    return found
