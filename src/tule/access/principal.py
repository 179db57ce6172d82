"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

Kind = Literal["root", "user", "role", "federated", "service", "anonymous"]


@dataclass(slots=True, frozen=True)
class Principal:
    """An authenticated caller.

    `arn` is what `GetCallerIdentity` says (for a role the assumed-role session's ARN); `entity_arn` is the user or role
    whose policies count.  `user_id` is `AIDA...`, or `AROA...:session`.  `session_policies` are policy documents passed
    at AssumeRole.  `service` is set for AWS services acting by themselves (`s3.amazonaws.com`): they have no identity
    policies and live by resource policies.  `trusted` marks the platform's own work on behalf of an account (sweeps,
    a stack without a role acts as its caller instead): allowed everything, never reachable from outside.
    """

    kind: Kind
    account: str
    arn: str
    entity_arn: str = ""
    user_id: str = ""
    access_key: str = ""
    session_name: str = ""
    session_policies: tuple[dict[str, Any], ...] = ()
    session_tags: tuple[tuple[str, str], ...] = ()
    service: str = ""
    source_arn: str = ""
    source_account: str = ""
    token_issued_ms: int = 0
    mfa: bool = False
    trusted: bool = False
    context: dict[str, Any] = field(default_factory=dict[str, Any], hash=False, compare=False)


def root(account: str, access_key: str = "") -> Principal:
    """The account itself: allowed everything that no resource policy of another account forbids."""
    arn = f"arn:aws:iam::{account}:root"
    return Principal("root", account, arn, entity_arn=arn, user_id=account, access_key=access_key)


def aws_service(name: str, account: str, source_arn: str = "") -> Principal:
    """An AWS service acting by itself, such as `s3.amazonaws.com` delivering a notification of bucket `source_arn`."""
    return Principal("service", account, name, service=name, source_arn=source_arn, source_account=account)


def through(principal: Principal, service: str) -> Principal:
    """The caller again, as `service` (`s3.amazonaws.com`) calls another service for it: `kms:ViaService`, `aws:CalledVia`.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
    """
    return replace(principal, context={**principal.context, "via": [*principal.context.get("via", ()), service]})


def platform(account: str) -> Principal:
    """Tule's own maintenance work in an account."""
    return Principal("service", account, "tule.platform", service="tule.platform", trusted=True)


ANONYMOUS = Principal("anonymous", "anonymous", "*", user_id="anonymous")
