"""Reading by iterators.  AWS: Kinesis Data Streams API reference, GetShardIterator, GetRecords."""

from __future__ import annotations

from typing import Any

import orjson

from tule.platform.call import Call
from tule.platform.service import reads
from tule.platform.throttling import is_limited
from tule.services.kinesis import encryption, errors, iterators, lookup, names, throughput
from tule.services.kinesis.iterators import Position
from tule.services.kinesis.metrics import Read
from tule.services.kinesis.state import records, shards, streams
from tule.services.kinesis.state.records import Page
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

Params = dict[str, Any]

MAX_RECORDS = 10_000


@reads
def get_shard_iterator(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    index = names.shard_index(params["ShardId"])
    shard = None if index is None else shards.find(tx, stream, index)
    if shard is None or shard.expired(tx.now_ms - stream.retention_ms):
        raise errors.not_found(f"Shard {params['ShardId']} in stream {stream.ref.name} under account {stream.ref.account} does not exist")
    after = iterators.start(tx, stream, shard, params["ShardIteratorType"], params.get("StartingSequenceNumber"), params.get("Timestamp"))
    if params.get("DryRun"):
        raise errors.dry_run()
    return {"ShardIterator": iterators.token(call.node.pager, Position(stream.id, shard.index, after), call.now_ms)}


async def get_records(call: Call, params: Params) -> Params:
    position = iterators.position(call.node.pager, params["ShardIterator"], call.now_ms)
    limit = min(params.get("Limit", MAX_RECORDS), MAX_RECORDS)

    def find(tx: Tx) -> tuple[Stream, Shard]:
        return located(tx, position)

    def read(tx: Tx) -> tuple[Stream, Shard, Page, list[Shard]]:
        stream, shard = located(tx, position)
        page = records.read(tx, stream, shard, position.after, limit)
        return stream, shard, page, children_at_end(tx, shard, page)

    if is_limited(call):
        stream, shard = await call.node.store.read(find)
        if not throughput.of(call.node).take_read(shard.number, call.now_ms):
            call.measured = Read(stream.ref)
            raise errors.rate_exceeded(shard.id, stream.ref.name, stream.ref.account)
    if params.get("DryRun"):
        await call.node.store.read(find)
        raise errors.dry_run()
    stream, shard, page, children = await call.node.store.read(read)
    if is_limited(call):
        throughput.of(call.node).gave(shard.number, page.size, call.now_ms)
    fragments = await encryption.opened(call, stream, page.fragments) if stream.config.get("sealed") else page.fragments
    call.measured = Read(stream.ref, len(fragments), page.size, behind_ms(page, call.now_ms))
    answer: Params = {"Records": shown(call, fragments), "MillisBehindLatest": behind_ms(page, call.now_ms)}
    if page.more or shard.closed_at is None:
        following = Position(position.stream, position.shard, page.after)
        answer["NextShardIterator"] = iterators.token(call.node.pager, following, call.now_ms)
    else:
        answer["ChildShards"] = child_shards(children)
    return answer


def located(tx: Tx, position: Position) -> tuple[Stream, Shard]:
    """Raises ResourceNotFoundException when the stream was deleted or the shard is long closed."""
    stream = streams.by_id(tx, position.stream)
    shard = None if stream is None else shards.find(tx, stream, position.shard)
    if stream is None or shard is None:
        raise errors.not_found(f"Shard {names.shard_id(position.shard)} of the iterator's stream does not exist")
    return stream, shard


def children_at_end(tx: Tx, shard: Shard, page: Page) -> list[Shard]:
    """Where to go on from here, when this page is the last of a closed shard."""
    return shards.children(tx, shard) if shard.closed_at is not None and not page.more else []


def child_shards(children: list[Shard]) -> list[Params]:
    return [{"ShardId": child.id, "ParentShards": child.parents, "HashKeyRange": child.hash_key_range} for child in children]


def behind_ms(page: Page, now_ms: int) -> int:
    return max(1, now_ms - page.last_ms) if page.more else 0


def reads_json(call: Call) -> bool:
    """Whether the answer is JSON on its way out: not for what the platform itself calls, nor for CBOR."""
    return call.headers.get("content-type", "").startswith("application/x-amz-json")


def shown(call: Call, fragments: list[bytes]) -> Any:
    """Records as the caller's protocol wants them: JSON is joined as it is kept, all others get plain records."""
    if reads_json(call):
        return orjson.Fragment(b"[" + b",".join(fragments) + b"]")
    return [records.decoded(fragment) for fragment in fragments]
