"""Permissions boundaries.  AWS: IAM user guide, Permissions boundaries for IAM entities."""

from __future__ import annotations

from tule.services.iam import errors, policies, state
from tule.services.iam.state import Entity
from tule.store.store import Tx


def put(tx: Tx, account: str, entity: Entity, policy_arn: str) -> None:
    """Raises NoSuchEntity when there is no such policy."""
    if policies.find(tx, account, policy_arn) is None:
        raise errors.boundary_not_attachable(policy_arn)
    state.set_boundary(tx, account, entity["id"], policy_arn)
