"""Who may do what with functions.  AWS: Service authorization reference, Lambda.

Operations on a function need their permission on its ARN, qualified when a version or an alias is named; the function's
resource policy counts as well, and lets in services and other accounts.  Who gives a function a role must be allowed to pass it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import Need, Needs
from tule.services.lambda_ import capacity, layers, state
from tule.services.lambda_.durable import callbacks
from tule.services.lambda_.durable import state as durable
from tule.services.lambda_.execution_role import LAMBDA
from tule.services.lambda_.layers import LayerRef, layer_ref, of_version_arn
from tule.services.lambda_.names import FunctionRef, function_ref, of_arn
from tule.services.lambda_.operations import layers as layer_operations
from tule.services.lambda_.runnables import policy_document
from tule.services.lambda_.running import functions
from tule.services.lambda_.urls import configs as urls
from tule.store.store import Tx

Params = dict[str, Any]

_ON_FUNCTION = [
    "GetFunction",
    "GetFunctionConfiguration",
    "UpdateFunctionCode",
    "DeleteFunction",
    "RemovePermission",
    "GetPolicy",
    "PutFunctionConcurrency",
    "GetFunctionConcurrency",
    "DeleteFunctionConcurrency",
    "PublishVersion",
    "ListVersionsByFunction",
    "CreateAlias",
    "GetAlias",
    "UpdateAlias",
    "DeleteAlias",
    "ListAliases",
    "PutFunctionEventInvokeConfig",
    "UpdateFunctionEventInvokeConfig",
    "GetFunctionEventInvokeConfig",
    "DeleteFunctionEventInvokeConfig",
    "ListFunctionEventInvokeConfigs",
    "PutProvisionedConcurrencyConfig",
    "GetProvisionedConcurrencyConfig",
    "DeleteProvisionedConcurrencyConfig",
    "ListProvisionedConcurrencyConfigs",
    "PutFunctionScalingConfig",
    "GetFunctionScalingConfig",
    "PutFunctionRecursionConfig",
    "GetFunctionRecursionConfig",
    "PutRuntimeManagementConfig",
    "GetRuntimeManagementConfig",
    "PutFunctionCodeSigningConfig",
    "GetFunctionCodeSigningConfig",
    "DeleteFunctionCodeSigningConfig",
    "ListFunctionUrlConfigs",
    "ListDurableExecutionsByFunction",
]

_ON_EXECUTION = [
    "CheckpointDurableExecution",
    "GetDurableExecution",
    "GetDurableExecutionHistory",
    "GetDurableExecutionState",
    "StopDurableExecution",
    "PauseDurableExecution",
    "ResumeDurableExecution",
    "DeleteDurableExecution",
]

_ON_URL = ["CreateFunctionUrlConfig", "GetFunctionUrlConfig", "UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig"]


_PUBLIC = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "lambda:GetLayerVersion", "Resource": "*"}]}
"""As is the policy of the layers that are published for everyone."""


def _on_function(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    function = state.find_function(tx, ref)
    policy = policy_document(function, ref.qualifier) if function is not None else None
    return [Need(action, ref.qualified_arn, _resource_tags(function), policy, ref.account)]


def _resource_tags(function: Params | None) -> Mapping[str, Any]:
    return {f"aws:ResourceTag/{key}": value for key, value in function["tags"].items()} if function is not None else {}


def _invoke(call: Call, tx: Tx, params: Params) -> list[Need]:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    found = functions(call.node).runnables.cached(ref)
    if found is not None:
        return [Need("lambda:InvokeFunction", ref.qualified_arn, found.tags, found.policy, ref.account)]
    return _on_function("lambda:InvokeFunction", call, tx, params)


def _create_function(call: Call, tx: Tx, params: Params) -> list[Need]:
    ref = function_ref(call, params["FunctionName"])
    tags = params.get("Tags", {})
    context = {f"aws:RequestTag/{key}": value for key, value in tags.items()} | ({"aws:TagKeys": list(tags)} if tags else {})
    needs = [Need("lambda:CreateFunction", ref.arn, context, owner=ref.account), _pass_role(ref, params["Role"])]
    return [*needs, *_capacity(params), *_layers(call, tx, params)]


def _update_function_configuration(call: Call, tx: Tx, params: Params) -> list[Need]:
    needs = _on_function("lambda:UpdateFunctionConfiguration", call, tx, params)
    if "Role" in params:
        needs.append(_pass_role(function_ref(call, params["FunctionName"]), params["Role"]))
    return [*needs, *_capacity(params), *_layers(call, tx, params)]


def _capacity(params: Params) -> list[Need]:
    used = capacity.managed(params)
    return [] if used is None else [Need("lambda:PassCapacityProvider", used["CapacityProviderArn"])]


def _create_capacity_provider(call: Call, tx: Tx, params: Params) -> list[Need]:
    tags = params.get("Tags", {})
    context = {f"aws:RequestTag/{key}": value for key, value in tags.items()} | ({"aws:TagKeys": list(tags)} if tags else {})
    arn = capacity.arn(call.account, call.region, capacity.name_in(params["CapacityProviderName"]))
    role = params["PermissionsConfig"]["CapacityProviderOperatorRoleArn"]
    passed = {"iam:PassedToService": LAMBDA, "iam:AssociatedResourceArn": arn}
    return [Need("lambda:CreateCapacityProvider", arn, context), Need("iam:PassRole", role, passed)]


def _on_capacity_provider(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    name = capacity.name_in(params["CapacityProviderName"])
    provider = capacity.find(tx, call.account, call.region, name)
    context = {f"aws:ResourceTag/{key}": value for key, value in provider["tags"].items()} if provider is not None else {}
    return [Need(action, capacity.arn(call.account, call.region, name), context)]


def _layers(call: Call, tx: Tx, params: Params) -> list[Need]:
    """Who uses layers must be allowed to get them; those of other accounts by the layers' policies."""
    needs: list[Need] = []
    for arn in params.get("Layers", []):
        ref, number = of_version_arn(arn)
        if layers.is_elsewhere(tx, ref, call.account):
            needs.append(Need("lambda:GetLayerVersion", arn, policy=_PUBLIC, owner=ref.account))
        else:
            needs.append(_layer_version(tx, "lambda:GetLayerVersion", ref, number))
    return needs


