"""Creating, showing, changing and deleting functions.  AWS: Lambda API reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import (
    capacity,
    code,
    configuration,
    environments,
    errors,
    execution_role,
    idleness,
    layers,
    provisioned,
    publishing,
    signing,
    state,
    target_permissions,
)
from tule.services.lambda_.environments import shows_environment
from tule.services.lambda_.names import LATEST, LATEST_PUBLISHED, FunctionRef, function_ref
from tule.services.lambda_.packages import MAX_UNZIPPED_BYTES, Package
from tule.services.lambda_.runnables import instances_key
from tule.services.lambda_.running import functions
from tule.services.lambda_.urls import configs as urls
from tule.store.store import Tx

MAX_ITEMS = 50

Params = dict[str, Any]


async def create_function(call: Call, params: Params) -> Params:
    configuration.refuse_unbuilt(params)
    configuration.check(params, managed="CapacityProviderConfig" in params)
    if not params.get("Runtime") or not params.get("Handler"):
        raise errors.invalid_parameter("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    if await call.node.store.read(lambda tx: state.find_function(tx, ref)) is not None:
        raise errors.function_exists(ref.name)
    await execution_role.assume(call.node, ref, params["Role"])
    await target_permissions.check_dead_letter(call, ref, params["Role"], params)
    package = await code.receive(call, params["Code"])
    sealed = await environments.of_new(call, ref, params)
    return await environments.shown(call, await call.node.store.write(lambda tx: _create(call, tx, ref, params, package, sealed)))


def _create(call: Call, tx: Tx, ref: FunctionRef, params: Params, package: Package, sealed: Params | None) -> Params:
    config = configuration.new(ref, params, call.now_ms)
    if sealed is not None:
        config["Environment"] = sealed
    config |= {"CodeSha256": package.code_sha256, "CodeSize": package.size, "RevisionId": tx.ids.uuid()}
    config |= {"State": capacity.INVOCABLE if capacity.managed(config) is None else capacity.NOT_INVOCABLE, "LastUpdateStatus": "Successful"}
    capacity.check(tx, ref, config)
    body = {
        "configuration": config,
        "generation": tx.ids.hex(16),
        "code": package.sha256,
        "unpacked": package.unpacked,
        "layers": [],
        "published": 0,
        "tags": dict(params.get("Tags", {})),
        "reserved": None,
        "policies": {},
        "event_invoke": {},
    }
    if params.get("CodeSigningConfigArn"):
        signing.check(tx, ref.account, ref.region, params["CodeSigningConfigArn"])
        body["code_signing"] = params["CodeSigningConfigArn"]
    if not state.FUNCTIONS.create(tx, ref.account, ref.region, ref.name, body):
        raise errors.function_exists(ref.name)
    state.use_package(tx, ref, LATEST, package.sha256, package.blob, package.size)
    _lay(call, tx, ref, body, params)
    signing.enforce(tx, ref, body)
    if params.get("Publish") or "PublishTo" in params:
        config = publishing.publish(tx, ref, body, to=params.get("PublishTo"))["configuration"] | {"FunctionArn": ref.arn}
    state.put_function(tx, ref, body)
    tx.after_commit(lambda: call.node.compute.prepare(config["Runtime"]))
    return configuration.just_created(config, tx.ids.uuid())


def _lay(call: Call, tx: Tx, ref: FunctionRef, function: Params, params: Params) -> None:
    """Give the function the layers that are asked for, if any word of them is said."""
    if "Layers" in params:
        _take_layers(call, tx, ref, function, params)
    size = function["unpacked"] + function.get("layers_unpacked", 0)
    if size > MAX_UNZIPPED_BYTES:
        raise errors.too_large_with_layers(size, MAX_UNZIPPED_BYTES)


def _take_layers(call: Call, tx: Tx, ref: FunctionRef, function: Params, params: Params) -> None:
    chosen = layers.chosen(tx, ref, params["Layers"], strict=call.node.config.strict_runtimes)
    function["layers"] = [version["code"] for version in chosen if "code" in version]
    function["layers_unpacked"] = sum(version.get("unpacked", 0) for version in chosen)
    state.hold_layers(tx, ref, LATEST, function["layers"])
    function["configuration"].pop("Layers", None)
    if chosen:
        function["configuration"]["Layers"] = [{"Arn": version["LayerVersionArn"], "CodeSize": version["CodeSize"]} for version in chosen]


@shows_environment
@reads
def get_function(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    function, version = state.resolve(tx, ref)
    answer: Params = {
        "Configuration": _shown(call, tx, ref, version),
        "Code": code.location(call, version["code"]),
    }
    if function["tags"]:
        answer["Tags"] = function["tags"]
    if function["reserved"] is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function["reserved"]}
    return answer


@shows_environment
@reads
def get_function_configuration(call: Call, tx: Tx, params: Params) -> Params:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    _, version = state.resolve(tx, ref)
    return _shown(call, tx, ref, version)


def _shown(call: Call, tx: Tx, ref: FunctionRef, version: Params) -> Params:
    config = version["configuration"]
    directories = functions(call.node).packages.directories(version)
    warnings = [call.node.compute.warning(config["Runtime"], directories), *layers.left_out(config), *configuration.left_out(config)]
    return configuration.shown(config, ref.qualified_arn, " ".join(filter(None, warnings))) | idleness.state_of(tx, ref, config, call.now_ms)


async def update_function_code(call: Call, params: Params) -> Params:
    configuration.refuse_unbuilt(params)
    configuration.check(params)
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    await call.node.store.read(lambda tx: _latest(tx, ref, params))
    package = await code.receive(call, params)
    if params.get("DryRun"):
        return await environments.shown(call, await call.node.store.read(lambda tx: _rehearsed(tx, ref, params, package)))

    def change(tx: Tx) -> Params:
        return _change(call, tx, ref, params, lambda config: _with_code(config, params, package), package)

    return await environments.shown(call, await call.node.store.write(change))


def _rehearsed(tx: Tx, ref: FunctionRef, params: Params, package: Package) -> Params:
    changed = _with_code(_latest(tx, ref, params), params, package)
    signing.enforce(tx, ref, state.function(tx, ref))
    return changed


def _with_code(config: Params, params: Params, package: Package) -> Params:
    changed = {**config, "CodeSha256": package.code_sha256, "CodeSize": package.size}
    return changed | {"Architectures": params["Architectures"]} if params.get("Architectures") else changed


async def update_function_configuration(call: Call, params: Params) -> Params:
    configuration.refuse_unbuilt(params)
    ref = function_ref(call, params["FunctionName"])._replace(qualifier=None)
    configuration.check(params, managed=await call.node.store.read(lambda tx: _is_managed(tx, ref)))
    before = await call.node.store.read(lambda tx: _latest(tx, ref, params))
    if "Role" in params:
        await execution_role.assume(call.node, ref, params["Role"])
    await target_permissions.check_dead_letter(call, ref, params.get("Role", before["Role"]), params)
    environment = await environments.of_changed(call, ref, before, params)

    def change(config: Params) -> Params:
        if "DurableConfig" in params and "DurableConfig" not in config:
            raise errors.invalid_parameter("You cannot enable durable execution for a function that exists already.")
        if "CapacityProviderConfig" in params and capacity.managed(config) is None:
            raise errors.invalid_parameter("You cannot configure a capacity provider for a function that was created without one.")
        changed = dict(config)
        configuration.apply(changed, ref, params, call.now_ms)
        if environment is not None:
            if config.get("Environment") != before.get("Environment"):
                raise errors.update_in_progress(ref.arn)
            changed["Environment"] = environment
        return changed

    return await environments.shown(call, await call.node.store.write(lambda tx: _change(call, tx, ref, params, change)))


def _is_managed(tx: Tx, ref: FunctionRef) -> bool:
    function = state.find_function(tx, ref)
    return function is not None and capacity.managed(function["configuration"]) is not None


def _latest(tx: Tx, ref: FunctionRef, params: Params) -> Params:
    """The configuration of $LATEST, at the revision that the caller knows if it says one."""
    config: Params = state.function(tx, ref)["configuration"]
    if params.get("RevisionId") not in (None, config["RevisionId"]):
        raise errors.precondition_failed("GetFunctionConfiguration")
    return config


def _change(call: Call, tx: Tx, ref: FunctionRef, params: Params, change: Callable[[Params], Params], package: Package | None = None) -> Params:
    _latest(tx, ref, params)
    function = state.function(tx, ref)
    before, retired = function["configuration"], instances_key(ref, LATEST, function["generation"])
    config = change(before)
    config |= {"LastModified": configuration.timestamp(call.now_ms), "RevisionId": tx.ids.uuid(), "LastUpdateStatus": "Successful"}
    function["configuration"] = config
    function["generation"] = tx.ids.hex(16)
    if package is not None:
        function["code"], function["unpacked"] = package.sha256, package.unpacked
        state.use_package(tx, ref, LATEST, package.sha256, package.blob, package.size)
    _lay(call, tx, ref, function, params)
    if package is not None or params.get("Layers"):
        signing.enforce(tx, ref, function)
    capacity.check(tx, ref, config)
    publishes = params.get("Publish") or "PublishTo" in params
    published = publishing.publish(tx, ref, function, to=params.get("PublishTo"))["configuration"] if publishes else None
    state.put_function(tx, ref, function)
    tx.after_commit(lambda: call.node.compute.retire(retired))
    if "PublishTo" in params:
        tx.after_commit(lambda: call.node.compute.retire(instances_key(ref, LATEST_PUBLISHED)))
    if config["Runtime"] != before["Runtime"]:
        tx.after_commit(lambda: call.node.compute.prepare(config["Runtime"]))
    return configuration.just_updated(config, tx.ids.uuid()) if published is None else configuration.just_created(published, published["RevisionId"])


@shows_environment
@reads
def list_functions(call: Call, tx: Tx, params: Params) -> Params:
    scope = f"lambda.ListFunctions.{call.account}.{call.region}.{params.get('FunctionVersion', '')}"
    limit = min(params.get("MaxItems", MAX_ITEMS), MAX_ITEMS)
    found = state.functions(tx, call.account, call.region, _position(call, scope, params), limit + 1)
    shown: list[Params] = []
    for name, function in found[:limit]:
        shown += _entries(tx, FunctionRef(call.account, call.region, name), function, params.get("FunctionVersion") == "ALL")
    answer: Params = {"Functions": shown}
    if len(found) > limit:
        answer["NextMarker"] = call.node.pager.token(scope, found[limit - 1][0])
    return answer


def _entries(tx: Tx, ref: FunctionRef, function: Params, every_version: bool) -> list[Params]:
    if not every_version:
        return [configuration.listed(function["configuration"], ref.arn)]
    return publishing.listed_versions(tx, ref, function)


def _position(call: Call, scope: str, params: Params) -> str:
    if not params.get("Marker"):
        return ""
    try:
        return call.node.pager.position(scope, params["Marker"])
    except InvalidToken as error:
        raise errors.invalid_parameter("The Marker provided is invalid.") from error


def delete_function(call: Call, tx: Tx, params: Params) -> None:
    ref = function_ref(call, params["FunctionName"], params.get("Qualifier"))
    function = state.function(tx, ref)
    if ref.qualifier is None:
        urls.delete_all(tx, ref)
        provisioned.delete_all(tx, ref)
        idleness.forget(tx, ref)
        state.delete_function(tx, ref)
        retired = instances_key(ref)
    else:
        publishing.delete_version(tx, ref, function)
        retired = instances_key(ref, ref.qualifier)
    tx.after_commit(lambda: call.node.compute.retire(retired))
