"""Where an asynchronous event goes when it is done with: destinations get a record of the invocation, dead letter targets the event.

Sent by jobs of Lambda's own, under the function's role, so that nothing is lost between the last attempt and the message.
AWS: Lambda developer guide, "Capturing records of Lambda asynchronous invocations" and "Dead-letter queues".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.backbone.jobs import Job
from tule.compute.compute import Invocation
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.lambda_.names import LATEST, of_arn
from tule.services.lambda_.runnables import Runnable
from tule.services.lambda_.running import functions
from tule.wire.http import Body

SEND = "lambda.send"
SERVICES = ("sqs", "sns", "lambda", "events", "s3")
MAX_ERROR_CHARS = 1024

Condition = Literal["Success", "RetriesExhausted", "EventAgeExceeded"]


@dataclass(slots=True, frozen=True)
class Ending:
    """How an event ended: why, after how many invocations, and what the last one answered, if there was one."""

    condition: Condition
    invocations: int
    last: Invocation | None

    @property
    def succeeded(self) -> bool:
        return self.condition == "Success"

    @property
    def error(self) -> str:
        document: Any = orjson.loads(self.last.payload) if self.last is not None and self.last.payload else {}
        return str(document.get("errorMessage", "")) if isinstance(document, dict) else ""


def jobs(function: Runnable, delivery: Delivery, ending: Ending) -> list[Job]:
    """What has to be sent, if anything."""
    to = destination(function, "OnSuccess" if ending.succeeded else "OnFailure")
    sent: list[Job] = []
    if to:
        sent.append(_job(function, delivery, "destination", {"to": to, "text": record(function, delivery, ending), "success": ending.succeeded}))
    if function.dead_letter and not ending.succeeded:
        letter = {"to": function.dead_letter, "text": delivery.payload["event"], "attributes": _attributes(delivery, ending)}
        sent.append(_job(function, delivery, "dead-letter", letter))
    return sent


def destination(function: Runnable, which: str) -> str:
    return function.event_invoke.get("DestinationConfig", {}).get(which, {}).get("Destination", "")


def _job(function: Runnable, delivery: Delivery, what: str, payload: dict[str, Any]) -> Job:
    return Job(
        kind=SEND,
        target=delivery.target,
        account=delivery.account,
        region=delivery.region,
        payload={**payload, "role": function.role},
        max_attempts=10,
        name=f"lambda.{what}.{delivery.id}",  # an attempt that is repeated after a crash sends once
        trace=delivery.trace,
    )


def record(function: Runnable, delivery: Delivery, ending: Ending) -> str:
    """The record of the invocation; payloads stand in it as they were."""
    described: dict[str, Any] = {
        "version": "1.0",
        "timestamp": iso8601(delivery.now_ms),
        "requestContext": {
            "requestId": delivery.payload["request_id"],
            "functionArn": function.ref.qualified_arn if function.ref.qualifier else f"{function.ref.arn}:{LATEST}",
            "condition": ending.condition,
            "approximateInvokeCount": ending.invocations,
        },
        "requestPayload": orjson.Fragment(delivery.payload["event"]),
    }
    if ending.last is not None:
        error = {"functionError": ending.last.error} if ending.last.error else {}
        described["responseContext"] = {"statusCode": 200, "executedVersion": function.spec.version, **error}
        described["responsePayload"] = orjson.Fragment(ending.last.payload or b"null")
    return orjson.dumps(described).decode()


def _attributes(delivery: Delivery, ending: Ending) -> dict[str, dict[str, str]]:
    return {
        "RequestID": {"DataType": "String", "StringValue": delivery.payload["request_id"]},
        "ErrorCode": {"DataType": "Number", "StringValue": "200" if ending.last is not None else "429"},
        "ErrorMessage": {"DataType": "String", "StringValue": ending.error[:MAX_ERROR_CHARS] or "The event was not processed in time."},
    }


async def send(node: Node, delivery: Delivery) -> Outcome:
    ref, payload = of_arn(delivery.target), delivery.payload
    service, operation, params = _message(node, delivery)
    try:
        session = await functions(node).sessions.of(ref._replace(qualifier=None), payload["role"])
        region = arns.parse(payload["to"]).region or ref.region
        await node.dispatcher.invoke(service, operation, params, principal=session.principal, region=region)
    except ServiceError as error:
        return Retry(error.message) if error.status in (429, 500, 503) else Dead(f"{error.code}: {error.message}")
    return Done()


def _message(node: Node, delivery: Delivery) -> tuple[str, str, Mapping[str, Any]]:
    """(service, operation, parameters) that bring `text` to the target."""
    payload = delivery.payload
    to, text = arns.parse(payload["to"]), payload["text"]
    attributes = {"MessageAttributes": payload["attributes"]} if "attributes" in payload else {}
    match to.service:
        case "sqs":
            url = f"http://{node.config.host}:{node.config.port}/{to.account}/{to.resource}"
            return "sqs", "SendMessage", {"QueueUrl": url, "MessageBody": text, **attributes}
        case "sns":
            return "sns", "Publish", {"TopicArn": str(to), "Message": text, **attributes}
        case "lambda":
            return "lambda", "Invoke", {"FunctionName": str(to), "InvocationType": "Event", "Payload": text.encode()}
        case "events":
            return "events", "PutEvents", {"Entries": [_event(delivery, str(to), text)]}
        case _:
            return "s3", "PutObject", {"Bucket": to.resource, "Key": _key(delivery), "Body": Body.of(text.encode())}


def _event(delivery: Delivery, bus: str, text: str) -> dict[str, Any]:
    outcome = "Success" if delivery.payload["success"] else "Failure"
    function = delivery.target if of_arn(delivery.target).qualifier else f"{delivery.target}:{LATEST}"
    return {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {outcome}",
        "Detail": text,
        "EventBusName": bus,
        "Resources": [bus, function],
    }


def _key(delivery: Delivery) -> str:
    """`aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<id>`: the same for each attempt to write it."""
    at = iso8601(delivery.enqueued_ms)[:19]
    return f"aws/lambda/async/{of_arn(delivery.target).name}/{at[:10].replace('-', '/')}/{at.replace(':', '.')}-{delivery.id}"
