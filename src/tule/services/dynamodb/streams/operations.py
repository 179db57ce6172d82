"""Listing, describing and reading streams.

AWS: DynamoDB Streams API reference, ListStreams, DescribeStream, GetShardIterator, GetRecords.  A stream that was closed, and
each of its records, can be read for a day.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import names
from tule.services.dynamodb.errors import validation
from tule.services.dynamodb.names import ResourceRef
from tule.services.dynamodb.state import stream_records, streams
from tule.services.dynamodb.state.streams import Shard, Stream
from tule.services.dynamodb.streams import errors, iterators, metrics, sequence, sequencing, throughput
from tule.services.dynamodb.streams.iterators import Place
from tule.store.store import Tx

Params = dict[str, Any]

RETENTION_MS = 24 * 3_600_000
MAX_STREAMS = 100
MAX_SHARDS = 100
MAX_RECORDS = 1_000


@reads
def list_streams(call: Call, tx: Tx, params: Params) -> Params:
    limit = params.get("Limit", MAX_STREAMS)
    if limit > MAX_STREAMS:
        raise errors.too_high("limit", limit, MAX_STREAMS)
    start = _ref(params["ExclusiveStartStreamArn"]) if "ExclusiveStartStreamArn" in params else None
    name, label = ("", "") if start is None else (start.table.name, start.id)
    horizon_ms = tx.now_ms - RETENTION_MS
    if "TableName" in params:
        table = names.table_ref(call.account, call.region, params["TableName"]).name
        after = label if name == table else ("" if name < table else "\U0010ffff")
        found = streams.page_of_table(tx, call.account, call.region, table, after, horizon_ms, limit + 1)
    else:
        found = streams.page(tx, call.account, call.region, (name, label), horizon_ms, limit + 1)
    shown, last = page(found, limit, lambda stream: stream.arn)
    listed = [{"StreamArn": stream.arn, "TableName": stream.table_name, "StreamLabel": stream.label} for stream in shown]
    return {"Streams": listed} | ({"LastEvaluatedStreamArn": last} if last is not None else {})


async def describe_stream(call: Call, params: Params) -> Params:
    limit = params.get("Limit", MAX_SHARDS)
    if limit > MAX_SHARDS:
        raise errors.too_high("limit", limit, MAX_SHARDS)
    stream = await call.node.store.read(lambda tx: stream_at(tx, params["StreamArn"]))
    throughput.check_described(call, stream.id)
    await sequencing.settle_shards(call.node, stream)
    found = await call.node.store.read(lambda tx: _shards(tx, stream, params, limit + 1))
    shown, last = page(found, limit, lambda shard: shard.name)
    description: Params = {
        "StreamArn": stream.arn,
        "StreamLabel": stream.label,
        "StreamStatus": "ENABLED" if stream.closed_ms is None else "DISABLED",
        "StreamViewType": stream.view,
        "CreationRequestDateTime": stream.created_ms / 1000,
        "TableName": stream.table_name,
        "KeySchema": stream.keys,
        "Shards": [_shown(shard) for shard in shown],
    }
    return {"StreamDescription": description | ({"LastEvaluatedShardId": last} if last is not None else {})}


def _shards(tx: Tx, stream: Stream, params: Params, limit: int) -> list[Shard]:
    after, wanted = params.get("ExclusiveStartShardId", ""), params.get("ShardFilter")
    if wanted is None:
        return streams.shards(tx, stream, after, tx.now_ms - RETENTION_MS, limit)
    if "Type" not in wanted:
        raise validation("ShardFilter.Type cannot be null when ShardFilter is specified")
    if "ShardId" not in wanted:
        raise validation("ShardFilter.ShardId cannot be null when ShardFilter.Type is CHILD_SHARDS")
    return streams.children(tx, stream, after, wanted["ShardId"], limit)


def _shown(shard: Shard) -> Params:
    numbers = {"StartingSequenceNumber": sequence.text(shard.first, shard.slot)}
    if shard.last is not None:
        numbers["EndingSequenceNumber"] = sequence.text(shard.last, shard.slot)
    shown: Params = {"ShardId": shard.name, "SequenceNumberRange": numbers}
    return shown | ({"ParentShardId": shard.parent} if shard.parent else {})


async def get_shard_iterator(call: Call, params: Params) -> Params:
    kind, number = params["ShardIteratorType"], params.get("SequenceNumber")
    is_numbered = kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")
    if is_numbered and number is None:
        raise validation(f"Invalid SequenceNumber: SequenceNumber must be specified for ShardIteratorType {kind}")
    if not is_numbered and number is not None:
        raise validation(f"Invalid SequenceNumber: SequenceNumber must not be specified for ShardIteratorType {kind}")
    stream = await call.node.store.read(lambda tx: stream_at(tx, params["StreamArn"]))
    await sequencing.settle(call.node, stream)

    def place(tx: Tx) -> Place:
        shard = streams.shard_by_name(tx, stream, params["ShardId"])
        if shard is None or is_expired(shard, tx.now_ms):
            raise errors.shard_not_found(params["ShardId"], stream.arn)
        return Place(shard.id, _after(tx, stream, shard, kind, number, params.get("Timestamp")))

    return {"ShardIterator": iterators.token(call.node.pager, stream.arn, await call.node.store.read(place), call.now_ms)}


def _after(tx: Tx, stream: Stream, shard: Shard, kind: str, number: str | None, timestamp: float | None) -> int:
    """After which position a reader of this kind begins."""
    if kind == "TRIM_HORIZON":
        return shard.trimmed
    head = streams.head_of(tx, stream.id, shard.slot)
    end = shard.last if shard.last is not None else 0 if head is None else head.last
    if kind == "LATEST":
        return end
    if kind == "AT_TIMESTAMP":
        if timestamp is None:
            raise validation("Invalid Timestamp: Timestamp must be specified for ShardIteratorType AT_TIMESTAMP")
        return max(shard.trimmed, stream_records.position_at(tx, shard.id, round(timestamp * 1000), shard.first, end))
    position = sequence.parse(number or "", shard.slot)
    if position is None or position < shard.first or (shard.last is not None and position > shard.last):
        raise validation("Invalid SequenceNumber")
    if _is_trimmed(tx, shard, position):
        raise errors.trimmed()
    return position - (kind == "AT_SEQUENCE_NUMBER")


def _is_trimmed(tx: Tx, shard: Shard, position: int) -> bool:
    if position <= shard.trimmed:
        return True
    at_ms = stream_records.time_of(tx, shard.id, position)
    return at_ms is not None and at_ms <= tx.now_ms - RETENTION_MS


async def get_records(call: Call, params: Params) -> Params:
    limit = params.get("Limit", MAX_RECORDS)
    if limit > MAX_RECORDS:
        raise errors.too_high("limit", limit, MAX_RECORDS)
    iterator: str = params["ShardIterator"]
    place = iterators.place(call.node.pager, iterator, call.now_ms)

    def read(tx: Tx) -> _Read:
        return _read(tx, iterator, place, limit)

    throughput.check_read(call, place.shard)
    found = await call.node.store.read(read)
    if found.is_behind:
        await sequencing.move_some(call.node, found.stream, found.shard.slot)
        found = await call.node.store.read(read)
    call.measured = metrics.Returned(len(found.page.records), sum(map(len, found.page.records)))
    throughput.gave(call, place.shard, call.measured.size)
    answer: Params = {"Records": _records(call, found.page.records)}
    if found.page.more or found.shard.closed_ms is None:
        following = Place(found.shard.id, found.page.after)
        answer["NextShardIterator"] = iterators.token(call.node.pager, iterators.stream_of(iterator), following, call.now_ms)
    return answer


class _Read(NamedTuple):
    """`is_behind`: there is room for more, and more waits to be given a place."""

    stream: Stream
    shard: Shard
    page: stream_records.Page
    is_behind: bool


def _read(tx: Tx, iterator: str, place: Place, limit: int) -> _Read:
    """Raises ResourceNotFoundException, TrimmedDataAccessException."""
    shard = streams.shard_by_id(tx, place.shard)
    stream = None if shard is None else streams.by_id(tx, shard.stream)
    if shard is None or stream is None or is_expired(shard, tx.now_ms):
        raise errors.stream_not_found(iterators.stream_of(iterator))
    if place.after < shard.trimmed:
        raise errors.trimmed()
    found = stream_records.read(tx, shard.id, place.after, tx.now_ms - RETENTION_MS, limit)
    is_behind = not found.more and shard.closed_ms is None and sequencing.is_waiting(tx, stream, shard.slot)
    return _Read(stream, shard, found, is_behind)


def _records(call: Call, records: list[bytes]) -> Any:
    """JSON is joined as it is kept; callers inside the node get plain records."""
    if call.headers.get("content-type", "").startswith("application/x-amz-json"):
        return orjson.Fragment(b"[" + b",".join(records) + b"]")
    return [orjson.loads(record) for record in records]


def is_expired(shard: Shard, now_ms: int) -> bool:
    """Closed so long ago that nothing in it can be read any more."""
    return shard.closed_ms is not None and shard.closed_ms <= now_ms - RETENTION_MS


def stream_at(tx: Tx, arn: str) -> Stream:
    """Raises ValidationException for what is no stream's ARN, ResourceNotFoundException."""
    ref = _ref(arn)
    stream = streams.find(tx, ref.table.account, ref.table.region, ref.table.name, ref.id)
    if stream is None or (stream.closed_ms is not None and stream.closed_ms <= tx.now_ms - RETENTION_MS):
        raise errors.stream_not_found(arn)
    return stream


def _ref(arn: str) -> ResourceRef:
    ref = names.resource_ref(arn)
    if ref is None or ref.kind != "stream":
        raise errors.invalid_stream_arn()
    return ref
