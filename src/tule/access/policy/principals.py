"""The Principal element: whom a resource's policy speaks of, and how directly.

A grant to a user's, session's or federated user's own ARN stands above boundaries; one to a role or to everybody is
bounded by them; one to an account hands the decision to that account's identity policies.
AWS: "AWS JSON policy elements: Principal", "Evaluating identity-based policies with resource-based policies".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from tule.access.policy.globs import arn_glob
from tule.access.principal import Principal


class Named(IntEnum):
    """How directly a Principal element names the caller; more direct is greater."""

    NOT = 0
    ACCOUNT = 1
    BROADLY = 2  # everybody, or the role of a session
    ITSELF = 3  # a user, a session, a service, the root


PrincipalMatcher = Callable[[Principal], Named]


def principal_matcher(element: Any) -> PrincipalMatcher:
    if element == "*":
        element = {"AWS": "*"}
    entries: Mapping[str, list[str]] = {kind: values if isinstance(values, list) else [values] for kind, values in element.items()}

    def matches(principal: Principal) -> Named:
        best = Named.NOT
        for kind, values in entries.items():
            for value in values:
                best = max(best, _named(kind, value, principal))
        return best

    return matches


def not_principal_matcher(element: Any) -> PrincipalMatcher:
    """Everybody but those named.  An account in the list spares its root, not all of its users."""
    matches = principal_matcher(element)

    def spares(principal: Principal) -> Named:
        return Named.NOT if matches(principal) >= Named.BROADLY else Named.BROADLY

    return spares


def _named(kind: str, value: str, principal: Principal) -> Named:
    match kind:
        case "AWS":
            return _aws(value, principal)
        case "Service":
            return Named.ITSELF if principal.service and _service(value, principal.service) else Named.NOT
        case "Federated":
            return Named.ITSELF if value in ("*", principal.context.get("federated_provider", "")) else Named.NOT
        case "CanonicalUser":
            return Named.BROADLY if value == principal.context.get("canonical_user") else Named.NOT
        case _:
            return Named.NOT


def _aws(value: str, principal: Principal) -> Named:
    if value == "*":
        return Named.BROADLY
    if principal.kind in ("anonymous", "service"):
        return Named.NOT
    if value in (principal.account, f"arn:aws:iam::{principal.account}:root"):
        return Named.ITSELF if principal.kind == "root" else Named.ACCOUNT
    if value == principal.arn:
        return Named.ITSELF
    if value == principal.user_id.partition(":")[0]:
        return Named.BROADLY if principal.kind == "role" else Named.ITSELF
    if value == principal.entity_arn:
        return Named.BROADLY
    if "*" in value and arn_glob(value)(principal.arn):  # only identities of the platform itself may say so
        return Named.NOT
    return Named.NOT


def _service(value: str, service: str) -> bool:
    if value in ("*", service):
        return True
    parts = value.split(".")  # regional forms: `logs.eu-west-1.amazonaws.com`
    return len(parts) == 4 and parts[2:] == ["amazonaws", "com"] and f"{parts[0]}.amazonaws.com" == service
