"""What a table of a stack has besides its keys: time to live, recovery, a Kinesis stream, insights, and how each changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.dynamodb.resources.calls import StackTable

Params = Mapping[str, Any]


async def settle(table: StackTable, old: Params, new: Params) -> None:
    """Bring the settings that have operations of their own from the old properties to the new."""
    await _expire(table, old.get("TimeToLiveSpecification"), new.get("TimeToLiveSpecification"))
    await recover(table, old.get("PointInTimeRecoverySpecification"), new.get("PointInTimeRecoverySpecification"))
    await stream_to_kinesis(table, old.get("KinesisStreamSpecification"), new.get("KinesisStreamSpecification"))
    await watch(table, "", old.get("ContributorInsightsSpecification"), new.get("ContributorInsightsSpecification"))
    before = _index_insights(old)
    for name, wanted in _index_insights(new).items():
        await watch(table, name, before.get(name), wanted)


async def _expire(table: StackTable, old: Params | None, new: Params | None) -> None:
    wanted = _attribute(new)
    if _attribute(old) == wanted:
        return
    shown = (await table.call("DescribeTimeToLive"))["TimeToLiveDescription"]
    now = shown.get("AttributeName") if shown["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else None
    if now == wanted:
        return
    if now is not None:
        await table.call("UpdateTimeToLive", TimeToLiveSpecification={"Enabled": False, "AttributeName": now})
    if wanted is not None:
        await table.call("UpdateTimeToLive", TimeToLiveSpecification={"Enabled": True, "AttributeName": wanted})


def _attribute(specification: Params | None) -> str | None:
    return specification.get("AttributeName") if specification and specification.get("Enabled") else None


async def recover(table: StackTable, old: Params | None, new: Params | None) -> None:
    """Point-in-time recovery."""
    before, after = dict(old or {}), dict(new or {})
    before.setdefault("PointInTimeRecoveryEnabled", False)
    after.setdefault("PointInTimeRecoveryEnabled", False)
    if before != after:
        await table.call("UpdateContinuousBackups", PointInTimeRecoverySpecification=after)


async def stream_to_kinesis(table: StackTable, old: Params | None, new: Params | None) -> None:
    if old == new:
        return
    now = await _destinations(table)
    for arn in now:
        if new is None or arn != new["StreamArn"]:
            await table.call("DisableKinesisStreamingDestination", StreamArn=arn)
    if new is None:
        return
    precision = new.get("ApproximateCreationDateTimePrecision", "MILLISECOND")
    settings = {"ApproximateCreationDateTimePrecision": precision}
    if new["StreamArn"] not in now:
        await table.call("EnableKinesisStreamingDestination", StreamArn=new["StreamArn"], EnableKinesisStreamingConfiguration=settings)
    elif now[new["StreamArn"]] != precision:
        await table.call("UpdateKinesisStreamingDestination", StreamArn=new["StreamArn"], UpdateKinesisStreamingConfiguration=settings)


async def _destinations(table: StackTable) -> dict[str, str]:
    """The precision of each stream that gets the table's changes, by ARN."""
    found = (await table.call("DescribeKinesisStreamingDestination"))["KinesisDataStreamDestinations"]
    active = [one for one in found if one["DestinationStatus"] in ("ACTIVE", "ENABLING", "UPDATING")]
    return {one["StreamArn"]: one.get("ApproximateCreationDateTimePrecision", "MILLISECOND") for one in active}


async def watch(table: StackTable, index: str, old: Params | None, new: Params | None) -> None:
    """Contributor insights of the table, or of an index."""
    before, after = dict(old or {"Enabled": False}), dict(new or {"Enabled": False})
    if before == after:
        return
    mode = {"ContributorInsightsMode": after["Mode"]} if "Mode" in after else {}
    where = {"IndexName": index} if index else {}
    await table.call("UpdateContributorInsights", ContributorInsightsAction="ENABLE" if after["Enabled"] else "DISABLE", **mode, **where)


def _index_insights(properties: Params) -> dict[str, Params | None]:
    return {index["IndexName"]: index.get("ContributorInsightsSpecification") for index in properties.get("GlobalSecondaryIndexes") or ()}
