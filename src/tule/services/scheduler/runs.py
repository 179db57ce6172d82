"""A run of a schedule: its target called, as its role, until that works or the retry policy ends it.

A run that fails for good is written to the schedule's dead letter queue, by the role, too.
AWS: https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tule.access.principal import Principal
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job, enqueue
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform import sdk_calls
from tule.platform import targets as platform_targets
from tule.platform.node import Node
from tule.services.scheduler import encryption, state, targets
from tule.services.scheduler.names import SCHEDULER, ScheduleRef, of_arn
from tule.services.scheduler.state import Document
from tule.store.store import Tx

log = logging.getLogger("tule.scheduler")

RUN = "scheduler.run"
BACKOFF_MS = 1_000
BACKOFF_CAP_MS = 300_000
LETTER_ATTEMPTS = 10
MAX_LETTER_BYTES = 250_000  # what a queue takes, less the attributes


@dataclass(slots=True, frozen=True)
class Attempt:
    """One try at a run: the schedule, the target's description, and the text that is sent to it."""

    ref: ScheduleRef
    target: dict[str, Any]
    at_ms: int
    id: str
    number: int
    text: str


def enqueue_run(tx: Tx, ref: ScheduleRef, schedule: Document, at_ms: int, due_ms: int) -> None:
    target = schedule["settings"]["Target"]
    is_last = schedule["next_ms"] is None
    payload = {"uid": schedule["uid"], "at_ms": at_ms, "due_ms": due_ms, "event_id": tx.ids.uuid(), "is_last": is_last, "target": target}
    payload["envelope"] = schedule.get("envelope", "")
    attempts = 1 + target["RetryPolicy"]["MaximumRetryAttempts"]
    enqueue(tx, Job(RUN, ref.arn, ref.account, ref.region, payload, due_ms=due_ms, max_attempts=attempts, role=target["RoleArn"]))


async def run(node: Node, delivery: Delivery) -> Outcome:
    ref = of_arn(delivery.target)
    schedule = await node.store.read(lambda tx: state.find_schedule(tx, ref))
    if schedule is None or schedule["uid"] != delivery.payload["uid"]:
        return Done()  # a schedule that is deleted calls nobody any more
    attempt = _attempt(node, ref, delivery)
    try:
        principal = await _principal(node, attempt)
        if delivery.payload.get("envelope"):
            attempt = await _opened(node, attempt, principal)
        await _call(node, attempt, principal)
    except ServiceError as error:
        return await _failed(node, delivery, attempt, error)
    await _end(node, delivery, attempt)
    return Done()


def _attempt(node: Node, ref: ScheduleRef, delivery: Delivery) -> Attempt:
    target: dict[str, Any] = delivery.payload["target"]
    at_ms: int = delivery.payload["at_ms"]
    id = node.ids.hex(16)
    sealed: str = delivery.payload.get("envelope", "")
    text: str = sealed or (target["Input"] if "Input" in target else _notification(ref, at_ms, delivery.payload["event_id"]))
    return Attempt(ref, target, at_ms, id, delivery.attempt, _with_context(text, ref, at_ms, id, delivery.attempt))


def _with_context(text: str, ref: ScheduleRef, at_ms: int, execution_id: str, number: int) -> str:
    """AWS: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html"""
    if "<aws.scheduler." not in text:
        return text
    values = {"schedule-arn": ref.arn, "scheduled-time": _time(at_ms), "execution-id": execution_id, "attempt-number": str(number)}
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _notification(ref: ScheduleRef, at_ms: int, event_id: str) -> str:
    """What a target gets that no input is given for."""
    event = {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ref.account,
        "time": _time(at_ms),
        "region": ref.region,
        "resources": [ref.arn],
        "detail": "{}",
    }
    return orjson.dumps(event).decode()


def _time(ms: int) -> str:
    return iso8601(ms)[:19] + "Z"


async def _opened(node: Node, attempt: Attempt, principal: Principal) -> Attempt:
    """With the input that was encrypted.  Raises ServiceError."""
    text = await encryption.opened(node, principal, attempt.ref, attempt.text)
    return replace(attempt, text=_with_context(text, attempt.ref, attempt.at_ms, attempt.id, attempt.number))


async def _call(node: Node, attempt: Attempt, principal: Principal) -> None:
    """Raises ServiceError."""
    arn, region = arns.parse(attempt.target["Arn"]), attempt.ref.region
    if not targets.is_universal(arn):
        await platform_targets.send(node, str(arn), attempt.text, principal=principal, region=region, settings=targets.settings(attempt.target))
        return
    service, action = targets.universal(arn)
    call = sdk_calls.call(node.models, service, action, _request(attempt.text))
    await node.dispatcher.invoke(call.service, call.operation, call.params, principal=principal, region=region)


