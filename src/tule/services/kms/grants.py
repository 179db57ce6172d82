"""Grants: permissions on one key, given to one principal by a call instead of a policy.

A grant whose operation and constraints fit a call counts as one more statement of the key's policy, so that explicit denials,
boundaries and other accounts' policies stand where they stood.
AWS: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.kms.key import Key
from tule.services.kms.state import Document

_UNCONSTRAINED = ("DescribeKey", "RetireGrant")
_CONTEXT_MEMBER = {"ReEncryptFrom": "SourceEncryptionContext", "ReEncryptTo": "DestinationEncryptionContext"}


def statements(call: Call, key: Key, action: str, params: Params) -> Sequence[Mapping[str, Any]]:
    """What the grants of a key add to its policy for one call."""
    return [_statement(grant["grantee"], action) for grant in _of_caller(call, key) if _fits(grant, action, params, call)]


def _of_caller(call: Call, key: Key) -> Iterator[Document]:
    principal = call.principal
    root = f"arn:aws:iam::{principal.account}:root"
    for name in {principal.arn, principal.entity_arn, principal.service, principal.account, root}:
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
