"""A message as its subscribers get it.  AWS: https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html"""

from __future__ import annotations

import base64
from typing import Any

from tule.platform.node import Node
from tule.services.sns import envelope
from tule.services.sns.message import Message
from tule.services.sns.signing import Signer
from tule.services.sns.state.subscriptions import Subscription
from tule.services.sns.state.topics import Topic

_LOOPBACK = ("http://127.", "http://localhost", "http://[::1]", "https://127.", "https://localhost")


def parameters(topic: Topic, subscription: Subscription, sent: Message, signer: Signer, base: str, trace: str | None = None) -> dict[str, Any]:
    """Of SendMessage, but for the queue's URL and its deduplication."""
    found: dict[str, Any] = {"MessageBody": body(topic, subscription, sent, signer, base)}
    if subscription.is_raw and sent.attributes:
        found["MessageAttributes"] = attributes(sent)
    if sent.group:
        found["MessageGroupId"] = sent.group
    if trace:
        found["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    return found


def body(topic: Topic, subscription: Subscription, sent: Message, signer: Signer, base: str) -> str:
    """What queues and HTTP endpoints get: the text itself, or the notification around it."""
    return sent.text if subscription.is_raw else envelope.pretty(document(topic, subscription, sent, signer, base))


def document(topic: Topic, subscription: Subscription, sent: Message, signer: Signer, base: str) -> envelope.Document:
    """Functions get version 1, whatever the topic says; messages of FIFO topics are not signed."""
    if subscription.protocol == "lambda":
        return envelope.notification(sent, subscription, signer, "1", base)
    return envelope.notification(sent, subscription, None if topic.is_fifo else signer, topic.attributes.get("SignatureVersion", "1"), base)


def attributes(sent: Message) -> dict[str, Any]:
    return {
        name: {**attribute, "BinaryValue": base64.b64decode(attribute["BinaryValue"])} if "BinaryValue" in attribute else attribute
        for name, attribute in sent.attributes.items()
    }


def base_url(node: Node, subscription: Subscription) -> str:
    """Where the receiver reaches SNS: a function by AWS's name, others as the subscriber did, or by the node's own address.

    Who subscribed from inside a function knows the node by AWS's name, which outside leads elsewhere.
    """
    if subscription.protocol == "lambda":
        return f"https://sns.{subscription.region}.amazonaws.com"
    if subscription.base and not subscription.base.startswith(_LOOPBACK) and ".amazonaws.com" not in subscription.base:
        return subscription.base
    config = node.config
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::", "") else config.host
    return f"{'https' if config.tls_certificate else 'http'}://{host}:{config.port}"
