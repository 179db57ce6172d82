"""IAM's rows: entities as documents, and the tables that relate them.  Nothing else touches them.

Users, groups and roles are documents under their lower-cased name, because IAM does not tell names apart by case; an
alias leads from the unique id (`AROA...`).  Relations name entities by that id, so that a rename moves nothing and a
namesake made later inherits nothing.

Every change calls `changed(tx)`: it counts in `iam_version` and wakes the topic `iam`, by which `identities.py` on every
node forgets what it had cached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tule.core.arn import arn as make_arn
from tule.services.iam import errors
from tule.store.documents import Documents
from tule.store.store import Tx

Entity = dict[str, Any]
TOPIC = "iam"
GLOBAL = ""  # IAM has no regions

SCHEMA = """
CREATE TABLE iam_version (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL
);
CREATE TABLE iam_attachments (
    account TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    policy_arn TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (account, entity_id, purpose, policy_arn)
);
CREATE INDEX iam_attachments_by_policy ON iam_attachments (account, policy_arn, purpose);
CREATE TABLE iam_memberships (
    account TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (account, group_id, user_id)
);
CREATE INDEX iam_memberships_by_user ON iam_memberships (account, user_id);
CREATE TABLE iam_access_keys (
    access_key TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    user_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    status TEXT NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE INDEX iam_access_keys_by_user ON iam_access_keys (account, user_id, created_ms);
"""

ATTACHED = "attached"
BOUNDARY = "boundary"

_COUNT_CHANGE = "INSERT INTO iam_version (id, version) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET version = iam_version.version + 1"
_VERSION = "SELECT version FROM iam_version WHERE id = 1"
_ATTACH = "INSERT INTO iam_attachments (account, entity_id, purpose, policy_arn, position) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_DETACH = "DELETE FROM iam_attachments WHERE account = ? AND entity_id = ? AND purpose = ? AND policy_arn = ?"
_ATTACHED_TO = "SELECT policy_arn FROM iam_attachments WHERE account = ? AND entity_id = ? AND purpose = ? ORDER BY position, policy_arn"
_ENTITIES_OF = "SELECT entity_id FROM iam_attachments WHERE account = ? AND policy_arn = ? AND purpose = ? ORDER BY entity_id"
_COUNT_OF = "SELECT COUNT(*) FROM iam_attachments WHERE account = ? AND policy_arn = ? AND purpose = ?"
_POLICIES_IN_USE = "SELECT policy_arn, purpose, COUNT(*) FROM iam_attachments WHERE account = ? GROUP BY policy_arn, purpose"
_JOIN = "INSERT INTO iam_memberships (account, group_id, user_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_LEAVE = "DELETE FROM iam_memberships WHERE account = ? AND group_id = ? AND user_id = ?"
_MEMBERS = "SELECT user_id FROM iam_memberships WHERE account = ? AND group_id = ? ORDER BY user_id"
_GROUPS_OF = "SELECT group_id FROM iam_memberships WHERE account = ? AND user_id = ? ORDER BY group_id"
_ADD_KEY = "INSERT INTO iam_access_keys (access_key, account, user_id, secret, status, created_ms) VALUES (?, ?, ?, ?, ?, ?)"
_KEY_COLUMNS = "SELECT access_key, account, user_id, secret, status, created_ms FROM iam_access_keys"
_KEYS_OF = f"{_KEY_COLUMNS} WHERE account = ? AND user_id = ? ORDER BY created_ms, access_key"
_KEY = f"{_KEY_COLUMNS} WHERE access_key = ?"
_SET_KEY_STATUS = "UPDATE iam_access_keys SET status = ? WHERE access_key = ?"
_DELETE_KEY = "DELETE FROM iam_access_keys WHERE access_key = ?"


@dataclass(slots=True, frozen=True)
class Kind:
    """A kind of entity that has policies: `noun` as in ARNs and messages, `member` as in parameters."""

    noun: str
    member: str
    id_prefix: str
    documents: Documents

    @property
    def title(self) -> str:
        return self.noun.capitalize()

    def arn(self, account: str, entity: Entity) -> str:
        return make_arn("iam", "", account, f"{self.noun}{entity['path']}{entity['name']}")


USER = Kind("user", "UserName", "AIDA", Documents("iam.user"))
GROUP = Kind("group", "GroupName", "AGPA", Documents("iam.group"))
ROLE = Kind("role", "RoleName", "AROA", Documents("iam.role"))
KINDS = (USER, GROUP, ROLE)
KIND_OF_ID = {kind.id_prefix: kind for kind in KINDS}


@dataclass(slots=True, frozen=True)
class KeyRow:
    access_key: str
    account: str
    user_id: str
    secret: str
    status: str
    created_ms: int


def changed(tx: Tx) -> None:
    tx.execute(_COUNT_CHANGE)
    tx.wake(TOPIC)


def version(tx: Tx) -> int:
    row = tx.one(_VERSION)
    return 0 if row is None else row[0]


# --- entities


def create(tx: Tx, kind: Kind, account: str, entity: Entity) -> None:
    """Raises EntityAlreadyExists."""
    key = entity["name"].lower()
    if not kind.documents.create(tx, account, GLOBAL, key, entity):
        raise errors.name_taken(kind.noun, entity["name"])
    kind.documents.alias(tx, account, GLOBAL, key, entity["id"])
    changed(tx)


def find(tx: Tx, kind: Kind, account: str, name: str) -> Entity | None:
    return kind.documents.get(tx, account, GLOBAL, name.lower())


def get(tx: Tx, kind: Kind, account: str, name: str) -> Entity:
    """Raises NoSuchEntity."""
    entity = find(tx, kind, account, name)
    if entity is None:
        raise errors.entity_not_found(kind.noun, name)
    return entity


def by_id(tx: Tx, entity_id: str) -> tuple[Kind, str, Entity] | None:
    """The kind, account and entity of a unique id."""
    kind = KIND_OF_ID.get(entity_id[:4])
    found = kind.documents.by_alias(tx, entity_id) if kind else None
    return (kind, found[0], found[3]) if kind and found else None


def put(tx: Tx, kind: Kind, account: str, entity: Entity) -> None:
    kind.documents.put(tx, account, GLOBAL, entity["name"].lower(), entity)
    changed(tx)


def rename(tx: Tx, kind: Kind, account: str, entity: Entity, new_name: str) -> None:
    """`entity` is already changed but for its name.  Raises EntityAlreadyExists."""
    old_key, entity["name"] = entity["name"].lower(), new_name
    if old_key == new_name.lower():
        return put(tx, kind, account, entity)
    if find(tx, kind, account, new_name) is not None:
        raise errors.name_taken(kind.noun, new_name)
    kind.documents.delete(tx, account, GLOBAL, old_key)
    create(tx, kind, account, entity)
    return None


def delete(tx: Tx, kind: Kind, account: str, name: str) -> None:
    kind.documents.delete(tx, account, GLOBAL, name.lower())
    changed(tx)


def entities(tx: Tx, kind: Kind, account: str, after: str = "") -> list[Entity]:
    """All entities of a kind in the order of their lower-cased names."""
    return [body for _, body in kind.documents.page(tx, account, GLOBAL, after=after)]


# --- attachments of managed policies, and permissions boundaries


def attach(tx: Tx, account: str, entity_id: str, policy_arn: str) -> None:
    tx.execute(_ATTACH, account, entity_id, ATTACHED, policy_arn, tx.now_ms)
    changed(tx)


def detach(tx: Tx, account: str, entity_id: str, policy_arn: str) -> bool:
    """False when it was not attached."""
    changed(tx)
    return tx.execute(_DETACH, account, entity_id, ATTACHED, policy_arn) == 1


def attached_policies(tx: Tx, account: str, entity_id: str) -> list[str]:
    """ARNs in the order in which they were attached."""
    return [row[0] for row in tx.all(_ATTACHED_TO, account, entity_id, ATTACHED)]


def set_boundary(tx: Tx, account: str, entity_id: str, policy_arn: str | None) -> bool:
    """Put, replace or (None) remove the boundary; True when there was one before."""
    old = boundary(tx, account, entity_id)
    if old is not None:
        tx.execute(_DETACH, account, entity_id, BOUNDARY, old)
    if policy_arn is not None:
        tx.execute(_ATTACH, account, entity_id, BOUNDARY, policy_arn, tx.now_ms)
    changed(tx)
    return old is not None


def boundary(tx: Tx, account: str, entity_id: str) -> str | None:
    row = tx.one(_ATTACHED_TO, account, entity_id, BOUNDARY)
    return None if row is None else row[0]


def entities_with(tx: Tx, account: str, policy_arn: str, purpose: str = ATTACHED) -> list[tuple[Kind, Entity]]:
    found = (by_id(tx, row[0]) for row in tx.all(_ENTITIES_OF, account, policy_arn, purpose))
    return [(kind, entity) for kind, _, entity in (one for one in found if one is not None)]


def use_count(tx: Tx, account: str, policy_arn: str, purpose: str = ATTACHED) -> int:
    row = tx.one(_COUNT_OF, account, policy_arn, purpose)
    return 0 if row is None else row[0]


def policies_in_use(tx: Tx, account: str) -> dict[tuple[str, str], int]:
    """How often each (policy ARN, purpose) is used in the account."""
    return {(policy_arn, purpose): count for policy_arn, purpose, count in tx.all(_POLICIES_IN_USE, account)}


# --- membership


def join(tx: Tx, account: str, group_id: str, user_id: str) -> None:
    tx.execute(_JOIN, account, group_id, user_id)
    changed(tx)


def leave(tx: Tx, account: str, group_id: str, user_id: str) -> bool:
    changed(tx)
    return tx.execute(_LEAVE, account, group_id, user_id) == 1


def members(tx: Tx, account: str, group_id: str) -> list[Entity]:
    return _by_name(tx, [row[0] for row in tx.all(_MEMBERS, account, group_id)])


def groups_of(tx: Tx, account: str, user_id: str) -> list[Entity]:
    return _by_name(tx, [row[0] for row in tx.all(_GROUPS_OF, account, user_id)])


def _by_name(tx: Tx, ids: list[str]) -> list[Entity]:
    found = [one[2] for one in (by_id(tx, entity_id) for entity_id in ids) if one is not None]
    return sorted(found, key=lambda entity: entity["name"].lower())


# --- access keys; those of the account's root have the account as user id


def add_key(tx: Tx, row: KeyRow) -> None:
    tx.execute(_ADD_KEY, row.access_key, row.account, row.user_id, row.secret, row.status, row.created_ms)
    changed(tx)


def key(tx: Tx, access_key: str) -> KeyRow | None:
    row = tx.one(_KEY, access_key)
    return None if row is None else KeyRow(*row)


def keys_of(tx: Tx, account: str, user_id: str) -> list[KeyRow]:
    return [KeyRow(*row) for row in tx.all(_KEYS_OF, account, user_id)]


def set_key_status(tx: Tx, access_key: str, status: str) -> None:
    tx.execute(_SET_KEY_STATUS, status, access_key)
    changed(tx)


def delete_key(tx: Tx, access_key: str) -> None:
    tx.execute(_DELETE_KEY, access_key)
    changed(tx)
