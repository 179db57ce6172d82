"""AWS::DynamoDB::GlobalTable: one table with a replica in each region that its template names.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
The replica of the stack's own region is made first; the others follow from it.  What scales by itself begins with its seed or its least
capacity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.errors import not_implemented, validation
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.dynamodb.resources import indexes, settings
from tule.services.dynamodb.resources.calls import StackTable, document
from tule.services.dynamodb.resources.scaling import scale

Params = Mapping[str, Any]

_AS_THEY_ARE = ("AttributeDefinitions", "BillingMode", "KeySchema", "LocalSecondaryIndexes", "WarmThroughput")
_NOT_BUILT = ("VectorIndexes", "GlobalTableWitnesses", "GlobalTableSourceArn")
_DEFAULT_VIEW = "NEW_AND_OLD_IMAGES"  # replicas need a stream of both images


class GlobalTableType:
    """Ref is the table's name; GetAtt gives Arn, StreamArn and TableId of the stack's region."""

    name = "AWS::DynamoDB::GlobalTable"
    replace_on = frozenset({"TableName", "KeySchema", "LocalSecondaryIndexes"})

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for what cannot be honoured."""
        for member in _NOT_BUILT:
            if properties.get(member):
                raise not_implemented("dynamodb", f"AWS::DynamoDB::GlobalTable with {member}")
        if properties.get("MultiRegionConsistency") == "STRONG":
            raise not_implemented("dynamodb", "AWS::DynamoDB::GlobalTable with MultiRegionConsistency STRONG")

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await StackTable(stack, properties["TableName"], stack.region).find() is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        self.check(properties)
        own, others = _replicas(stack, properties)
        table = StackTable(stack, properties.get("TableName") or stack.generated_name(255), stack.region)
        tags = {**stack.tags, **to_map(own.get("Tags"))}
        await table.call("CreateTable", **_made(properties, own), **({"Tags": to_list(tags)} if tags else {}))
        await table.settled()
        await _replicate(table, {}, _given(properties, others))
        shown = await _settle(table, stack, {}, properties)
        return _resource(shown)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        self.check(new)
        table = StackTable(stack, physical_id, stack.region)
        await _adjust(table, old, new, stack)
        await indexes.change(table, _indexes(new, _replicas(stack, new)[0]), new.get("AttributeDefinitions") or ())
        await _replicate(table, _given(old, _replicas(stack, old)[1]), _given(new, _replicas(stack, new)[1]))
        return _resource(await _settle(table, stack, old, new))

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        """The replicas first, as AWS would have it."""
        table = StackTable(stack, physical_id, stack.region)
        if await table.find() is None:
            return
        await _replicate(table, _given(properties, _replicas(stack, properties)[1]), {})
        await table.delete()

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        return _resource(await StackTable(stack, physical_id, stack.region).describe())


def _resource(shown: Params) -> Resource:
    attributes = {"Arn": shown["TableArn"], "TableId": shown["TableId"]}
    return Resource(shown["TableName"], attributes | ({"StreamArn": shown["LatestStreamArn"]} if "LatestStreamArn" in shown else {}))


def _replicas(stack: StackContext, properties: Params) -> tuple[Params, dict[str, Params]]:
    """The replica of the stack's region, and those of others by region.  Raises ValidationException."""
    found = {one["Region"]: one for one in properties.get("Replicas") or ()}
    if stack.region not in found:
        raise validation("Replicas must contain a replica specification for the region in which the stack is deployed")
    own = found.pop(stack.region)
    return own, found


