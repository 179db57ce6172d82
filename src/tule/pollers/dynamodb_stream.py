"""Streams of DynamoDB tables.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.pollers.contract import Reader, Record, Source
from tule.pollers.streams import Busy, IteratorExpired, Page, Shard

ENVELOPE_BYTES = 400
MAX_PAGE = 1_000
_BUSY = ("ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException")


class DynamoDbStream:
    def __init__(self, node: Node, source: Source, reader: Reader) -> None:
        self._node = node
        self._source = source
        self._reader = reader
        self._arn = arns.parse(source.arn)

    async def shards(self) -> list[Shard]:
        found: list[Shard] = []
        start: dict[str, str] = {}
        while True:
            described = (await self._call("DescribeStream", {"StreamArn": self._source.arn, **start}))["StreamDescription"]
            found += [_shard(shard) for shard in described.get("Shards", [])]
            if "LastEvaluatedShardId" not in described:
                return found
            start = {"ExclusiveStartShardId": described["LastEvaluatedShardId"]}

    async def begin(self, shard: str) -> str:
        """LATEST is everything since the reading was asked for, also of shards that were opened meanwhile."""
        if self._source.position == "LATEST":
            return await self._iterator(shard, {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self._source.since_ms / 1000})
        return await self._iterator(shard, {"ShardIteratorType": "TRIM_HORIZON"})

    async def after(self, shard: str, sequence: str) -> str:
        try:
            return await self._iterator(shard, {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": sequence})
        except ServiceError as error:
            if error.code != "TrimmedDataAccessException":
                raise
            return await self._iterator(shard, {"ShardIteratorType": "TRIM_HORIZON"})

    async def _iterator(self, shard: str, where: Mapping[str, Any]) -> str:
        answer = await self._call("GetShardIterator", {"StreamArn": self._source.arn, "ShardId": shard, **where})
        return answer["ShardIterator"]

    async def read(self, shard: str, iterator: str, limit: int) -> Page:
        answer = await self._call("GetRecords", {"ShardIterator": iterator, "Limit": min(limit, MAX_PAGE)})
        records = [self._record(record) for record in answer.get("Records", [])]
        return Page(records, answer.get("NextShardIterator"), more=bool(records))

    def _record(self, record: Mapping[str, Any]) -> Record:
        change = dict(record["dynamodb"])
        at_ms = int(change["ApproximateCreationDateTime"] * 1000)
        event: dict[str, Any] = {
            "eventID": record["eventID"],
            "eventName": record["eventName"],
            "eventVersion": record["eventVersion"],
            "eventSource": "aws:dynamodb",
            "awsRegion": record.get("awsRegion", self._arn.region),
            "dynamodb": change,
            "eventSourceARN": self._source.arn,
        }
        if "userIdentity" in record:
            event["userIdentity"] = {"type": record["userIdentity"]["Type"], "principalId": record["userIdentity"]["PrincipalId"]}
        source = self._source
        wanted = source.filters.want(event)
        size = ENVELOPE_BYTES + int(change.get("SizeBytes", 0)) * 2
        key = orjson.dumps(change.get("Keys", {}), option=orjson.OPT_SORT_KEYS).decode()
        return Record(change["SequenceNumber"], event, at_ms, size, key, wanted)

    async def _call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        principal = await self._reader.principal()
        try:
            return await self._node.dispatcher.invoke(
                "dynamodbstreams", operation, params, principal=principal, region=self._arn.region, account=self._arn.account
            )
        except ServiceError as error:
            if error.code in _BUSY:
                raise Busy(error.message) from error
            if error.code in ("ExpiredIteratorException", "TrimmedDataAccessException") and operation == "GetRecords":
                raise IteratorExpired from error
            raise


def _shard(shard: Mapping[str, Any]) -> Shard:
    parent = shard.get("ParentShardId")
    return Shard(shard["ShardId"], (parent,) if parent else ())
