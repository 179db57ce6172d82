"""Asynchronous invocations: durable before they are acknowledged, retried, and handed on when they fail for good.

AWS: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation": a function that fails is
tried again after one minute and after two more; one that is throttled is tried again, ever more rarely, until the event is
too old (six hours); then the event goes to the dead letter target, if the function has one.
"""

from __future__ import annotations

from typing import Any

import orjson

from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, enqueue
from tule.compute.compute import Invocation
from tule.core.arn import parse
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.lambda_.names import of_arn
from tule.services.lambda_.runnables import Runnable
from tule.services.lambda_.running import functions
from tule.store.store import Tx

INVOKE = "invoke"
DEAD_LETTER = "lambda.dead-letter"
MAX_RETRIES = 2
MAX_AGE_S = 21_600
RETRY_AFTER_MS = (60_000, 120_000)
THROTTLED_AT_LEAST_MS = 1_000
THROTTLED_AT_MOST_MS = 300_000
ERROR_MESSAGE_CHARS = 1024


async def accept(call: Call, function: Runnable, payload: bytes, client_context: str | None) -> None:
    """Returns when the event is durable."""
    job = Job(
        kind=INVOKE,
        target=function.ref.qualified_arn,
        account=function.ref.account,
        region=function.ref.region,
        payload={"request_id": call.id, "event": payload.decode(), "client_context": client_context},
        max_attempts=1 + MAX_RETRIES,
        trace=call.trace,
    )

    def record(tx: Tx) -> None:
        enqueue(tx, job)

    await call.node.store.write(record)


async def run(node: Node, delivery: Delivery) -> Outcome:
    """One attempt at an event that was accepted."""
    here, event = functions(node), delivery.payload
    try:
        function = await here.runnables.get(of_arn(delivery.target))
    except ServiceError as error:
        return Dead(error.message)
    if function.reserved == 0 or _age_ms(delivery) > max_age_ms(function):
        return await _give_up(node, delivery, function, "the event could not be processed in time")
    try:
        done = await here.run(function, event["event"].encode(), event["request_id"], event.get("client_context"), delivery.trace)
    except ServiceError as error:
        return Retry(error.message, throttled_delay_ms(_age_ms(delivery)), counts=False)
    if done.error is None:
        return Done()
    if delivery.attempt > function.event_invoke.get("MaximumRetryAttempts", MAX_RETRIES):
        return await _give_up(node, delivery, function, _error_message(done))
    return Retry(_error_message(done), retry_delay_ms(delivery.attempt))


def retry_delay_ms(attempt: int) -> int:
    """One minute after the first attempt, two after the second."""
    return RETRY_AFTER_MS[min(attempt, len(RETRY_AFTER_MS)) - 1]


def throttled_delay_ms(age_ms: int) -> int:
    """From one second, doubled with every attempt, to five minutes: as long again as the event already waits."""
    return max(THROTTLED_AT_LEAST_MS, min(age_ms, THROTTLED_AT_MOST_MS))


def max_age_ms(function: Runnable) -> int:
    return int(function.event_invoke.get("MaximumEventAgeInSeconds", MAX_AGE_S)) * 1000


def _age_ms(delivery: Delivery) -> int:
    return delivery.now_ms - delivery.enqueued_ms


def _error_message(done: Invocation) -> str:
    document: Any = orjson.loads(done.payload) if done.payload else {}
    return str(document.get("errorMessage", "")) if isinstance(document, dict) else ""


async def _give_up(node: Node, delivery: Delivery, function: Runnable, reason: str) -> Outcome:
    if not function.dead_letter:
        return Dead(reason)
    job = Job(
        kind=DEAD_LETTER,
        target=delivery.target,
        account=delivery.account,
        region=delivery.region,
        payload={**delivery.payload, "dead_letter": function.dead_letter, "role": function.role, "error": reason[:ERROR_MESSAGE_CHARS]},
        name=f"lambda.dead-letter.{delivery.id}",
    )

    def record(tx: Tx) -> None:
        enqueue(tx, job)

    await node.store.write(record)
    return Done()


async def send_dead_letter(node: Node, delivery: Delivery) -> Outcome:
    """The event as it came, with what went wrong in attributes, sent under the function's role."""
    ref, payload = of_arn(delivery.target), delivery.payload
    service, operation, params = _dead_letter_message(node, payload)
    try:
        session = await functions(node).sessions.of(ref._replace(qualifier=None), payload["role"])
        await node.dispatcher.invoke(service, operation, params, principal=session.principal, region=ref.region)
    except ServiceError as error:
        return Retry(error.message) if error.status in (429, 500, 503) else Dead(error.message)
    return Done()


def _dead_letter_message(node: Node, payload: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": payload["request_id"]},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": payload["error"] or "unknown"},
    }
    target = parse(payload["dead_letter"])
    if target.service == "sns":
        return "sns", "Publish", {"TopicArn": str(target), "Message": payload["event"], "MessageAttributes": attributes}
    url = f"http://{node.config.host}:{node.config.port}/{target.account}/{target.resource}"
    return "sqs", "SendMessage", {"QueueUrl": url, "MessageBody": payload["event"], "MessageAttributes": attributes}
