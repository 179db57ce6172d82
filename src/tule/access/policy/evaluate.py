"""One decision out of many policies.

1. An explicit deny anywhere ends it.
2. Within an account, a resource's policy that names the caller itself is enough; one that names its role or everybody
   must be within boundary and session policies; one that names the account leaves it to the identity policies.
3. Otherwise identity policies must allow, within boundary and session policies.
4. Across accounts both must allow: the identity's side as in 3, and the resource's policy.
5. Services and anonymous callers have no identity policies: the resource's policy must allow.

AWS: "Policy evaluation logic" and "How AWS enforcement code logic evaluates requests to allow or deny access".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tule.access.policy.context import RequestContext
from tule.access.policy.document import CompiledPolicy, Statement
from tule.access.policy.principals import Named
from tule.access.principal import Principal

Layer = Literal["identity", "resource", "boundary", "session", "root", "trusted"]
_ROOT_ALWAYS = frozenset({"s3:putbucketpolicy", "s3:getbucketpolicy", "s3:deletebucketpolicy"})


@dataclass(slots=True, frozen=True)
class PolicySet:
    """All that may count for one caller.  `boundary` None and `session` empty: not limited so."""

    identity: tuple[CompiledPolicy, ...] = ()
    boundary: CompiledPolicy | None = None
    session: tuple[CompiledPolicy, ...] = ()


@dataclass(slots=True, frozen=True)
class Decision:
    """`layer` is where it was decided: the kind of policy that allowed, that denied, or that should have allowed.
    `statement` is the one that decided; None when an allowing statement is missing."""

    allowed: bool
    layer: Layer
    statement: Statement | None = None

    @property
    def explicit(self) -> bool:
        return not self.allowed and self.statement is not None


@dataclass(slots=True, frozen=True)
class Asked:
    """The question.  `action` is in lower case, `owner` the resource's account."""

    principal: Principal
    action: str
    resource: str
    owner: str
    policy_decides: bool = False


ROOT = Decision(True, "root")
TRUSTED = Decision(True, "trusted")


def decide(asked: Asked, policies: PolicySet, resource_policy: CompiledPolicy | None, context: RequestContext) -> Decision:
    principal = asked.principal
    if principal.trusted:
        return TRUSTED
    is_owner = principal.account == asked.owner
    if principal.kind == "root" and is_owner and asked.action in _ROOT_ALWAYS:
        return ROOT
    denied, granted, named = _of_resource(asked, resource_policy, context)
    identity_deny, identity = _of_identities(asked, policies.identity, context)
    boundary_deny, boundary = _of_identities(asked, () if policies.boundary is None else (policies.boundary,), context)
    session_deny, session = _of_identities(asked, policies.session, context)
    for layer, statement in (("identity", identity_deny), ("resource", denied), ("boundary", boundary_deny), ("session", session_deny)):
        if statement is not None:
            return Decision(False, layer, statement)  # type: ignore[arg-type]
    if principal.kind in ("service", "anonymous"):
        return Decision(granted is not None, "resource", granted)
    limit = _limit(policies, boundary, session)
    if granted is not None and is_owner and named >= Named.BROADLY:
        if named is Named.ITSELF or limit is None:
            return Decision(True, "resource", granted)
        return Decision(False, limit)
    if granted is None and (not is_owner or asked.policy_decides):
        return Decision(False, "resource")
    if principal.kind == "root":
        return ROOT
    if identity is None:
        return Decision(False, "identity")
    return Decision(True, "identity", identity) if limit is None else Decision(False, limit)


def _limit(policies: PolicySet, boundary: Statement | None, session: Statement | None) -> Layer | None:
    """Which bound stands in the way, if any."""
    if policies.boundary is not None and boundary is None:
        return "boundary"
    return "session" if policies.session and session is None else None


def _of_identities(asked: Asked, policies: Sequence[CompiledPolicy], context: RequestContext) -> tuple[Statement | None, Statement | None]:
    """The first statement that denies, and the first that allows."""
    allow: Statement | None = None
    for policy in policies:
        for statement in policy.statements:
            if statement.allows and allow is not None:
                continue
            if statement.applies(asked.action, asked.resource, context):
                if not statement.allows:
                    return statement, None
                allow = statement
    return None, allow


def _of_resource(asked: Asked, policy: CompiledPolicy | None, context: RequestContext) -> tuple[Statement | None, Statement | None, Named]:
    """The first statement that denies; the one that allows, naming the caller most directly; and how directly."""
    allow: Statement | None = None
    best = Named.NOT
    for statement in policy.statements if policy is not None else ():
        if statement.principals is None or not statement.actions(asked.action):
            continue
        named = statement.named(asked.principal)
        if named is Named.NOT or (statement.allows and named <= best):
            continue
        if statement.applies(asked.action, asked.resource, context):
            if not statement.allows:
                return statement, None, Named.NOT
            allow, best = statement, named
    return None, allow, best
