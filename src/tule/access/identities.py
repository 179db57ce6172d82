"""What access must know of identities; the IAM service implements it and `app.py` hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from tule.access.principal import Principal
from tule.core.ids import Ids
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


@dataclass(slots=True, frozen=True)
class Role:
    """What STS must know of a role."""

    arn: str
    account: str
    name: str
    id: str  # AROA...
    trust: dict[str, Any]
    max_session_s: int
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True, frozen=True)
class OidcProvider:
    arn: str
    clients: tuple[str, ...]


class Identities(Protocol):
    def access_key(self, tx: Tx, access_key: str) -> AccessKey | None:
        """A long-term key (AKIA...).  Temporary keys are in their session token: see `session`."""
        ...

    def session(self, token: str) -> AccessKey | None:
        """The temporary key (ASIA...), expired or not, that a session token carries; None when it was not made here."""
        ...

    def issue(self, ids: Ids, principal: Principal, expires_ms: int) -> AccessKey:
        """New temporary credentials that act as `principal` until `expires_ms`."""
        ...

    def role(self, tx: Tx, role_arn: str) -> Role | None: ...

    def managed_policy(self, tx: Tx, account: str, policy_arn: str) -> Policy | None:
        """The default version of a managed policy, the account's own or AWS's."""
        ...

    def oidc_provider(self, tx: Tx, account: str, issuer: str) -> OidcProvider | None:
        """The account's OpenID Connect provider for tokens of this issuer (`https://...`)."""
        ...

    def mfa_matches(self, tx: Tx, principal: Principal, serial: str, code: str, now_ms: int) -> bool:
        """Whether `code` is the present one of the MFA device `serial`, and the device the caller's."""
        ...

    def policies(self, tx: Tx, principal: Principal) -> IdentityPolicies | None:
        """The policies of the principal's user or role; None when that entity is gone."""
        ...

    def used(self, principal: Principal, service: str, operation: str, region: str, at_ms: int) -> None:
        """Told of each authorized request, for when a key, user or role was last used.  Cheap, and may forget."""
        ...

    def version(self) -> int:
        """Grows whenever anything about identities changed: caches of decisions and keys are keyed by it."""
        ...
