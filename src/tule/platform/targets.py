"""Bringing an event to whatever can be a target: one way for rules, schedules, pipes, notifications, destinations, dead letters.

A target is an ARN.  What reaches it is a text, mostly JSON, by that service's own API through the dispatcher, as a role or
as the sending service, so that policies, validation and limits hold.  `send` does it now.  `job` makes it durable work: the
platform delivers jobs of kind `send` itself, tries again what may pass, and hands what is dead to its dead letter queue.

`settings` are what a target needs besides the text, by AWS's own names: `MessageGroupId`, `MessageDeduplicationId`,
`MessageAttributes` (SQS, SNS), `Subject`, `MessageStructure` (SNS), `PartitionKey` (Kinesis), `InvocationType`,
`ClientContext` (Lambda), `Source`, `DetailType`, `Resources`, `Time` (event buses), `Key` (S3), `LogStreamName`,
`Timestamp` (Logs), `name` (Step Functions).  `IsBase64` says that the text stands for bytes (Kinesis, Firehose).
"""

from __future__ import annotations

import base64
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tule.access.principal import Principal, aws_service
from tule.backbone.claims import Claim
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job
from tule.core import arn as arns
from tule.core.arn import Arn
from tule.core.errors import ServiceError, not_implemented
from tule.wire.http import Body

if TYPE_CHECKING:
    from tule.platform.node import Node

SEND = "send"
DEAD_LETTER = "dead-letter"
DAY_MS = 86_400_000

_PASSING = ("TooManyRequestsException", "ThrottlingException", "Throttling", "ProvisionedThroughputExceededException", "LimitExceededException")
_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "NotAuthorized")


def job(
    target: str,
    text: str,
    *,
    account: str,
    region: str,
    source_service: str,
    source_arn: str = "",
    role: str = "",
    settings: Mapping[str, Any] | None = None,
    dead_letter: str = "",
    letter: Mapping[str, Any] | None = None,
    max_attempts: int = 185,
    backoff_ms: int = 1_000,
    backoff_cap_ms: int = 300_000,
    expires_ms: int = 0,
    due_ms: int = 0,
    name: str = "",
    group: str = "",
    trace: str | None = None,
) -> Job:
    """Work that brings `text` to `target`, as `role` (assumed by `source_service`) or as `source_service` itself.

    `account` and `region` are the sender's.  `letter` says how a dead one is written to the queue `dead_letter`:
    `attributes` go with it as they are (`{"RULE_ARN": {"DataType": "String", "StringValue": ...}}`), `errors` adds what went wrong
    as EventBridge says it, `as_role` sends it as the role, too, and `settings` are the queue's (`MessageGroupId`).
    """
    return Job(
        SEND,
        target,
        account,
        region,
        {"text": text, "settings": dict(settings or {}), "letter": dict(letter or {})},
        due_ms=due_ms,
        max_attempts=max_attempts,
        backoff_ms=backoff_ms,
        backoff_cap_ms=backoff_cap_ms,
        expires_ms=expires_ms,
        dead_letter=dead_letter,
        source_service=source_service,
        source_arn=source_arn,
        role=role,
        name=name,
        group=group,
        trace=trace,
    )


async def send(
    node: Node,
    target: str,
    text: str,
    *,
    principal: Principal,
    region: str,
    settings: Mapping[str, Any] | None = None,
    trace: str | None = None,
    is_repeated: bool = False,
) -> dict[str, Any]:
    """Bring `text` to `target` now; the API's answer.  `region` is for targets whose ARN has none.  Raises ServiceError.

    `is_repeated`: the caller is a job, and sends it again should a power cut take it back.
    """
    to = arns.parse(target)
    serving = node.services.get(to.service)
    if serving is not None and to.resource_type in serving.sinks:
        return await serving.sinks[to.resource_type](node, target, text, principal, settings or {})
    service, operation, params = _call(node, to, text, settings or {})
    region = to.region or region
    if service == "logs":
        await _make_stream(node, params, principal, region, to.account)
    answer = await node.dispatcher.invoke(
        service,
        operation,
        params,
        principal=principal,
        region=region,
        account=to.account or principal.account,
        trace=trace,
        is_repeated=is_repeated,
    )
    if answer.get("FailedEntryCount"):
        entry = next(entry for entry in answer["Entries"] if "ErrorCode" in entry)
        raise ServiceError(entry["ErrorCode"], entry.get("ErrorMessage", ""), 500 if entry["ErrorCode"] == "InternalFailure" else 400)
    return answer


