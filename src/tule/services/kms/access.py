"""Who may do what with keys: each permission on the key's ARN, with the key's own policy, which must allow it, and its grants.

A grant that fits the call counts as one more statement of the key's policy.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/control-access.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tule.access.actions import tags_in_request
from tule.access.need import LazyContext
from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Need, Params, RememberedNeeds
from tule.services.kms import ciphertext, condition_keys, errors, grants, names
from tule.services.kms.key import Key
from tule.services.kms.keys import keys
from tule.services.kms.retiring import retired

Extra = Callable[[Params], Mapping[str, Any]]


def need(call: Call, key: Key, action: str, params: Params, context: Callable[[], Mapping[str, Any]]) -> Need:
    """The permission `action` (`Encrypt`) on a key."""
    granted = grants.statements(call, key, action, params) if key.grants else None
    policy = key.policy if not granted else {**key.policy, "Statement": [*_statements(key.policy), *granted]}
    lazily = LazyContext(lambda: {**condition_keys.of_key(call, key, params), **context()})
    return Need(f"kms:{action}", key.arn, lazily, policy, key.account, policy_decides=True)


def _statements(policy: Mapping[str, Any]) -> Sequence[Any]:
    statements = policy["Statement"]
    return statements if isinstance(statements, list) else [statements]


def is_free(call: Call, key: Key) -> bool:
    """Whether nothing can deny the caller: it is the root of the key's account, and the policy is the default one."""
    principal = call.principal
    return principal.kind == "root" and principal.account == key.account and key.is_open_to_root


def _nothing(params: Params) -> Mapping[str, Any]:
    return {}


def _on_key(action: str, extra: Extra = _nothing, member: str = "KeyId") -> RememberedNeeds:
    async def needs(call: Call, params: Params) -> Sequence[Need]:
        key = await keys(call.node).named(call, params[member])
        if "GrantTokens" in params:
            grants.check_tokens(call.node, params["GrantTokens"])
        if is_free(call, key):
            return ()
        return (need(call, key, action, params, partial(extra, params)),)

    return needs


def _everywhere(action: str) -> RememberedNeeds:
    """A permission on no resource."""

    async def needs(call: Call, params: Params) -> Sequence[Need]:
        return (Need(f"kms:{action}", "*", LazyContext(partial(condition_keys.of_caller, call))),)

    return needs


async def _create_key(call: Call, params: Params) -> Sequence[Need]:
    context = condition_keys.of_new_key(call, params)
    needed = [Need("kms:CreateKey", "*", context)]
    return [*needed, Need("kms:TagResource", "*", context)] if params.get("Tags") else needed


async def _decrypt(call: Call, params: Params) -> Sequence[Need]:
    key = await key_to_decrypt(call, params, params.get("CiphertextBlob"), params.get("KeyId"), "kms:Decrypt")
    if is_free(call, key):
        return ()
    return (need(call, key, "Decrypt", params, lambda: condition_keys.of_context(params.get("EncryptionContext"), params)),)


async def key_to_decrypt(call: Call, params: Params, blob: bytes | None, named: str | None, action: str) -> Key:
    """The key that a call names, else the one that the blob names.  Raises InvalidCiphertextException, AccessDeniedException."""
    if named is not None:
        return await keys(call.node).named(call, named)
    if blob is None:
        raise errors.missing("keyId")
    found = await keys(call.node).of_ciphertext(call, ciphertext.parse(blob))
    if found is None:
        raise errors.no_key_of_ciphertext(call.principal.arn, action)
    return found


async def _re_encrypt(call: Call, params: Params) -> Sequence[Need]:
    source = await key_to_decrypt(call, params, params.get("CiphertextBlob"), params.get("SourceKeyId"), "kms:ReEncryptFrom")
    destination = await keys(call.node).named(call, params["DestinationKeyId"])
    same = {"kms:ReEncryptOnSameKey": source.arn == destination.arn}
    needed: list[Need] = []
    if not is_free(call, source):
        given = params.get("SourceEncryptionContext")
        needed.append(need(call, source, "ReEncryptFrom", params, lambda: {**same, **condition_keys.of_context(given, params)}))
    if not is_free(call, destination):
        onto = params.get("DestinationEncryptionContext")
        needed.append(need(call, destination, "ReEncryptTo", params, lambda: {**same, **condition_keys.of_context(onto, params)}))
    return needed


async def _create_alias(call: Call, params: Params) -> Sequence[Need]:
    return [_alias(call, "CreateAlias", params), *await _target(call, "CreateAlias", params)]


def _alias(call: Call, action: str, params: Params) -> Need:
    """An alias has no policy of its own: the caller's must allow.  Raises ValidationException for what is no alias."""
    if not params["AliasName"].startswith(names.ALIAS):
        raise errors.no_alias_name()
    return Need(f"kms:{action}", arns.arn("kms", call.region, call.account, params["AliasName"]), condition_keys.of_caller(call))


async def _target(call: Call, action: str, params: Params) -> Sequence[Need]:
    target = params["TargetKeyId"]
    if names.is_alias(target):
        raise errors.alias_of_alias()
    key = await keys(call.node).named(call, target)
    return () if is_free(call, key) else (need(call, key, action, params, dict[str, Any]),)


async def _update_alias(call: Call, params: Params) -> Sequence[Need]:
    return [_alias(call, "UpdateAlias", params), *await _aliased(call, "UpdateAlias", params), *await _target(call, "UpdateAlias", params)]


async def _delete_alias(call: Call, params: Params) -> Sequence[Need]:
    return [_alias(call, "DeleteAlias", params), *await _aliased(call, "DeleteAlias", params)]


