"""Users, groups and roles by their ARN, where an operation takes any of them."""

from __future__ import annotations

from tule.core import arn as arns
from tule.services.iam import errors, state
from tule.services.iam.state import Entity, Kind
from tule.store.store import Tx

_KINDS = {kind.noun: kind for kind in state.KINDS}


def entity_at(tx: Tx, account: str, arn: str) -> tuple[Kind, Entity]:
    """Raises InvalidInput for what is no ARN of a user, group or role, NoSuchEntity."""
    try:
        parsed = arns.parse(arn)
    except ValueError as error:
        raise errors.invalid_input(f"Invalid Entity Arn: {arn}") from error
    kind = _KINDS.get(parsed.resource_type)
    if kind is None:
        raise errors.invalid_input(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    name = arn.rpartition("/")[2]
    if parsed.account not in ("", account):
        raise errors.entity_not_found(kind.noun, name)
    return kind, state.get(tx, kind, account, name)
