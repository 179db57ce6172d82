"""A stack's table that begins with what lies in a bucket: ImportSourceSpecification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.errors import ServiceError
from tule.services.dynamodb.resources.calls import StackTable

Params = Mapping[str, Any]

_TAKEN = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "OnDemandThroughput",
    "SSESpecification",
    "GlobalSecondaryIndexes",
)


async def create(table: StackTable, source: Params, made: Params) -> None:
    """The table with its items.  Raises ServiceError where the import fails."""
    bucket = {
        member: source["S3BucketSource"][member] for member in ("S3Bucket", "S3BucketOwner", "S3KeyPrefix") if member in source["S3BucketSource"]
    }
    params: dict[str, Any] = {
        "S3BucketSource": bucket,
        "InputFormat": source["InputFormat"],
        "TableCreationParameters": {"TableName": table.name, **{member: made[member] for member in _TAKEN if member in made}},
    }
    for member in ("InputCompressionType", "InputFormatOptions"):
        if member in source:
            params[member] = source[member]
    stack = table.stack
    begun = (await stack.call("dynamodb", "ImportTable", params))["ImportTableDescription"]
    await table.until(lambda shown: shown["TableStatus"] != "CREATING")
    ended = (await stack.call("dynamodb", "DescribeImport", {"ImportArn": begun["ImportArn"]}))["ImportTableDescription"]
    if ended["ImportStatus"] != "COMPLETED":
        raise ServiceError(ended.get("FailureCode", "ImportFailed"), ended.get("FailureMessage", "The import failed."), 400)
