"""Making, describing, changing and deleting queues on streams.  AWS: Kinesis Data Streams API reference, CreateQueue."""

from __future__ import annotations

from typing import Any

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.kinesis import errors, iterators, lookup, names
from tule.services.kinesis.names import QueueRef
from tule.services.kinesis.operations.consumers import MAX_CONSUMERS
from tule.services.kinesis.state import consumers, queues, shards, streams
from tule.services.kinesis.state.queues import Queue
from tule.services.kinesis.state.streams import Stream
from tule.store.store import Tx

Params = dict[str, Any]

VISIBILITY_S = 30
MAX_RECEIVES = 6
MAX_LISTED = 100
TOKEN_MS = 300_000
_SCOPE = "kinesis.queues"


def create_queue(call: Call, tx: Tx, params: Params) -> Params:
    given = params["StreamConfigurationList"]
    if len(given) != 1:
        raise errors.validation("StreamConfigurationList must contain exactly one entry.")
    position: Params = given[0].get("StartingPosition") or {"Type": "LATEST"}
    if ("Timestamp" in position) != (position["Type"] == "AT_TIMESTAMP"):
        raise errors.validation("Timestamp must be specified for the starting position AT_TIMESTAMP, and only for it.")
    stream = lookup.stream_at(tx, names.of_stream_arn(given[0]["StreamARN"]))
    if not stream.is_on_demand:
        raise errors.invalid_argument(
            "Queues are supported only on streams in on-demand mode."
            f" Stream {stream.ref.name} under account {stream.ref.account} is in Provisioned mode."
        )
    if consumers.count(tx, stream) + queues.count(tx, stream) >= MAX_CONSUMERS:
        raise errors.limit_exceeded(f"Stream {stream.ref.arn} can not have more than {MAX_CONSUMERS} registered consumers.")
    ref = QueueRef(call.account, call.region, params["QueueName"])
    tags = params.get("Tags") or {}
    lookup.check_tags(call, tags, tags, ref.name, ref.account)
    config = {"position": position, "visibility_s": VISIBILITY_S, "max_receives": MAX_RECEIVES, "tags": tags, **_attributes(params)}
    queue = queues.create(tx, stream, ref, config)
    if queue is None:
        raise errors.queue_exists(ref.name, ref.account)
    for shard in shards.listed(tx, stream):
        after = iterators.start(tx, stream, shard, position["Type"], None, position.get("Timestamp"))
        queues.begin(tx, queue, shard, after)
    return {"QueueDescription": _described(stream, queue)}


def _attributes(params: Params) -> Params:
    """Raises ValidationException."""
    given = params.get("QueueAttributes") or {}
    found: Params = {}
    if "VisibilityTimeoutSeconds" in given:
        found["visibility_s"] = given["VisibilityTimeoutSeconds"]
    dead_letters = given.get("DeadLetterConfiguration")
    if dead_letters is not None:
        enabled = dead_letters["TargetType"] == "BUILT_IN"
        if enabled != ("MaxReceiveCount" in dead_letters):
            raise errors.validation("MaxReceiveCount must be specified for the TargetType BUILT_IN, and only for it.")
        found["max_receives"] = dead_letters["MaxReceiveCount"] if enabled else 0
    return found


def _described(stream: Stream, queue: Queue) -> Params:
    most = queue.config["max_receives"]
    return {
        "QueueName": queue.ref.name,
        "QueueARN": queue.ref.arn,
        "QueueStatus": "ACTIVE",
        "QueueCreationTimestamp": queue.created_ms / 1000,
        "StreamConfigurationList": [{"StreamARN": stream.ref.arn, "StartingPosition": queue.config["position"]}],
        "QueueAttributes": {
            "VisibilityTimeoutSeconds": queue.config["visibility_s"],
            "DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": most} if most else {"TargetType": "NONE"},
        },
    }


def named(tx: Tx, arn: str) -> tuple[Stream, Queue]:
    """Raises ResourceNotFoundException."""
    ref = names.of_queue_arn(arn)
    queue = queues.find(tx, ref)
    stream = None if queue is None else streams.by_id(tx, queue.stream)
    if queue is None or stream is None:
        raise errors.no_queue(ref.name, ref.account)
    return stream, queue


@reads
def describe_queue(call: Call, tx: Tx, params: Params) -> Params:
    return {"QueueDescription": _described(*named(tx, params["QueueARN"]))}


def update_queue(call: Call, tx: Tx, params: Params) -> Params:
    stream, queue = named(tx, params["QueueARN"])
    return {"QueueDescription": _described(stream, queues.configure(tx, queue, **_attributes(params)))}


def delete_queue(call: Call, tx: Tx, params: Params) -> None:
    stream, queue = named(tx, params["QueueARN"])
    queues.delete(tx, queue)
    tx.wake(stream.ref.arn)  # whoever waits for its records learns that it is gone


@reads
def list_queues(call: Call, tx: Tx, params: Params) -> Params:
    wanted = {entry["StreamARN"] for entry in params.get("StreamFilter") or ()}
    limit = params.get("MaxResults", MAX_LISTED)
    found: list[tuple[Stream, Queue]] = []
    for queue in queues.after(tx, call.account, call.region, _after(call, params)):
        stream = streams.by_id(tx, queue.stream)
        if stream is not None and (not wanted or stream.ref.arn in wanted):
            found.append((stream, queue))
    answer: Params = {"QueueSummaries": [_summary(*each) for each in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = call.node.pager.token(_SCOPE, [found[limit - 1][1].ref.name, sorted(wanted), call.now_ms])
    return answer


def _after(call: Call, params: Params) -> str:
    """Raises InvalidArgumentException, ExpiredNextTokenException."""
    if "NextToken" not in params:
        return ""
    try:
        last, _, made_ms = call.node.pager.position(_SCOPE, params["NextToken"])
    except InvalidToken as error:
        raise errors.invalid_argument("NextToken is invalid.") from error
    if call.now_ms - made_ms > TOKEN_MS:
        raise errors.expired_token()
    return last


def _summary(stream: Stream, queue: Queue) -> Params:
    described = _described(stream, queue)
    summary = {name: described[name] for name in ("QueueName", "QueueARN", "QueueStatus", "QueueCreationTimestamp")}
    return {**summary, "Streams": [{"StreamARN": stream.ref.arn, "StreamCreationTimestamp": stream.created_ms // 1000}]}
