"""What access asks of identities: whose key is this, and which policies count for whom.  See `access/identities.py`.

Answers are kept in memory until anything about identities changes, the first ten thousand of them.  A change on this or another node is heard through
the topic `iam`; because that hint may be lost, `watch` also compares the stored count of changes now and then.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from tule.access.identities import AccessKey, IdentityPolicies, OidcProvider, Policy, Role
from tule.access.principal import Principal, root
from tule.access.sessions import InvalidSessionToken, Sessions
from tule.core import arn as arns
from tule.core.clock import Clock
from tule.core.ids import Ids
from tule.services.iam import mfa_devices, policies, policy_texts, providers, rules, state, trust
from tule.services.iam.state import ROLE, USER, Entity, Kind
from tule.services.iam.usage import Usage
from tule.store.store import Store, Tx

_WATCH_SECONDS = 10.0
_MAX_CACHED = 10_000
_ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_OF_ROOT = IdentityPolicies((Policy("the account's root", _ALLOW_ALL),))  # behind a federated session of the root


class IamIdentities:
    """Implements `access.identities.Identities` on IAM's state."""

    def __init__(self, store: Store, clock: Clock, secret: bytes) -> None:
        self._store = store
        self._clock = clock
        self._sessions = Sessions(secret)
        self._usage = Usage()
        self._version = 1
        self._stored_version = -1
        self._keys: dict[str, AccessKey | None] = {}
        self._policies: dict[tuple[str, str], IdentityPolicies | None] = {}
        self.stop = store.subscribe(state.TOPIC, self.forget)

    def version(self) -> int:
        return self._version

    def forget(self) -> None:
        """New, empty caches: what is being read meanwhile, in other threads, goes into the old ones and is lost with them."""
        self._version += 1
        self._keys, self._policies = {}, {}

    def access_key(self, tx: Tx, access_key: str) -> AccessKey | None:
        """A long-term key; None when it is unknown or its user is gone."""
        if access_key in (keys := self._keys):
            return keys[access_key]
        found = _read_key(tx, access_key)
        _keep(keys, access_key, found)
        return found

    def session(self, token: str) -> AccessKey | None:
        """The temporary key of a session token; None when the token was not made by this installation."""
        try:
            return self._sessions.open(token)
        except InvalidSessionToken:
            return None

    def issue(self, ids: Ids, principal: Principal, expires_ms: int) -> AccessKey:
        return self._sessions.issue(ids, principal, expires_ms)

    def role(self, tx: Tx, role_arn: str) -> Role | None:
        if not arns.is_arn(role_arn):
            return None
        parsed = arns.parse(role_arn)
        if parsed.service != "iam" or not parsed.resource.startswith("role/"):
            return None
        role = state.find(tx, ROLE, parsed.account, parsed.resource.rpartition("/")[2])
        if role is None or ROLE.arn(parsed.account, role) != role_arn:
            return None
        max_session_s = role.get("max_session", rules.DEFAULT_SESSION_S)
        tags = tuple(role.get("tags", {}).items())
        return Role(role_arn, parsed.account, role["name"], role["id"], trust.document(tx, parsed.account, role), max_session_s, tags)

    def managed_policy(self, tx: Tx, account: str, policy_arn: str) -> Policy | None:
        return _managed(tx, account, policy_arn)

    def oidc_provider(self, tx: Tx, account: str, issuer: str) -> OidcProvider | None:
        arn = arns.arn("iam", "", account, f"oidc-provider/{issuer.removeprefix('https://').rstrip('/')}")
        provider = providers.OIDC.find(tx, account, arn)
        return None if provider is None else OidcProvider(arn, tuple(provider["clients"]))

    def mfa_matches(self, tx: Tx, principal: Principal, serial: str, code: str, now_ms: int) -> bool:
        device = mfa_devices.SHELF.find(tx, principal.account, serial)
        if device is None or device.get("user") != principal.user_id:
            return False
        return mfa_devices.matches(device["seed"], code, now_ms)

    def policies(self, tx: Tx, principal: Principal) -> IdentityPolicies | None:
        cached_as = (principal.entity_arn, principal.user_id.partition(":")[0])
        if cached_as in (policies := self._policies):
            return policies[cached_as]
        found = _read_policies(tx, principal)
        _keep(policies, cached_as, found)
        return found

    def used(self, principal: Principal, service: str, operation: str, region: str, at_ms: int) -> None:
        self._usage.record(principal, service, operation, region, at_ms)

    async def write_usage(self) -> None:
        """For the node's life."""
        await self._usage.write(self._store)

    async def watch(self, every_s: float = _WATCH_SECONDS) -> None:
        """For the node's life: hear of changes whose hint was lost."""
        while True:
            stored = await self._store.read(state.version)
            if stored != self._stored_version:
                self._stored_version = stored
                self.forget()
            await asyncio.sleep(every_s)


def _keep(cache: dict[Any, Any], key: Any, value: Any) -> None:
    if len(cache) < _MAX_CACHED:
        cache[key] = value


def _read_key(tx: Tx, access_key: str) -> AccessKey | None:
    row = state.key(tx, access_key)
    if row is None:
        return None
    if row.user_id == row.account:
        principal = root(row.account, access_key)
    else:
        found = state.by_id(tx, row.user_id)
        if found is None:
            return None
        arn = USER.arn(row.account, found[2])
        principal = Principal("user", row.account, arn, entity_arn=arn, user_id=row.user_id, access_key=access_key)
    return AccessKey(access_key, row.secret, principal, active=row.status == "Active")


def _read_policies(tx: Tx, principal: Principal) -> IdentityPolicies | None:
    if principal.entity_arn.endswith(":root"):
        return _OF_ROOT
    kind = {"user": USER, "role": ROLE, "federated": USER}.get(principal.kind)
    if kind is None:
        return IdentityPolicies()
    account = principal.account
    name = arns.parse(principal.entity_arn).resource.rpartition("/")[2]
    entity = state.find(tx, kind, account, name)
    unique_id = principal.user_id.partition(":")[0]
    if entity is None or kind.arn(account, entity) != principal.entity_arn:
        return None
    if kind is ROLE and unique_id != entity["id"]:
        return None
    return of_entity(tx, kind, account, entity)


def of_entity(tx: Tx, kind: Kind, account: str, entity: Entity) -> IdentityPolicies:
    """Inline and attached policies, those of a user's groups too, with boundary and tags."""
    found = policy_texts.of_entity(tx, kind, account, entity)
    boundary_arn = state.boundary(tx, account, entity["id"])
    return IdentityPolicies(
        tuple(Policy(policy.title, orjson.loads(policy.text)) for policy in found),
        None if boundary_arn is None else _managed(tx, account, boundary_arn),
        tuple(entity.get("tags", {}).items()),
    )


def _managed(tx: Tx, account: str, policy_arn: str) -> Policy | None:
    text = policies.default_document(tx, account, policy_arn)
    return None if text is None else Policy(policy_arn, orjson.loads(text))
