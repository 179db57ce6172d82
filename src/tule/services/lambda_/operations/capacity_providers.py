"""Capacity providers.  AWS: Lambda API reference, CreateCapacityProvider and its kin."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import capacity, configuration, errors, execution_role
from tule.services.lambda_.configuration import timestamp
from tule.services.lambda_.names import FunctionRef
from tule.services.lambda_.operations.versions import pages
from tule.store.store import Tx

MAX_VCPUS = 400
_KEPT = ("KmsKeyArn", "PropagateTags", "TelemetryConfig")

Params = dict[str, Any]


async def create_capacity_provider(call: Call, params: Params) -> Params:
    configuration.check_tags(params.get("Tags", {}))
    role = params["PermissionsConfig"]["CapacityProviderOperatorRoleArn"]
    name = capacity.name_in(params["CapacityProviderName"])
    try:
        await execution_role.assume(call.node, FunctionRef(call.account, call.region, name), role)
    except ServiceError as error:
        if error.code != "InvalidParameterValueException":
            raise
        raise errors.invalid_parameter("The operator role defined for the capacity provider cannot be assumed by Lambda.") from error
    return await call.node.store.write(lambda tx: _create(call, tx, name, params))


def _create(call: Call, tx: Tx, name: str, params: Params) -> Params:
    if capacity.find(tx, call.account, call.region, name) is not None:
        raise errors.conflict(f"Capacity provider already exists: {capacity.arn(call.account, call.region, name)}")
    if len(capacity.PROVIDERS.page(tx, call.account, call.region)) >= capacity.MAX_PROVIDERS:
        text = f"The maximum number of capacity providers for your account has been exceeded: {capacity.MAX_PROVIDERS}"
        raise ServiceError("CapacityProviderLimitExceededException", text, 400, fields={"Type": "User"})
    vpc = params["VpcConfig"]
    shown: Params = {
        "CapacityProviderArn": capacity.arn(call.account, call.region, name),
        "State": "Active",
        "VpcConfig": {"SubnetIds": vpc["SubnetIds"], "SecurityGroupIds": vpc.get("SecurityGroupIds", [])},
        "PermissionsConfig": params["PermissionsConfig"],
        "InstanceRequirements": _instances(params.get("InstanceRequirements", {})),
        "CapacityProviderScalingConfig": _scaling({"MaxVCpuCount": MAX_VCPUS, "ScalingMode": "Auto"}, params),
        "LastModified": timestamp(call.now_ms),
    }
    shown |= {member: params[member] for member in _KEPT if member in params}
    capacity.put(tx, call, name, {"shown": shown, "tags": dict(params.get("Tags", {}))})
    return {"CapacityProvider": {**shown, "State": "Pending"}}


def _instances(given: Params) -> Params:
    if given.get("AllowedInstanceTypes") and given.get("ExcludedInstanceTypes"):
        raise errors.invalid_parameter("AllowedInstanceTypes and ExcludedInstanceTypes cannot be used together.")
    return {"Architectures": ["x86_64"], **given}


def _scaling(before: Params, params: Params) -> Params:
    scaling = {**before, **params.get("CapacityProviderScalingConfig", {})}
    if scaling["ScalingMode"] == "Auto":
        if "ScalingPolicies" in params.get("CapacityProviderScalingConfig", {}):
            raise errors.invalid_parameter("ScalingPolicies can only be specified if ScalingMode is Manual.")
        scaling.pop("ScalingPolicies", None)
    elif not scaling.get("ScalingPolicies"):
        raise errors.invalid_parameter("ScalingPolicies must be specified if ScalingMode is Manual.")
    return scaling


@reads
def get_capacity_provider(call: Call, tx: Tx, params: Params) -> Params:
    return {"CapacityProvider": _provider(call, tx, params)["shown"]}


@reads
def list_capacity_providers(call: Call, tx: Tx, params: Params) -> Params:
    wanted = params.get("State")
    shown = [each["shown"] for _, each in capacity.PROVIDERS.page(tx, call.account, call.region) if wanted in (None, each["shown"]["State"])]
    return pages(call, params, f"lambda.ListCapacityProviders.{call.account}.{call.region}.{wanted}", "CapacityProviders", shown)


def update_capacity_provider(call: Call, tx: Tx, params: Params) -> Params:
    provider = _provider(call, tx, params)
    shown = provider["shown"]
    shown["CapacityProviderScalingConfig"] = _scaling(shown["CapacityProviderScalingConfig"], params)
    shown |= {member: params[member] for member in _KEPT if member in params}
    shown["LastModified"] = timestamp(call.now_ms)
    capacity.put(tx, call, params["CapacityProviderName"], provider)
    return {"CapacityProvider": shown}


def delete_capacity_provider(call: Call, tx: Tx, params: Params) -> Params:
    shown = _provider(call, tx, params)["shown"]
    name = capacity.name_in(params["CapacityProviderName"])
    if capacity.versions(tx, call.account, call.region, name):
        raise errors.conflict(f"The capacity provider is in use by functions and cannot be deleted: {shown['CapacityProviderArn']}")
    capacity.PROVIDERS.delete(tx, call.account, call.region, name)
    return {"CapacityProvider": {**shown, "State": "Deleting"}}


@reads
def list_function_versions_by_capacity_provider(call: Call, tx: Tx, params: Params) -> Params:
    arn = _provider(call, tx, params)["shown"]["CapacityProviderArn"]
    versions = capacity.versions(tx, call.account, call.region, params["CapacityProviderName"])
    return {"CapacityProviderArn": arn, **pages(call, params, f"lambda.ListFunctionVersions.{arn}", "FunctionVersions", versions)}


def _provider(call: Call, tx: Tx, params: Params) -> Params:
    return capacity.get(tx, call.account, call.region, params["CapacityProviderName"])
