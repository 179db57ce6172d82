"""Listing, splitting and merging shards.  AWS: Kinesis Data Streams API reference, ListShards, SplitShard, MergeShards, UpdateShardCount."""

from __future__ import annotations

from typing import Any

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.kinesis import errors, hash_keys, lookup, names
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.operations.streams import check_shard_limit
from tule.services.kinesis.state import shards
from tule.services.kinesis.state.shards import Shard
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

Params = dict[str, Any]

MAX_LISTED = 1_000
TOKEN_MS = 300_000
MAX_SHARDS = 10_000
_SCOPE = "kinesis.shards"


@reads
def list_shards(call: Call, tx: Tx, params: Params) -> Params:
    ref, after, kind = _asked(call, params)
    stream = lookup.stream_at(tx, ref)
    found = [shard for shard in shards.listed(tx, stream) if shard.id > after and _is_wanted(stream, shard, kind, tx.now_ms)]
    limit = params.get("MaxResults", MAX_LISTED)
    answer: Params = {"Shards": [shard.shown() for shard in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = call.node.pager.token(_SCOPE, [*ref, found[limit - 1].id, kind, call.now_ms])
    return answer


def _asked(call: Call, params: Params) -> tuple[StreamRef, str, Params]:
    """The stream, the shard to begin after, and the filter.  Raises InvalidArgumentException, ExpiredNextTokenException."""
    token = params.get("NextToken")
    if token is None:
        kind = params.get("ShardFilter") or {}
        after = params.get("ExclusiveStartShardId", "")
        if kind.get("Type") == "AFTER_SHARD_ID":
            if "ShardId" not in kind:
                raise errors.invalid_argument("ShardId must be specified if ShardFilterType is AFTER_SHARD_ID.")
            after = max(after, kind["ShardId"])
        if kind.get("Type") in ("AT_TIMESTAMP", "FROM_TIMESTAMP") and "Timestamp" not in kind:
            raise errors.invalid_argument(f"Timestamp must be specified if ShardFilterType is {kind['Type']}.")
        return names.stream_ref(call, params), after, kind
    if "StreamName" in params or "StreamARN" in params:
        raise errors.invalid_argument("NextToken and StreamName cannot be provided together.")
    try:
        account, region, name, after, kind, made_ms = call.node.pager.position(_SCOPE, token)
    except InvalidToken as error:
        raise errors.invalid_argument("NextToken is invalid.") from error
    if call.now_ms - made_ms > TOKEN_MS:
        raise errors.expired_token()
    return StreamRef(account, region, name), after, kind


def _is_wanted(stream: Stream, shard: Shard, kind: Params, now_ms: int) -> bool:
    """AWS: API reference, ShardFilter."""
    match kind.get("Type"):
        case "AT_LATEST":
            return shard.closed_ms is None
        case "AT_TRIM_HORIZON":
            return _was_open_at(shard, max(now_ms - stream.retention_ms, stream.created_ms))
        case "AT_TIMESTAMP":
            return _was_open_at(shard, max(round(kind["Timestamp"] * 1000), stream.created_ms))
        case "FROM_TIMESTAMP":
            return shard.closed_ms is None or shard.closed_ms >= round(kind["Timestamp"] * 1000)
        case _:
            return True


def _was_open_at(shard: Shard, at_ms: int) -> bool:
    return shard.opened_ms <= at_ms and (shard.closed_ms is None or shard.closed_ms > at_ms)


def split_shard(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    lookup.check_provisioned(stream)
    shard = lookup.shard_of(tx, stream, params["ShardToSplit"])
    at_key = int(params["NewStartingHashKey"])
    _check_open(stream, shard)
    if not shard.start_key + 1 < at_key < shard.end_key:
        raise errors.invalid_argument(
            f"NewStartingHashKey {at_key} used in SplitShard() on shard {shard.id} in stream {stream.ref.name} under account"
            f" {stream.ref.account} is not both greater than one plus the shard's StartingHashKey {shard.start_key} and less than"
            f" the shard's EndingHashKey {shard.end_key}."
        )
    check_shard_limit(tx, stream.ref, 1)
    shards.split(tx, stream, shard, at_key)


def merge_shards(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    lookup.check_provisioned(stream)
    shard = lookup.shard_of(tx, stream, params["ShardToMerge"])
    adjacent = lookup.shard_of(tx, stream, params["AdjacentShardToMerge"])
    _check_open(stream, shard)
    _check_open(stream, adjacent)
    if shard.end_key + 1 != adjacent.start_key and adjacent.end_key + 1 != shard.start_key:
        raise errors.invalid_argument(
            f"Shards {shard.id} and {adjacent.id} in stream {stream.ref.name} under account {stream.ref.account}"
            " are not an adjacent pair of shards eligible for merging"
        )
    shards.merge(tx, stream, shard, adjacent)


def _check_open(stream: Stream, shard: Shard) -> None:
    if shard.closed_ms is not None:
        raise errors.in_use(
            f"Shard {shard.id} in stream {stream.ref.name} under account {stream.ref.account} has already been merged or split,"
            " and thus is not eligible for merging or splitting."
        )


def update_shard_count(call: Call, tx: Tx, params: Params) -> Params:
    """Splits at every border of the new shards, then merges what lies between two of them."""
    stream = lookup.stream_of(call, tx, params)
    lookup.check_provisioned(stream)
    current, target = shards.count_open(tx, stream), params["TargetShardCount"]
    _check_target(tx, stream, current, target)
    ranges = hash_keys.even_ranges(target)
    for start, _ in ranges[1:]:
        stream = _split_at(tx, stream, start)
    for start, end in ranges:
        stream = _merge_between(tx, stream, start, end)
    return {"StreamName": stream.ref.name, "StreamARN": stream.ref.arn, "CurrentShardCount": current, "TargetShardCount": target}


def _check_target(tx: Tx, stream: Stream, current: int, target: int) -> None:
    said = f" Current open shard count: {current}, Target shard count: {target}"
    if target == current:
        raise errors.invalid_argument(f"UpdateShardCount cannot be called with the current open shard count.{said}")
    if target > 2 * current:
        raise errors.invalid_argument(f"UpdateShardCount cannot scale up over double your current open shard count.{said}")
    if 2 * target < current:
        raise errors.invalid_argument(f"UpdateShardCount cannot scale down below half your current open shard count.{said}")
    if target > MAX_SHARDS:
        raise errors.limit_exceeded(f"UpdateShardCount cannot scale up to more than {MAX_SHARDS} shards.{said}")
    if target > current:
        check_shard_limit(tx, stream.ref, target - current)


def _split_at(tx: Tx, stream: Stream, key: int) -> Stream:
    shard = shards.open_across(tx, stream, key)
    return stream if shard is None else shards.split(tx, stream, shard, key)


def _merge_between(tx: Tx, stream: Stream, start: int, end: int) -> Stream:
    while len(inside := shards.open_within(tx, stream, start, end)) > 1:
        stream = shards.merge(tx, stream, inside[0], inside[1])
    return stream
