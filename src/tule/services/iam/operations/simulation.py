"""The policy simulator.  AWS: IAM API reference, SimulateCustomPolicy, SimulatePrincipalPolicy, GetContextKeysFor*."""

from __future__ import annotations

from typing import Any

import orjson

from tule.access.principal import Principal
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.iam import documents, errors, listing, policies, policy_texts, simulation, state
from tule.services.iam.entity_arns import entity_at
from tule.services.iam.simulation import Simulation, Source
from tule.store.store import Tx


@reads
def simulate_custom_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    caller = params.get("CallerArn", call.principal.arn)
    return _simulate(call, params, _given(params, "PolicyInputList"), _given(params, "PermissionsBoundaryPolicyInputList"), caller)


@reads
def simulate_principal_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    kind, entity = entity_at(tx, call.account, params["PolicySourceArn"])
    identity = [_source(policy) for policy in policy_texts.of_entity(tx, kind, call.account, entity)]
    boundary = _given(params, "PermissionsBoundaryPolicyInputList")
    boundary_arn = state.boundary(tx, call.account, entity["id"])
    if not boundary and boundary_arn is not None:
        boundary = [simulation.source(boundary_arn, policies.default_document(tx, call.account, boundary_arn) or "{}")]
    return _simulate(call, params, identity + _given(params, "PolicyInputList"), boundary, params.get("CallerArn", params["PolicySourceArn"]))


@reads
def get_context_keys_for_custom_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    return {"ContextKeyNames": simulation.context_keys([_parsed(text) for text in params["PolicyInputList"]])}


@reads
def get_context_keys_for_principal_policy(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    kind, entity = entity_at(tx, call.account, params["PolicySourceArn"])
    texts = [policy.text for policy in policy_texts.of_entity(tx, kind, call.account, entity)]
    found = [orjson.loads(text) for text in texts] + [_parsed(text) for text in params.get("PolicyInputList", [])]
    return {"ContextKeyNames": simulation.context_keys(found)}


def _simulate(call: Call, params: Params, identity: list[Source], boundary: list[Source], caller_arn: str) -> dict[str, Any]:
    caller = _caller(call, caller_arn)
    resource_policy = _checked_source("ResourcePolicy", params["ResourcePolicy"]) if "ResourcePolicy" in params else None
    setting = Simulation(caller, _owner(params, caller), identity, boundary, resource_policy, _context(params))
    asked = [(action, resource) for action in params["ActionNames"] for resource in params.get("ResourceArns") or ["*"]]
    return listing.numbered(call, params, "EvaluationResults", asked, lambda one: setting.run(*one))


def _caller(call: Call, caller_arn: str) -> Principal:
    try:
        parsed = arns.parse(caller_arn)
    except ValueError as error:
        raise errors.invalid_input(f"Invalid Entity Arn: {caller_arn}") from error
    kind = "role" if parsed.resource_type in ("role", "assumed-role") else "user"
    return Principal(kind, parsed.account or call.account, caller_arn, entity_arn=caller_arn)


def _owner(params: Params, caller: Principal) -> str:
    owner = params.get("ResourceOwner", "")
    if not owner:
        return caller.account
    return arns.parse(owner).account if arns.is_arn(owner) else owner


def _context(params: Params) -> dict[str, Any]:
    """Context entries: a list where there are several values or the type says so."""
    found: dict[str, Any] = {}
    for entry in params.get("ContextEntries", []):
        values = entry.get("ContextKeyValues", [])
        is_list = entry.get("ContextKeyType", "string").endswith("List") or len(values) != 1
        found[entry["ContextKeyName"]] = values if is_list else values[0]
    return found


def _given(params: Params, member: str) -> list[Source]:
    return [_checked_source(f"{member}.{number}", text) for number, text in enumerate(params.get(member, []), 1)]


def _source(policy: policy_texts.PolicyText) -> Source:
    """The ids that the simulator gives: a managed policy's name, `role_name_policy` of an inline one."""
    identifier = policy.name if policy.arn else f"{policy.kind.noun}_{policy.holder}_{policy.name}"
    return simulation.source(identifier, policy.text)


def _checked_source(identifier: str, text: str) -> Source:
    _parsed(text)
    return simulation.source(identifier, text)


def _parsed(text: str) -> dict[str, Any]:
    """Raises InvalidInput for what is no policy."""
    try:
        return documents.parsed(text)
    except ServiceError as error:
        raise errors.invalid_input(error.message) from error
