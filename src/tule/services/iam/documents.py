"""Policy documents as clients give them, checked before they are kept.  AWS: IAM user guide, grammar of the policy language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tule.access.policy import validate
from tule.core import arn as arns
from tule.services.iam import errors, state
from tule.services.iam.state import ROLE, USER, Kind
from tule.store.store import Tx

_KINDS: dict[str, Kind] = {"role": ROLE, "user": USER}


def parsed(text: str) -> dict[str, Any]:
    """An identity policy.  Raises MalformedPolicyDocument."""
    try:
        return validate.identity_policy(text)
    except validate.InvalidPolicy as error:
        raise errors.malformed_policy(str(error)) from error


def check_trust(tx: Tx, account: str, text: str) -> None:
    """A role's trust policy.  Raises MalformedPolicyDocument."""
    try:
        document = validate.trust_policy(text)
    except validate.InvalidPolicy as error:
        raise errors.malformed_policy(str(error)) from error
    for principal in _principals(document):
        if not _may_exist(tx, account, principal):
            raise errors.malformed_policy(f'Invalid principal in policy: "AWS":"{principal}"')


def _principals(document: dict[str, Any]) -> Iterator[str]:
    statements = document["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        element = statement.get("Principal", {})
        named = element.get("AWS", []) if isinstance(element, dict) else []
        yield from [named] if isinstance(named, str) else named


def _may_exist(tx: Tx, account: str, principal: str) -> bool:
    """Roles and users of the account itself must be there; of others it cannot be known."""
    if not arns.is_arn(principal):
        return True
    parsed_arn = arns.parse(principal)
    kind = _KINDS.get(parsed_arn.resource_type) if parsed_arn.service == "iam" and parsed_arn.account == account else None
    if kind is None:
        return True
    entity = state.find(tx, kind, account, principal.rpartition("/")[2])
    return entity is not None and kind.arn(account, entity) == principal
