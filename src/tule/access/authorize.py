"""Step 5 of a request's way: may the caller?  Every `Need` of a call is put to the policy engine.

Policies are compiled once and decisions kept, both until anything about identities changes.  A decision that looked at
the request's context (a condition, a policy variable) is made anew each time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tule.access.global_keys import AuthorizedCall, read
from tule.access.identities import Identities, IdentityPolicies, Role
from tule.access.need import Need
from tule.access.policy.context import RequestContext
from tule.access.policy.denials import denial, unauthenticated
from tule.access.policy.document import CompiledPolicy, compile_policy
from tule.access.policy.evaluate import ROOT, TRUSTED, Asked, Decision, PolicySet, decide
from tule.access.principal import Principal
from tule.access.usage import Usage, Use, used_by
from tule.core.clock import Clock
from tule.store.store import Store

if TYPE_CHECKING:
    from tule.access.actions import Actions

_MAX_DENIALS = 200
_MAX_DECISIONS = 100_000
_MAX_POLICIES = 10_000
_NOTHING = PolicySet()


@dataclass(slots=True, frozen=True)
class Denied:
    """A denial, kept for a while so that people can ask why."""

    at_ms: int
    id: str
    principal: Principal
    need: Need
    decision: Decision


@dataclass(slots=True, frozen=True)
class _Standing:
    """What counts for one caller: policies, and tags by their key in lower case."""

    policies: PolicySet
    tags: Mapping[str, str]


class Authorizer:
    def __init__(self, store: Store, identities: Identities, actions: Actions, clock: Clock) -> None:
        self._store = store
        self._identities = identities
        self.actions = actions
        self.clock = clock
        self._version = -1
        self._standings: dict[tuple[str, ...], _Standing] = {}
        self._decisions: dict[tuple[Any, ...], Decision] = {}
        self._resource_policies: dict[bytes, CompiledPolicy] = {}
        self.usage = Usage()
        self.latest_denials: deque[Denied] = deque(maxlen=_MAX_DENIALS)

    async def authorize(self, call: AuthorizedCall, needs: Sequence[Need]) -> None:
        """Raises ServiceError, worded for the service, at the first need that is denied."""
        principal = call.principal
        if principal.trusted:
            return
        if not needs and principal.kind == "anonymous" and not self._is_open(call):
            raise unauthenticated(call.service)
        for need in needs:
            if principal.kind == "root" and need.policy is None and need.owner in ("", principal.account):
                continue
            decision = await self.decide(call, need)
            if not decision.allowed:
                self.latest_denials.appendleft(Denied(call.now_ms, call.id, principal, need, decision))
                raise denial(call.service, principal, need, decision)
            self.usage.record(principal, need, call.now_ms)
        self._identities.used(principal, call.service, call.operation, call.region, call.now_ms)

    async def decide(self, call: AuthorizedCall, need: Need) -> Decision:
        """The decision on one need, with the statement that made it."""
        principal = call.principal
        if principal.trusted:
            return TRUSTED
        owner = need.owner or principal.account
        if principal.kind == "root" and need.policy is None and owner == principal.account:
            return ROOT
        self._forget_when_changed()
        who = _identity_of(principal)
        policy_bytes = b"" if need.policy is None else orjson.dumps(need.policy)
        key = (who, need.action, need.resource, owner, policy_bytes, need.policy_decides)
        decision = self._decisions.get(key)
        if decision is not None:
            return decision
        standing = self._standings.get(who) or await self._stand(principal, who)
        context = RequestContext({"aws:ResourceAccount": owner, **need.context}, lambda name: read(name, call, principal, standing.tags))
        asked = Asked(principal, need.action.lower(), need.resource, owner, need.policy_decides)
        decision = decide(asked, standing.policies, self._compiled(policy_bytes, need), context)
        if not context.touched:
            if len(self._decisions) >= _MAX_DECISIONS:
                self._decisions.clear()
            self._decisions[key] = decision
        return decision

    async def uses(self, entity_arn: str) -> list[Use]:
        """What a user or role has used so far."""
        await self.usage.flush(self._store)
        return await self._store.read(lambda tx: used_by(tx, entity_arn))

    async def role(self, role_arn: str) -> Role | None:
        return await self._store.read(lambda tx: self._identities.role(tx, role_arn))

    async def considered(self, principal: Principal) -> list[str]:
        """The names of all policies that count for a caller, besides those of resources."""
        self._forget_when_changed()
        who = _identity_of(principal)
        policies = (self._standings.get(who) or await self._stand(principal, who)).policies
        bounds = () if policies.boundary is None else (policies.boundary,)
        return [policy.name for policy in (*policies.identity, *bounds, *policies.session)]

    def _is_open(self, call: AuthorizedCall) -> bool:
        service = call.node.services.get(call.service)
        return self.actions.is_open(call.service, call.operation) or (service is not None and call.operation in service.anonymous)

    def _forget_when_changed(self) -> None:
        version = self._identities.version()
        if version != self._version:
            self._version = version
            self._standings.clear()
            self._decisions.clear()
            self.usage.forget()

    async def _stand(self, principal: Principal, who: tuple[str, ...]) -> _Standing:
        if principal.kind in ("root", "service", "anonymous"):
            standing = _Standing(_NOTHING, {})
        else:
            found = await self._store.read(lambda tx: self._identities.policies(tx, principal))
            standing = _standing(principal, found or IdentityPolicies())
        if len(self._standings) >= _MAX_POLICIES:
            self._standings.clear()
        self._standings[who] = standing
        return standing

    def _compiled(self, key: bytes, need: Need) -> CompiledPolicy | None:
        if need.policy is None:
            return None
        policy = self._resource_policies.get(key)
        if policy is None:
            if len(self._resource_policies) >= _MAX_POLICIES:
                self._resource_policies.clear()
            policy = self._resource_policies[key] = compile_policy(f"the policy of {need.resource}", need.policy)
        return policy


def _standing(principal: Principal, found: IdentityPolicies) -> _Standing:
    session = tuple(compile_policy("session policy", document) for document in principal.session_policies)
    tags = {key.lower(): value for key, value in (*found.tags, *principal.session_tags)}
    return _Standing(
        PolicySet(
            tuple(compile_policy(policy.name, policy.document) for policy in found.identity),
            None if found.boundary is None else compile_policy(found.boundary.name, found.boundary.document),
            session,
        ),
        tags,
    )


def _identity_of(principal: Principal) -> tuple[str, ...]:
    """What tells callers apart whose decisions may differ."""
    if not principal.session_policies and not principal.session_tags and not principal.context:
        return (principal.arn, principal.entity_arn, principal.user_id, principal.kind, principal.account)
    session = orjson.dumps([principal.session_policies, principal.session_tags, principal.context], default=str).decode()
    return (principal.arn, principal.entity_arn, principal.user_id, principal.kind, principal.account, session)