def _layer_version(tx: Tx, action: str, ref: LayerRef, number: int) -> Need:
    version = layers.find(tx, ref, number)
    policy = layer_operations.policy_document(version) if version is not None else None
    return Need(action, ref.version_arn(number), policy=policy, owner=ref.account)


def _on_layer_version(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    if "Arn" in params:
        return [_layer_version(tx, action, *of_version_arn(params["Arn"]))]
    return [_layer_version(tx, action, layer_ref(call, params["LayerName"]), params["VersionNumber"])]


def _on_layer(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    ref = layer_ref(call, params["LayerName"])
    return [Need(action, ref.arn, owner=ref.account)]


def _add_permission(call: Call, tx: Tx, params: Params) -> list[Need]:
    needs = _on_function("lambda:AddPermission", call, tx, params)
    keys = {"lambda:Principal": params["Principal"]}
    if "FunctionUrlAuthType" in params:
        keys["lambda:FunctionUrlAuthType"] = params["FunctionUrlAuthType"]
    return [dataclasses.replace(need, context={**need.context, **keys}) for need in needs]


def _on_url(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    """The kind of authentication is a condition key: that which is asked for, else that which is there."""
    needs = _on_function(action, call, tx, params)
    config = urls.find(tx, function_ref(call, params["FunctionName"], params.get("Qualifier")))
    kind = params.get("AuthType") or (config["AuthType"] if config is not None else None)
    keys = {"lambda:FunctionUrlAuthType": kind} if kind else {}
    return [dataclasses.replace(need, context={**need.context, **keys}) for need in needs]


def _on_resource_policy(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    arn = params["ResourceArn"]
    try:
        ref = of_arn(arn)
    except ValueError:
        return [Need(action, arn)]
    function = state.find_function(tx, ref)
    policy = policy_document(function, ref.qualifier) if function is not None else None
    return [Need(action, ref.qualified_arn, _resource_tags(function), policy, ref.account)]


def _pass_role(ref: FunctionRef, role: str) -> Need:
    return Need("iam:PassRole", role, {"iam:PassedToService": LAMBDA, "iam:AssociatedResourceArn": ref.arn})


def _on_tagged(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    arn = params["Resource"]
    tags = params.get("Tags", {})
    context: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    keys = list(tags) or params.get("TagKeys", [])
    if keys:
        context["aws:TagKeys"] = list(keys)
    try:
        function = state.find_function(tx, of_arn(arn))
    except ValueError:
        function = None
    owner = arns.parse(arn).account if arns.is_arn(arn) else ""
    return [Need(action, arn, {**context, **_resource_tags(function)}, owner=owner)]


def _on_execution(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    """On the execution itself, whose ARN begins with its function's."""
    arn: str = params["DurableExecutionArn"]
    return [Need(action, arn, owner=arn.split(":")[4])]


def _on_callback(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    """On the execution that waits; whoever has an id that names none is told so by the operation."""
    execution = durable.find(tx, callbacks.execution_of(params["CallbackId"])[0])
    return [Need(action)] if execution is None else [Need(action, execution.arn, owner=execution.account)]


def _needs() -> dict[str, Needs]:
    needs: dict[str, Needs] = {
        "Invoke": _invoke,
        "InvokeAsync": _invoke,
        "AddPermission": _add_permission,
        "CreateCapacityProvider": _create_capacity_provider,
        "CreateFunction": _create_function,
        "UpdateFunctionConfiguration": _update_function_configuration,
    }
    for operation in ("GetCapacityProvider", "UpdateCapacityProvider", "DeleteCapacityProvider", "ListFunctionVersionsByCapacityProvider"):
        needs[operation] = partial(_on_capacity_provider, f"lambda:{operation}")
    for operation in _ON_EXECUTION:
        needs[operation] = partial(_on_execution, f"lambda:{operation}")
    for ending in ("Success", "Failure", "Heartbeat"):
        needs[f"SendDurableExecutionCallback{ending}"] = partial(_on_callback, f"lambda:SendDurableExecutionCallback{ending}")
    for operation in _ON_URL:
        needs[operation] = partial(_on_url, f"lambda:{operation}")
    for operation in ("PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"):
        needs[operation] = partial(_on_resource_policy, f"lambda:{operation}")
    needs["InvokeWithResponseStream"] = _invoke
    for operation in _ON_FUNCTION:
        needs[operation] = partial(_on_function, f"lambda:{operation}")
    for operation in ("GetLayerVersion", "DeleteLayerVersion", "AddLayerVersionPermission", "RemoveLayerVersionPermission", "GetLayerVersionPolicy"):
        needs[operation] = partial(_on_layer_version, f"lambda:{operation}")
    needs["GetLayerVersionByArn"] = partial(_on_layer_version, "lambda:GetLayerVersion")
    for operation in ("PublishLayerVersion", "ListLayerVersions"):
        needs[operation] = partial(_on_layer, f"lambda:{operation}")
    for operation in ("TagResource", "UntagResource", "ListTags"):
        needs[operation] = partial(_on_tagged, f"lambda:{operation}")
    return needs


NEEDS = _needs()