def _made(properties: Params, own: Params) -> dict[str, Any]:
    params = {member: properties[member] for member in _AS_THEY_ARE if properties.get(member) not in (None, [])}
    params.setdefault("BillingMode", "PROVISIONED")
    of_all = _indexes(properties, own)
    if of_all:
        params["GlobalSecondaryIndexes"] = of_all
    params |= _capacity(properties, own)
    view = _view(properties)
    if view is not None:
        params["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    key = _encryption(properties, own)
    if key is not None:
        params["SSESpecification"] = key
    for member in ("DeletionProtectionEnabled", "TableClass"):
        if member in own:
            params[member] = own[member]
    if "ResourcePolicy" in own:
        params["ResourcePolicy"] = document(own["ResourcePolicy"]["PolicyDocument"])
    return params


def _view(properties: Params) -> str | None:
    given: Params | None = properties.get("StreamSpecification")
    if given is not None:
        return given["StreamViewType"]
    return _DEFAULT_VIEW if len(properties.get("Replicas") or ()) > 1 else None


def _encryption(properties: Params, own: Params) -> dict[str, Any] | None:
    given: Params | None = properties.get("SSESpecification")
    if given is None:
        return None
    kind = {"SSEType": given["SSEType"]} if "SSEType" in given else {}
    key = {"KMSMasterKeyId": own["SSESpecification"]["KMSMasterKeyId"]} if "SSESpecification" in own else {}
    return {"Enabled": given["SSEEnabled"], **kind, **key}


def _is_on_demand(properties: Params) -> bool:
    return properties.get("BillingMode") == "PAY_PER_REQUEST"


def _capacity(properties: Params, own: Params) -> dict[str, Any]:
    """Units of a table or an index, from its part for all replicas and that of one."""
    if _is_on_demand(properties):
        maximum = {**(properties.get("WriteOnDemandThroughputSettings") or {}), **(own.get("ReadOnDemandThroughputSettings") or {})}
        return {"OnDemandThroughput": maximum} if maximum else {}
    reads = own.get("ReadProvisionedThroughputSettings") or properties.get("ReadProvisionedThroughputSettings") or {}
    writes = properties.get("WriteProvisionedThroughputSettings") or {}
    units = {"ReadCapacityUnits": _units(reads, "Read"), "WriteCapacityUnits": _units(writes, "Write")}
    return {"ProvisionedThroughput": units}


def _units(given: Params, kind: str) -> int:
    scaling: Params = given.get(f"{kind}CapacityAutoScalingSettings") or {}
    return given.get(f"{kind}CapacityUnits") or scaling.get("SeedCapacity") or scaling.get("MinCapacity") or 1


def _indexes(properties: Params, own: Params) -> list[dict[str, Any]]:
    """Global indexes as CreateTable takes them."""
    of_replica = {index["IndexName"]: index for index in own.get("GlobalSecondaryIndexes") or ()}
    found: list[dict[str, Any]] = []
    for index in properties.get("GlobalSecondaryIndexes") or ():
        capacity = _capacity({**index, "BillingMode": properties.get("BillingMode")}, of_replica.get(index["IndexName"], {}))
        found.append(indexes.of_api({**index, **capacity}))
    return found


async def _adjust(table: StackTable, old: Params, new: Params, stack: StackContext) -> None:
    """Billing, units and encryption of the table itself."""
    was, own = _replicas(stack, old)[0], _replicas(stack, new)[0]
    before, after = _made(old, was), _made(new, own)
    members = ("BillingMode", "ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput", "SSESpecification")
    params = {member: after[member] for member in members if member in after and after[member] != before.get(member)}
    if after["BillingMode"] == "PROVISIONED":
        updates = indexes.adjustments(before.get("GlobalSecondaryIndexes") or (), after.get("GlobalSecondaryIndexes") or ())
        params |= {"GlobalSecondaryIndexUpdates": updates} if updates else {}
    if params:
        await table.call("UpdateTable", **params)
        await table.settled()
    await table.stream(_view(new))
    await table.settled()


async def _replicate(table: StackTable, old: Mapping[str, Params], new: Mapping[str, Params]) -> None:
    """Replicas in other regions, as UpdateTable takes them: one comes or goes at a time."""
    for region in old.keys() - new.keys():
        await table.call("UpdateTable", ReplicaUpdates=[{"Delete": {"RegionName": region}}])
        await table.until(lambda shown, region=region: _replica(shown, region) is None)
    for region, given in new.items():
        if region not in old:
            await table.call("UpdateTable", ReplicaUpdates=[{"Create": given}])
            await table.until(lambda shown, region=region: (_replica(shown, region) or {}).get("ReplicaStatus") == "ACTIVE")
        elif given != old[region]:
            await table.call("UpdateTable", ReplicaUpdates=[{"Update": given}])


def _replica(shown: Params, region: str) -> Params | None:
    return next((one for one in shown.get("Replicas", ()) if one["RegionName"] == region), None)


def _given(properties: Params, others: Mapping[str, Params]) -> dict[str, Params]:
    """Replicas as UpdateTable takes them, by region."""
    return {region: _replica_given(properties, region, given) for region, given in others.items()}


def _overrides(given: Params, *, on_demand: bool) -> dict[str, Any]:
    """What a replica, or an index of it, can be read with."""
    if on_demand:
        maximum: Params | None = given.get("ReadOnDemandThroughputSettings")
        return {"OnDemandThroughputOverride": dict(maximum)} if maximum else {}
    reads: Params | None = given.get("ReadProvisionedThroughputSettings")
    return {"ProvisionedThroughputOverride": {"ReadCapacityUnits": _units(reads, "Read")}} if reads else {}


def _replica_given(properties: Params, region: str, given: Params) -> dict[str, Any]:
    on_demand = _is_on_demand(properties)
    params: dict[str, Any] = {"RegionName": region, **_overrides(given, on_demand=on_demand)}
    of_indexes = {index["IndexName"]: _overrides(index, on_demand=on_demand) for index in given.get("GlobalSecondaryIndexes") or ()}
    if any(of_indexes.values()):
        params["GlobalSecondaryIndexes"] = [{"IndexName": name, **own} for name, own in of_indexes.items() if own]
    if "SSESpecification" in given:
        params["KMSMasterKeyId"] = given["SSESpecification"]["KMSMasterKeyId"]
    if "TableClass" in given:
        params["TableClassOverride"] = given["TableClass"]
    return params


def _stream_policy(replica: Params) -> Params | None:
    return (replica.get("ReplicaStreamSpecification") or {}).get("ResourcePolicy")


async def _settle(table: StackTable, stack: StackContext, old: Params, new: Params) -> dict[str, Any]:
    """What each replica has of its own, in its region; the description of the stack's own."""
    await scale(table, old, new)
    before = {one["Region"]: one for one in old.get("Replicas") or ()}
    for given in new.get("Replicas") or ():
        region = given["Region"]
        replica = StackTable(stack, table.name, region)
        was = before.get(region, {})
        expiry = {"TimeToLiveSpecification": new.get("TimeToLiveSpecification")} if region == stack.region else {}
        earlier = {"TimeToLiveSpecification": old.get("TimeToLiveSpecification")} if region == stack.region else {}
        await settings.settle(replica, {**was, **earlier}, {**given, **expiry})
        await replica.retag({**stack.tags, **to_map(given.get("Tags"))})
        protected = given.get("DeletionProtectionEnabled", False)
        if protected != was.get("DeletionProtectionEnabled", protected if region == stack.region and not old else False):
            await replica.call("UpdateTable", DeletionProtectionEnabled=protected)
        if old or region != stack.region:
            await replica.police(was.get("ResourcePolicy"), given.get("ResourcePolicy"), (await replica.describe())["TableArn"])
        await replica.police(_stream_policy(was), _stream_policy(given), (await replica.describe()).get("LatestStreamArn", ""))
    return await table.settled()
