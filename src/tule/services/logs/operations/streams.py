"""Log streams.  AWS: CloudWatch Logs API reference, CreateLogStream, DescribeLogStreams, DeleteLogStream."""

from __future__ import annotations

from typing import Any

from tule.core.paging import page
from tule.platform.call import Call
from tule.services.logs import errors
from tule.services.logs.groups import MAX_NAME_CHARS, fetch, name_of, stream_arn
from tule.watch import log_store
from tule.watch.log_store import Stream

MAX_STREAMS = 50

Params = dict[str, Any]


async def create_log_stream(call: Call, params: Params) -> None:
    group = await fetch(call, params["logGroupName"])
    name = params["logStreamName"]
    if len(name) > MAX_NAME_CHARS:
        raise errors.invalid_parameter("Invalid LogGroup or LogStream, both must have length less than or equal to 512.")
    if not await call.node.telemetry.write(lambda tx: log_store.create_stream(tx, group["id"], name)):
        raise errors.stream_exists()


async def delete_log_stream(call: Call, params: Params) -> None:
    group = await fetch(call, params["logGroupName"])
    if not await call.node.telemetry.write(lambda tx: log_store.delete_stream(tx, group["id"], params["logStreamName"])):
        raise errors.no_stream()


async def describe_log_streams(call: Call, params: Params) -> Params:
    name = name_of(params)
    by_time, descending = params.get("orderBy") == "LastEventTime", params.get("descending", False)
    prefix, limit = params.get("logStreamNamePrefix", ""), params.get("limit", MAX_STREAMS)
    if prefix and by_time:
        raise errors.invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
    group = await fetch(call, name)
    scope = f"logs.DescribeLogStreams.{group['id']}.{prefix}.{by_time}.{descending}"
    after = call.node.pager.after(scope, params.get("nextToken"), errors.invalid_token)
    telemetry, group_id = call.node.telemetry, group["id"]
    if by_time:
        position = (after[0], after[1]) if after else None
        found = await telemetry.read(lambda tx: log_store.streams_by_last_event(tx, group_id, position, limit + 1, descending=descending))
    else:
        last = after[1] if after else None
        found = await telemetry.read(lambda tx: log_store.streams_by_name(tx, group_id, prefix, last, limit + 1, descending=descending))
    shown, more = page(found, limit, lambda stream: [stream.last_event_ms or 0, stream.name])
    answer: Params = {"logStreams": [_described(call, name, stream) for stream in shown]}
    if more is not None:
        answer["nextToken"] = call.node.pager.token(scope, more)
    return answer


def _described(call: Call, group: str, stream: Stream) -> Params:
    shown: Params = {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": stream_arn(call.account, call.region, group, stream.name),
        "storedBytes": 0,  # AWS says 0 for every stream since 2019
    }
    if stream.last_event_ms is not None:
        shown["firstEventTimestamp"] = stream.first_event_ms
        shown["lastEventTimestamp"] = stream.last_event_ms
        shown["lastIngestionTime"] = stream.last_ingestion_ms
        shown["uploadSequenceToken"] = sequence_token(stream.id, stream.last_ingestion_ms or 0)
    return shown


def sequence_token(stream_id: str, ingested_ms: int) -> str:
    """56 digits; AWS answers tokens still and asks for them no more."""
    return f"49{int(stream_id, 16):020d}{ingested_ms:034d}"
