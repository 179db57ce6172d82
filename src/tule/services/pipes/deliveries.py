"""Bringing events to a pipe's target.

One event goes by the service's single call, several by its batch call, of which part may fail; functions and state machines
get an array of all.  AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html and
eb-pipes-batching-concurrency.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tule.core.errors import ServiceError, validation
from tule.platform import targets
from tule.pollers.batch_response import InvalidResponse, failed_items
from tule.services.pipes import parameters, sources
from tule.services.pipes.stations import Answer, Item, Station, StationFailed, array, invoke_function, request_destination, run_state_machine
from tule.wire.malformed import Malformed
from tule.wire.timestamps import from_wire

FIRE_AND_FORGET = "FIRE_AND_FORGET"


async def deliver(at: Station, items: Sequence[Item]) -> Answer:
    """Raises ServiceError when nothing arrived, and StationFailed when what runs there failed."""
    send = _SENDERS.get(at.arn.service, _single)
    return await send(at, items)


async def _to_function(at: Station, items: Sequence[Item]) -> Answer:
    payload = array(items)
    if _invocation_type(at, "LambdaFunctionParameters") == FIRE_AND_FORGET:
        await targets.send(at.node, str(at.arn), payload.decode(), principal=at.principal, region=at.ref.region, trace=at.trace)
        return Answer()
    return _partly(await invoke_function(at, payload), items)


async def _to_state_machine(at: Station, items: Sequence[Item]) -> Answer:
    payload = array(items)
    if _invocation_type(at, "StepFunctionStateMachineParameters") == FIRE_AND_FORGET:
        await targets.send(at.node, str(at.arn), payload.decode(), principal=at.principal, region=at.ref.region, trace=at.trace)
        return Answer()
    return _partly(await run_state_machine(at, payload), items)


def _invocation_type(at: Station, block: str) -> str:
    return at.parameters.get(block, {}).get("InvocationType", "REQUEST_RESPONSE")


def _partly(payload: bytes, items: Sequence[Item]) -> Answer:
    """What ran says which events it did not handle, by the ids that they came with."""
    positions = {id: position for position, item in enumerate(items) if (id := sources.id_of(item.event)) is not None}
    try:
        failed = failed_items(payload, positions)
    except InvalidResponse as error:
        if b"batchItemFailures" not in payload:
            return Answer(payload)
        raise StationFailed("The batch item failures are not those of the batch.", payload.decode(errors="replace")) from error
    return Answer(payload, frozenset(positions[id] for id in failed))


async def _single(at: Station, items: Sequence[Item]) -> Answer:
    """A target whose service has no batches, or none here yet."""
    for item in items:
        await _send(at, item, {})
    return Answer()


async def _send(at: Station, item: Item, settings: Mapping[str, Any]) -> None:
    await targets.send(at.node, str(at.arn), item.text, principal=at.principal, region=at.ref.region, settings=settings, trace=at.trace)


async def _to_queue(at: Station, items: Sequence[Item]) -> Answer:
    settings = [parameters.resolved(at.parameters.get("SqsQueueParameters", {}), item.event) for item in items]
    if len(items) == 1:
        await _send(at, items[0], settings[0])
        return Answer()
    entries = [{"Id": str(n), "MessageBody": item.text, **settings[n]} for n, item in enumerate(items)]
    answer = await at.call("sqs", "SendMessageBatch", {"QueueUrl": targets.queue_url(at.node, at.arn), "Entries": entries})
    return _but(answer.get("Failed", []))


async def _to_topic(at: Station, items: Sequence[Item]) -> Answer:
    if len(items) == 1:
        await _send(at, items[0], {})
        return Answer()
    entries = [{"Id": str(n), "Message": item.text} for n, item in enumerate(items)]
    answer = await at.call("sns", "PublishBatch", {"TopicArn": str(at.arn), "PublishBatchRequestEntries": entries})
    return _but(answer.get("Failed", []))


def _but(failed: Sequence[Mapping[str, Any]]) -> Answer:
    return Answer(failed=frozenset(int(entry["Id"]) for entry in failed))


async def _to_stream(at: Station, items: Sequence[Item]) -> Answer:
    keys = [parameters.resolved(at.parameters["KinesisStreamParameters"], item.event)["PartitionKey"] for item in items]
    if len(items) == 1:
        await _send(at, items[0], {"PartitionKey": keys[0]})
        return Answer()
    records = [{"Data": item.text.encode(), "PartitionKey": key} for item, key in zip(items, keys, strict=True)]
    answer = await at.call("kinesis", "PutRecords", {"StreamARN": str(at.arn), "Records": records})
    return _unless(answer["Records"])


async def _to_delivery_stream(at: Station, items: Sequence[Item]) -> Answer:
    if len(items) == 1:
        await _send(at, items[0], {})
        return Answer()
    records = [{"Data": item.text.encode()} for item in items]
    answer = await at.call("firehose", "PutRecordBatch", {"DeliveryStreamName": at.arn.resource_id, "Records": records})
    return _unless(answer["RequestResponses"])


async def _to_bus(at: Station, items: Sequence[Item]) -> Answer:
    if at.arn.resource_type == "api-destination":
        return await _to_destination(at, items)
    answer = await at.call("events", "PutEvents", {"Entries": [_entry(at, item) for item in items]})
    return _unless(answer["Entries"])


def _entry(at: Station, item: Item) -> dict[str, Any]:
    given = parameters.resolved(at.parameters.get("EventBridgeEventBusParameters", {}), item.event)
    source = item.event.get("eventSource", "") if isinstance(item.event, Mapping) else ""
    entry: dict[str, Any] = {
        "Source": given.get("Source", f"Pipe {at.ref.name}"),
        "DetailType": given.get("DetailType", f"Event from {source or 'enrichment'}"),
        "Detail": item.text,
        "EventBusName": str(at.arn),
    }
    if "Resources" in given:
        entry["Resources"] = given["Resources"]
    if "Time" in given:
        entry["Time"] = _time(given["Time"])
    return entry


def _unless(results: Sequence[Mapping[str, Any]]) -> Answer:
    """Every result that has an error is one that did not arrive.  Raises ServiceError when that is the only one."""
    failed = [(position, result) for position, result in enumerate(results) if result.get("ErrorCode")]
    if failed and len(results) == 1:
        raise ServiceError(failed[0][1]["ErrorCode"], failed[0][1].get("ErrorMessage", ""), 400)
    return Answer(failed=frozenset(position for position, _ in failed))


async def _to_destination(at: Station, items: Sequence[Item]) -> Answer:
    """HTTP knows no batches."""
    failed: set[int] = set()
    for position, item in enumerate(items):
        if _partly(await request_destination(at, item), [item]).failed:
            failed.add(position)
    return Answer(failed=frozenset(failed))


async def _to_log_group(at: Station, items: Sequence[Item]) -> Answer:
    for item in items:
        given = parameters.resolved(at.parameters.get("CloudWatchLogsParameters", {}), item.event)
        settings = {"LogStreamName": given.get("LogStreamName") or at.ref.name}
        await _send(at, item, settings | ({"Timestamp": round(_time(given["Timestamp"]) * 1000)} if "Timestamp" in given else {}))
    return Answer()


def _time(text: str) -> float:
    """Seconds; a whole number of more than eleven digits is in milliseconds."""
    if text.isdigit():
        return int(text) / 1000 if len(text) > 11 else int(text)
    try:
        return from_wire(text)
    except Malformed as error:
        raise validation(str(error)) from error


_SENDERS: Mapping[str, Callable[[Station, Sequence[Item]], Awaitable[Answer]]] = {
    "lambda": _to_function,
    "states": _to_state_machine,
    "sqs": _to_queue,
    "sns": _to_topic,
    "kinesis": _to_stream,
    "firehose": _to_delivery_stream,
    "events": _to_bus,
    "execute-api": _to_destination,
    "logs": _to_log_group,
}
