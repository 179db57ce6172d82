"""Provisioned concurrency.  AWS: Lambda API reference, PutProvisionedConcurrencyConfig and its kin."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import capacity, errors, provisioned, state, tenancy
from tule.services.lambda_.concurrency import MINIMUM_UNRESERVED
from tule.services.lambda_.configuration import timestamp
from tule.services.lambda_.names import LATEST, FunctionRef, function_ref
from tule.services.lambda_.operations.versions import pages
from tule.services.lambda_.provisioning import failure_text
from tule.services.lambda_.runnables import instances_key
from tule.services.lambda_.running import functions
from tule.store.store import Tx

Params = dict[str, Any]


def put_provisioned_concurrency_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = _target(call, params)
    if ref.qualifier == LATEST:
        raise errors.invalid_parameter("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
    _check_is_there(tx, ref)
    if capacity.managed(state.function(tx, ref)["configuration"]) is not None:
        raise capacity.unsupported("Provisioned concurrency")
    if tenancy.is_isolated(state.function(tx, ref)["configuration"]):
        raise tenancy.unsupported("Provisioned concurrency")
    _check_not_twice(tx, ref)
    asked = params["ProvisionedConcurrentExecutions"]
    _check_room(call, tx, ref, asked)
    config = {"requested": asked, "modified_ms": call.now_ms}
    provisioned.put(tx, ref, config)
    tx.after_commit(functions(call.node).provisioning.hint)
    return _standing(config, 0, 0, "IN_PROGRESS")


@reads
def get_provisioned_concurrency_config(call: Call, tx: Tx, params: Params) -> Params:
    ref = _target(call, params)
    if ref.qualifier == LATEST:
        raise errors.invalid_parameter("The function resource provided must be an alias or a published version.")
    _check_is_there(tx, ref)
    config = provisioned.find(tx, ref)
    if config is None:
        raise _absent()
    return _shown(call, tx, ref, config)


def delete_provisioned_concurrency_config(call: Call, tx: Tx, params: Params) -> None:
    ref = _target(call, params)
    if ref.qualifier == LATEST:
        raise errors.invalid_parameter("The function resource provided must be an alias or a published version.")
    _check_is_there(tx, ref)
    provisioned.delete(tx, ref)
    tx.after_commit(functions(call.node).provisioning.hint)


@reads
def list_provisioned_concurrency_configs(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    state.function(tx, ref)
    shown: list[Params] = []
    for qualifier, config in provisioned.of_function(tx, ref).items():
        named = ref._replace(qualifier=qualifier)
        shown.append({"FunctionArn": named.qualified_arn, **_shown(call, tx, named, config)})
    return pages(call, params, f"lambda.ListProvisionedConcurrencyConfigs.{ref.arn}", "ProvisionedConcurrencyConfigs", shown)


def _target(call: Call, params: Params) -> FunctionRef:
    return function_ref(call, params["FunctionName"], params["Qualifier"])


def _check_is_there(tx: Tx, ref: FunctionRef) -> None:
    qualifier = ref.qualifier or ""
    if state.find_function(tx, ref) is None:
        raise errors.function_not_found(ref.qualified_arn)
    if qualifier.isdecimal():
        if state.version(tx, ref, qualifier) is None:
            raise errors.function_not_found(ref.qualified_arn)
    elif state.alias(tx, ref, qualifier) is None:
        raise errors.not_found(f"Cannot find alias arn: {ref.qualified_arn}")


def _check_not_twice(tx: Tx, ref: FunctionRef) -> None:
    """A version has provisioned instances of its own or by one alias."""
    named = provisioned.versions_of(tx, ref)
    for other in provisioned.of_function(tx, ref):
        if other == ref.qualifier or not named.keys() & provisioned.versions_of(tx, ref._replace(qualifier=other)).keys():
            continue
        if other.isdecimal():
            raise errors.conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
        raise errors.conflict("Version is pointed by a Provisioned Concurrency alias")


def _check_room(call: Call, tx: Tx, ref: FunctionRef, asked: int) -> None:
    before = provisioned.find(tx, ref)
    added = asked - (before["requested"] if before is not None else 0)
    reserved: int | None = state.function(tx, ref)["reserved"]
    if reserved is not None:
        if provisioned.requested(tx, ref) + added > reserved:
            raise _untyped(
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function", {"Type": "User"}
            )
        return
    limit = call.node.config.concurrency
    unreserved = limit - provisioned.kept_from_all(tx, ref.account, ref.region)
    minimum = min(MINIMUM_UNRESERVED, limit)
    if added > unreserved:
        raise _untyped(f"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{unreserved}].")
    if unreserved - added < minimum:
        raise _untyped(
            f"Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{minimum}]."
        )


def _untyped(message: str, fields: dict[str, str] | None = None) -> ServiceError:
    """Of these refusals, AWS does not say whose fault they are."""
    return ServiceError("InvalidParameterValueException", message, 400, fields=fields)


def _shown(call: Call, tx: Tx, ref: FunctionRef, config: Params) -> Params:
    """As it stands on this node at the moment."""
    here = functions(call.node)
    allocated = running = 0
    failure: bytes | None = None
    settled = True
    for number, share in provisioned.versions_of(tx, ref).items():
        version = state.version(tx, ref, number)
        wanted = round(config["requested"] * share)
        if version is None or not wanted:
            continue
        key = instances_key(ref, number, version["generation"])
        standing = here.provisioning.standing(key)
        allocated += min(standing.available, wanted)
        running += here.concurrency.running_on_provisioned(key)
        failure = failure or standing.failure
        settled = settled and here.provisioning.is_settled(key)
    if allocated >= config["requested"] and settled:
        return _standing(config, allocated, max(0, allocated - running), "READY")
    if failure is not None:
        return {**_standing(config, 0, 0, "FAILED"), "StatusReason": failure_text(failure)}
    return _standing(config, 0, 0, "IN_PROGRESS")


def _standing(config: Params, allocated: int, available: int, status: str) -> Params:
    return {
        "RequestedProvisionedConcurrentExecutions": config["requested"],
        "AllocatedProvisionedConcurrentExecutions": allocated,
        "AvailableProvisionedConcurrentExecutions": available,
        "Status": status,
        "LastModified": timestamp(config["modified_ms"]),
    }


def _absent() -> ServiceError:
    return ServiceError(
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
        404,
        fields={"Type": "User"},
    )
