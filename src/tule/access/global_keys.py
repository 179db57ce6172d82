"""The global condition keys, each read from the caller and the call when a policy asks for it.

AWS: "AWS global condition context keys", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tule.access.principal import Principal
from tule.core.clock import iso8601


class AuthorizedCall(Protocol):
    """What is asked of a call: `platform.call.Call` has all of it."""

    @property
    def id(self) -> str: ...
    @property
    def node(self) -> Any: ...
    @property
    def principal(self) -> Principal: ...
    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def now_ms(self) -> int: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def source_ip(self) -> str: ...
    @property
    def user_agent(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


Reader = Callable[[AuthorizedCall, Principal], Any]

_PRINCIPAL_TYPES = {"root": "Account", "user": "User", "role": "AssumedRole", "federated": "FederatedUser", "anonymous": "Anonymous"}
_CALLERS = ("root", "user", "role", "federated")


def _by_session(value: Any, principal: Principal) -> Any:
    """Keys that only temporary credentials have."""
    return value if principal.access_key.startswith("ASIA") else None


# What never leaves the host cannot be overheard: policies that demand TLS (as the SAM CLI's own bucket does) are met.
_LOOPBACK = ("127.0.0.1", "::1")

_READERS: dict[str, Reader] = {
    "aws:principalarn": lambda call, p: (p.entity_arn or p.arn) if p.kind in _CALLERS else None,
    "aws:principalaccount": lambda call, p: p.account if p.kind in _CALLERS else None,
    "aws:principaltype": lambda call, p: _PRINCIPAL_TYPES.get(p.kind),
    "aws:principalisawsservice": lambda call, p: p.kind == "service",
    "aws:principalservicename": lambda call, p: p.service or None,
    "aws:principalservicenameslist": lambda call, p: [p.service] if p.service else None,
    "aws:userid": lambda call, p: p.user_id or None,
    "aws:username": lambda call, p: p.entity_arn.rpartition("/")[2] if p.kind == "user" else None,
    "aws:currenttime": lambda call, p: iso8601(call.now_ms)[:19] + "Z",
    "aws:epochtime": lambda call, p: call.now_ms // 1000,
    "aws:sourceip": lambda call, p: call.source_ip if p.kind != "service" and not p.context.get("via") else None,
    "aws:useragent": lambda call, p: call.user_agent or None,
    "aws:referer": lambda call, p: call.headers.get("referer"),
    "aws:securetransport": lambda call, p: not call.endpoint.startswith("http://") or call.source_ip in _LOOPBACK,
    "aws:requestedregion": lambda call, p: call.region or None,
    "aws:sourcearn": lambda call, p: p.source_arn or None,
    "aws:sourceaccount": lambda call, p: p.source_account or None,
    "aws:viaawsservice": lambda call, p: bool(p.context.get("via")),
    "aws:calledvia": lambda call, p: p.context.get("via") or None,
    "aws:calledviafirst": lambda call, p: p.context["via"][0] if p.context.get("via") else None,
    "aws:calledvialast": lambda call, p: p.context["via"][-1] if p.context.get("via") else None,
    "aws:multifactorauthpresent": lambda call, p: _by_session(p.mfa, p),
    "aws:multifactorauthage": lambda call, p: (call.now_ms - p.token_issued_ms) // 1000 if p.mfa else None,
    "aws:tokenissuetime": lambda call, p: _by_session(iso8601(p.token_issued_ms)[:19] + "Z", p),
    "aws:sourceidentity": lambda call, p: p.context.get("source_identity"),
    "aws:federatedprovider": lambda call, p: p.context.get("federated_provider"),
}


def read(key: str, call: AuthorizedCall, principal: Principal, tags: Mapping[str, str]) -> Any:
    """The value of a key in lower case; None where this call has no such key.  `tags` are the principal's, by lower case."""
    reader = _READERS.get(key)
    if reader is not None:
        return reader(call, principal)
    if key.startswith("aws:principaltag/"):
        return tags.get(key[17:])
    return principal.context.get("keys", {}).get(key)
