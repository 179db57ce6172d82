"""AWS's evaluation logic, written out plainly: what the compiled engine must agree with.

It knows statements with Effect, Action, Resource, one StringEquals condition and AWS principals; no caches, no closures,
one rule a paragraph.  Source: IAM user guide, "Policy evaluation logic", and "Evaluating identity-based policies with
resource-based policies", with its table of how permission boundaries and session policies bound each kind of principal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.access.principal import Principal

Statement = Mapping[str, Any]


def matches(pattern: str, text: str) -> bool:
    """`*` any run, `?` one character."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(matches(pattern[1:], text[i:]) for i in range(len(text) + 1))
    return bool(text) and (pattern[0] in ("?", text[0])) and matches(pattern[1:], text[1:])


def in_arn(pattern: str, arn: str) -> bool:
    if pattern == "*":
        return True
    ours, theirs = pattern.split(":", 5), arn.split(":", 5)
    return len(ours) == len(theirs) and all(matches(a, b) for a, b in zip(ours, theirs, strict=True))


def applies(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    in_actions = any(matches(pattern.lower(), action.lower()) for pattern in statement["Action"])
    in_resources = any(in_arn(pattern, resource) for pattern in statement["Resource"])
    held = all(context.get(key) in values for key, values in statement.get("Condition", {}).get("StringEquals", {}).items())
    return in_actions and in_resources and held


def denies(policies: Sequence[Sequence[Statement]], *request: Any) -> bool:
    return any(s["Effect"] == "Deny" and applies(s, *request) for policy in policies for s in policy)


def allows(policies: Sequence[Sequence[Statement]], *request: Any) -> bool:
    return any(s["Effect"] == "Allow" and applies(s, *request) for policy in policies for s in policy)


def names_itself(statement: Statement, who: Principal) -> bool:
    own = {who.arn} if who.kind == "role" else {who.arn, who.entity_arn}
    return bool(own & set(statement["Principal"]["AWS"]))


def names_broadly(statement: Statement, who: Principal) -> bool:
    named = set(statement["Principal"]["AWS"])
    return "*" in named or (who.kind == "role" and who.entity_arn in named)


def names_account(statement: Statement, who: Principal) -> bool:
    return bool({who.account, f"arn:aws:iam::{who.account}:root"} & set(statement["Principal"]["AWS"]))


def names(statement: Statement, who: Principal) -> bool:
    return names_itself(statement, who) or names_broadly(statement, who) or names_account(statement, who)


def is_allowed(
    who: Principal,
    action: str,
    resource: str,
    owner: str,
    context: Mapping[str, str],
    identity: Sequence[Sequence[Statement]],
    boundary: Sequence[Statement] | None,
    session: Sequence[Sequence[Statement]],
    resource_policy: Sequence[Statement],
) -> bool:
    request = (action, resource, context)
    about_us = [s for s in resource_policy if names(s, who)]
    bounds: list[Sequence[Sequence[Statement]]] = [] if boundary is None else [[boundary]]
    bounds += [session] if session else []

    # An explicit deny overrides everything.
    if denies(identity, *request) or denies([about_us], *request) or any(denies(bound, *request) for bound in bounds):
        return False

    within_bounds = all(allows(bound, *request) for bound in bounds)
    by_identity = allows(identity, *request) or who.kind == "root"

    # Across accounts both sides must allow.
    if who.account != owner:
        return by_identity and within_bounds and allows([about_us], *request)

    # A resource's policy that names the user or the session itself is not bounded.
    if allows([[s for s in about_us if names_itself(s, who)]], *request):
        return True

    # One that names everybody, or the role of a session, stands for the identity policies, but within bounds.
    if allows([[s for s in about_us if names_broadly(s, who)]], *request):
        return within_bounds

    # One that names the account leaves it to the identity policies.
    return by_identity and within_bounds
