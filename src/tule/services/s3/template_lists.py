"""Properties of AWS::S3::Bucket that are lists of configurations with ids.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]


class ListSetting(NamedTuple):
    """`listed` is the property; `name` is the part of the operations' names between the verb and `Configuration`."""

    listed: str
    name: str
    configuration: Callable[[Mapping[str, Any]], Json]

    @property
    def member(self) -> str:
        return f"{self.name}Configuration"

    @property
    def put(self) -> str:
        return f"PutBucket{self.name}Configuration"

    @property
    def delete(self) -> str:
        return f"DeleteBucket{self.name}Configuration"


def _filter(given: Mapping[str, Any]) -> Json:
    """None of the conditions is no filter, one stands alone, several stand in And."""
    tags = [{"Key": tag["Key"], "Value": tag["Value"]} for tag in given.get("TagFilters", ())]
    named = {name: given[name] for name in ("Prefix", "AccessPointArn") if name in given}
    if len(tags) + len(named) > 1:
        return {"Filter": {"And": {**named, **({"Tags": tags} if tags else {})}}}
    if tags:
        return {"Filter": {"Tag": tags[0]}}
    return {"Filter": named} if named else {}


def _destination(given: Mapping[str, Any]) -> Json:
    names = {"BucketArn": "Bucket", "BucketAccountId": "AccountId"}
    return {"S3BucketDestination": {names.get(name, name): value for name, value in given.items()}}


def _analytics(given: Mapping[str, Any]) -> Json:
    analysis: Json = {}
    export = given["StorageClassAnalysis"].get("DataExport")
    if export is not None:
        destination = _destination(export["Destination"])
        destination["S3BucketDestination"]["BucketAccountId"] = destination["S3BucketDestination"].pop("AccountId", None)
        analysis["DataExport"] = {"OutputSchemaVersion": export["OutputSchemaVersion"], "Destination": destination}
        if destination["S3BucketDestination"]["BucketAccountId"] is None:
            del destination["S3BucketDestination"]["BucketAccountId"]
    return {"Id": given["Id"], **_filter(given), "StorageClassAnalysis": analysis}


def _tiering(given: Mapping[str, Any]) -> Json:
    return {"Id": given["Id"], **_filter(given), "Status": given["Status"], "Tierings": list(given["Tierings"])}


def _inventory(given: Mapping[str, Any]) -> Json:
    made: Json = {
        "Id": given["Id"],
        "Destination": _destination(given["Destination"]),
        "IsEnabled": given["Enabled"],
        "IncludedObjectVersions": given["IncludedObjectVersions"],
        "Schedule": {"Frequency": given["ScheduleFrequency"]},
    }
    if "OptionalFields" in given:
        made["OptionalFields"] = list(given["OptionalFields"])
    if "Prefix" in given:
        made["Filter"] = {"Prefix": given["Prefix"]}
    return made


def _metrics(given: Mapping[str, Any]) -> Json:
    return {"Id": given["Id"], **_filter(given)}


LISTS = (
    ListSetting("AnalyticsConfigurations", "Analytics", _analytics),
    ListSetting("IntelligentTieringConfigurations", "IntelligentTiering", _tiering),
    ListSetting("InventoryConfigurations", "Inventory", _inventory),
    ListSetting("MetricsConfigurations", "Metrics", _metrics),
)
