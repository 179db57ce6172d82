"""Sessions of users and of the root themselves: GetSessionToken, GetFederationToken.

AWS: "Compare AWS STS credentials" (IAM user guide): who may ask, for how long, and what such sessions may not do.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from tule.access.principal import Principal
from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sts import errors
from tule.services.sts.session_limits import Limits

_DEFAULT_S = 43_200
_MAX_ROOT_S = 3_600
_NOT_IAM: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "NoIamWithoutMfa", "Effect": "Deny", "Action": "iam:*", "Resource": "*"},
    ],
}
_NO_IAM_NO_STS: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "NoIamNoSts", "Effect": "Deny", "Action": ["iam:*", "sts:AssumeRole", "sts:GetFederationToken"], "Resource": "*"}],
}


def expires_ms(call: Call, params: Params) -> int:
    """Sessions of the root end after an hour at the latest, whatever was asked."""
    duration_s = params.get("DurationSeconds", _DEFAULT_S)
    if call.principal.kind == "root":
        duration_s = min(duration_s, _MAX_ROOT_S)
    return call.now_ms + duration_s * 1000


def own_session(call: Call, *, mfa: bool) -> Principal:
    """The caller with temporary keys.  Without MFA it may not call IAM."""
    _refuse_sessions(call)
    limited = call.principal.kind == "user" and not mfa
    policies = (_NOT_IAM,) if limited else ()
    return dataclasses.replace(call.principal, session_policies=policies, token_issued_ms=call.now_ms, mfa=mfa)


def federated_session(call: Call, name: str, limits: Limits) -> Principal:
    """A federated user: what the caller may, within the session policies; without any, nothing."""
    _refuse_sessions(call)
    return Principal(
        "federated",
        call.account,
        arns.arn("sts", "", call.account, f"federated-user/{name}"),
        entity_arn=call.principal.entity_arn,
        user_id=f"{call.account}:{name}",
        session_name=name,
        session_policies=(*limits.policies, _NO_IAM_NO_STS),
        session_tags=limits.tags,
        token_issued_ms=call.now_ms,
    )


def _refuse_sessions(call: Call) -> None:
    principal = call.principal
    if principal.kind not in ("user", "root") or principal.token_issued_ms:
        raise errors.access_denied(f"Cannot call {call.operation} with session credentials")
