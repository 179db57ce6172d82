"""Sessions of roles.  AWS: "Temporary security credentials in IAM" (user guide), AssumeRole (STS API reference)."""

from __future__ import annotations

from typing import Any

from tule.access.identities import AccessKey, Role
from tule.access.principal import Principal
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.sts import errors, session_limits
from tule.services.sts.session_limits import Limits
from tule.store.store import Tx

DEFAULT_DURATION_S = 3600
MAX_CHAINED_S = 3600


def by_trust(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    """A session for a caller whom the role's trust policy has let in already."""
    role = call.node.identities.role(tx, params["RoleArn"])
    if role is None:
        raise not_authorized(call, params["RoleArn"])
    if call.principal.kind == "root" and call.node.config.strict:
        raise errors.access_denied("Roles may not be assumed by root accounts.")
    limits = session_limits.of_request(call, tx, params, role.account)
    context = _context(call, params, limits)
    session = session_of(call, role, params["RoleSessionName"], limits, context, mfa=checked_mfa(call, tx, params))
    key = call.node.identities.issue(tx.ids, session, call.now_ms + _duration_s(call, role, params) * 1000)
    result = session_result(key, limits)
    if "source_identity" in context:
        result["SourceIdentity"] = context["source_identity"]
    return result


def session_of(call: Call, role: Role, name: str, limits: Limits, context: dict[str, Any], *, mfa: bool = False) -> Principal:
    return Principal(
        "role",
        role.account,
        arns.arn("sts", "", role.account, f"assumed-role/{role.name}/{name}"),
        entity_arn=role.arn,
        user_id=f"{role.id}:{name}",
        session_name=name,
        session_policies=limits.policies,
        session_tags=limits.tags,
        token_issued_ms=call.now_ms,
        mfa=mfa,
        context=context,
    )


def session_result(key: AccessKey, limits: Limits) -> dict[str, Any]:
    result: dict[str, Any] = {
        "Credentials": credentials(key),
        "AssumedRoleUser": {"AssumedRoleId": key.principal.user_id, "Arn": key.principal.arn},
    }
    if limits.packed_percent is not None:
        result["PackedPolicySize"] = limits.packed_percent
    return result


def credentials(key: AccessKey) -> dict[str, Any]:
    return {
        "AccessKeyId": key.access_key,
        "SecretAccessKey": key.secret_key,
        "SessionToken": key.session_token,
        "Expiration": key.expires_ms // 1000,
    }


def duration_within(role: Role, params: Params) -> int:
    """The session's length in seconds.  Raises ValidationError beyond what the role allows."""
    duration_s = params.get("DurationSeconds", DEFAULT_DURATION_S)
    if duration_s > role.max_session_s:
        raise errors.validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return duration_s


def not_authorized(call: Call, resource: str) -> ServiceError:
    return errors.access_denied(f"User: {call.principal.arn} is not authorized to perform: sts:{call.operation} on resource: {resource}")


def _duration_s(call: Call, role: Role, params: Params) -> int:
    if call.principal.kind == "role" and params.get("DurationSeconds", 0) > MAX_CHAINED_S:
        raise errors.validation_error("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
    return duration_within(role, params)


def _context(call: Call, params: Params, limits: Limits) -> dict[str, Any]:
    """What later calls of the session must know: its source identity, and which tags a chained session inherits."""
    inherited = call.principal.context.get("source_identity")
    source_identity = params.get("SourceIdentity", inherited)
    if inherited and source_identity != inherited:
        raise errors.access_denied("The source identity of a session cannot be changed.")
    context: dict[str, Any] = {}
    if source_identity:
        context["source_identity"] = source_identity
    if limits.transitive_keys:
        context["transitive_tag_keys"] = list(limits.transitive_keys)
    return context


def checked_mfa(call: Call, tx: Tx, params: Params) -> bool:
    """Whether a valid MFA code came with the call.  Raises AccessDenied for a wrong one."""
    if "SerialNumber" not in params and "TokenCode" not in params:
        return False
    serial, code = params.get("SerialNumber", ""), params.get("TokenCode", "")
    if not call.node.identities.mfa_matches(tx, call.principal, serial, code, call.now_ms):
        raise errors.invalid_mfa_code()
    return True
