"""Layer versions and who may use them.  AWS: Lambda API reference, PublishLayerVersion and its kin."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import code, configuration, errors, layers, state
from tule.services.lambda_.layers import LayerRef, Version, layer_ref, of_version_arn
from tule.services.lambda_.operations.versions import pages
from tule.services.lambda_.packages import Package
from tule.store.store import Tx

_SUMMARY = ("LayerVersionArn", "Version", "Description", "CreatedDate", "CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")

Params = dict[str, Any]


async def publish_layer_version(call: Call, params: Params) -> Params:
    ref = layer_ref(call, params["LayerName"])
    package = await code.receive(call, params["Content"])
    return await call.node.store.write(lambda tx: _publish(call, tx, ref, params, package))


def _publish(call: Call, tx: Tx, ref: LayerRef, params: Params, package: Package) -> Params:
    number = layers.next_number(tx, ref)
    version: Version = {
        "LayerArn": ref.arn,
        "LayerVersionArn": ref.version_arn(number),
        "Version": number,
        "Description": params.get("Description", ""),
        "CreatedDate": configuration.timestamp(call.now_ms),
        "CompatibleRuntimes": params.get("CompatibleRuntimes", []),
        "CompatibleArchitectures": params.get("CompatibleArchitectures", []),
        "code": package.sha256,
        "unpacked": package.unpacked,
        "CodeSha256": package.code_sha256,
        "CodeSize": package.size,
        "policy": {"revision": "", "statements": []},
    }
    if "LicenseInfo" in params:
        version["LicenseInfo"] = params["LicenseInfo"]
    layers.put(tx, ref, version)
    state.use_package(tx, ref.holder, str(number), package.sha256, package.blob, package.size)
    return _shown(call, version)


@reads
def get_layer_version(call: Call, tx: Tx, params: Params) -> Params:
    return _shown(call, layers.get(tx, layer_ref(call, params["LayerName"]), params["VersionNumber"]))


@reads
def get_layer_version_by_arn(call: Call, tx: Tx, params: Params) -> Params:
    return _shown(call, layers.get(tx, *of_version_arn(params["Arn"])))


def delete_layer_version(call: Call, tx: Tx, params: Params) -> None:
    layers.check_number(params["VersionNumber"])
    layers.delete(tx, layer_ref(call, params["LayerName"]), params["VersionNumber"])


@reads
def list_layer_versions(call: Call, tx: Tx, params: Params) -> Params:
    ref = layer_ref(call, params["LayerName"])
    shown = [_summary(version) for version in layers.versions(tx, ref) if _fits(version, params)]
    return pages(call, params, f"lambda.ListLayerVersions.{ref.arn}", "LayerVersions", shown)


@reads
def list_layers(call: Call, tx: Tx, params: Params) -> Params:
    shown: list[Params] = []
    for name, _ in layers.LAYERS.page(tx, call.account, call.region):
        ref = LayerRef(call.account, call.region, name)
        fitting = [version for version in layers.versions(tx, ref) if _fits(version, params)]
        if fitting:
            shown.append({"LayerName": name, "LayerArn": ref.arn, "LatestMatchingVersion": _summary(fitting[0])})
    return pages(call, params, f"lambda.ListLayers.{call.account}.{call.region}", "Layers", shown)


def _fits(version: Version, params: Params) -> bool:
    runtime, architecture = params.get("CompatibleRuntime"), params.get("CompatibleArchitecture")
    fits_runtime = runtime is None or runtime in version["CompatibleRuntimes"]
    return fits_runtime and (architecture is None or architecture in version["CompatibleArchitectures"])


def _summary(version: Version) -> Params:
    return {name: version[name] for name in _SUMMARY if name in version}


def _shown(call: Call, version: Version) -> Params:
    content = {
        "Location": code.location(call, version["code"])["Location"],
        "CodeSha256": version["CodeSha256"],
        "CodeSize": version["CodeSize"],
    }
    return {"Content": content, "LayerArn": version["LayerArn"], **_summary(version)}


def add_layer_version_permission(call: Call, tx: Tx, params: Params) -> Params:
    ref, version = _version(call, tx, params)
    policy = version["policy"]
    _check_revision(policy, params)
    if any(statement["Sid"] == params["StatementId"] for statement in policy["statements"]):
        raise errors.conflict(
            f"The statement id ({params['StatementId']}) provided already exists."
            " Please provide a new statement id, or remove the existing statement."
        )
    statement = _statement(ref, version, params)
    policy["statements"].append(statement)
    policy["revision"] = tx.ids.uuid()
    layers.put(tx, ref, version)
    return {"Statement": orjson.dumps(statement).decode(), "RevisionId": policy["revision"]}


def _statement(ref: LayerRef, version: Version, params: Params) -> Params:
    principal = params["Principal"]
    if principal.isdecimal():
        principal = {"AWS": f"arn:{arns.partition_of(ref.region)}:iam::{principal}:root"}
    elif principal != "*":
        principal = {"AWS": principal}
    statement: Params = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": principal,
        "Action": params["Action"],
        "Resource": version["LayerVersionArn"],
    }
    if "OrganizationId" in params:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": params["OrganizationId"]}}
    return statement


def remove_layer_version_permission(call: Call, tx: Tx, params: Params) -> None:
    ref, version = _version(call, tx, params)
    policy = version["policy"]
    kept = [statement for statement in policy["statements"] if statement["Sid"] != params["StatementId"]]
    if len(kept) == len(policy["statements"]):
        raise errors.not_found(f"Statement {params['StatementId']} is not found in resource policy.")
    _check_revision(policy, params)
    policy["statements"], policy["revision"] = kept, tx.ids.uuid()
    layers.put(tx, ref, version)


@reads
def get_layer_version_policy(call: Call, tx: Tx, params: Params) -> Params:
    _, version = _version(call, tx, params)
    document = policy_document(version)
    if document is None:
        raise errors.not_found("No policy is associated with the given resource.")
    return {"Policy": orjson.dumps(document).decode(), "RevisionId": version["policy"]["revision"]}


def policy_document(version: Version) -> Params | None:
    statements = version["policy"]["statements"]
    return {"Version": "2012-10-17", "Id": "default", "Statement": statements} if statements else None


def _version(call: Call, tx: Tx, params: Params) -> tuple[LayerRef, Version]:
    ref = layer_ref(call, params["LayerName"])
    layers.check_number(params["VersionNumber"])
    version = layers.find(tx, ref, params["VersionNumber"])
    if version is None:
        raise errors.not_found(f"Layer version {ref.version_arn(params['VersionNumber'])} does not exist.")
    return ref, version


def _check_revision(policy: Params, params: Params) -> None:
    if params.get("RevisionId") not in (None, policy["revision"]):
        raise errors.precondition_failed("GetLayerPolicy")