def may_pass(error: ServiceError) -> bool:
    """Whether the same call may succeed later.  What is not built does not pass."""
    return error.status == 429 or (error.status >= 500 and error.status != 501) or error.code in _PASSING


def outcome_of(error: ServiceError) -> Outcome:
    """What a failed call means for the job that made it."""
    return Retry(error.message, code=error.code) if may_pass(error) else Dead(error.message, code=error.code)


def is_sent(delivery: Delivery) -> bool:
    """Whether a job is for `deliver`, and not for its target's service."""
    return delivery.kind == SEND or (delivery.kind == DEAD_LETTER and "letter" in delivery.payload["payload"])


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """A job of kind `send`, or the dead letter of any that says how its letter is written."""
    if delivery.kind == DEAD_LETTER:
        return await _deliver_letter(node, delivery)
    payload = delivery.payload
    try:
        principal = await principal_of(node, delivery)
        await send(
            node,
            delivery.target,
            payload["text"],
            principal=principal,
            region=delivery.region,
            settings=payload["settings"],
            trace=delivery.trace,
            is_repeated=True,
        )
    except ServiceError as error:
        return outcome_of(error)
    return Done()


def goes_with(claim: Claim) -> Hashable | None:
    """What sends to one queue, by the same sender, have in common; None for what goes alone, as all does that failed before."""
    if claim.kind != SEND or claim.attempts or ":sqs:" not in claim.target or claim.target.endswith(".fifo"):
        return None
    return claim.target, claim.account, claim.region, claim.source_service, claim.source_arn, claim.role


async def deliver_together(node: Node, deliveries: list[Delivery]) -> list[Outcome]:
    """Jobs of kind `send` that `goes_with` found alike, with one call.  When that is refused, each is tried for itself."""
    queue = arns.parse(deliveries[0].target)
    entries = [{"Id": str(index), **_entry(delivery)} for index, delivery in enumerate(deliveries)]
    try:
        answer = await node.dispatcher.invoke(
            "sqs",
            "SendMessageBatch",
            {"QueueUrl": queue_url(node, queue), "Entries": entries},
            principal=await principal_of(node, deliveries[0]),
            region=queue.region,
            account=queue.account,
            is_repeated=True,
        )
    except ServiceError:
        return [await deliver(node, delivery) for delivery in deliveries]
    outcomes: list[Outcome] = [Done()] * len(deliveries)
    for failed in answer["Failed"]:
        status = 400 if failed["SenderFault"] else 500
        outcomes[int(failed["Id"])] = outcome_of(ServiceError(failed["Code"], failed.get("Message", ""), status))
    return outcomes


def _entry(delivery: Delivery) -> dict[str, Any]:
    payload = delivery.payload
    trace = {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": delivery.trace}}} if delivery.trace else {}
    return {**trace, **payload["settings"], "MessageBody": payload["text"]}


async def principal_of(node: Node, delivery: Delivery) -> Principal:
    """As whom a job acts: its role, assumed by its source's service, or that service.  Raises ServiceError."""
    if not delivery.role:
        return aws_service(delivery.source_service, delivery.account, delivery.source_arn)
    session = await node.roles.session(
        delivery.role,
        service=delivery.source_service,
        account=delivery.account,
        region=delivery.region,
        session_name=_session_name(delivery.source_arn, delivery.source_service),
        source_arn=delivery.source_arn,
    )
    return session.principal


def _session_name(source_arn: str, service: str) -> str:
    name = source_arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1] or service.partition(".")[0]
    return "".join(char if char.isalnum() or char in "_=,.@-" else "-" for char in name)[:64].ljust(2, "-")


