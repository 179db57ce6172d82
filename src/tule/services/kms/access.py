"""Who may do what with keys: each permission on the key's ARN, with the key's own policy, which must allow it, and its grants.

A grant that fits the call counts as one more statement of the key's policy.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/control-access.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Need, Params, RememberedNeeds
from tule.services.kms import ciphertext, condition_keys, errors, grants
from tule.services.kms.condition_keys import Lazily
from tule.services.kms.key import Key
from tule.services.kms.keys import keys

Extra = Callable[[Params], Mapping[str, Any]]


def need(call: Call, key: Key, action: str, params: Params, context: Callable[[], Mapping[str, Any]]) -> Need:
    """The permission `action` (`Encrypt`) on a key."""
    granted = grants.statements(call, key, action, params) if key.grants else None
    policy = key.policy if not granted else {**key.policy, "Statement": [*_statements(key.policy), *granted]}
    lazily = Lazily(lambda: {**condition_keys.of_key(call, key, params), **context()})
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
        if is_free(call, key):
            return ()
        return (need(call, key, action, params, partial(extra, params)),)

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


async def _random(call: Call, params: Params) -> Sequence[Need]:
    return (Need("kms:GenerateRandom", "*"),)


async def _list_keys(call: Call, params: Params) -> Sequence[Need]:
    return (Need("kms:ListKeys", "*"),)


def _encryption(params: Params) -> Mapping[str, Any]:
    return condition_keys.of_context(params.get("EncryptionContext"), params)


NEEDS: Mapping[str, RememberedNeeds] = {
    "CreateKey": _create_key,
    "DescribeKey": _on_key("DescribeKey"),
    "ListKeys": _list_keys,
    "Encrypt": _on_key("Encrypt", _encryption),
    "Decrypt": _decrypt,
    "ReEncrypt": _re_encrypt,
    "GenerateDataKey": _on_key("GenerateDataKey", _encryption),
    "GenerateDataKeyWithoutPlaintext": _on_key("GenerateDataKeyWithoutPlaintext", _encryption),
    "GenerateRandom": _random,
}
