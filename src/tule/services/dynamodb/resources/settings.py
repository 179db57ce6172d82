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
    before, after = _attribute(old), _attribute(new)
    if before == after:
        return
    if before is not None:
        await table.call("UpdateTimeToLive", TimeToLiveSpecification={"Enabled": False, "AttributeName": before})
    if after is not None:
        await table.call("UpdateTimeToLive", TimeToLiveSpecification={"Enabled": True, "AttributeName": after})


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
    if old and new and old["StreamArn"] == new["StreamArn"]:
        settings = {"ApproximateCreationDateTimePrecision": new.get("ApproximateCreationDateTimePrecision", "MILLISECOND")}
        await table.call("UpdateKinesisStreamingDestination", StreamArn=new["StreamArn"], UpdateKinesisStreamingConfiguration=settings)
        return
    if old:
        await table.call("DisableKinesisStreamingDestination", StreamArn=old["StreamArn"])
    if new:
        precision = new.get("ApproximateCreationDateTimePrecision")
        settings = {"EnableKinesisStreamingConfiguration": {"ApproximateCreationDateTimePrecision": precision}} if precision else {}
        await table.call("EnableKinesisStreamingDestination", StreamArn=new["StreamArn"], **settings)


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