async def _deliver_letter(node: Node, delivery: Delivery) -> Outcome:
    """`delivery.payload` is what `backbone.endings` says of a dead job."""
    dead = delivery.payload["payload"]
    letter: dict[str, Any] = dead["letter"]
    attributes = {**letter.get("attributes", {}), **(_errors(delivery.payload) if letter.get("errors") else {})}
    settings = {**letter.get("settings", {}), **({"MessageAttributes": attributes} if attributes else {})}
    try:
        sender = await principal_of(node, delivery if letter.get("as_role") else replace(delivery, role=""))
        await send(node, delivery.target, dead["text"], principal=sender, region=delivery.region, settings=settings, trace=delivery.trace)
    except ServiceError as error:
        return outcome_of(error)
    return Done()


def _errors(dead: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""
    found = {
        "ERROR_CODE": {"DataType": "String", "StringValue": _error_code(dead["code"])},
        "ERROR_MESSAGE": {"DataType": "String", "StringValue": dead["reason"] or dead["code"]},
        "RETRY_ATTEMPTS": {"DataType": "Number", "StringValue": str(max(0, dead["attempts"] - 1))},
    }
    if dead["condition"]:
        found["EXHAUSTED_RETRY_CONDITION"] = {"DataType": "String", "StringValue": dead["condition"]}
    return found


def _error_code(code: str) -> str:
    if code in _DENIED:
        return "NO_PERMISSIONS"
    if "NotFound" in code or "NonExistent" in code or "DoesNotExist" in code or code.startswith("NoSuch"):
        return "NO_RESOURCE"
    if code in _PASSING:
        return "THROTTLING"
    return "SDK_CLIENT_ERROR"


def _call(node: Node, to: Arn, text: str, settings: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """(service, operation, parameters) that bring `text` to the target.  Raises NotImplemented for what is no target yet."""
    match to.service:
        case "lambda":
            return "lambda", "Invoke", {"FunctionName": str(to), "InvocationType": "Event", **settings, "Payload": text.encode()}
        case "sqs":
            return "sqs", "SendMessage", {**settings, "QueueUrl": queue_url(node, to), "MessageBody": text}
        case "sns":
            return "sns", "Publish", {**settings, "TopicArn": str(to), "Message": text}
        case "kinesis":
            return "kinesis", "PutRecord", {"PartitionKey": settings["PartitionKey"], "StreamARN": str(to), "Data": _data(text, settings)}
        case "firehose":
            return "firehose", "PutRecord", {"DeliveryStreamName": to.resource_id, "Record": {"Data": _data(text, settings)}}
        case "events" if to.resource_type == "event-bus":
            return "events", "PutEvents", {"Entries": [{**settings, "Detail": text, "EventBusName": str(to)}]}
        case "states":
            return "stepfunctions", "StartExecution", {**settings, "stateMachineArn": str(to), "input": text}
        case "s3":
            return "s3", "PutObject", {**settings, "Bucket": to.resource, "Body": Body.of(text.encode())}
        case "logs":
            return "logs", "PutLogEvents", _log_event(node, to, text, settings)
        case _:
            raise not_implemented(to.service)


def _data(text: str, settings: Mapping[str, Any]) -> bytes:
    return base64.b64decode(text) if settings.get("IsBase64") else text.encode()


def queue_url(node: Node, queue: Arn) -> str:
    """The queue's URL, for calls inside the platform."""
    return f"http://{node.config.host}:{node.config.port}/{queue.account}/{queue.resource}"


def _log_event(node: Node, to: Arn, text: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "logGroupName": to.resource.removeprefix("log-group:").removesuffix(":*"),
        "logStreamName": settings.get("LogStreamName") or node.ids.uuid(),
        "logEvents": [{"timestamp": settings.get("Timestamp") or node.clock.now_ms(), "message": text}],
    }


async def _make_stream(node: Node, params: Mapping[str, Any], principal: Principal, region: str, account: str) -> None:
    stream = {"logGroupName": params["logGroupName"], "logStreamName": params["logStreamName"]}
    try:
        await node.dispatcher.invoke("logs", "CreateLogStream", stream, principal=principal, region=region, account=account)
    except ServiceError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise
