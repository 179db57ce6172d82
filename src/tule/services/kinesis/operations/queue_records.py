"""Receiving records by queues, and saying what became of them.  AWS: API reference, ReceiveQueueRecords.

A receive waits for the stream's wake-ups and for records that become visible again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.services.kinesis.operations.queues import named
from tule.services.kinesis.state import queues, records, shards
from tule.services.kinesis.state.queues import Queue, Receipt, Received
from tule.store.store import Tx

Params = dict[str, Any]

MAX_RECEIVED = 10
WAIT_S = 9
_SCOPE = "kinesis.receipt"


async def receive_queue_records(call: Call, params: Params) -> Params:
    return await _receive(call, params, dead=False)


async def receive_dead_letter_queue_records(call: Call, params: Params) -> Params:
    return await _receive(call, params, dead=True)


async def _receive(call: Call, params: Params, *, dead: bool) -> Params:
    node, limit = call.node, params.get("Limit", MAX_RECEIVED)
    until_ms = call.now_ms + params.get("WaitTimeSeconds", WAIT_S) * 1000

    def take(tx: Tx) -> tuple[Queue, list[Received], int | None]:
        stream, queue = named(tx, params["QueueARN"])
        visible_ms = tx.now_ms + params.get("VisibilityTimeoutSeconds", queue.config["visibility_s"]) * 1000
        if dead:
            found = queues.receive_dead(tx, queue, stream, limit, visible_ms)
        else:
            found = queues.receive(tx, queue, stream, shards.all_shards(tx, stream), limit, visible_ms)
        return queue, found, None if found else queues.next_visible_ms(tx, queue)

    news = asyncio.Event()
    stream, _ = await node.store.read(lambda tx: named(tx, params["QueueARN"]))
    unsubscribe = node.store.subscribe(stream.ref.arn, news.set)
    try:
        while True:
            news.clear()
            queue, found, visible_ms = await node.store.write(take)
            if found or node.clock.now_ms() >= until_ms:
                return {"QueueRecords": [_shown(call, queue, record) for record in found]}
            await _wait(call, news, until_ms if visible_ms is None else min(until_ms, max(visible_ms, node.clock.now_ms() + 1)))
    finally:
        unsubscribe()


async def _wait(call: Call, news: asyncio.Event, until_ms: int) -> None:
    woken = asyncio.create_task(news.wait())
    timer = asyncio.create_task(call.node.clock.sleep_until(until_ms))
    try:
        await asyncio.wait((woken, timer), return_when=asyncio.FIRST_COMPLETED)
    finally:
        woken.cancel()
        timer.cancel()


def _shown(call: Call, queue: Queue, received: Received) -> Params:
    record = records.decoded(received.fragment)
    return {
        "ReceiptHandle": call.node.pager.token(_SCOPE, [queue.id, received.record, received.received]),
        "RecordId": record["SequenceNumber"],
        "PartitionKey": record["PartitionKey"] or None,
        "Data": record["Data"],
        "ApproximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
        "FirstReceiveTimestamp": received.first_ms / 1000,
        "ReceiveCount": received.receives,
    }


def acknowledge_queue_records(call: Call, tx: Tx, params: Params) -> Params:
    return _each(call, tx, params, lambda queue, receipt, _: queues.acknowledge(tx, queue, receipt, dead=False))


def acknowledge_dead_letter_queue_records(call: Call, tx: Tx, params: Params) -> Params:
    return _each(call, tx, params, lambda queue, receipt, _: queues.acknowledge(tx, queue, receipt, dead=True))


def update_queue_records_visibility(call: Call, tx: Tx, params: Params) -> Params:
    return _hide(call, tx, params, dead=False)


def update_dead_letter_queue_records_visibility(call: Call, tx: Tx, params: Params) -> Params:
    return _hide(call, tx, params, dead=True)


def _hide(call: Call, tx: Tx, params: Params, *, dead: bool) -> Params:
    def hide(queue: Queue, receipt: Receipt, entry: Params) -> bool:
        return queues.hide(tx, queue, receipt, tx.now_ms + entry["VisibilityTimeoutSeconds"] * 1000, dead=dead)

    return _each(call, tx, params, hide)


def restore_dead_letter_queue_records(call: Call, tx: Tx, params: Params) -> Params:
    return _each(call, tx, params, lambda queue, receipt, _: queues.restore(tx, queue, receipt))


def _each(call: Call, tx: Tx, params: Params, do: Callable[[Queue, Receipt, Params], bool]) -> Params:
    """Every entry for itself; those that wait look again."""
    stream, queue = named(tx, params["QueueARN"])
    done: list[Params] = []
    failed: list[Params] = []
    for entry in params["Entries"]:
        handle = entry["ReceiptHandle"]
        receipt = _receipt(call, queue, handle)
        if receipt is None:
            failed.append(_failure(handle, "InvalidArgumentException", "The receipt handle is not valid."))
        elif do(queue, receipt, entry):
            done.append({"ReceiptHandle": handle})
        else:
            failed.append(_failure(handle, "ResourceNotFoundException", "The receipt handle names no record that is in flight."))
    tx.wake(stream.ref.arn)
    return {"Successful": done, "Failed": failed}


def _receipt(call: Call, queue: Queue, handle: str) -> Receipt | None:
    """None for what is no handle of this queue."""
    try:
        id, record, received = call.node.pager.position(_SCOPE, handle)
    except InvalidToken:
        return None
    return Receipt(record, received) if id == queue.id else None


def _failure(handle: str, code: str, message: str) -> Params:
    return {"ReceiptHandle": handle, "ErrorCode": code, "ErrorMessage": message}
