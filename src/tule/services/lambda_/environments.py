"""Environment variables of functions that name a key of KMS: encrypted where they are kept.

Whoever sets them needs the key (Encrypt, and CreateGrant for the execution role), whoever looks at them needs it too; the
function gets them decrypted as its role, by that grant.  What is kept is `{"Sealed": ...}` in place of the variables, with the
function's ARN as encryption context.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import orjson

from tule.access.principal import Principal, through
from tule.compute.compute import FunctionSpec
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.platform.roles import RoleSession
from tule.services.lambda_ import errors
from tule.services.lambda_.names import FunctionRef

_SERVICE = "lambda.amazonaws.com"
_SEALED = "Sealed"
_KMS_FAULTS = {
    "AccessDeniedException": ("KMSAccessDeniedException", "KMS access was denied"),
    "DisabledException": ("KMSDisabledException", "the KMS key used is disabled"),
    "KMSInvalidStateException": ("KMSInvalidStateException", "the state of the KMS key used is not valid for Decrypt"),
    "NotFoundException": ("KMSNotFoundException", "the KMS key was not found"),
}
_LISTS = ("Functions", "Versions")

Params = dict[str, Any]
Environment = dict[str, Any]


def is_sealed(config: Mapping[str, Any]) -> bool:
    return _SEALED in (config.get("Environment") or ())


async def of_new(call: Call, ref: FunctionRef, params: Params) -> Environment | None:
    """What to keep as the environment of a new function, where that is to be encrypted.  Raises as `_seal` does."""
    key, variables = params.get("KMSKeyArn"), (params.get("Environment") or {}).get("Variables")
    return await _seal(call, ref, params["Role"], key, variables) if key and variables else None


async def of_changed(call: Call, ref: FunctionRef, before: Mapping[str, Any], params: Params) -> Environment | None:
    """What to keep after a change; None where the change itself says it.  Raises as `_seal` does."""
    old_key = before.get("KMSKeyArn", "")
    key, role = params.get("KMSKeyArn", old_key), params.get("Role", before["Role"])
    if not key and not is_sealed(before):
        return None
    if "Environment" not in params and key == old_key:
        if is_sealed(before) and role != before["Role"]:
            await _grant(call, ref, role, key)
        return None
    given = params["Environment"].get("Variables", {}) if "Environment" in params else await _variables(call.node, call.principal, before)
    return await _seal(call, ref, role, key, given) if key and given else {"Variables": given}


async def _seal(call: Call, ref: FunctionRef, role: str, key: str, variables: Mapping[str, str]) -> Environment:
    """Raises InvalidParameterValueException and AccessDeniedException where KMS refuses."""
    params = {"KeyId": key, "Plaintext": orjson.dumps(variables), "EncryptionContext": _context(ref.arn)}
    answer = await _ask(call, ref, "Encrypt", params)
    await _grant(call, ref, role, key)
    return {_SEALED: base64.b64encode(answer["CiphertextBlob"]).decode()}


async def _grant(call: Call, ref: FunctionRef, role: str, key: str) -> None:
    """Let the execution role decrypt this function's environment."""
    constraints = {"EncryptionContextEquals": _context(ref.arn)}
    params = {"KeyId": key, "GranteePrincipal": role, "Operations": ["Decrypt"], "Constraints": constraints, "Name": f"lambda-{ref.name}"}
    await _ask(call, ref, "CreateGrant", params)


async def _ask(call: Call, ref: FunctionRef, operation: str, params: Params) -> dict[str, Any]:
    try:
        return await call.invoke("kms", operation, params, principal=through(call.principal, _SERVICE), region=ref.region)
    except ServiceError as error:
        raise errors.key_unusable(operation, error) from error


def _context(function_arn: str) -> dict[str, str]:
    return {"aws:lambda:FunctionArn": ":".join(function_arn.split(":")[:7])}  # without a qualifier


async def _variables(node: Node, principal: Principal, config: Mapping[str, Any]) -> dict[str, str]:
    """A function's variables, decrypted for somebody.  Raises what KMS raises."""
    environment = config.get("Environment") or {}
    if _SEALED not in environment:
        return environment.get("Variables", {})
    arn: str = config["FunctionArn"]
    params = {"CiphertextBlob": base64.b64decode(environment[_SEALED]), "EncryptionContext": _context(arn)}
    answer = await node.dispatcher.invoke("kms", "Decrypt", params, principal=through(principal, _SERVICE), region=arn.split(":")[3])
    return orjson.loads(answer["Plaintext"])


async def opened(node: Node, spec: FunctionSpec, config: Mapping[str, Any], session: RoleSession) -> FunctionSpec:
    """What a function runs with.  Raises KMSAccessDeniedException and its like."""
    try:
        return replace(spec, environment=await _variables(node, session.principal, config))
    except ServiceError as error:
        code, why = _KMS_FAULTS.get(error.code, _KMS_FAULTS["AccessDeniedException"])
        raise errors.environment_locked(code, why, error) from error


async def shown(call: Call, answer: Params) -> Params:
    """An answer with the environments that it has decrypted for the caller, or with what stands in the way."""
    if "Configuration" in answer:
        return {**answer, "Configuration": await _shown(call, answer["Configuration"])}
    for name in _LISTS:
        if name in answer:
            return {**answer, name: [await _shown(call, config) for config in answer[name]]}
    return await _shown(call, answer)


async def _shown(call: Call, config: Params) -> Params:
    if not is_sealed(config):
        return config
    try:
        return {**config, "Environment": {"Variables": await _variables(call.node, call.principal, config)}}
    except ServiceError as error:
        return {**config, "Environment": {"Error": {"ErrorCode": error.code, "Message": errors.environment_hidden(error)}}}


def shows_environment(operation: Callable[..., Params]) -> Callable[[Call, Params], Awaitable[Params]]:
    """An operation in a transaction whose answer has configurations of functions in it."""

    @wraps(operation)
    async def run(call: Call, params: Params) -> Params:
        store = call.node.store
        work = store.read if getattr(operation, "__tule_reads__", False) else store.write
        return await shown(call, await work(lambda tx: operation(call, tx, params)))

    run.__tule_reads__ = False  # type: ignore[attr-defined]
    return run