async def _aliased(call: Call, action: str, params: Params) -> Sequence[Need]:
    """The permission on the key to which the alias points now, if there is one."""
    key = await keys(call.node).find(call, params["AliasName"])
    return () if key is None or is_free(call, key) else (need(call, key, action, params, dict[str, Any]),)


async def _replicate(call: Call, params: Params) -> Sequence[Need]:
    region = params["ReplicaRegion"]
    context = {**condition_keys.of_new_key(call, params), "kms:MultiRegion": True}
    needed = [*await _on_key("ReplicateKey", lambda _: {"kms:ReplicaRegion": region})(call, params), Need("kms:CreateKey", "*", context)]
    return [*needed, Need("kms:TagResource", "*", context)] if params.get("Tags") else needed


async def _retire_grant(call: Call, params: Params) -> Sequence[Need]:
    """Who may retire a grant: its retiring principal, its grantee where it says so, and whom the policies allow."""
    ref, id = retired(call, params)
    key = await keys(call.node).named(call, names.arn_of(ref))
    if is_free(call, key):
        return ()
    granted = grants.to_retire(key, id)
    policy = {**key.policy, "Statement": [*_statements(key.policy), *granted]}
    lazily = LazyContext(partial(condition_keys.of_key, call, key, params))
    return (Need("kms:RetireGrant", key.arn, lazily, policy, key.account, policy_decides=True),)


def _create_grant(call: Call) -> Extra:
    return lambda params: condition_keys.of_grant(call, params)


async def _grant(call: Call, params: Params) -> Sequence[Need]:
    return await _on_key("CreateGrant", _create_grant(call))(call, params)


async def _revoke(call: Call, params: Params) -> Sequence[Need]:
    for_service = {"kms:GrantIsForAWSResource": condition_keys.via_service(call) is not None}
    return await _on_key("RevokeGrant", lambda _: for_service)(call, params)


def _picked(**members: str) -> Extra:
    """Condition keys that are members of the call, where it has them."""
    return lambda params: {f"kms:{key}": params[member] for key, member in members.items() if member in params}


def _encryption(params: Params) -> Mapping[str, Any]:
    return condition_keys.of_context(params.get("EncryptionContext"), params)


def _pair(params: Params) -> Mapping[str, Any]:
    return {**_encryption(params), "kms:DataKeyPairSpec": params["KeyPairSpec"]}


def _signing(params: Params) -> Mapping[str, Any]:
    return {"kms:SigningAlgorithm": params["SigningAlgorithm"], "kms:MessageType": params.get("MessageType", "RAW")}


def _lockout(params: Params) -> Mapping[str, Any]:
    return {"kms:BypassPolicyLockoutSafetyCheck": bool(params.get("BypassPolicyLockoutSafetyCheck"))}


_PLAIN = (
    "DescribeKey", "EnableKey", "DisableKey", "UpdateKeyDescription", "CancelKeyDeletion", "GetKeyPolicy", "ListKeyPolicies",
    "ListResourceTags", "DisableKeyRotation", "GetKeyRotationStatus", "RotateKeyOnDemand", "ListKeyRotations", "DeleteImportedKeyMaterial",
    "GetPublicKey", "Encapsulate", "Decapsulate", "ListGrants", "GetKeyLastUsage",
)  # fmt: skip

NEEDS: Mapping[str, RememberedNeeds] = {
    **{action: _on_key(action) for action in _PLAIN},
    **{action: _everywhere(action) for action in ("ListKeys", "ListAliases", "GenerateRandom", "ListRetirableGrants", "DescribeCustomKeyStores")},
    **{action: _on_key(action, _encryption) for action in ("Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext")},
    **{action: _on_key(action, _pair) for action in ("GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext")},
    **{action: _on_key(action, _signing) for action in ("Sign", "Verify")},
    **{action: _on_key(action, _picked(MacAlgorithm="MacAlgorithm")) for action in ("GenerateMac", "VerifyMac")},
    **{action: _on_key(action, tags_in_request) for action in ("TagResource", "UntagResource")},
    "CreateKey": _create_key,
    "Decrypt": _decrypt,
    "ReEncrypt": _re_encrypt,
    "DeriveSharedSecret": _on_key("DeriveSharedSecret", _picked(KeyAgreementAlgorithm="KeyAgreementAlgorithm")),
    "ScheduleKeyDeletion": _on_key("ScheduleKeyDeletion", _picked(ScheduleKeyDeletionPendingWindowInDays="PendingWindowInDays")),
    "PutKeyPolicy": _on_key("PutKeyPolicy", _lockout),
    "EnableKeyRotation": _on_key("EnableKeyRotation", _picked(RotationPeriodInDays="RotationPeriodInDays")),
    "GetParametersForImport": _on_key("GetParametersForImport", _picked(WrappingAlgorithm="WrappingAlgorithm", WrappingKeySpec="WrappingKeySpec")),
    "ImportKeyMaterial": _on_key("ImportKeyMaterial", _picked(ExpirationModel="ExpirationModel", ValidTo="ValidTo")),
    "ReplicateKey": _replicate,
    "UpdatePrimaryRegion": _on_key("UpdatePrimaryRegion", _picked(PrimaryRegion="PrimaryRegion")),
    "CreateAlias": _create_alias,
    "UpdateAlias": _update_alias,
    "DeleteAlias": _delete_alias,
    "CreateGrant": _grant,
    "RevokeGrant": _revoke,
    "RetireGrant": _retire_grant,
}
