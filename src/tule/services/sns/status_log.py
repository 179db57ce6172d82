"""Delivery status logging: a line in CloudWatch Logs for deliveries that failed, and for a sample of those that did not.

Written as the role that the topic names for the protocol.  A log that cannot be written is told in the node's own log and
never holds a delivery up.
AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from tule.core.arn import arn as make_arn
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.node import Node
from tule.services.sns.fanout import SOURCE
from tule.services.sns.message import Message
from tule.services.sns.state.subscriptions import Subscription
from tule.services.sns.state.topics import Topic

log = logging.getLogger("tule.sns")

_NAMES = {"http": "HTTP", "https": "HTTP", "lambda": "Lambda", "sqs": "SQS", "firehose": "Firehose", "application": "Application"}


@dataclass(slots=True)
class Attempt:
    """Delivery `id`, its attempt number `number`, and what came of it.  `status` is the HTTP status of a failure, 0 when there was no answer."""

    message: Message
    id: str
    number: int
    began_ms: int
    answer: dict[str, Any] = field(default_factory=dict[str, Any])
    failure: str = ""
    status: int = 0

    def failed(self, reason: str, status: int) -> Attempt:
        return replace(self, failure=reason, status=status)


async def record(node: Node, topic: Topic, subscription: Subscription, attempt: Attempt) -> None:
    role = _role(node, topic, subscription, attempt)
    if not role:
        return
    now_ms = node.clock.now_ms()
    line = orjson.dumps(_line(topic, subscription, attempt, now_ms - attempt.began_ms)).decode()
    group = f"sns/{topic.region}/{topic.account}/{topic.name}{'/Failure' if attempt.failure else ''}"
    try:
        session = await node.roles.session(
            role, service=SOURCE, account=topic.account, region=topic.region, session_name="sns-feedback", source_arn=topic.arn
        )
        await _make_group(node, group, session.principal, topic.region)
        target = make_arn("logs", topic.region, topic.account, f"log-group:{group}")
        await targets.send(node, target, line, principal=session.principal, region=topic.region)
    except ServiceError as error:
        log.warning("The delivery status of %s cannot be logged: %s", topic.arn, error)


def _role(node: Node, topic: Topic, subscription: Subscription, attempt: Attempt) -> str:
    name = _NAMES.get(subscription.protocol, "")
    if attempt.failure:
        return topic.attributes.get(f"{name}FailureFeedbackRoleArn", "")
    role = topic.attributes.get(f"{name}SuccessFeedbackRoleArn", "")
    rate = int(topic.attributes.get(f"{name}SuccessFeedbackSampleRate", "0") or 0) if role else 0
    return role if rate and node.ids.bytes(1)[0] * 100 < rate * 256 else ""


async def _make_group(node: Node, group: str, principal: Any, region: str) -> None:
    try:
        await node.dispatcher.invoke("logs", "CreateLogGroup", {"logGroupName": group}, principal=principal, region=region)
    except ServiceError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise


def _line(topic: Topic, subscription: Subscription, attempt: Attempt, dwell_ms: int) -> dict[str, Any]:
    sent = attempt.message
    published = datetime.fromtimestamp(sent.published_ms / 1000, UTC)
    delivery: dict[str, Any] = {
        "deliveryId": attempt.id,
        "destination": subscription.endpoint,
        "providerResponse": attempt.failure or _provider_response(attempt.answer),
        "dwellTimeMs": dwell_ms,
        "attempts": attempt.number,
        "statusCode": attempt.status if attempt.failure else _success(subscription.protocol),
    }
    if subscription.protocol in ("sqs", "lambda"):
        del delivery["attempts"]
    return {
        "notification": {
            "messageMD5Sum": hashlib.md5(sent.text.encode(), usedforsecurity=False).hexdigest(),
            "messageId": sent.id,
            "topicArn": topic.arn,
            "timestamp": published.strftime("%Y-%m-%d %H:%M:%S.") + f"{sent.published_ms % 1000:03d}",
        },
        "delivery": delivery,
        "status": "FAILURE" if attempt.failure else "SUCCESS",
    }


def _success(protocol: str) -> int:
    return 202 if protocol == "lambda" else 200


def _provider_response(answer: dict[str, Any]) -> Any:
    if "MessageId" in answer:
        return orjson.dumps({"sqsMessageId": answer["MessageId"]}).decode()
    if answer.get("StatusCode") == 202:
        return orjson.dumps({"lambdaRequestId": answer.get("RequestId", "")}).decode()
    return str(answer.get("status", ""))
