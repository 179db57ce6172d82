"""What access must know of identities; the IAM service implements it and `app.py` hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from tule.access.principal import Principal
from tule.store.store import Tx


@dataclass(slots=True, frozen=True)
class AccessKey:
    """A key that can sign: long-term (AKIA) of a user or root, or temporary (ASIA) of a session."""

    access_key: str
    secret_key: str
    principal: Principal
    session_token: str = ""
    expires_ms: int = 0  # 0: never
    active: bool = True


@dataclass(slots=True, frozen=True)
class Policy:
    """One policy document with where it comes from, so that a denial can name it."""

    name: str  # an ARN, or `role/name (inline policy p)`
    document: dict[str, Any]


@dataclass(slots=True, frozen=True)
class IdentityPolicies:
    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    tags: tuple[tuple[str, str], ...] = ()  # of the user or role, for aws:PrincipalTag


class Identities(Protocol):
    def access_key(self, tx: Tx, access_key: str) -> AccessKey | None: ...

    def policies(self, tx: Tx, principal: Principal) -> IdentityPolicies | None:
        """The policies of the principal's user or role; None when that entity is gone."""
        ...

    def version(self) -> int:
        """Grows whenever anything about identities changed: caches of decisions and keys are keyed by it."""
        ...