def _request(text: str) -> dict[str, Any]:
    """The API's request; what Scheduler put into it may have made it something else than JSON."""
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ServiceError("SerializationException", "The input for the target is not valid JSON.", 400) from error
    assert isinstance(request, dict)
    return request


async def _principal(node: Node, attempt: Attempt) -> Principal:
    ref = attempt.ref
    session = await node.roles.session(
        attempt.target["RoleArn"],
        service=SCHEDULER,
        account=ref.account,
        region=ref.region,
        session_name=session_name(ref),
        source_arn=ref.group_arn,
    )
    return session.principal


def session_name(ref: ScheduleRef) -> str:
    """32 hexadecimal digits, as on AWS; the same for each run of a schedule."""
    return hashlib.sha256(ref.arn.encode()).hexdigest()[:32]


async def _failed(node: Node, delivery: Delivery, attempt: Attempt, error: ServiceError) -> Outcome:
    if not platform_targets.may_pass(error):
        return await _give_up(node, delivery, attempt, error, "")
    if delivery.attempt >= delivery.max_attempts:
        return await _give_up(node, delivery, attempt, error, "MaximumRetryAttempts")
    delay_ms = retry_delay_ms(delivery.attempt)
    age_ms = delivery.now_ms + delay_ms - delivery.payload["due_ms"]
    if age_ms >= attempt.target["RetryPolicy"]["MaximumEventAgeInSeconds"] * 1000:
        return await _give_up(node, delivery, attempt, error, "MaximumEventAgeInSeconds")
    return Retry(error.message, delay_ms, code=error.code)


def retry_delay_ms(attempts: int) -> int:
    """Doubled with each attempt, up to five minutes."""
    return min(BACKOFF_CAP_MS, BACKOFF_MS * 2 ** min(attempts - 1, 20))


async def _give_up(node: Node, delivery: Delivery, attempt: Attempt, error: ServiceError, condition: str) -> Outcome:
    log.warning("A run of %s failed for good: %s: %s", attempt.ref.arn, error.code, error.message)
    await _end(node, delivery, attempt, _letter(delivery, attempt, error, condition))
    return Dead(error.message, code=error.code)


async def _end(node: Node, delivery: Delivery, attempt: Attempt, letter: Job | None = None) -> None:
    """The run is over; so is the schedule, if that was its last and it asked to go."""
    payload = delivery.payload

    def record(tx: Tx) -> None:
        if letter is not None:
            enqueue(tx, letter)
        schedule = state.find_schedule(tx, attempt.ref) if payload["is_last"] else None
        if schedule is not None and schedule["uid"] == payload["uid"] and _is_complete(schedule):
            state.delete_schedule(tx, attempt.ref)

    if letter is not None or payload["is_last"]:
        await node.store.write(record)


def _is_complete(schedule: Document) -> bool:
    settings = schedule["settings"]
    return settings["ActionAfterCompletion"] == "DELETE" and settings["State"] == "ENABLED" and schedule["next_ms"] is None


def _letter(delivery: Delivery, attempt: Attempt, error: ServiceError, condition: str) -> Job | None:
    queue = attempt.target.get("DeadLetterConfig", {}).get("Arn")
    if not queue:
        return None
    ref, body = attempt.ref, attempt.text.encode()
    told = {
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": error.message or error.code,
        "EXECUTION_ID": attempt.id,
        "EXHAUSTED_RETRY_CONDITION": condition,
        "IS_PAYLOAD_TRUNCATED": "true" if len(body) > MAX_LETTER_BYTES else "false",
        "RETRY_ATTEMPTS": str(attempt.number - 1),
        "SCHEDULED_TIME": _time(attempt.at_ms),
        "SCHEDULE_ARN": ref.arn,
        "TARGET_ARN": attempt.target["Arn"],
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value}
    return platform_targets.job(
        queue,
        body[:MAX_LETTER_BYTES].decode(errors="ignore"),
        account=ref.account,
        region=ref.region,
        source_service=SCHEDULER,
        source_arn=ref.group_arn,
        role=attempt.target["RoleArn"],
        settings={"MessageAttributes": attributes},
        max_attempts=LETTER_ATTEMPTS,
        name=f"scheduler.letter.{delivery.id}",  # an attempt that is repeated after a crash writes one
    )
