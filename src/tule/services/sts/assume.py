"""Sessions of roles.  AWS: IAM user guide, Temporary security credentials, and the AssumeRole page of the STS API."""

from __future__ import annotations

from typing import Any

from tule.access.identities import AccessKey, Role
from tule.access.principal import Principal
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params
from tule.store.store import Tx

DEFAULT_DURATION_S = 3600
MAX_CHAINED_S = 3600


def by_trust(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    role = call.node.identities.role(tx, params["RoleArn"])
    if role is None:
        raise not_authorized(call, params["RoleArn"])
    expires_ms = call.now_ms + _duration_s(call, role, params) * 1000
    key = call.node.identities.issue(tx.ids, session_of(call, role, params["RoleSessionName"]), expires_ms)
    return {
        "Credentials": credentials(key),
        "AssumedRoleUser": {"AssumedRoleId": key.principal.user_id, "Arn": key.principal.arn},
    }


def session_of(call: Call, role: Role, name: str) -> Principal:
    return Principal(
        "role",
        role.account,
        arns.arn("sts", "", role.account, f"assumed-role/{role.name}/{name}"),
        entity_arn=role.arn,
        user_id=f"{role.id}:{name}",
        session_name=name,
        token_issued_ms=call.now_ms,
    )


def credentials(key: AccessKey) -> dict[str, Any]:
    return {
        "AccessKeyId": key.access_key,
        "SecretAccessKey": key.secret_key,
        "SessionToken": key.session_token,
        "Expiration": key.expires_ms // 1000,
    }


def not_authorized(call: Call, resource: str) -> ServiceError:
    message = f"User: {call.principal.arn} is not authorized to perform: sts:{call.operation} on resource: {resource}"
    return ServiceError("AccessDenied", message, 403)


def _duration_s(call: Call, role: Role, params: Params) -> int:
    duration_s = params.get("DurationSeconds", DEFAULT_DURATION_S)
    if call.principal.kind == "role" and duration_s > MAX_CHAINED_S:
        raise validation_error("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
    if duration_s > role.max_session_s:
        raise validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return duration_s


def validation_error(message: str) -> ServiceError:
    return ServiceError("ValidationError", message, 400)
