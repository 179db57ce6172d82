"""What becomes of SNS's jobs: notifications, confirmations, replays, dead letters.

AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-event-destinations.html
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

import orjson

from tule.access.principal import aws_service
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.encryption import KeyRefused
from tule.platform.mailbox import Mail, keep
from tule.platform.node import Node
from tule.platform.outgoing import OutgoingFailed
from tule.services.sns import (
    audits,
    confirmations,
    encryption,
    envelope,
    fanout,
    metrics,
    mobile,
    names,
    notifications,
    pump,
    replay,
    sms,
    status_log,
)
from tule.services.sns.fanout import NOTIFY, SOURCE
from tule.services.sns.memory import Subscriber, memory, remembered_topic
from tule.services.sns.message import Message
from tule.services.sns.notifications import base_url
from tule.services.sns.state.subscriptions import Subscription
from tule.services.sns.state.topics import Topic
from tule.services.sns.status_log import Attempt

log = logging.getLogger("tule.sns")

AGENT = "Amazon Simple Notification Service Agent"
SENDER = "no-reply@sns.amazonaws.com"
_TIMEOUT_S = 15.0


class Failed(Exception):
    """A delivery did not work.  `passing`: it may, later."""

    def __init__(self, reason: str, *, passing: bool, status: int = 0, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing
        self.status = status
        self.code = code


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    match delivery.kind:
        case fanout.NOTIFY:
            return await _notify(node, delivery)
        case confirmations.CONFIRM:
            return await _confirm(node, delivery)
        case pump.PUMP:
            await pump.run(node, delivery.target)
        case confirmations.EXPIRE:
            await node.store.write(lambda tx: confirmations.expire(tx, delivery.target))
        case audits.AUDIT:
            return await audits.deliver(node, delivery)
        case replay.REPLAY:
            return await _replay(node, delivery)
        case targets.DEAD_LETTER if ":" in arns.parse(delivery.target).resource:
            return await _bury(node, delivery)
        case _:
            return await _publish(node, delivery)
    return Done()


async def _replay(node: Node, delivery: Delivery) -> Outcome:
    try:
        unsealed = await replay.opened(node, delivery.target, delivery.payload)
    except KeyRefused as refusal:
        return Retry(refusal.message, code=f"KMS{refusal.kind}")
    await node.store.write(lambda tx: replay.step(node, tx, delivery.target, delivery.payload, unsealed))
    return Done()


async def _publish(node: Node, delivery: Delivery) -> Outcome:
    """Another service's event or dead letter becomes a message, if the topic's policy lets that service publish."""
    payload = delivery.payload["payload"] if delivery.kind == targets.DEAD_LETTER else delivery.payload
    source = aws_service(delivery.source_service, delivery.account, delivery.source_arn)
    try:
        await targets.send(node, delivery.target, orjson.dumps(payload).decode(), principal=source, region=delivery.region, trace=delivery.trace)
    except ServiceError as error:
        return targets.outcome_of(error)
    return Done()


# Notifications.


async def _notify(node: Node, delivery: Delivery) -> Outcome:
    found = await _subscriber(node, delivery.target)
    if found is None:
        return Done()  # unsubscribed meanwhile
    topic, subscriber = found
    wait_ms = _throttled(node, subscriber, delivery.now_ms)
    if wait_ms:
        return Retry("Throttled by the delivery policy.", wait_ms, counts=False)
    try:
        sent = await encryption.message_of(node, topic, subscriber.subscription.protocol, delivery.payload["message"])
    except KeyRefused as refusal:
        return Retry(refusal.message, subscriber.retries.delay_ms(delivery.attempt), code=f"KMS{refusal.kind}")
    attempt = Attempt(sent, delivery.id, delivery.attempt, node.clock.now_ms())
    try:
        attempt.answer = await _send(node, topic, subscriber, sent, delivery.trace)
    except Failed as failure:
        await status_log.record(node, topic, subscriber.subscription, attempt.failed(failure.reason, failure.status))
        metrics.failed(node, topic.arn, subscriber.subscription.protocol, given_up=not failure.passing or delivery.attempt >= delivery.max_attempts)
        if not failure.passing:
            return Dead(failure.reason, failure.code)
        return Retry(failure.reason, subscriber.retries.delay_ms(delivery.attempt), code=failure.code)
    metrics.delivered(node, topic.arn)
    await status_log.record(node, topic, subscriber.subscription, attempt)
    return Done()


async def _subscriber(node: Node, arn: str) -> tuple[Topic, Subscriber] | None:
    known = await remembered_topic(node, names.topic_of(arn))
    subscriber = known.subscribers.get(arn) if known is not None else None
    return None if known is None or subscriber is None else (known.topic, subscriber)


def _throttled(node: Node, subscriber: Subscriber, now_ms: int) -> int:
    """How long to wait so that the endpoint gets no more in a second than it wants; 0 counts this delivery."""
    if not subscriber.per_second:
        return 0
    latest = memory(node).deliveries.setdefault(subscriber.subscription.arn, deque())
    while latest and latest[0] <= now_ms - 1000:
        latest.popleft()
    if len(latest) >= subscriber.per_second:
        return latest[0] + 1000 - now_ms
    latest.append(now_ms)
    return 0


async def _send(node: Node, topic: Topic, subscriber: Subscriber, sent: Message, trace: str | None) -> dict[str, Any]:
    """What the receiver answered.  Raises Failed."""
    subscription = subscriber.subscription
    match subscription.protocol:
        case "sqs":
            async with memory(node).room:
                return await _to_queue(node, topic, subscription, subscription.endpoint, sent, trace)
        case "lambda":
            async with memory(node).room:
                document = await _document(node, topic, subscription, sent)
                return await _to_target(node, subscription, envelope.function_event(document, subscription.arn), trace)
        case "firehose":
            text = sent.text if subscription.is_raw else orjson.dumps(await _document(node, topic, subscription, sent)).decode()
            return await _to_stream(node, subscription, text, trace)
        case "http" | "https":
            return await _post(node, subscription, await _body(node, topic, subscription, sent), _headers(subscriber, sent))
        case "email" | "email-json":
            await _mail(node, topic, subscription, sent)
        case "sms":
            await node.store.write(lambda tx: sms.send(tx, topic.account, topic.region, subscription.endpoint, sent, topic.arn))
        case _:
            await _push(node, subscription.endpoint, sent)
    return {}


async def _document(node: Node, topic: Topic, subscription: Subscription, sent: Message) -> envelope.Document:
    return notifications.document(topic, subscription, sent, await memory(node).signing.signer(), base_url(node, subscription))


async def _body(node: Node, topic: Topic, subscription: Subscription, sent: Message) -> str:
    return notifications.body(topic, subscription, sent, await memory(node).signing.signer(), base_url(node, subscription))


async def _to_queue(node: Node, topic: Topic, subscription: Subscription, queue: str, sent: Message, trace: str | None) -> dict[str, Any]:
    signer = await memory(node).signing.signer()
    settings = notifications.parameters(topic, subscription, sent, signer, base_url(node, subscription))
    if queue.endswith(names.FIFO):
        settings["MessageDeduplicationId"] = sent.id if sent.replayed else sent.deduplication
    return await _to_target(node, subscription, settings.pop("MessageBody"), trace, queue, settings)


async def _to_target(
    node: Node, subscription: Subscription, text: str, trace: str | None, target: str = "", settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    topic = arns.parse(subscription.topic_arn)
    principal = aws_service(SOURCE, topic.account, subscription.topic_arn)
    target = target or subscription.endpoint
    try:
        return await targets.send(node, target, text, principal=principal, region=topic.region, settings=settings, trace=trace)
    except ServiceError as error:
        raise _refused(error) from error


async def _to_stream(node: Node, subscription: Subscription, text: str, trace: str | None) -> dict[str, Any]:
    topic = arns.parse(subscription.topic_arn)
    try:
        session = await node.roles.session(
            subscription.attributes["SubscriptionRoleArn"],
            service=SOURCE,
            account=topic.account,
            region=topic.region,
            session_name="sns-delivery",
            source_arn=subscription.topic_arn,
        )
        return await targets.send(node, subscription.endpoint, text, principal=session.principal, region=topic.region, trace=trace)
    except ServiceError as error:
        raise _refused(error) from error


def _refused(error: ServiceError) -> Failed:
    return Failed(error.message or error.code, passing=targets.may_pass(error), status=error.status, code=error.code)


# HTTP.


def _headers(subscriber: Subscriber, sent: Message) -> dict[str, str]:
    subscription = subscriber.subscription
    found = {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": sent.id,
        "x-amz-sns-topic-arn": subscription.topic_arn,
        "x-amz-sns-subscription-arn": subscription.arn,
        "Content-Type": subscriber.content_type,
    }
    if subscription.is_raw:
        found["x-amz-sns-rawdelivery"] = "true"
    return found


async def _post(node: Node, subscription: Subscription, body: str, headers: dict[str, str]) -> dict[str, Any]:
    """Anything but a success is a failure; only those of the server are tried again, and 429.  Raises Failed."""
    sent = {"User-Agent": AGENT, "Accept-Encoding": "gzip,deflate", **headers}
    try:
        answer = await node.outgoing.request("POST", subscription.endpoint, sent, body.encode(), timeout_s=_TIMEOUT_S)
    except OutgoingFailed as error:
        raise Failed(str(error), passing=True) from error
    if 200 <= answer.status < 300:
        return {"status": answer.status}
    passing = answer.status >= 500 or answer.status == 429
    raise Failed(f"{subscription.endpoint} answered {answer.status}", passing=passing, status=answer.status)


# E-mail and applications.


async def _mail(node: Node, topic: Topic, subscription: Subscription, sent: Message) -> None:
    document = await _document(node, topic, subscription, sent)
    if subscription.protocol == "email-json":
        text = orjson.dumps(document).decode()
    else:
        text = (
            f"{sent.text}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to"
            f" unsubscribe:\n{document['UnsubscribeURL']}&Endpoint={subscription.endpoint}\n"
        )
    await _keep_mail(node, topic.attributes.get("DisplayName", ""), topic, subscription, sent.subject or "AWS Notification Message", text, sent.id)


async def _keep_mail(node: Node, display: str, topic: Topic, subscription: Subscription, subject: str, text: str, id: str) -> None:
    sender = f"{display or 'AWS Notifications'} <{SENDER}>"
    mail = Mail(id, topic.account, topic.region, "sns", sender, (subscription.endpoint,), subject, text=text)
    await node.store.write(lambda tx: keep(tx, mail))


async def _push(node: Node, endpoint: str, sent: Message) -> None:
    try:
        await node.store.write(lambda tx: mobile.push(tx, endpoint, sent))
    except ServiceError as error:
        raise Failed(error.message, passing=False, status=error.status, code=error.code) from error


# Confirmations.


async def _confirm(node: Node, delivery: Delivery) -> Outcome:
    payload = delivery.payload
    subscription = Subscription(**payload["subscription"])
    known = await remembered_topic(node, subscription.topic_arn)
    if known is None:
        return Done()
    topic = known.topic
    signer = await memory(node).signing.signer()
    version = "1" if subscription.protocol == "lambda" else topic.attributes.get("SignatureVersion", "1")
    base = base_url(node, subscription)
    document = envelope.confirmation(payload["kind"], payload["message_id"], payload["token"], subscription, payload["at_ms"], signer, version, base)
    try:
        await _send_confirmation(node, topic, subscription, document, delivery)
    except Failed as failure:
        if not failure.passing:
            return Dead(failure.reason, failure.code)
        return Retry(failure.reason, confirmations.RETRIES.delay_ms(delivery.attempt), code=failure.code)
    return Done()


async def _send_confirmation(node: Node, topic: Topic, subscription: Subscription, document: envelope.Document, delivery: Delivery) -> None:
    match subscription.protocol:
        case "http" | "https":
            headers = {
                "x-amz-sns-message-type": document["Type"],
                "x-amz-sns-message-id": document["MessageId"],
                "x-amz-sns-topic-arn": subscription.topic_arn,
                "Content-Type": "text/plain; charset=UTF-8",
            }
            if document["Type"] == "UnsubscribeConfirmation":
                headers["x-amz-sns-subscription-arn"] = subscription.arn
            await _post(node, subscription, envelope.pretty(document), headers)
        case "email" | "email-json":
            text = orjson.dumps(document).decode() if subscription.protocol == "email-json" else _confirmation_text(document)
            subject = "AWS Notification - " + ("Subscription Confirmation" if document["Type"].startswith("Sub") else "Unsubscribe Confirmation")
            await _keep_mail(node, "", topic, subscription, subject, text, document["MessageId"])
        case "lambda":
            await _to_target(node, subscription, envelope.function_event(document, subscription.arn), delivery.trace)
        case _:
            settings = {"MessageGroupId": "confirmation"} if subscription.endpoint.endswith(names.FIFO) else {}
            if settings:
                settings["MessageDeduplicationId"] = document["MessageId"]
            await _to_target(node, subscription, envelope.pretty(document), delivery.trace, settings=settings)


def _confirmation_text(document: envelope.Document) -> str:
    if document["Type"] == "SubscriptionConfirmation":
        return (
            f"You have chosen to subscribe to the topic:\n{document['TopicArn']}\n\nTo confirm this subscription, click or visit the link below"
            f" (If this was in error no action is necessary):\n{document['SubscribeURL']}\n"
        )
    return (
        "Your subscription to the topic below has been deactivated:\n"
        f"{document['TopicArn']}\n\nIf this was in error, click or visit the link below to resubscribe:\n{document['SubscribeURL']}\n"
    )


# Dead letters.


async def _bury(node: Node, delivery: Delivery) -> Outcome:
    """A notification that could not be delivered goes to the subscription's queue as the subscriber would have got it."""
    dead = delivery.payload
    found = await _subscriber(node, delivery.target)
    if found is None or dead["kind"] != NOTIFY:
        return Done()
    topic, subscriber = found
    queue = subscriber.dead_letter
    if not queue:
        return Done()
    try:
        sent = await encryption.message_of(node, topic, subscriber.subscription.protocol, dead["payload"]["message"])
    except KeyRefused as refusal:
        return Retry(refusal.message, code=f"KMS{refusal.kind}")
    if queue.endswith(names.FIFO) and not sent.group:
        sent.group, sent.deduplication = sent.id, sent.id
    try:
        await _to_queue(node, topic, subscriber.subscription, queue, sent, delivery.trace)
    except Failed as failure:
        metrics.count(node, topic.arn, "NumberOfNotificationsFailedToRedriveToDlq", 1)
        log.warning("The dead letter of %s cannot be put into %s: %s", delivery.target, queue, failure.reason)
        return Retry(failure.reason, code=failure.code) if failure.passing else Dead(failure.reason, failure.code)
    metrics.count(node, topic.arn, "NumberOfNotificationsRedrivenToDlq", 1)
    return Done()
