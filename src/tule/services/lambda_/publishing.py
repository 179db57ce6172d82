"""Versions: frozen copies of $LATEST under a number.  AWS: Lambda developer guide, function versions."""

from __future__ import annotations

from typing import Any

from tule.services.lambda_ import capacity, configuration, errors, provisioned, state
from tule.services.lambda_.names import LATEST, LATEST_PUBLISHED, FunctionRef, is_published
from tule.store.store import Tx

_NOT_CODE = frozenset(["RevisionId", "LastModified", "Version", "FunctionArn", "Description", "State", "LastUpdateStatus"])


def publish(tx: Tx, ref: FunctionRef, function: dict[str, Any], description: str | None = None, to: str | None = None) -> dict[str, Any]:
    """The document of the new version; of the last one when nothing changed since.  Changes `function`, which the caller stores.

    `to` is PublishTo: LATEST_PUBLISHED makes $LATEST.PUBLISHED, in place of the one that there was.
    """
    if to is not None:
        return _publish_latest(tx, ref, function, description)
    last = state.version(tx, ref, str(function["published"])) if function["published"] else None
    if last is not None and not _differs(last, function["configuration"], description):
        return last
    capacity.check_room(tx, ref, function["configuration"])
    function["published"] += 1
    return _put(tx, ref, function, str(function["published"]), description)


def _publish_latest(tx: Tx, ref: FunctionRef, function: dict[str, Any], description: str | None) -> dict[str, Any]:
    if capacity.managed(function["configuration"]) is None:
        raise errors.invalid_parameter("PublishTo is only supported for functions that use a capacity provider.")
    before = state.version(tx, ref, LATEST_PUBLISHED)
    if before is None:
        capacity.check_room(tx, ref, function["configuration"])
        return _put(tx, ref, function, LATEST_PUBLISHED, description)
    state.release_package(tx, ref, LATEST_PUBLISHED)
    return _put(tx, ref, function, LATEST_PUBLISHED, description, before.get("scaling"))


def _put(
    tx: Tx, ref: FunctionRef, function: dict[str, Any], number: str, description: str | None, scaling: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Keep a copy of $LATEST under this number."""
    config: dict[str, Any] = {**function["configuration"], "Version": number, "FunctionArn": f"{ref.arn}:{number}", "RevisionId": tx.ids.uuid()}
    if config["State"] == capacity.NOT_INVOCABLE:
        deactivated = scaling is not None and scaling.get("MaxExecutionEnvironments") == 0
        config["State"] = capacity.DEACTIVATED if deactivated else capacity.INVOCABLE
    if description:
        config["Description"] = description
    if config["SnapStart"]["ApplyOn"] == "PublishedVersions":
        config["SnapStart"] = {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    body = {"configuration": config, "generation": tx.ids.hex(16), "code": function["code"], "layers": function["layers"]}
    if description:
        body["described"] = function["configuration"]["Description"]
    if scaling is not None:
        body["scaling"] = scaling
    state.put_version(tx, ref, number, body)
    state.share_package(tx, ref, number, function["code"])
    state.hold_layers(tx, ref, number, function["layers"])
    function["configuration"] = {**function["configuration"], "RevisionId": tx.ids.uuid()}
    return body


def _differs(last: dict[str, Any], latest: dict[str, Any], description: str | None) -> bool:
    published = last["configuration"]

    def essence(config: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in config.items() if name not in _NOT_CODE and name != "SnapStart"}

    if last.get("described", published["Description"]) != latest["Description"]:
        return True
    return essence(published) != essence(latest) or description not in (None, "", published["Description"])


def listed_versions(tx: Tx, ref: FunctionRef, function: dict[str, Any]) -> list[dict[str, Any]]:
    """$LATEST and the published versions, as ListVersionsByFunction shows them."""
    shown = [configuration.listed(function["configuration"], f"{ref.arn}:{LATEST}")]
    for version in state.versions(tx, ref):
        config = version["configuration"]
        shown.append(configuration.listed(config, f"{ref.arn}:{config['Version']}"))
    return shown


def delete_version(tx: Tx, ref: FunctionRef, function: dict[str, Any]) -> None:
    """Remove the version that `ref` names.  Raises InvalidParameterValueException or ResourceConflictException."""
    number = ref.qualifier or ""
    if number == LATEST:
        raise errors.invalid_parameter("$LATEST version cannot be deleted without deleting the function.")
    if not is_published(number):
        raise errors.invalid_parameter("Deletion of aliases is not currently supported.")
    pointing = [alias["AliasArn"] for alias in state.aliases(tx, ref) if alias["FunctionVersion"] == number]
    if pointing:
        raise errors.conflict(f"Unable to delete version because the following aliases reference it: [{', '.join(pointing)}]")
    state.delete_version(tx, ref, number)
    function["policies"].pop(number, None)
    function["event_invoke"].pop(number, None)
    function.get("runtime_management", {}).pop(number, None)
    provisioned.delete(tx, ref)
    state.put_function(tx, ref, function)
