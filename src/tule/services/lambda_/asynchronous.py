"""Asynchronous invocations: durable before they are acknowledged, retried, and handed on when they fail for good.

AWS: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation": a function that fails is
tried again after one minute and after two more; one that is throttled is tried again, ever more rarely, until the event is
too old (six hours).  What becomes of it then is told to the destinations and the dead letter target that the function names.
"""

from __future__ import annotations

from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, enqueue
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.lambda_ import destinations, recursion, tenancy
from tule.services.lambda_.destinations import Ending
from tule.services.lambda_.names import of_arn
from tule.services.lambda_.runnables import Runnable
from tule.services.lambda_.running import functions
from tule.store.store import Tx

INVOKE = "invoke"
MAX_RETRIES = 2
MAX_AGE_S = 21_600
RETRY_AFTER_MS = (60_000, 120_000)
RECURSIVE = "RecursiveInvocationException"
THROTTLED_AT_LEAST_MS = 1_000
THROTTLED_AT_MOST_MS = 300_000


async def accept(call: Call, function: Runnable, payload: bytes, client_context: str | None) -> None:
    """Returns when the event is durable."""
    job = Job(
        kind=INVOKE,
        target=function.ref.qualified_arn,
        account=function.ref.account,
        region=function.ref.region,
        payload={"request_id": call.id, "event": payload.decode(), "client_context": client_context}
        | ({"tenant": function.spec.tenant} if function.isolated else {}),
        max_attempts=1 + MAX_RETRIES,
        trace=recursion.heard(call),
    )

    def record(tx: Tx) -> None:
        enqueue(tx, job)

    await call.node.store.write(record)
    functions(call.node).metrics.count(function.ref, "AsyncEventsReceived", 1.0)


async def run(node: Node, delivery: Delivery) -> Outcome:
    """One attempt at an event that was accepted."""
    here, event = functions(node), delivery.payload
    try:
        function = tenancy.of_tenant(await here.runnables.get(of_arn(delivery.target)), event.get("tenant"))
    except ServiceError as error:
        here.metrics.count(of_arn(delivery.target), "AsyncEventsDropped", 1.0)
        return Dead(error.message)
    if function.share.reserved == 0 or _age_ms(delivery) > max_age_ms(function):
        return await _end(node, delivery, function, Ending("EventAgeExceeded", delivery.attempt - 1))
    here.metrics.count(function.ref, "AsyncEventAge", _age_ms(delivery), "Milliseconds")
    try:
        payload, request_id = event["event"].encode(), event["request_id"]
        done = await here.run(function, payload, request_id, event.get("client_context"), delivery.trace, waits=False)
    except ServiceError as error:
        if error.code == RECURSIVE:
            return await _end(node, delivery, function, Ending("RecursiveLoopDetected", delivery.attempt - 1, refusal=error))
        return Retry(error.message, throttled_delay_ms(_age_ms(delivery)), counts=False)
    if done.error is None:
        return await _end(node, delivery, function, Ending("Success", delivery.attempt, done))
    if delivery.attempt > function.event_invoke.get("MaximumRetryAttempts", MAX_RETRIES):
        return await _end(node, delivery, function, Ending("RetriesExhausted", delivery.attempt, done))
    delay_ms = retry_delay_ms(delivery.attempt)
    if _age_ms(delivery) + delay_ms >= max_age_ms(function):
        return await _end(node, delivery, function, Ending("EventAgeExceeded", delivery.attempt, done))
    return Retry("the function failed", delay_ms)


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


def _trace(node: Node, delivery: Delivery, function: Runnable, ending: Ending) -> str | None:
    """What is told of an event belongs to the trace of its invocations, if there were any."""
    return delivery.trace if ending.last is None else str(recursion.enter(node, function, delivery.trace))


async def _end(node: Node, delivery: Delivery, function: Runnable, ending: Ending) -> Outcome:
    """The event is done with; what is to be told of it is told durably."""
    jobs = destinations.jobs(function, delivery, ending, _trace(node, delivery, function, ending))

    def record(tx: Tx) -> None:
        for job in jobs:
            enqueue(tx, job)

    if jobs:
        await node.store.write(record)
    if not ending.succeeded:
        functions(node).metrics.count(function.ref, "AsyncEventsDropped", 1.0)
    return Done() if jobs or ending.succeeded else Dead(ending.condition)
