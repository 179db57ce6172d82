"""Why a call is allowed or denied: for `tule explain` and the console.

Asked of a principal, an action and a resource, it answers with the decision, the statement that made it or the one that is
missing, and every policy that was considered.  Without a principal it tells of the latest denials; with only a principal, of
what that user or role has used, and the least policy that follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from tule.access.authorize import Authorizer, Denied
from tule.access.need import Need
from tule.access.policy.denials import explanation, reason
from tule.access.policy.evaluate import Decision
from tule.access.principal import Principal, root
from tule.access.usage import least_policy
from tule.core import arn as arns
from tule.core.errors import ServiceError


@dataclass(slots=True, frozen=True)
class _Question:
    principal: Principal
    need: Need
    call: Any


async def explain(authorizer: Authorizer, asked: dict[str, Any]) -> dict[str, Any]:
    """Raises ServiceError (400) where the question makes no sense."""
    if not asked.get("principal"):
        return {"denials": [_told(denied) for denied in authorizer.latest_denials]}
    principal = await _principal(authorizer, str(asked["principal"]))
    if not asked.get("action"):
        uses = await authorizer.uses(principal.entity_arn)
        return {"principal": principal.arn, "used": [{"action": u.action, "resource": u.resource} for u in uses], "least": least_policy(uses)}
    question = _question(principal, asked, authorizer.clock.now_ms())
    decision = await authorizer.decide(question.call, question.need)
    return _answer(question, decision, await authorizer.considered(question.principal))


def _question(principal: Principal, asked: dict[str, Any], now_ms: int) -> _Question:
    action = str(asked["action"])
    if ":" not in action:
        raise _bad(f"{action!r} is no action: say service:Action, such as s3:GetObject.")
    context, policy = asked.get("context") or {}, asked.get("policy")
    if not isinstance(context, dict) or not isinstance(policy, dict | None):
        raise _bad("context and policy must be JSON objects.")
    need = Need(action, str(asked.get("resource") or "*"), context, policy, str(asked.get("owner") or ""))
    call = SimpleNamespace(
        principal=principal,
        account=principal.account,
        region=str(asked.get("region") or "us-east-1"),
        service=action.partition(":")[0],
        operation=action.partition(":")[2],
        now_ms=now_ms,
        endpoint=str(asked.get("endpoint") or "http://127.0.0.1"),
        source_ip=str(asked.get("source_ip") or "127.0.0.1"),
        user_agent="",
        headers={},
        node=None,
        id="explain",
    )
    return _Question(principal, need, call)


async def _principal(authorizer: Authorizer, text: str) -> Principal:
    """Of a user's, role's, session's or root's ARN; a role stands for any session of it."""
    if len(text) == 12 and text.isascii() and text.isdigit():
        return root(text)
    try:
        arn = arns.parse(text)
    except ValueError as error:
        raise _bad(f"{text!r} is no ARN of a user or role.") from error
    kind = arn.resource_type
    if arn.resource == "root":
        return root(arn.account)
    if kind == "user":
        return Principal("user", arn.account, text, text)
    if kind == "assumed-role":
        role_name, _, session = arn.resource_id.partition("/")
        return await _session_of(authorizer, arns.arn("iam", "", arn.account, f"role/{role_name}"), session)
    if kind == "role":
        return await _session_of(authorizer, text, "session")
    raise _bad(f"{text!r} is no ARN of a user or role.")


async def _session_of(authorizer: Authorizer, role_arn: str, session: str) -> Principal:
    role = await authorizer.role(role_arn)
    if role is None:
        raise ServiceError("NoSuchEntity", f"There is no role {role_arn}.", 404)
    arn = arns.arn("sts", "", role.account, f"assumed-role/{role.name}/{session}")
    return Principal("role", role.account, arn, role.arn, f"{role.id}:{session}", session_name=session)


def _answer(question: _Question, decision: Decision, considered: list[str]) -> dict[str, Any]:
    need = question.need
    reasons = [explanation(need, decision)]
    if not decision.allowed:
        reasons.append(f"AWS would say: ... is not authorized to perform: {need.action} {reason(need.action, decision)}")
    answer: dict[str, Any] = {
        "principal": question.principal.arn,
        "action": need.action,
        "resource": need.resource,
        "allowed": decision.allowed,
        "explicit": decision.explicit,
        "layer": decision.layer,
        "considered": considered,
        "reasons": reasons,
    }
    if decision.statement is not None:
        answer |= {"policy": decision.statement.policy, "statement": decision.statement.label}
    elif not decision.allowed:
        answer["missing"] = missing_statement(question.principal, need, decision)
        reasons.append(f"missing in the {decision.layer} policy: {answer['missing']}")
    reasons += [f"considered: {name}" for name in considered]
    return answer


def missing_statement(principal: Principal, need: Need, decision: Decision) -> dict[str, Any]:
    """The statement that would allow it, if it stood in a policy of the layer where none does."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": need.action, "Resource": need.resource}
    if decision.layer == "resource":
        statement["Principal"] = {"Service": principal.service} if principal.service else {"AWS": principal.entity_arn or principal.arn}
    return statement


def _told(denied: Denied) -> dict[str, Any]:
    return {
        "at_ms": denied.at_ms,
        "id": denied.id,
        "principal": denied.principal.arn,
        "action": denied.need.action,
        "resource": denied.need.resource,
        "reason": explanation(denied.need, denied.decision),
        "missing": None if denied.decision.explicit else missing_statement(denied.principal, denied.need, denied.decision),
    }


def _bad(message: str) -> ServiceError:
    return ServiceError("BadRequest", message, 400)
