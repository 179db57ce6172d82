"""The documents that count for a user, group or role, with the names by which denials and simulations call them."""

from __future__ import annotations

from typing import NamedTuple

from tule.services.iam import policies, state
from tule.services.iam.state import GROUP, USER, Entity, Kind
from tule.store.store import Tx


class PolicyText(NamedTuple):
    """`arn` is empty for inline policies; `holder` is the entity that it is inline in or attached to."""

    name: str
    arn: str
    kind: Kind
    holder: str
    text: str

    @property
    def title(self) -> str:
        return self.arn or f"{self.kind.noun}/{self.holder} (inline policy {self.name})"


def of_entity(tx: Tx, kind: Kind, account: str, entity: Entity) -> list[PolicyText]:
    """Inline and attached policies; of a user, those of its groups too."""
    found = _own(tx, kind, account, entity)
    if kind is USER:
        for group in state.groups_of(tx, account, entity["id"]):
            found += _own(tx, GROUP, account, group)
    return found


def managed(tx: Tx, account: str, policy_arn: str, kind: Kind, holder: str) -> PolicyText | None:
    text = policies.default_document(tx, account, policy_arn)
    return None if text is None else PolicyText(policy_arn.rpartition("/")[2], policy_arn, kind, holder, text)


def _own(tx: Tx, kind: Kind, account: str, entity: Entity) -> list[PolicyText]:
    inline = [PolicyText(name, "", kind, entity["name"], text) for name, text in entity.get("inline", {}).items()]
    attached = (managed(tx, account, arn, kind, entity["name"]) for arn in state.attached_policies(tx, account, entity["id"]))
    return inline + [policy for policy in attached if policy is not None]
