"""Where an asynchronous event goes when it is done with: destinations get a record of the invocation, dead letter targets the event.

Sent by jobs, under the function's role, so that nothing is lost between the last attempt and the message.
AWS: Lambda developer guide, "Capturing records of Lambda asynchronous invocations" and "Dead-letter queues".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from tule.backbone.delivery import Delivery
from tule.backbone.jobs import Job
from tule.compute.compute import Invocation
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.services.lambda_.execution_role import LAMBDA
from tule.services.lambda_.names import LATEST, of_arn
from tule.services.lambda_.runnables import Runnable

SERVICES = ("sqs", "sns", "lambda", "events", "s3")
MAX_ERROR_CHARS = 1024

Condition = Literal["Success", "RetriesExhausted", "EventAgeExceeded", "RecursiveLoopDetected"]


@dataclass(slots=True, frozen=True)
class Ending:
    """How an event ended: why, after how many invocations, what the last one answered, or why there was none."""

    condition: Condition
    invocations: int
    last: Invocation | None = None
    refusal: ServiceError | None = None

    @property
    def succeeded(self) -> bool:
        return self.condition == "Success"

    @property
    def error(self) -> str:
        if self.refusal is not None:
            return self.refusal.message
        document: Any = orjson.loads(self.last.payload) if self.last is not None and self.last.payload else {}
        return str(document.get("errorMessage", "")) if isinstance(document, dict) else ""


def jobs(function: Runnable, delivery: Delivery, ending: Ending, trace: str | None) -> list[Job]:
    """What has to be sent, if anything; `trace` goes with it."""
    to = destination(function, "OnSuccess" if ending.succeeded else "OnFailure")
    sent: list[Job] = []
    if to:
        sent.append(_job(function, delivery, "destination", to, record(function, delivery, ending), _settings(delivery, ending, to), trace))
    if function.dead_letter and not ending.succeeded:
        attributes = {"MessageAttributes": _attributes(delivery, ending)}
        sent.append(_job(function, delivery, "dead-letter", function.dead_letter, delivery.payload["event"], attributes, trace))
    return sent


def destination(function: Runnable, which: str) -> str:
    return function.event_invoke.get("DestinationConfig", {}).get(which, {}).get("Destination", "")


def _job(function: Runnable, delivery: Delivery, what: str, to: str, text: str, settings: Mapping[str, Any], trace: str | None) -> Job:
    return targets.job(
        to,
        text,
        account=delivery.account,
        region=delivery.region,
        source_service=LAMBDA,
        source_arn=function.ref.arn,
        role=function.role,
        settings=settings,
        max_attempts=10,
        name=f"lambda.{what}.{delivery.id}",  # an attempt that is repeated after a crash sends once
        trace=trace,
    )


def _settings(delivery: Delivery, ending: Ending, to: str) -> dict[str, Any]:
    match arns.parse(to).service:
        case "events":
            outcome = "Success" if ending.succeeded else "Failure"
            function = delivery.target if of_arn(delivery.target).qualifier else f"{delivery.target}:{LATEST}"
            return {"Source": "lambda", "DetailType": f"Lambda Function Invocation Result - {outcome}", "Resources": [to, function]}
        case "s3":
            return {"Key": _key(delivery)}
        case _:
            return {}


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
    if ending.refusal is not None:
        described["responseContext"] = {"statusCode": ending.refusal.status, "executedVersion": function.spec.version, "functionError": "Unhandled"}
        described["responsePayload"] = {"errorMessage": ending.refusal.message, "errorType": ending.refusal.code}
    return orjson.dumps(described).decode()


def _attributes(delivery: Delivery, ending: Ending) -> dict[str, dict[str, str]]:
    return {
        "RequestID": {"DataType": "String", "StringValue": delivery.payload["request_id"]},
        "ErrorCode": {"DataType": "Number", "StringValue": _error_code(ending)},
        "ErrorMessage": {"DataType": "String", "StringValue": ending.error[:MAX_ERROR_CHARS] or "The event was not processed in time."},
    }


def _error_code(ending: Ending) -> str:
    if ending.refusal is not None:
        return str(ending.refusal.status)
    return "200" if ending.last is not None else "429"


def _key(delivery: Delivery) -> str:
    """`aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`: the same for each attempt to write it."""
    at = iso8601(delivery.enqueued_ms)[:19]
    return f"aws/lambda/async/{of_arn(delivery.target).name}/{at[:10].replace('-', '/')}/{at.replace(':', '.')}-{uuid.UUID(delivery.id)}"
