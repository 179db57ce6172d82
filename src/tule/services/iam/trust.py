"""Whom a trust policy means: the user or role that had the ARN when the policy was saved, not a namesake made later.

A renamed principal is still trusted; one that was deleted and made anew is not: where the ARN no longer leads to the same
unique id, the id stands in its place, as it does on AWS.
AWS: "AWS JSON policy elements: Principal" (IAM user guide), on what happens when a principal is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tule.core import arn as arns
from tule.services.iam import errors, state
from tule.services.iam.state import ROLE, USER, Entity, Kind
from tule.store.store import Tx

_KINDS: dict[str, Kind] = {"role": ROLE, "user": USER}


def principal_ids(tx: Tx, account: str, document: dict[str, Any]) -> dict[str, str]:
    """Unique ids by the ARNs that the document names, of the account's own.  Raises MalformedPolicyDocument for who is not there."""
    found: dict[str, str] = {}

    def note(principal: str) -> str:
        if _is_of(account, principal):
            entity = _at(tx, account, principal)
            if entity is None:
                raise errors.malformed_policy(f'Invalid principal in policy: "AWS":"{principal}"')
            found[principal] = entity["id"]
        return principal

    _replaced(document, note)
    return found


def document(tx: Tx, account: str, role: Entity) -> dict[str, Any]:
    """The role's trust policy as it counts now."""
    ids: dict[str, str] = role.get("trust_ids", {})

    def present(principal: str) -> str:
        if principal not in ids:
            return principal
        entity = _at(tx, account, principal)
        return principal if entity is not None and entity["id"] == ids[principal] else ids[principal]

    parsed: dict[str, Any] = orjson.loads(role["trust"])
    return _replaced(parsed, present) if ids else parsed


def text(tx: Tx, account: str, role: Entity) -> str:
    """The role's trust policy as GetRole shows it: as it was given, unless a principal is gone."""
    if not role.get("trust_ids"):
        return role["trust"]
    now = document(tx, account, role)
    return role["trust"] if now == orjson.loads(role["trust"]) else orjson.dumps(now).decode()


def _replaced(document: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The document with each `AWS` principal as `change` says."""
    statements = document["Statement"]
    several = [statements] if isinstance(statements, dict) else statements
    return {**document, "Statement": [_statement(one, change) for one in several]}


def _statement(statement: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    element = statement.get("Principal")
    if not isinstance(element, dict) or "AWS" not in element:
        return statement
    named = element["AWS"]
    changed = change(named) if isinstance(named, str) else [change(one) for one in named]
    return {**statement, "Principal": {**element, "AWS": changed}}


def _is_of(account: str, principal: str) -> bool:
    """Users and roles of the account itself; whether those of others exist cannot be known."""
    if not arns.is_arn(principal):
        return False
    parsed = arns.parse(principal)
    return parsed.service == "iam" and parsed.account == account and parsed.resource_type in _KINDS


def _at(tx: Tx, account: str, principal: str) -> Entity | None:
    kind = _KINDS[arns.parse(principal).resource_type]
    entity = state.find(tx, kind, account, principal.rpartition("/")[2])
    return entity if entity is not None and kind.arn(account, entity) == principal else None
