"""Grants: permissions on one key, given to one principal by a call instead of a policy.

A grant whose operation and constraints fit a call counts as one more statement of the key's policy, so that explicit denials,
boundaries and other accounts' policies stand where they stood.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.platform.node import Node
from tule.platform.service import Params
from tule.services.kms import errors, specs
from tule.services.kms.key import Key
from tule.services.kms.names import Ref
from tule.services.kms.state import Document

_UNCONSTRAINED = ("DescribeKey", "RetireGrant")
_CONTEXT_MEMBER = {"ReEncryptFrom": "SourceEncryptionContext", "ReEncryptTo": "DestinationEncryptionContext"}


def statements(call: Call, key: Key, action: str, params: Params) -> Sequence[Mapping[str, Any]]:
    """What the grants of a key add to its policy for one call."""
    return [_statement(grant["grantee"], action) for grant in _of_caller(call, key) if _fits(grant, action, params, call)]


def to_retire(key: Key, id: str) -> Sequence[Mapping[str, Any]]:
    """Whom a grant itself lets retire it."""
    for held in key.grants.values():
        for grant in held:
            if grant["id"] == id:
                named = {grant["retiring"], grant["grantee"] if "RetireGrant" in grant["Operations"] else ""} - {""}
                return [_statement(name, "RetireGrant") for name in sorted(named)]
    return []


def _of_caller(call: Call, key: Key) -> Iterator[Document]:
    principal = call.principal
    root = f"arn:aws:iam::{principal.account}:root"
    for name in {principal.arn, principal.entity_arn, principal.service, principal.account, root} - {""}:
        yield from key.grants.get(name, ())


def _fits(grant: Document, action: str, params: Params, call: Call) -> bool:
    if action not in grant["Operations"]:
        return False
    constraints = grant.get("Constraints")
    if not constraints or action in _UNCONSTRAINED:
        return True
    source = constraints.get("SourceArn")
    if source is not None and source != call.principal.source_arn:
        return False
    given: Mapping[str, str] = params.get(_CONTEXT_MEMBER.get(action, "EncryptionContext")) or {}
    if action == "CreateGrant":
        return is_as_strict(constraints, params.get("Constraints") or {})
    equal, subset = constraints.get("EncryptionContextEquals"), constraints.get("EncryptionContextSubset")
    return (equal is None or equal == given) and (subset is None or subset.items() <= given.items())


def is_as_strict(parent: Mapping[str, Any], child: Mapping[str, Any]) -> bool:
    """Whether all calls that `child` lets through pass `parent`, too."""
    equal, subset = parent.get("EncryptionContextEquals"), parent.get("EncryptionContextSubset")
    child_equal, child_subset = child.get("EncryptionContextEquals"), child.get("EncryptionContextSubset")
    if equal is not None and child_equal != equal:
        return False
    if subset is None:
        return True
    offered: Mapping[str, str] = child_equal if child_equal is not None else child_subset or {}
    return subset.items() <= offered.items()


def _statement(grantee: str, action: str) -> dict[str, Any]:
    kind = "Service" if grantee.endswith(".amazonaws.com") else "AWS"
    return {"Sid": "a grant", "Effect": "Allow", "Principal": {kind: grantee}, "Action": f"kms:{action}", "Resource": "*"}


_PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:(?:iam::\d{12}:(?:root|user/.+|role/.+)|sts::\d{12}:(?:assumed-role|federated-user)/.+)\Z|\d{12}\Z"
    r"|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.amazonaws\.com\Z"
)
_ANY = frozenset({"CreateGrant", "RetireGrant", "DescribeKey"})
_SYMMETRIC = _ANY | {
    "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
}  # fmt: skip
_BY_USAGE: Mapping[str, frozenset[str]] = {
    specs.ENCRYPT_DECRYPT: _ANY | {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"},
    specs.SIGN_VERIFY: _ANY | {"Sign", "Verify", "GetPublicKey"},
    specs.GENERATE_VERIFY_MAC: _ANY | {"GenerateMac", "VerifyMac"},
    specs.KEY_AGREEMENT: _ANY | {"DeriveSharedSecret", "GetPublicKey"},
    specs.ENCAPSULATE: _ANY | {"Encapsulate", "Decapsulate", "GetPublicKey"},
}


def operations_of(spec: str, usage: str) -> frozenset[str]:
    """What grants on such a key can allow.  AWS: developer guide, "Grant operations"."""
    return _SYMMETRIC if spec == specs.SYMMETRIC else _BY_USAGE[usage]


def is_principal(text: str) -> bool:
    return bool(_PRINCIPAL.match(text))


_TOKEN = "kms.grant"


def token(node: Node, ref: Ref, id: str) -> str:
    """What names a grant before it is known everywhere: here it is known at once."""
    return node.pager.token(_TOKEN, [*ref, id])


def of_token(node: Node, text: str) -> tuple[Ref, str]:
    """Raises InvalidGrantTokenException for what no CreateGrant has given."""
    try:
        account, region, key_id, id = node.pager.position(_TOKEN, text)
    except InvalidToken as error:
        raise errors.invalid_grant_token() from error
    return Ref(account, region, key_id), id


def check_tokens(node: Node, tokens: Sequence[str]) -> None:
    """Raises InvalidGrantTokenException for what no CreateGrant has given."""
    for text in tokens:
        of_token(node, text)
