"""Reading Kinesis streams on behalf of delivery streams.

Each delivery stream with such a source has a reconciler of its own, woken by the Kinesis stream: it reads every shard from its
checkpoint to the end, parents before children, and keeps records and checkpoint in one transaction.  It begins with what came
after the delivery stream was made.  The calls are made as the source's role, through Kinesis's own API.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

import orjson

from tule.backbone.reconcile import Reconciler
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.firehose import acting, buffering, error_logs
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.operations.streams import SOURCES_TOPIC
from tule.services.firehose.processing import deaggregation
from tule.services.firehose.state import checkpoints, streams
from tule.services.firehose.state.buffers import Record
from tule.services.firehose.state.streams import Stream
from tule.store.store import Tx

EVERY_MS = 60_000
LOOK_MS = 600_000
AT_ONCE = 500
ENDED = "SHARD_END"  # the checkpoint of a closed shard that was read to its end

Shard = dict[str, Any]


class Sources:
    """The readers that run on this node, by the id of their delivery stream."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._readers: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Start what is missing, end what was deleted."""
        wanted = {stream["id"]: stream for stream in await self._node.store.read(streams.with_kinesis_source)}
        for id in [id for id in self._readers if id not in wanted]:
            await self._end(id)
        for id, stream in wanted.items():
            if id not in self._readers:
                self._readers[id] = asyncio.create_task(self._keep(stream), name=f"source of {stream['name']}")

    async def _keep(self, stream: Stream) -> None:
        reader = Reconciler(
            f"firehose.source.{stream['id']}", EVERY_MS, [stream["source"]["KinesisStreamARN"]], partial(read, self._node, stream["id"])
        )
        await reader.keep(self._node.store, self._node.clock, self._node.jobs)

    async def _end(self, id: str) -> None:
        task = self._readers.pop(id)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def keep(self) -> None:
        """For the node's life; the readers end with it."""
        node = self._node
        try:
            await Reconciler("firehose.sources", LOOK_MS, [SOURCES_TOPIC], self.run).keep(node.store, node.clock, node.jobs)
        finally:
            for id in list(self._readers):
                await self._end(id)


def start(node: Node) -> Sequence[Awaitable[None]]:
    return [Sources(node).keep()]


async def read(node: Node, stream_id: str) -> None:
    """Take over all that is there.  What Kinesis refuses is told, and tried again with the next run."""

    def look(tx: Tx) -> tuple[Stream | None, dict[str, str]]:
        return streams.by_id(tx, stream_id), checkpoints.of(tx, stream_id)

    stream, done = await node.store.read(look)
    if stream is None:
        return
    try:
        shards = await _shards(node, stream)
        listed = {shard["ShardId"] for shard in shards}  # a parent that is not listed any more has nothing left to read
        for shard in shards:
            if all(parent not in listed or done.get(parent) == ENDED for parent in _parents(shard)):
                done[shard["ShardId"]] = await _read_shard(node, stream, shard, done.get(shard["ShardId"], ""))
    except ServiceError as error:
        await error_logs.tell(node, stream, DeliveryFailed(f"Kinesis.{error.code}", error.message or error.code))


def _parents(shard: Shard) -> list[str]:
    return [shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in shard]


async def _call(node: Node, stream: Stream, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    return await acting.call(node, stream, stream["source"]["RoleARN"], "kinesis", operation, params)


async def _shards(node: Node, stream: Stream) -> list[Shard]:
    found: list[Shard] = []
    params: dict[str, Any] = {"StreamARN": stream["source"]["KinesisStreamARN"]}
    while True:
        answer = await _call(node, stream, "ListShards", params)
        found += answer["Shards"]
        if "NextToken" not in answer:
            return sorted(found, key=lambda shard: shard["ShardId"])
        params = {"NextToken": answer["NextToken"]}


async def _read_shard(node: Node, stream: Stream, shard: Shard, sequence: str) -> str:
    """From a checkpoint to the end; the checkpoint there."""
    if sequence == ENDED:
        return ENDED
    asked: dict[str, Any] = {"StreamARN": stream["source"]["KinesisStreamARN"], "ShardId": shard["ShardId"]}
    if sequence:
        asked |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": sequence}
    else:
        asked |= {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": stream["created_ms"] / 1000}
    iterator: str | None = (await _call(node, stream, "GetShardIterator", asked))["ShardIterator"]
    while iterator is not None:
        answer = await _call(node, stream, "GetRecords", {"ShardIterator": iterator, "Limit": AT_ONCE})
        iterator = answer.get("NextShardIterator")
        if answer["Records"] or iterator is None:
            records = [record for each in answer["Records"] for record in _records(shard["ShardId"], each)]
            before, sequence = sequence, ENDED if iterator is None else answer["Records"][-1]["SequenceNumber"]
            await node.store.write(partial(_take_over, stream["id"], shard["ShardId"], before, sequence, records))
        elif answer["MillisBehindLatest"] == 0:
            return sequence
    return sequence


def _take_over(stream_id: str, shard_id: str, before: str, sequence: str, records: list[Record], tx: Tx) -> None:
    """Nothing happens when the stream was deleted, or another node has gone on from `before` meanwhile."""
    stream = streams.by_id(tx, stream_id)
    if stream is None or checkpoints.of(tx, stream_id).get(shard_id, "") != before:
        return
    if records:
        buffering.fill(tx, stream, buffering.entry_stage(stream), records)
    checkpoints.put(tx, stream_id, shard_id, sequence)


def _records(shard_id: str, record: dict[str, Any]) -> list[Record]:
    """One, or all that the producer library has put into one."""
    arrived_ms = round(record["ApproximateArrivalTimestamp"] * 1000)
    origin = {
        "sequenceNumber": record["SequenceNumber"],
        "subsequenceNumber": 0,
        "partitionKey": record.get("PartitionKey", ""),
        "shardId": shard_id,
        "approximateArrivalTimestamp": arrived_ms,
    }
    inner = deaggregation.kpl(record["Data"])
    if inner is None:
        return [Record(arrived_ms, record["Data"], orjson.dumps(origin).decode())]
    return [
        Record(arrived_ms, data, orjson.dumps({**origin, "partitionKey": key, "subsequenceNumber": number}).decode())
        for number, (key, data) in enumerate(inner)
    ]
