"""AWS::DynamoDB::Table.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.errors import not_implemented, validation
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.dynamodb.resources import imported, indexes, settings
from tule.services.dynamodb.resources.calls import StackTable, document

Params = Mapping[str, Any]

_AS_THEY_ARE = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "KeySchema",
    "LocalSecondaryIndexes",
    "OnDemandThroughput",
    "ProvisionedThroughput",
    "TableClass",
    "WarmThroughput",
)
_DEFAULT_UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
_CHANGEABLE = ("BillingMode", "DeletionProtectionEnabled", "OnDemandThroughput", "TableClass", "WarmThroughput")


class TableType:
    """Ref is the table's name; GetAtt gives Arn and StreamArn."""

    name = "AWS::DynamoDB::Table"
    replace_on = frozenset({"TableName", "KeySchema", "LocalSecondaryIndexes", "ImportSourceSpecification"})

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for what cannot be honoured."""
        _refuse_unbuilt(properties)

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await StackTable(stack, properties["TableName"], stack.region).find() is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        _refuse_unbuilt(properties)
        table = StackTable(stack, properties.get("TableName") or stack.generated_name(255), stack.region)
        if "ImportSourceSpecification" in properties:
            await imported.create(table, properties["ImportSourceSpecification"], _made(properties))
            await _follow_import(table, stack, properties)
        else:
            tags = {**stack.tags, **to_map(properties.get("Tags"))}
            await table.call("CreateTable", **_made(properties), **_policy(properties), **({"Tags": to_list(tags)} if tags else {}))
        shown = await table.settled()
        await settings.settle(table, {}, properties)
        await _police_stream(table, shown, None, properties)
        return _resource(shown)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        _refuse_unbuilt(new)
        table = StackTable(stack, physical_id, stack.region)
        await _adjust(table, old, new)
        await table.stream((new.get("StreamSpecification") or {}).get("StreamViewType"))
        await indexes.change(table, new.get("GlobalSecondaryIndexes") or (), new.get("AttributeDefinitions") or ())
        await settings.settle(table, old, new)
        await table.retag({**stack.tags, **to_map(new.get("Tags"))})
        shown = await table.settled()
        await table.police(old.get("ResourcePolicy"), new.get("ResourcePolicy"), shown["TableArn"])
        await _police_stream(table, shown, old, new)
        return _resource(shown)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        await StackTable(stack, physical_id, stack.region).delete()

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        return _resource(await StackTable(stack, physical_id, stack.region).describe())


def _resource(shown: Params) -> Resource:
    attributes = {"Arn": shown["TableArn"]} | ({"StreamArn": shown["LatestStreamArn"]} if "LatestStreamArn" in shown else {})
    return Resource(shown["TableName"], attributes)


def _refuse_unbuilt(properties: Params) -> None:
    if properties.get("VectorIndexes"):
        raise not_implemented("dynamodb", "AWS::DynamoDB::Table with VectorIndexes")
    if not isinstance(properties.get("KeySchema"), list):
        raise validation("Property KeySchema must be a list")


def _made(properties: Params) -> dict[str, Any]:
    """CreateTable's parameters, but for tags and policy."""
    params = {member: properties[member] for member in _AS_THEY_ARE if properties.get(member) not in (None, [])}
    if properties.get("BillingMode") == "PAY_PER_REQUEST":
        params.pop("ProvisionedThroughput", None)
    of_all = [indexes.of_api(index) for index in properties.get("GlobalSecondaryIndexes") or ()]
    if of_all:
        params["GlobalSecondaryIndexes"] = of_all
    if "StreamSpecification" in properties:
        params["StreamSpecification"] = _stream(properties["StreamSpecification"])
    if "SSESpecification" in properties:
        params["SSESpecification"] = _encryption(properties["SSESpecification"])
    return params


def _policy(properties: Params) -> dict[str, Any]:
    policy: Params | None = properties.get("ResourcePolicy")
    return {} if policy is None else {"ResourcePolicy": document(policy["PolicyDocument"])}


def _stream(specification: Params) -> dict[str, Any]:
    return {"StreamEnabled": True, "StreamViewType": specification["StreamViewType"]}


def _encryption(specification: Params) -> dict[str, Any]:
    rest = {member: specification[member] for member in ("SSEType", "KMSMasterKeyId") if member in specification}
    return {"Enabled": specification["SSEEnabled"], **rest}


async def _follow_import(table: StackTable, stack: StackContext, properties: Params) -> None:
    """What ImportTable does not take."""
    await table.retag({**stack.tags, **to_map(properties.get("Tags"))})
    await table.police(None, properties.get("ResourcePolicy"), (await table.describe())["TableArn"])
    later = {member: properties[member] for member in ("DeletionProtectionEnabled", "TableClass") if member in properties}
    if "StreamSpecification" in properties:
        later["StreamSpecification"] = _stream(properties["StreamSpecification"])
    if later:
        await table.call("UpdateTable", **later)


async def _adjust(table: StackTable, old: Params, new: Params) -> None:
    """Billing, units, protection, class and encryption, in one update."""
    params = {member: new[member] for member in _CHANGEABLE if new.get(member) is not None and new[member] != old.get(member)}
    if old.get("DeletionProtectionEnabled") and "DeletionProtectionEnabled" not in new:
        params["DeletionProtectionEnabled"] = False
    if old.get("TableClass") and "TableClass" not in new:
        params["TableClass"] = "STANDARD"
    was_on_demand, on_demand = (one.get("BillingMode") == "PAY_PER_REQUEST" for one in (old, new))
    if was_on_demand and not on_demand:
        params["BillingMode"] = "PROVISIONED"
    units = new.get("ProvisionedThroughput") or _DEFAULT_UNITS
    if not on_demand and (was_on_demand or units != old.get("ProvisionedThroughput")) and not await _has_units(table, units):
        params["ProvisionedThroughput"] = units
    if old.get("SSESpecification") != new.get("SSESpecification"):
        params["SSESpecification"] = _encryption(new.get("SSESpecification") or {"SSEEnabled": False})
    updates = (
        []
        if on_demand and not was_on_demand
        else indexes.adjustments(old.get("GlobalSecondaryIndexes") or (), new.get("GlobalSecondaryIndexes") or ())
    )
    if updates:
        params["GlobalSecondaryIndexUpdates"] = updates
    if params:
        await table.call("UpdateTable", **params)
        await table.settled()


async def _has_units(table: StackTable, units: Params) -> bool:
    """Whether the table has these units already: to ask for what is there is an error."""
    shown = await table.describe()
    now: Params = shown["ProvisionedThroughput"]
    return all(now[name] == units[name] for name in units)


async def _police_stream(table: StackTable, shown: Params, old: Params | None, new: Params) -> None:
    arn = shown.get("LatestStreamArn")
    was, now = ((one or {}).get("StreamSpecification") or {} for one in (old, new))
    is_same = was.get("StreamViewType") == now.get("StreamViewType")
    before, after = was.get("ResourcePolicy") if is_same else None, now.get("ResourcePolicy")
    if arn is not None and (before is not None or after is not None):
        await table.police(before, after, arn)
