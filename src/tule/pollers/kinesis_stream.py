"""Kinesis data streams, by the API that everybody reads them by.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.pollers.contract import Reader, Record, Source
from tule.pollers.streams import Busy, IteratorExpired, Page, Shard

ENVELOPE_BYTES = 500
Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]  # an operation of Kinesis
_BUSY = ("ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException")


class KinesisStream:
    """A stream, or a consumer of one: `arn:aws:kinesis:...:stream/name/consumer/name:1620000000`."""

    def __init__(self, node: Node, source: Source, reader: Reader) -> None:
        self._node = node
        self._source = source
        self._reader = reader
        self._arn = source.arn.partition("/consumer/")[0]
        self._region = arns.parse(source.arn).region
        self._account = arns.parse(source.arn).account

    async def shards(self) -> list[Shard]:
        return [_shard(shard) for shard in await shards_of(self._arn, self._call)]

    async def begin(self, shard: str) -> str:
        if self._source.position == "TRIM_HORIZON":
            return await self._iterator(shard, {"ShardIteratorType": "TRIM_HORIZON"})
        return await self._iterator(shard, {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self._source.since_ms / 1000})

    async def after(self, shard: str, sequence: str) -> str:
        try:
            return await self._iterator(shard, {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": sequence})
        except ServiceError as error:
            if error.code != "InvalidArgumentException":
                raise
            return await self._iterator(shard, {"ShardIteratorType": "TRIM_HORIZON"})

    async def _iterator(self, shard: str, where: Mapping[str, Any]) -> str:
        answer = await self._call("GetShardIterator", {"StreamARN": self._arn, "ShardId": shard, **where})
        return answer["ShardIterator"]

    async def read(self, shard: str, iterator: str, limit: int) -> Page:
        answer = await self._call("GetRecords", {"StreamARN": self._arn, "ShardIterator": iterator, "Limit": limit})
        role = (await self._reader.principal()).entity_arn
        records = [self._record(shard, record, role) for record in answer["Records"]]
        return Page(records, answer.get("NextShardIterator"), more=answer["MillisBehindLatest"] > 0)

    def _record(self, shard: str, record: Mapping[str, Any], role: str) -> Record:
        data: bytes = record["Data"]
        number = record["SequenceNumber"]
        described: dict[str, Any] = {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": number,
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
        }
        if "EncryptionType" in record:
            described["encryptionType"] = record["EncryptionType"]
        event: dict[str, Any] = {
            "kinesis": described,
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": self._region,
            "eventSourceARN": self._source.arn,
        }
        filters = self._source.filters
        wanted = not filters.texts or filters.want({**event, **described}, "data", data)
        size = ENVELOPE_BYTES + len(described["data"]) + len(record["PartitionKey"])
        return Record(number, event, int(record["ApproximateArrivalTimestamp"] * 1000), size, record["PartitionKey"], wanted)

    async def _call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        principal = await self._reader.principal()
        return await _translated(
            lambda: self._node.dispatcher.invoke("kinesis", operation, params, principal=principal, region=self._region, account=self._account)
        )


async def shards_of(stream: str, ask: Ask) -> list[Mapping[str, Any]]:
    """All that there are.  A role may do either of the two calls that tell: SAM's policy allows DescribeStream alone, the
    Serverless Framework's ListShards alone.  Raises ServiceError."""
    try:
        return await _described(stream, ask)
    except ServiceError as error:
        if error.code != "AccessDeniedException":
            raise
        try:
            return await _listed(stream, ask)
        except ServiceError as second:
            raise error from second


async def _described(stream: str, ask: Ask) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    start: dict[str, str] = {}
    while True:
        described = (await ask("DescribeStream", {"StreamARN": stream, **start}))["StreamDescription"]
        found += described["Shards"]
        if not described["HasMoreShards"]:
            return found
        start = {"ExclusiveStartShardId": found[-1]["ShardId"]}


async def _listed(stream: str, ask: Ask) -> list[Mapping[str, Any]]:
    answer = await ask("ListShards", {"StreamARN": stream})
    found: list[Mapping[str, Any]] = list(answer["Shards"])
    while "NextToken" in answer:
        answer = await ask("ListShards", {"NextToken": answer["NextToken"]})
        found += answer["Shards"]
    return found


async def _translated(call: Callable[[], Any]) -> dict[str, Any]:
    try:
        return await call()
    except ServiceError as error:
        if error.code in _BUSY:
            raise Busy(error.message) from error
        if error.code == "ExpiredIteratorException":
            raise IteratorExpired from error
        raise


def _shard(shard: Mapping[str, Any]) -> Shard:
    parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
    return Shard(shard["ShardId"], tuple(parent for parent in parents if parent))
