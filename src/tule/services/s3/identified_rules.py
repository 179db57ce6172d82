"""Configurations of which a bucket may have many, each by its id: analytics, intelligent tiering, inventory, metrics.

AWS: S3 API reference, PutBucketAnalyticsConfiguration and its kin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.core import arn
from tule.core.errors import ServiceError, not_implemented
from tule.services.s3 import errors


class Kind(NamedTuple):
    """`config` is the name in the bucket's configuration, `member` the API's own for one of them."""

    config: str
    member: str
    most: int


ANALYTICS = Kind("Analytics", "AnalyticsConfiguration", 1000)
TIERING = Kind("IntelligentTiering", "IntelligentTieringConfiguration", 1000)
INVENTORY = Kind("Inventory", "InventoryConfiguration", 1000)
METRICS = Kind("Metrics", "MetricsConfiguration", 1000)
_TIERS = {"ARCHIVE_ACCESS": (90, 730), "DEEP_ARCHIVE_ACCESS": (180, 730)}
_INVENTORY_FORMATS = ("CSV", "ORC", "Parquet")


def checked(kind: Kind, id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it is stored.  Raises MalformedXML, InvalidConfigurationId and their kin."""
    if given.get("Id") != id:
        raise errors.malformed_xml()
    if not 1 <= len(id) <= 64:
        raise ServiceError("InvalidConfigurationId", "The configuration id is not valid.", 400)
    if "Filter" in given:
        _check_filter(given["Filter"])
    if kind is TIERING:
        _check_tiers(given)
    elif kind is INVENTORY:
        _check_inventory(given)
    elif kind is ANALYTICS:
        _check_export(given)
    return dict(given)


def _check_filter(given: Mapping[str, Any]) -> None:
    both = given.get("And")
    if both is not None and len(both) + len(both.get("Tags", ())) - ("Tags" in both) < 2:
        raise errors.malformed_xml()


def _check_tiers(given: Mapping[str, Any]) -> None:
    tierings = given.get("Tierings") or ()
    if given.get("Status") not in ("Enabled", "Disabled") or not tierings:
        raise errors.malformed_xml()
    for tiering in tierings:
        if tiering.get("AccessTier") not in _TIERS:
            raise errors.malformed_xml()
        least, most = _TIERS[tiering["AccessTier"]]
        if not least <= tiering.get("Days", 0) <= most:
            message = f"'Days' for {tiering['AccessTier']} must be between {least} and {most}"
            raise errors.invalid_argument(message, "Days", str(tiering.get("Days")))


def _check_inventory(given: Mapping[str, Any]) -> None:
    target = (given.get("Destination") or {}).get("S3BucketDestination") or {}
    if given.get("IncludedObjectVersions") not in ("All", "Current") or "IsEnabled" not in given:
        raise errors.malformed_xml()
    if (given.get("Schedule") or {}).get("Frequency") not in ("Daily", "Weekly") or target.get("Format") not in _INVENTORY_FORMATS:
        raise errors.malformed_xml()
    _check_bucket(target.get("Bucket", ""))
    if target["Format"] != "CSV":
        raise not_implemented("s3", f"inventories in the format {target['Format']}")


def _check_export(given: Mapping[str, Any]) -> None:
    export = (given.get("StorageClassAnalysis") or {}).get("DataExport")
    if "StorageClassAnalysis" not in given:
        raise errors.malformed_xml()
    if export is not None:
        target = (export.get("Destination") or {}).get("S3BucketDestination") or {}
        if export.get("OutputSchemaVersion") != "V_1" or target.get("Format") != "CSV":
            raise errors.malformed_xml()
        _check_bucket(target.get("Bucket", ""))


def _check_bucket(text: str) -> None:
    if not arn.is_arn(text) or arn.parse(text).service != "s3":
        raise ServiceError("InvalidS3DestinationBucket", "Invalid bucket ARN.", 400)


def no_such() -> ServiceError:
    return ServiceError("NoSuchConfiguration", "The specified configuration does not exist.", 404)


def too_many() -> ServiceError:
    message = "You are attempting to create a new configuration but have already reached the 1,000-configuration limit."
    return ServiceError("TooManyConfigurations", message, 400)
