"""Making, describing, listing and deleting streams.  AWS: Kinesis Data Streams API reference.

A stream is ready when CreateStream answers, and gone when DeleteStream does: there is nothing to wait for.
"""

from __future__ import annotations

from typing import Any

from tule.core.paging import InvalidToken, page
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.kinesis import errors, hash_keys, lookup
from tule.services.kinesis.names import StreamRef
from tule.services.kinesis.state import consumers, queues, shards, streams
from tule.services.kinesis.state.streams import ON_DEMAND, PROVISIONED, Stream
from tule.store.store import Tx

Params = dict[str, Any]

ON_DEMAND_SHARDS = 4
ON_DEMAND_LIMIT = 50
LARGE_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
MAX_SHARDS_SHOWN = 100
MAX_STREAMS_SHOWN = 100
ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def create_stream(call: Call, tx: Tx, params: Params) -> None:
    ref = StreamRef(call.account, call.region, params["StreamName"])
    mode = _mode(params)
    count = params["ShardCount"] if mode == PROVISIONED else ON_DEMAND_SHARDS
    tags = params.get("Tags") or {}
    lookup.check_tags(call, tags, tags, ref.name, ref.account)
    distribution = params.get("RecordDistributionStrategy", streams.BY_KEY)
    if distribution == streams.AUTO and mode == PROVISIONED:
        raise errors.invalid_argument("RecordDistributionStrategy AUTO is only supported for streams in ON_DEMAND mode.")
    config = {
        "mode": mode,
        "id": _stream_id(tx),
        "retention_hours": 24,
        "metrics": [],
        "max_record_kib": params.get("MaxRecordSizeInKiB", 1024),
        "distribution": distribution,
        "warm_mib": params.get("WarmThroughputMiBps"),
        "tags": tags,
    }
    _check_limits(tx, ref, mode, count)
    stream = streams.create(tx, ref, config)
    if stream is None:
        raise errors.stream_exists(ref.name, ref.account)
    shards.first(tx, stream, hash_keys.even_ranges(count))


def _mode(params: Params) -> str:
    """Who gives no number of shards leaves it to AWS.  Raises InvalidArgumentException."""
    given = params.get("StreamModeDetails")
    mode = given["StreamMode"] if given else (PROVISIONED if "ShardCount" in params else ON_DEMAND)
    if mode == PROVISIONED and "ShardCount" not in params:
        raise errors.invalid_argument("ShardCount must be specified for a stream in PROVISIONED mode.")
    if mode == ON_DEMAND and "ShardCount" in params:
        raise errors.invalid_argument("ShardCount must not be specified for a stream in ON_DEMAND mode.")
    if mode == PROVISIONED and "WarmThroughputMiBps" in params:
        raise errors.invalid_argument("WarmThroughputMiBps is only supported for streams in ON_DEMAND mode.")
    return mode


def _stream_id(tx: Tx) -> str:
    letters = "".join(ID_ALPHABET[byte & 31] for byte in tx.ids.bytes(23))
    return f"{letters[:20]}-{letters[20:]}"


def shard_limit(region: str) -> int:
    return 20_000 if region in LARGE_REGIONS else 6_000


def check_shard_limit(tx: Tx, ref: StreamRef, additional: int) -> None:
    """Raises LimitExceededException."""
    current, limit = shards.count_of_account(tx, ref.account, ref.region), shard_limit(ref.region)
    if current + additional > limit:
        raise errors.shard_limit(ref.account, ref.region, current, limit, additional)


def _check_limits(tx: Tx, ref: StreamRef, mode: str, count: int) -> None:
    if mode == PROVISIONED:
        check_shard_limit(tx, ref, count)
    elif streams.count_on_demand(tx, ref.account, ref.region) >= ON_DEMAND_LIMIT:
        raise errors.limit_exceeded(
            f"This request would exceed the on-demand stream limit for the account {ref.account} in {ref.region}. Limit: {ON_DEMAND_LIMIT}."
        )


def delete_stream(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    registered = consumers.page(tx, stream, "", 1)
    if registered and not params.get("EnforceConsumerDeletion"):
        raise errors.in_use(
            f"Stream {stream.ref.name} under account {stream.ref.account} has consumers registered."
            " Set EnforceConsumerDeletion to true or deregister them first."
        )
    if queues.count(tx, stream):
        raise errors.in_use(f"Stream {stream.ref.name} under account {stream.ref.account} has queues. Delete them first.")
    consumers.delete_all(tx, stream)
    streams.delete(tx, stream)
    tx.wake(stream.ref.arn)
    tx.wake("kinesis.trimming")  # its records go in the background


@reads
def describe_stream(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    limit = params.get("Limit", MAX_SHARDS_SHOWN)
    after = params.get("ExclusiveStartShardId", "")
    found = [shard for shard in shards.listed(tx, stream) if shard.id > after]
    shown: Params = {
        **_described(stream),
        "Shards": [shard.shown() for shard in found[:limit]],
        "HasMoreShards": len(found) > limit,
    }
    return {"StreamDescription": shown}


@reads
def describe_stream_summary(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    warm = stream.config.get("warm_mib")
    shown: Params = {
        **_described(stream),
        "StreamId": stream.config["id"],
        "OpenShardCount": shards.count_open(tx, stream),
        "ConsumerCount": consumers.count(tx, stream),
        "QueueCount": queues.count(tx, stream),
        "MaxRecordSizeInKiB": stream.config["max_record_kib"],
        "RecordDistributionStrategy": stream.config["distribution"],
        "WarmThroughput": None if warm is None else {"TargetMiBps": warm, "CurrentMiBps": warm},
    }
    return {"StreamDescriptionSummary": shown}


def _described(stream: Stream) -> Params:
    key = stream.config.get("key")
    return {
        "StreamName": stream.ref.name,
        "StreamARN": stream.ref.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": stream.config["mode"]},
        "RetentionPeriodHours": stream.config["retention_hours"],
        "StreamCreationTimestamp": stream.created_ms // 1000,
        "EnhancedMonitoring": [{"ShardLevelMetrics": stream.config["metrics"]}],
        "EncryptionType": "KMS" if key else "NONE",
        "KeyId": key,
    }


@reads
def list_streams(call: Call, tx: Tx, params: Params) -> Params:
    after = params.get("ExclusiveStartStreamName", "")
    if "NextToken" in params:
        try:
            after = call.node.pager.position("kinesis.streams", params["NextToken"])
        except InvalidToken as error:
            raise errors.invalid_argument("NextToken is invalid.") from error
    limit = params.get("Limit", MAX_STREAMS_SHOWN)
    found, last = page(streams.page(tx, call.account, call.region, after, limit + 1), limit, lambda stream: stream.ref.name)
    return {
        "StreamNames": [stream.ref.name for stream in found],
        "HasMoreStreams": last is not None,
        "NextToken": None if last is None else call.node.pager.token("kinesis.streams", last),
        "StreamSummaries": [
            {name: _described(stream)[name] for name in ("StreamName", "StreamARN", "StreamStatus", "StreamModeDetails", "StreamCreationTimestamp")}
            for stream in found
        ],
    }


@reads
def describe_limits(call: Call, tx: Tx, params: Params) -> Params:
    return {
        "ShardLimit": shard_limit(call.region),
        "OpenShardCount": shards.count_of_account(tx, call.account, call.region),
        "OnDemandStreamCount": streams.count_on_demand(tx, call.account, call.region),
        "OnDemandStreamCountLimit": ON_DEMAND_LIMIT,
    }
